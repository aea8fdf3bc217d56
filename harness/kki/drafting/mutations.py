"""Named spoilings. Each breaks exactly one thing, before signing (then the signature is right) or after it.

`breaks` names the client rows that a request so spoiled breaks, `tries` the server rows it puts to the test;
harmless ones break none. Ids are strings on purpose: nothing here judges.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import urlencode

from kki.drafting.drafts import Draft, token_of
from kki.model.http import Request
from kki.snap import signature, timestamps
from kki.snap.canonical import Malformed

SYMMETRIC = ("payment", "bind", "unbind", "refund")
TOKENS = ("b2b", "b2b2c")
EVERY = SYMMETRIC + TOKENS


class Stage(Enum):
    BEFORE_SIGNING = "before signing"
    AT_SIGNING = "at signing"
    AFTER_SIGNING = "after signing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    name: str
    stage: Stage
    apply: Callable[[Draft], Draft]
    breaks: frozenset[str] = frozenset()
    tries: frozenset[str] = frozenset()
    operations: tuple[str, ...] = SYMMETRIC

    def __call__(self, draft: Draft) -> Draft:
        done = self.apply(draft)
        return replace(done, mutations=(*done.mutations, self.name))


def _ids(area_numbers: str) -> frozenset[str]:
    return frozenset(f"KKI-{part}" for part in area_numbers.split())


def _m(
    stage: Stage,
    name: str,
    apply: Callable[[Draft], Draft],
    breaks: str = "",
    tries: str = "",
    operations: tuple[str, ...] = SYMMETRIC,
) -> Mutation:
    return Mutation(name=name, stage=stage, apply=apply, breaks=_ids(breaks), tries=_ids(tries), operations=operations)


def before(
    name: str,
    apply: Callable[[Draft], Draft],
    breaks: str = "",
    tries: str = "",
    operations: tuple[str, ...] = SYMMETRIC,
) -> Mutation:
    return _m(Stage.BEFORE_SIGNING, name, apply, breaks, tries, operations)


def signing(name: str, breaks: str, tries: str, operations: tuple[str, ...] = SYMMETRIC, **plan: object) -> Mutation:
    return _m(Stage.AT_SIGNING, name, lambda d: d.planned(**plan), breaks, tries, operations)


def after(
    name: str,
    change: Callable[[Request], Request],
    breaks: str = "",
    tries: str = "",
    operations: tuple[str, ...] = SYMMETRIC,
    exact: bool = False,
) -> Mutation:
    return _m(Stage.AFTER_SIGNING, name, lambda d: d.then(change, exact=exact), breaks, tries, operations)


# --- changes to a finished request --------------------------------------------------------------


def on_signature(change: Callable[[str], str]) -> Callable[[Request], Request]:
    return lambda request: request.with_header("X-SIGNATURE", change(request.headers.get("X-SIGNATURE") or ""))


def _another(letter: str) -> str:
    """Another one, not the same in another case: that is a mutation of its own."""
    return "B" if letter in ("A", "a") else "A"


def _other_first(text: str) -> str:
    return _another(text[:1]) + text[1:]


def _other_middle(text: str) -> str:
    at = len(text) // 2
    return text[:at] + _another(text[at : at + 1]) + text[at + 1 :]


def _swap_case_once(text: str) -> str:
    at = next((i for i, c in enumerate(text) if c.isalpha()), 0)
    return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]


def _later(request: Request) -> Request:
    seen = timestamps.parse(request.headers.get("X-TIMESTAMP") or "")
    if isinstance(seen, Malformed):
        return request
    return request.with_header("X-TIMESTAMP", timestamps.format_offset(seen.moment + timedelta(minutes=1)))


def _url_safe(text: str) -> str:
    """In the other alphabet of Base64; without padding where that alone changes nothing: chance has no say."""
    other = text.translate(str.maketrans("+/", "-_"))
    return other if other != text else text.rstrip("=")


def _body(change: Callable[[bytes], bytes]) -> Callable[[Request], Request]:
    return lambda request: replace(request, body=change(request.body))


def _added_member(body: bytes) -> bytes:
    return body[:-1] + b',"note":"added"}'


def _changed_value(body: bytes) -> bytes:
    """One character inside the last string of the body, so that only the signature can tell."""
    at = body.rfind(b'"')
    at = at - 1 if body[at - 1 : at] not in (b'"', b"\\") else at
    old = body[at : at + 1]
    new = b"7" if old != b"7" else b"8"
    return body[:at] + new + body[at + 1 :]


def _reordered(body: bytes) -> bytes:
    pairs = list(json.loads(body).items())
    return json.dumps(dict(reversed(pairs)), separators=(",", ":"), ensure_ascii=False).encode()


def _jwt_altered(token: str) -> str:
    """The payload's JSON with another expiry, header and signature as they were; any other token: last character."""
    parts = token.split(".")
    if len(parts) != 3:
        return _other_middle(token)
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        payload["exp"] = int(payload.get("exp", 0)) + 86400
    except (ValueError, TypeError, AttributeError):
        return _other_middle(token)
    text = base64.urlsafe_b64encode(json.dumps(payload, separators=(",", ":")).encode()).decode().rstrip("=")
    return f"{parts[0]}.{text}.{parts[2]}"


