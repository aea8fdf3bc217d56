"""The wrong ways to write the plain parts of the string to sign: method, path, access token, client id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from kki.diagnosis.choices import Choice, distinct, shortened, wrong
from kki.model.http import Request
from kki.snap.tokens import bearer_lenient

# What programs write where a variable holds nothing, and what templates leave where nothing was filled in.
_PLACEHOLDERS = (
    "undefined", "null", "None", "nil", "[object Object]", "[object Promise]", "{accessToken}", "accessToken",
)  # fmt: skip
_COLUMNS = (32, 50, 64, 100, 128, 191, 200, 250, 255, 256, 500, 512, 1000, 1024)  # usual widths of a database column
_VERSION = re.compile(r"/v([0-9]+)(?:\.[0-9]+)?(?=/)")
_DOKU_HOSTS = ("api-sandbox.doku.com", "api.doku.com")  # overview page: sandbox and production
_PREFIXES = ("/api", "/snap", "/v1.0", "...", ".../", "..", "/index.php", "/public")  # ".../" is how the page prints it


@dataclass(frozen=True, slots=True, repr=False)
class Material:
    """What the search may draw on besides the request. Anything may be missing. `repr` shows none of it."""

    request: Request
    client_secret: str = ""
    client_id: str = ""
    shared_key: str = ""
    public_key: str = ""
    customer_token: str = ""
    earlier_tokens: Sequence[str] = ()
    earlier_requests: Sequence[Request] = ()
    private_keys: Sequence[str] = ()  # PEM: did one of them make what the public key does not verify?
    origin: str = ""
    paths: Sequence[str] = ()
    body_form: str = "minified"  # reading body-canonical-form
    encoding: str = "base64"  # reading signature-encoding
    references: Sequence[str] = ()  # "env:NAME" and the like, as the settings name the client secret

    def header(self, name: str) -> str:
        return self.request.headers.get(name) or ""

    @property
    def token(self) -> str:
        """The B2B token that was sent, without its scheme."""
        return bearer_lenient(self.header("Authorization"))

    @property
    def timestamp(self) -> str:
        return self.header("X-TIMESTAMP")

    @property
    def signed_client_id(self) -> str:
        """X-CLIENT-KEY, as the signature of a token request has it."""
        return self.header("X-CLIENT-KEY")

    @property
    def client_ids(self) -> tuple[str, ...]:
        known = (self.client_id, self.header("X-PARTNER-ID"), self.header("X-CLIENT-KEY"))
        return tuple(dict.fromkeys(name for name in known if name))


def methods(request: Request) -> tuple[Choice[str], ...]:
    sent = request.method
    others = [wrong("method-lower-case", sent.lower()), wrong("method-capitalised", sent.capitalize())]
    others += [wrong("method-other", verb, verb) for verb in ("GET", "POST", "PUT")]
    return distinct(Choice(sent), [*others, wrong("method-empty", "")])


def targets(material: Material) -> tuple[Choice[str], ...]:
    target = material.request.target
    return distinct(Choice(target), [*_with_host(material), *_near(target), *_other_paths(target, material.paths)])


def _with_host(material: Material) -> Iterator[Choice[str]]:
    target = material.request.target
    hosts = [_host(material.origin), _host(material.request.origin), material.header("Host"), *_DOKU_HOSTS]
    for place, host in enumerate(dict.fromkeys(host for host in hosts if host)):
        for scheme in ("https://", "http://"):
            yield wrong("full-url", f"{scheme}{host}{target}", paired=place < 2)
            yield wrong("full-url", f"{scheme}{host}/{target}", paired=False)  # a base URL that ends in "/"
        yield wrong("host-and-path", f"{host}{target}", paired=place < 2)


def _host(origin: str) -> str:
    return origin.partition("://")[2].rstrip("/") if "://" in origin else origin


def _near(target: str) -> Iterator[Choice[str]]:
    path, mark, query = target.partition("?")
    rest = mark + query
    yield wrong("no-leading-slash", target.removeprefix("/"))
    yield wrong("trailing-slash", f"{path}/{rest}")
    yield wrong("no-trailing-slash", path.rstrip("/") + rest)
    yield wrong("double-slash", f"/{target}")
    yield wrong("query-left-out", path)
    yield wrong("path-empty", "")
    yield wrong("path-lower-case", target.lower())
    yield wrong("path-percent-encoded", quote(target, safe=""))
    yield wrong("path-percent-encoded", quote(target, safe="/"))
    yield wrong("path-percent-encoded", quote(target, safe="").lower())
    yield wrong("path-percent-decoded", unquote(target))
    for version in ("/v1", "/v1.0", "/v2", "/v2.0", "/v1.1", "/1.0", ""):
        other = _VERSION.sub(version, target, count=1)
        yield wrong("other-version-path", other, other)
    yield from _shorter(path, rest)
    for prefix in _PREFIXES:
        yield wrong("path-with-prefix", prefix + target, prefix)


def _shorter(path: str, rest: str) -> Iterator[Choice[str]]:
    """Without one or more first segments: /debit/refund; and as the national standard writes it, /v1.0/debit/refund."""
    segments = path.split("/")[1:]
    for start in range(1, len(segments)):
        tail = "/" + "/".join(segments[start:]) + rest
        yield wrong("path-without-prefix", tail, tail)
        yield wrong("path-without-prefix", "/v1.0" + tail, "/v1.0" + tail, paired=False)


def _other_paths(target: str, paths: Iterable[str]) -> Iterator[Choice[str]]:
    for path in paths:
        if _bare(path) != _bare(target):  # or it is this operation's, and something else is wrong with it
            yield wrong("other-operation-path", path, path)


def _bare(path: str) -> str:
    return path.partition("?")[0].strip("/").lower()


def tokens(material: Material) -> tuple[Choice[str], ...]:
    sent = material.token
    others = [*_whole_headers(material, sent), *_other_tokens(material), *_changed(sent), *_stand_ins(material)]
    return tuple(_hidden(choice, sent) for choice in distinct(Choice(sent), others))


def _whole_headers(material: Material, sent: str) -> Iterator[Choice[str]]:
    for value in (material.header("Authorization"), f"Bearer {sent}", f"bearer {sent}", f"Bearer{sent}"):
        yield wrong("bearer-kept", value)


def _other_tokens(material: Material) -> Iterator[Choice[str]]:
    header = material.header("Authorization-customer")
    for customer in dict.fromkeys((bearer_lenient(header), material.customer_token)):
        if customer:
            yield wrong("customer-token", customer)
            yield wrong("customer-token", f"Bearer {customer}")
    for earlier in dict.fromkeys(token for token in material.earlier_tokens if token):
        yield wrong("earlier-token", earlier)
        yield wrong("earlier-token", f"Bearer {earlier}", paired=False)


def _changed(sent: str) -> Iterator[Choice[str]]:
    yield wrong("token-lower-case", sent.lower())
    yield wrong("token-upper-case", sent.upper())
    for length in _COLUMNS:
        yield wrong("token-cut-short", sent[:length], str(length), paired=length in (255, 256))
    for end in ("\n", "\r\n", " "):
        yield wrong("token-with-line-end", sent + end)
    yield wrong("token-with-blank", f" {sent}")
    yield wrong("token-quoted", f'"{sent}"')


def _stand_ins(material: Material) -> Iterator[Choice[str]]:
    yield wrong("no-token", "")
    for text in _PLACEHOLDERS:
        yield wrong("token-placeholder", text, text, shown=text, paired=False)
    for client_id in material.client_ids:
        yield wrong("client-id-for-token", client_id, shown=client_id)
    if material.client_secret:
        yield wrong("secret-for-token", material.client_secret, shown="‹client secret›")


def _hidden(choice: Choice[str], sent: str) -> Choice[str]:
    """With a text that shows no more than four characters of a token, and still shows that it is another one."""
    if choice.shown is not None:
        return choice
    scheme, blank, rest = choice.value.partition(" ")
    bearer = scheme.lower() == "bearer" and rest
    shown = f"{scheme}{blank}{shortened(rest)}" if bearer else shortened(choice.value)
    if choice.deviation is not None and shown == shortened(sent):
        shown += f"({choice.deviation.name})"
    return Choice(choice.value, choice.deviation, shown, choice.paired)


def client_ids(material: Material) -> tuple[Choice[str], ...]:
    """For the signature of a token request: what stood in the client id's place."""
    sent = material.signed_client_id
    others = [wrong("client-id-other", name) for name in material.client_ids]
    others += [wrong("client-id-lower-case", sent.lower()), wrong("client-id-upper-case", sent.upper())]
    others += [wrong("client-id-with-blanks", value) for value in (f"{sent} ", f" {sent}", f"{sent}\n", f"{sent}\r\n")]
    others.append(wrong("client-id-empty", ""))
    if material.client_secret:
        others.append(wrong("secret-for-client-id", material.client_secret, shown="‹client secret›"))
    return distinct(Choice(sent), others)