def _token(change: Callable[[str], str]) -> Callable[[Draft], Draft]:
    return lambda d: d.with_header("Authorization", "Bearer " + change(token_of(d.request)))


def unsigned_token(draft: Draft) -> Draft:
    """The B2B token's own claims under `alg: none`: what a careless JWT library accepts."""
    parts = token_of(draft.request).split(".")
    claims = (
        parts[1]
        if len(parts) == 3
        else base64.urlsafe_b64encode(b'{"exp":4102444800,"iss":"DOKU"}').decode().rstrip("=")
    )
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    return draft.with_header("Authorization", f"Bearer {header}.{claims}.")


def moved(seconds: float) -> Callable[[Draft], Draft]:
    """X-TIMESTAMP so many seconds later, in the form it had."""

    def apply(draft: Draft) -> Draft:
        old = timestamps.parse(draft.request.headers.get("X-TIMESTAMP") or "")
        if isinstance(old, Malformed):
            return draft
        return draft.with_header("X-TIMESTAMP", timestamps.format_offset(old.moment + timedelta(seconds=seconds)))

    return apply


def moment_of(draft: Draft) -> datetime | None:
    old = timestamps.parse(draft.request.headers.get("X-TIMESTAMP") or "")
    return None if isinstance(old, Malformed) else old.moment


def rewritten(form: Callable[[datetime], str]) -> Callable[[Draft], Draft]:
    """X-TIMESTAMP of the same moment, written another way."""

    def apply(draft: Draft) -> Draft:
        moment = moment_of(draft)
        return draft if moment is None else draft.with_header("X-TIMESTAMP", form(moment))

    return apply


def _respaced(draft: Draft) -> Draft:
    """Pretty-printed on the wire, signed over the minified form."""
    pretty = json.dumps(draft.json, indent=2, ensure_ascii=False).encode()
    return draft.with_body(pretty)


def _header(name: str, value: str) -> Callable[[Draft], Draft]:
    return lambda d: d.with_header(name, value)


def _lacking(name: str) -> Callable[[Draft], Draft]:
    return lambda d: d.without_header(name)


def twice(name: str, value: Callable[[str], str]) -> Callable[[Request], Request]:
    def change(request: Request) -> Request:
        old = request.headers.get(name) or ""
        return replace(request, headers=request.headers.adding(name, value(old)))

    return change


# --- the catalogue ------------------------------------------------------------------------------

_SIG = "SIG-010"
_LENGTH = "SIG-010 SIG-020"  # not of 88 characters, so not the Base64 of 64 octets either
_R = "RSN-110"

SIGNATURE: tuple[Mutation, ...] = (
    signing("signed with another secret", _SIG, f"SIG-110 {_R}", secret="another-secret-than-the-partner's"),
    after("signature of rubbish", on_signature(lambda _: "AAAA"), _LENGTH, f"SIG-110 {_R}"),
    after("signature's first character changed", on_signature(_other_first), _SIG, f"SIG-110 {_R}"),
    after("signature's middle character changed", on_signature(_other_middle), _SIG, f"SIG-110 {_R}"),
    after("signature cut after 43 characters", on_signature(lambda s: s[:43]), _LENGTH, f"SIG-120 {_R}"),
    after("signature cut after 10 characters", on_signature(lambda s: s[:10]), _LENGTH, f"SIG-120 {_R}"),
    after("signature lengthened", on_signature(lambda s: s + "AAAA"), _LENGTH, f"SIG-120 {_R}"),
    after("signature in lower case", on_signature(str.lower), _SIG, f"SIG-130 {_R}"),
    after("one letter of the signature in other case", on_signature(_swap_case_once), _SIG, f"SIG-130 {_R}"),
    after("signature in URL-safe Base64", on_signature(_url_safe), "SIG-020", "SIG-140"),
    after("signature without its padding", on_signature(lambda s: s.rstrip("=")), "SIG-020", "SIG-140"),
    signing("signature in hexadecimal", "SIG-020", "SIG-140", encode=bytes.hex),
    signing("signature by SHA-256", _LENGTH, f"SIG-150 {_R}", hash_name="sha256"),
    signing("signature by SHA-384", _LENGTH, f"SIG-150 {_R}", hash_name="sha384"),
    signing(
        "plain SHA-512 of string and secret",
        _SIG,
        f"SIG-110 {_R}",
        encode=lambda mac: signature.encoded(hashlib.sha512(mac).digest()),
    ),
    after("body value changed after signing", _body(_changed_value), _SIG, f"SIG-110 {_R}"),
    after("member added after signing", _body(_added_member), _SIG, f"SIG-110 {_R}"),
    signing("signed for another method", _SIG, f"SIG-110 {_R}", method="GET"),
    signing("signed for another path", _SIG, f"SIG-110 {_R}", target="/direct-debit/core/v1/debit/status"),
    signing("signed without the token", _SIG, f"SIG-110 {_R}", token=""),
    after("X-TIMESTAMP a minute later than signed", _later, _SIG, f"SIG-110 {_R}"),
    signing("signed over an empty body", _SIG, f"SIG-110 {_R}", body=b""),
)
SIGNATURE_ORDER = after(
    "members reordered after signing", _body(_reordered), _SIG, f"SIG-110 {_R}", ("payment", "bind", "refund")
)

HARMLESS: tuple[Mutation, ...] = (
    before("pretty-printed body, signed minified", _respaced, "", "SIG-160"),
    before(
        "members in another order",
        lambda d: d.with_body(_reordered(d.request.body)),
        "",
        "SIG-170",
        ("payment", "bind", "refund"),
    ),
    before(
        "an extra member",
        lambda d: d.having(additionalInfo={"origin": {"source": "kki"}, "list": [1, None]}),
        "",
        "FLD-130",
    ),
    before(
        "non-ASCII text in an extra member",
        lambda d: d.having(note="Pengembalian <dana> & café/50% 日本 𝄞"),
        "",
        "SIG-170 FLD-130",
    ),
    before(
        "escapes in an extra member",
        lambda d: d.with_body(d.request.body[:-1] + b',"note":"caf\\u00e9 \\/ \\u003cb\\u003e"}'),
        "",
        "SIG-170 FLD-130",
    ),
)

_T1 = "RSN-120"
TOKEN: tuple[Mutation, ...] = (
    before("B2B token of rubbish", _token(lambda _: "not-a-token"), "TOK-040", f"TOK-140 {_T1}"),
    before("B2B token altered", _token(_jwt_altered), "TOK-040", f"TOK-144 {_T1}"),
    before("B2B token's signature cut", _token(lambda t: t[:-20]), "TOK-040", f"TOK-144 {_T1}"),
    before(
        "B2B token under Basic",
        lambda d: d.with_header("Authorization", "Basic " + token_of(d.request)),
        "HDR-052 TOK-040",
        f"HDR-152 {_T1}",
    ),
)

_ABSENT = "RSN-140"
HEADERS: tuple[Mutation, ...] = (
    before("no X-TIMESTAMP", _lacking("X-TIMESTAMP"), "HDR-010", f"HDR-110 {_ABSENT}"),
    after("no X-SIGNATURE", lambda r: r.without_header("X-SIGNATURE"), "HDR-020", f"HDR-120 {_R}"),
    after("empty X-SIGNATURE", lambda r: r.with_header("X-SIGNATURE", ""), "HDR-020", f"HDR-120 {_R}"),
    before("no X-PARTNER-ID", _lacking("X-PARTNER-ID"), "HDR-022", f"HDR-122 {_ABSENT}"),
    before("no X-EXTERNAL-ID", _lacking("X-EXTERNAL-ID"), "HDR-030", f"HDR-130 {_ABSENT}"),
    before("no Authorization", _lacking("Authorization"), "HDR-050", f"HDR-150 {_T1}"),
    before("unknown X-PARTNER-ID", _header("X-PARTNER-ID", "BRN-9999-0000000000009"), "HDR-026", "HDR-126 RSN-240"),
    before("X-TIMESTAMP two days old", moved(-2 * 86400), "HDR-018", "HDR-118 RSN-250"),
    before("X-TIMESTAMP two days ahead", moved(2 * 86400), "HDR-018", "HDR-118 RSN-250"),
    before(
        "X-TIMESTAMP of month 13",
        rewritten(lambda m: f"{m:%Y}-13{m:-%dT%H:%M:%S}+07:00"),
        "HDR-016",
        "HDR-116 RSN-150",
    ),
    before(
        "X-TIMESTAMP of hour 25",
        rewritten(lambda m: f"{m:%Y-%m-%d}T25{m::%M:%S}+07:00"),
        "HDR-016",
        "HDR-116 RSN-150",
    ),
    before(
        "X-TIMESTAMP with offset +99:99",
        rewritten(lambda m: f"{m:%Y-%m-%dT%H:%M:%S}+99:99"),
        "HDR-016",
        "HDR-116 RSN-150",
    ),
)
TIMESTAMP_FORMS = (
    ("X-TIMESTAMP without zone", lambda m: f"{m:%Y-%m-%dT%H:%M:%S}"),
    ("X-TIMESTAMP with a blank", lambda m: f"{m:%Y-%m-%d %H:%M:%S}+07:00"),
    ("X-TIMESTAMP as a date alone", lambda m: f"{m:%Y-%m-%d}"),
    ("X-TIMESTAMP as epoch seconds", lambda m: str(int(m.timestamp()))),
    ("X-TIMESTAMP of words", lambda _: "yesterday"),
)
HEADERS += tuple(
    before(name, rewritten(form), "HDR-012", "HDR-112 RSN-150", ("payment", "refund")) for name, form in TIMESTAMP_FORMS
) + tuple(
    before(f"{name} (binding, unbinding)", rewritten(form), "HDR-014", "HDR-114 RSN-150", ("bind", "unbind"))
    for name, form in (*TIMESTAMP_FORMS, ("X-TIMESTAMP with milliseconds and Z", timestamps.format_zulu_ms))
)
HEADERS += (
    before(
        "X-TIMESTAMP with milliseconds and Z, as the page's example",
        rewritten(timestamps.format_zulu_ms),
        "",
        "",
        ("payment", "refund"),
    ),
    before(
        "no Authorization-customer",
        _lacking("Authorization-customer"),
        "HDR-060",
        "HDR-160 RSN-130",
        ("payment", "refund"),
    ),
    before(
        "empty Authorization-customer",
        _header("Authorization-customer", ""),
        "HDR-062 TOK-050",
        "RSN-130",
        ("payment", "refund"),
    ),
    before(
        "letters in X-EXTERNAL-ID",
        lambda d: d.with_header("X-EXTERNAL-ID", "EXT" + (d.request.headers.get("X-EXTERNAL-ID") or "")),
        "HDR-032",
        "HDR-132 RSN-150",
        ("payment", "refund"),
    ),
    before(
        "letters and hyphens in X-EXTERNAL-ID",
        lambda d: d.with_header("X-EXTERNAL-ID", "ext-" + (d.request.headers.get("X-EXTERNAL-ID") or "")),
        "",
        "",
        ("bind", "unbind"),
    ),
    before(
        "X-EXTERNAL-ID of 37 characters",
        lambda d: d.with_header("X-EXTERNAL-ID", (d.request.headers.get("X-EXTERNAL-ID") or "").rjust(37, "9")),
        "HDR-034",
        "HDR-134 RSN-150",
        ("bind", "unbind"),
    ),
    before(
        "X-EXTERNAL-ID of 37 digits",
        lambda d: d.with_header("X-EXTERNAL-ID", (d.request.headers.get("X-EXTERNAL-ID") or "").rjust(37, "9")),
        "HDR-036",
        "HDR-136",
        ("payment", "refund"),
    ),
    before(
        "X-PARTNER-ID of 33 characters",
        _header("X-PARTNER-ID", "P" * 33),
        "HDR-024 HDR-026",
        "HDR-124",
        ("bind", "unbind"),
    ),
    before("no X-IP-ADDRESS", _lacking("X-IP-ADDRESS"), "HDR-070", f"HDR-170 {_ABSENT}", ("refund",)),
    before(
        "X-IP-ADDRESS of 9 characters", _header("X-IP-ADDRESS", "10.1.1.10"), "HDR-072", "HDR-172 RSN-150", ("refund",)
    ),
    before(
        "X-IP-ADDRESS of 16 characters",
        _header("X-IP-ADDRESS", "2001:db8:0:1::10"),
        "HDR-072",
        "HDR-172 RSN-150",
        ("refund",),
    ),
    before("X-IP-ADDRESS of 10 characters", _header("X-IP-ADDRESS", "10.1.1.100"), "", "", ("refund",)),
    before("X-IP-ADDRESS of 15 characters", _header("X-IP-ADDRESS", "192.168.100.100"), "", "", ("refund",)),
    before("X-IP-ADDRESS that is none", _header("X-IP-ADDRESS", "not-an-address"), "HDR-074", "HDR-174", ("refund",)),
    before(
        "CHANNEL-ID of another value", _header("CHANNEL-ID", "XX"), "HDR-080", "HDR-180 RSN-150", ("bind", "unbind")
    ),
    before("CHANNEL-ID in lower case", _header("CHANNEL-ID", "dh"), "HDR-080", "HDR-180 RSN-150", ("bind", "unbind")),
    before("no CHANNEL-ID", _lacking("CHANNEL-ID"), "", "", ("unbind",)),
    before(
        "Content-Type of a form", _header("Content-Type", "application/x-www-form-urlencoded"), "HDR-090", "HDR-190"
    ),
    before("Content-Type of text", _header("Content-Type", "text/plain"), "HDR-090", "HDR-190"),
    before("Content-Type with a charset", _header("Content-Type", "application/json; charset=utf-8"), "", ""),
    after(
        "X-SIGNATURE twice, the right one first",
        twice("X-SIGNATURE", lambda _: "AAAA"),
        "HDR-092",
        "HDR-192",
        exact=True,
    ),
    after(
        "X-PARTNER-ID twice",
        twice("X-PARTNER-ID", lambda _: "BRN-9999-0000000000009"),
        "HDR-092",
        "HDR-192",
        exact=True,
    ),
)

_TR = "RSN-220"
TOKEN_ENDPOINTS: tuple[Mutation, ...] = (
    before("no X-CLIENT-KEY", _lacking("X-CLIENT-KEY"), "TOK-010", "TOK-110", TOKENS),
    before("token request without X-TIMESTAMP", _lacking("X-TIMESTAMP"), "TOK-012", "TOK-112", TOKENS),
    after("token request without X-SIGNATURE", lambda r: r.without_header("X-SIGNATURE"), "TOK-014", "TOK-114", TOKENS),
    after(
        "token request with an empty X-SIGNATURE",
        lambda r: r.with_header("X-SIGNATURE", ""),
        "TOK-014",
        "TOK-114",
        TOKENS,
    ),
    after(
        "RSA signature of rubbish",
        on_signature(lambda _: base64.b64encode(b"x" * 256).decode()),
        "TOK-016",
        f"TOK-116 {_TR}",
        TOKENS,
    ),
    after("RSA signature's middle character changed", on_signature(_other_middle), "TOK-016", f"TOK-116 {_TR}", TOKENS),
    signing(
        "RSA signature for another time", "TOK-016", f"TOK-116 {_TR}", TOKENS, timestamp="2020-12-21T07:56:11+07:00"
    ),
    signing(
        "RSA signature for another client", "TOK-016", f"TOK-116 {_TR}", TOKENS, client_id="BRN-9999-0000000000009"
    ),
    before(
        "unknown X-CLIENT-KEY", _header("X-CLIENT-KEY", "BRN-9999-0000000000009"), "TOK-020", f"TOK-120 {_TR}", TOKENS
    ),
    before("token request two days old", moved(-2 * 86400), "TOK-024", "TOK-124", TOKENS),
    before(
        "token request with X-TIMESTAMP of words", _header("X-TIMESTAMP", "yesterday"), "TOK-022", "TOK-122", TOKENS
    ),
    before("no grantType", lambda d: d.lacking("grantType"), "TOK-018", "TOK-118", ("b2b",)),
    before("another grantType", lambda d: d.having(grantType="password"), "TOK-018", "TOK-118", ("b2b",)),
    before("grantType in capitals", lambda d: d.having(grantType="CLIENT_CREDENTIALS"), "TOK-018", "", ("b2b",)),
    before("no grantType for a customer token", lambda d: d.lacking("grantType"), "TOK-030", "TOK-130", ("b2b2c",)),
    before(
        "another grantType for a customer token",
        lambda d: d.having(grantType="password"),
        "TOK-030",
        "TOK-130",
        ("b2b2c",),
    ),
    before("no authCode", lambda d: d.with_json({"grantType": "authorization_code"}), "TOK-032", "TOK-132", ("b2b2c",)),
    before("no refreshToken", lambda d: d.with_json({"grantType": "refresh_token"}), "TOK-032", "TOK-132", ("b2b2c",)),
    before(
        "unknown authCode",
        lambda d: d.with_json({"grantType": "authorization_code", "authCode": "auth-9999-unknown"}),
        "TOK-034",
        "TOK-134",
        ("b2b2c",),
    ),
    before(
        "unknown refreshToken",
        lambda d: d.with_json({"grantType": "refresh_token", "refreshToken": "refresh-unknown"}),
        "TOK-034",
        "TOK-134",
        ("b2b2c",),
    ),
    before(
        "authCode of 257 characters",
        lambda d: d.with_json({"grantType": "authorization_code", "authCode": "a" * 257}),
        "TOK-036 TOK-034",
        "TOK-136",
        ("b2b2c",),
    ),
)


def _nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def _as_form(draft: Draft) -> Draft:
    body = urlencode({name: str(value) for name, value in draft.json.items()}).encode()
    return draft.with_body(body).with_header("Content-Type", "application/x-www-form-urlencoded")


ROBUSTNESS: tuple[Mutation, ...] = (
    before(
        "body that is not JSON", lambda d: d.with_body(b"partnerReferenceNo=INV-0001"), "FLD-060", "ROB-210 RSN-160"
    ),
    before(
        "body cut half-way",
        lambda d: d.with_body(d.request.body[: len(d.request.body) // 2]),
        "FLD-060",
        "ROB-210 RSN-160",
    ),
    before(
        "comma before the last brace", lambda d: d.with_body(d.request.body[:-1] + b",}"), "FLD-060", "ROB-210 RSN-160"
    ),
    before("form in place of JSON", _as_form, "FLD-060 HDR-090", ""),
    before("empty body", lambda d: d.with_body(b""), "FLD-060", "ROB-210 RSN-160"),
    before("body that is an array", lambda d: d.with_body(b"[" + d.request.body + b"]"), "FLD-020", "FLD-120"),
    before("body that is a string", lambda d: d.with_body(b'"text"'), "FLD-020", "FLD-120"),
    before("body that is null", lambda d: d.with_body(b"null"), "FLD-020", "FLD-120"),
    before(
        "repeated member",
        lambda d: d.with_body(d.request.body[:-1] + b',"partnerReferenceNo":"OTHER"}'),
        "FLD-050",
        "ROB-220",
        ("payment", "bind"),
    ),
    before(
        "nested 1,000 deep", lambda d: d.with_body(d.request.body[:-1] + b',"x":' + _nested(1000) + b"}"), "", "ROB-230"
    ),
    before(
        "nested 100,000 deep",
        lambda d: d.with_body(d.request.body[:-1] + b',"x":' + _nested(100_000) + b"}"),
        "",
        "ROB-230",
    ),
    before(
        "1 MiB of text",
        lambda d: d.with_body(d.request.body[:-1] + b',"x":"' + b"a" * 1_048_576 + b'"}'),
        "",
        "ROB-240",
    ),
    before(
        "invalid UTF-8", lambda d: d.with_body(d.request.body[:-1] + b',"x":"\xff\xfe"}'), "FLD-060", "ROB-250 RSN-160"
    ),
    before("lone surrogate escape", lambda d: d.with_body(d.request.body[:-1] + b',"x":"\\ud800"}'), "", ""),
    before("NUL escape", lambda d: d.with_body(d.request.body[:-1] + b',"x":"\\u0000"}'), "", ""),
    before(
        "very large numbers",
        lambda d: d.with_body(d.request.body[:-1] + b',"x":1e999999,"y":' + b"9" * 400 + b"}"),
        "",
        "ROB-260",
    ),
    before("a header of 8,000 characters", _header("X-EXTRA", "a" * 8000), "", "ROB-270"),
    before("a header of 60,000 characters", _header("X-EXTRA", "a" * 60_000), "", "ROB-270"),
)


def _method(name: str) -> Callable[[Draft], Draft]:
    return lambda d: replace(d, request=replace(d.request, method=name))


def _target(change: Callable[[str], str]) -> Callable[[Draft], Draft]:
    return lambda d: replace(d, request=replace(d.request, target=change(d.request.target)))


ROUTES: tuple[Mutation, ...] = (
    *(
        before(f"method {name}", _method(name), "ROB-180", "ROB-280", EVERY)
        for name in ("GET", "PUT", "DELETE", "PATCH")
    ),
    before("path with a trailing segment", _target(lambda t: t + "/x"), "", "ROB-290", EVERY),
    before("unknown path", _target(lambda _: "/direct-debit/core/v1/no-such-operation"), "", "ROB-290", EVERY),
)

ALL: tuple[Mutation, ...] = (
    *SIGNATURE,
    SIGNATURE_ORDER,
    *HARMLESS,
    *TOKEN,
    *HEADERS,
    *TOKEN_ENDPOINTS,
    *ROBUSTNESS,
    *ROUTES,
)


def mutation(name: str) -> Mutation:
    """The mutation of this name. KeyError for an unknown one."""
    return BY_NAME[name]


BY_NAME = {each.name: each for each in ALL}
