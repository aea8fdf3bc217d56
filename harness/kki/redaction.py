"""The one place where secrets stop: nothing leaves memory for a file, a terminal or a report but through here.

Two nets, one behind the other. Known values (from the profile, or learned from the traffic on the way) are found
wherever they stand: in any case, percent-encoded, JSON- or HTML-escaped, in Base64 or hexadecimal, in any bytes.
Unknown values are recognised by their place (a header, a member name at any depth) or their form (a JWT, a PEM
block, a card number, a signature). Each becomes a pseudonym, `‹bearer:1a2b3c›`: its kind and six hexadecimal digits
of an HMAC under the run's own random salt. Equal values keep equal pseudonyms within a run, and nobody can guess an
OTP back from one, since the salt is never written down. `‹bearer:1a2b3c~›`: the same value in another case or
encoding. Pseudonyms hold no character that JSON, XML or a URL in a report would need to escape.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import chain
from typing import Any, TypeVar

from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response
from kki.model.profile import Credentials, Profile
from kki.model.verdict import Finding, Holds, NotApplicable, Verdict

SHORTEST = 6  # characters: a shorter known value is hidden by its place only, or half of every report would go
MOST_LEARNED = 50_000  # values; beyond, recognition by place and form goes on
PSEUDONYM = re.compile(r"‹[a-z-]+:[0-9a-f]{6}~?›")
_HALF_CARD = re.compile(r"[0-9]{6}‹card:[0-9a-f]{6}›[0-9]{4}")

_KIND_OF_MEMBER: Mapping[str, str] = {
    **dict.fromkeys(
        ("accesstoken", "accesstokenb2b", "accesstokenb2b2c", "b2btoken", "tokenb2b", "b2b2ctoken", "tokenb2b2c"),
        "bearer",
    ),
    **dict.fromkeys(("token", "customertoken", "bearertoken", "jwt", "idtoken"), "bearer"),
    "refreshtoken": "refresh-token",
    **dict.fromkeys(("authcode", "authorizationcode"), "auth-code"),
    **dict.fromkeys(("bankcardtoken", "tokenid", "cardtoken"), "card-token"),
    "chargetoken": "charge-token",
    **dict.fromkeys(("otp", "ott", "pin", "cvv", "cvc"), "otp"),
    **dict.fromkeys(("carddata", "expirydate", "expirymonth", "expiryyear"), "card-data"),
    **dict.fromkeys(("bankcardno", "cardno", "cardnumber", "cpan", "pan", "primaryaccountnumber"), "card"),
    **dict.fromkeys(("clientsecret", "secretkey", "secret", "password", "apikey"), "client-secret"),
    "sharedkey": "shared-key",
    "privatekey": "private-key",
    "signature": "signature",
    **dict.fromkeys(("authorization", "authorizationcustomer", "proxyauthorization"), "bearer"),
    **dict.fromkeys(("cookie", "setcookie"), "cookie"),
}
_SCHEMES = frozenset({"bearer", "basic", "digest", "token"})
# The digits of X-EXTERNAL-ID are the sender's own; one in ten long numbers passes the Luhn check by chance.
_OWN_NUMBERS = frozenset({"x-external-id"})


def _spelt(name: str) -> str:
    """`bankcardtoken` as a pattern that allows bank_card_token and bank-card-token too."""
    return "[_-]?".join(re.escape(letter) for letter in name)


_NAMES = "|".join(_spelt(name) for name in sorted(_KIND_OF_MEMBER, key=len, reverse=True))
# A quick look before the slow one: every name above holds one of these.
_ROOTS = frozenset(
    {"token", "otp", "ott", "pin", "cvv", "cvc", "card", "pan", "expiry", "secret", "password", "key", "code"}
    | {"jwt", "signature", "authorization", "cookie", "account"}
)
_SEPARATORS = str.maketrans("", "", "_-")

# --- forms that give a value away, whoever sent it ---------------------------------------------------------------
_PEM = re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:[^-]|-(?!-)){0,20000}+(?:-----END [A-Z ]{0,20}-----)?")
_JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*)?")
_BEARER = re.compile(r"\bbearer\s{1,8}(?=\S{16}|[^\s\d]{0,15}\d)([A-Za-z0-9._~+/=-]{6,})", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=://)[^/@\s\"'<>]{1,300}(?=@)")
_LONG_RUN = re.compile(r"[A-Za-z0-9+/_-]{86,}={0,2}")
_MAC_LENGTHS = frozenset({86, 88, 128, 342, 344, 512})  # HMAC-SHA512 and RSA-2048, in Base64 and hexadecimal
# The page's own sample CPAN fails the Luhn check, so for 9360… the form alone has to do.
_CPAN = re.compile(r"(?<![0-9])9360(?:[ -]?[0-9]){12,15}(?![0-9])")
_CARD = re.compile(r"(?<![0-9A-Za-z])[3-6](?:[ -]?[0-9]){14,18}(?![0-9])")
_STRONG = r"(?=[^\s\"'<>&,;]{16}|[^\s\"'<>&,;\d]{0,15}\d)[^\s\"'<>&,;(){}\[\]‹]{4,4096}"
_LOOSE = r"[^\s\"'<>&,;(){}\[\]‹]{1,4096}"


def _named(value: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![A-Za-z0-9])x?-?(?P<name>{_NAMES})(?![A-Za-z0-9])"
        r"(?:\\{0,3}[\"']?\s{0,8}(?:[:=]>?)\s{0,8}(?:\\{0,3}\"(?P<dq>[^\"\\]{1,4096})|\\{0,3}'(?P<sq>[^'\\]{1,4096})"
        rf"|(?!true\b|false\b|null\b|none\b)(?P<bare>{value}))"
        r"|[^<>]{0,80}>(?P<xml>[^<]{1,4096})</"
        r"|\"[^\r\n]{0,200}(?:\r?\n[^\r\n]{1,200}){0,3}\r?\n\r?\n(?P<part>[^\r\n]{1,4096}))",
        re.IGNORECASE,
    )


_NAMED_IN_EVIDENCE = _named(_LOOSE)
_NAMED_IN_PROSE = _named(_STRONG)  # "otp: expected 8 characters" is a sentence, not a leak

# --- the ways in which text hides a character --------------------------------------------------------------------
_ESCAPE = re.compile(
    r"\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|%([0-9a-f]{2})|&#x([0-9a-f]{1,6});|&#([0-9]{1,7});"
    r"|\\([/\"'\\bfnrt])|&(amp|lt|gt|quot|apos);|\x00",
    re.IGNORECASE,
)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ENTITY = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_MOST_LAYERS = 3  # JSON in JSON in a query is as deep as anybody goes

_TOKEN = re.compile(
    r'"(?P<string>[^"\\]*+(?:\\.[^"\\]*+)*+)\\?(?:"|\Z)|(?P<number>-?[0-9][0-9.eE+-]*+)|[{\[}\],:]', re.DOTALL
)
_COLON = re.compile(r"\s*:")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Secret:
    kind: str
    value: str  # as the profile or the traffic first had it
    literal: str  # what to look for, in lower case: the value itself or one of its encodings


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    instead: str


@dataclass(frozen=True, slots=True)
class _Layer:
    """The text after some rounds of unescaping, with the way back to where each character stood."""

    text: str
    marks: tuple[int, ...] = ()  # positions in `text` from which on an offset applies
    starts: tuple[int, ...] = ()  # the position below that each mark stands for
    below: _Layer | None = None

    def origin(self, position: int) -> int:
        """Where this position stands in the raw text."""
        if self.below is None:
            return position
        at = bisect_right(self.marks, position) - 1
        return self.below.origin(position if at < 0 else self.starts[at] + position - self.marks[at])


def _layers(text: str) -> list[_Layer]:
    layers = [_Layer(text)]
    while len(layers) <= _MOST_LAYERS:
        above = _unescaped(layers[-1])
        if above is None:
            break
        layers.append(above)
    return layers


def _unescaped(layer: _Layer) -> _Layer | None:
    text = layer.text
    if "%" not in text and "\\" not in text and "&" not in text and "\x00" not in text:
        return None
    parts: list[str] = []
    marks: list[int] = []
    starts: list[int] = []
    done = length = 0
    for match in _ESCAPE.finditer(text):
        char = _meant(match)
        length += match.start() - done
        parts += (text[done : match.start()], char)
        done = match.end()
        if char:
            marks.append(length)
            starts.append(match.start())
            length += 1
        marks.append(length)
        starts.append(done)
    if not marks:
        return None
    parts.append(text[done:])
    return _Layer("".join(parts), tuple(marks), tuple(starts), layer)


def _meant(match: re.Match[str]) -> str:
    hexadecimal = match[1] or match[2] or match[3] or match[4]
    if hexadecimal or match[5]:
        number = int(hexadecimal, 16) if hexadecimal else int(match[5])
        return chr(number) if 0 < number < 0x110000 else ""
    if match[6]:
        return _SHORT.get(match[6].lower(), match[6])
    return _ENTITY[match[7].lower()] if match[7] else ""


def _lowered(text: str) -> str:
    """In lower case, with every character in its old place (str.lower lengthens some letters)."""
    lower = text.lower()
    return (
        lower if len(lower) == len(text) else "".join(low if len(low := char.lower()) == 1 else char for char in text)
    )


def _kind_of(name: str) -> str | None:
    plain = name.lower().replace("-", "").replace("_", "").strip()
    return _KIND_OF_MEMBER.get(plain) or _KIND_OF_MEMBER.get(plain.removeprefix("x"))


def _is_card(value: str) -> bool:
    return value.isascii() and value.isdigit() and 13 <= len(value) <= 19


def _luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[-1::-2]) + sum(doubled)) % 10 == 0


def _worth_learning(kind: str, value: str) -> bool:
    """A mutation's "string" or "00000000" must not be hidden wherever it stands."""
    if kind in ("signature", "cookie") or len(value) < (SHORTEST if kind == "otp" else 8) or len(value) > 8192:
        return False
    return len(set(value)) >= 4 and (len(value) >= 16 or any(char.isdigit() for char in value))


def _encodings(value: str) -> Iterator[str]:
    """The value, and each text that stands for it inside Base64 (three alignments) or hexadecimal."""
    yield value
    data = value.encode("utf-8", "surrogateescape")
    yield data.decode("latin-1")
    yield data.hex()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")
        whole = encoded[-(-8 * shift // 6) : 8 * (shift + len(data)) // 6]
        yield whole
        yield whole.translate(str.maketrans("+/", "-_"))


class Redactor:
    """Hides secrets; `secrets` maps a kind to its values, `salt` is random and stays in memory.

    `origins` maps a value to the profile key it came from, so that a replay can put it back.
    Cost is linear in the text, whatever the number of known values.
    """

    def __init__(
        self,
        secrets: Mapping[str, Iterable[str]] | None = None,
        *,
        salt: bytes,
        origins: Mapping[str, str] | None = None,
    ) -> None:
        self._salt = salt
        self._known: dict[str, str] = {}  # value → kind
        self._grams: dict[str, list[tuple[int, _Secret]]] = {}  # six characters → (offset, what they are part of)
        self._origins = dict(origins or {})
        for kind, values in (secrets or {}).items():
            for value in values:
                self.learn(kind, value)

    def learn(self, kind: str, value: str) -> None:
        """From now on hide this value wherever it stands (if it has at least six characters)."""
        if value in self._known or len(value) < SHORTEST or len(self._known) >= MOST_LEARNED:
            return
        if PSEUDONYM.search(value):
            return
        self._known[value] = kind
        lines = [line for line in value.split() if len(line) >= 16] if "-----BEGIN" in value else []
        whole = ["".join(line for line in lines if "-" not in line)] if lines else []
        literals = chain(*(_encodings(part) for part in (value, *lines, *whole)))
        for literal in dict.fromkeys(_lowered(text) for text in literals):
            if len(literal) >= SHORTEST:
                self._index(_Secret(kind, value, literal))

    def _index(self, secret: _Secret) -> None:
        # All JWTs of a server begin alike: of several places take the one whose six characters are rarest so far.
        last = len(secret.literal) - SHORTEST
        offsets = {0, last, last // 2, last // 3, 2 * last // 3}
        at = min(sorted(offsets), key=lambda o: len(self._grams.get(secret.literal[o : o + SHORTEST], ())))
        self._grams.setdefault(secret.literal[at : at + SHORTEST], []).append((at, secret))

    def pseudonym(self, kind: str, value: str, *, exact: bool = True) -> str:
        """`‹kind:1a2b3c›`; of a card number in clear, the first six and last four digits stay."""
        kind = self._known.get(value, kind)
        if kind == "charge-token" and _is_card(value):
            kind = "card"
        digits = hmac.new(self._salt, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:6]
        hidden = f"‹{kind}:{digits}{'' if exact else '~'}›"
        return f"{value[:6]}{hidden}{value[-4:]}" if kind == "card" and exact and _is_card(value) else hidden

    def pseudonyms(self) -> dict[str, str]:
        """Pseudonym → profile key, for `run.json`: tells a replay what to fill in, and no value."""
        return {self.pseudonym("", value): key for value, key in self._origins.items() if value in self._known}

    # --- what there is to redact ---------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """Prose: findings, titles, messages, tracebacks, file names."""
        return self._redacted(text, _NAMED_IN_PROSE)

    def body(self, body: bytes) -> bytes:
        """A message body: JSON stays JSON (a hidden number becomes a string), all other bytes stay in place."""
        text = body.decode("utf-8", "surrogateescape")
        return self._redacted(text, _NAMED_IN_EVIDENCE, json=True).encode("utf-8", "surrogateescape")

    def headers(self, headers: Headers) -> Headers:
        """Names and order stay."""
        return Headers(tuple((self._evidence(name), self._header(name, value)) for name, value in headers.pairs))

    def exchange(self, exchange: Exchange) -> Exchange:
        """Learns from the whole exchange first: a token that the reply brings may stand in the request's path."""
        self._learn_from(exchange)
        request, response = exchange.request, exchange.response
        return replace(
            exchange,
            request=Request(
                method=self._evidence(request.method),
                target=self._evidence(request.target),
                origin=self._evidence(request.origin),
                headers=self.headers(request.headers),
                body=self.body(request.body),
            ),
            response=response
            and Response(status=response.status, headers=self.headers(response.headers), body=self.body(response.body)),
            failure=exchange.failure and self.text(exchange.failure),
        )

    def record(self, record: Record) -> Record:
        return Record(
            exchange=self.exchange(record.exchange),
            made_by=self.text(record.made_by),
            mutations=tuple(self.text(name) for name in record.mutations),
        )

    def finding(self, finding: Finding) -> Finding:
        return self.anything(finding)

    def verdict(self, verdict: Verdict) -> Verdict:
        """Most verdicts hold, and quote nobody: those are not looked through."""
        return verdict if isinstance(verdict.judgement, Holds | NotApplicable) else self.anything(verdict)

    def anything(self, value: T) -> T:
        """Every text in a value of ours (a Run, a Verdict, nested tuples, mappings), by `text`; the rest stays."""
        return self._walked(value)  # type: ignore[no-any-return]

    def _walked(self, value: Any) -> Any:
        if isinstance(value, str) and type(value) is str:
            return self.text(value)
        if isinstance(value, bytes):
            return self.body(value)
        if isinstance(value, Record):
            return self.record(value)
        if isinstance(value, Exchange):
            return self.exchange(value)
        if isinstance(value, Mapping):
            return {self._walked(key): self._walked(item) for key, item in value.items()}
        if isinstance(value, (tuple, list, set, frozenset)):
            return type(value)(self._walked(item) for item in value)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{f.name: self._walked(getattr(value, f.name)) for f in fields(value) if f.init})
        return value

    # --- places --------------------------------------------------------------------------------------------------

    def _evidence(self, text: str) -> str:
        return self._redacted(text, _NAMED_IN_EVIDENCE)

    def _header(self, name: str, value: str) -> str:
        shown = self._redacted(value, _NAMED_IN_EVIDENCE, luhn=name.lower() not in _OWN_NUMBERS)
        kind = _kind_of(name)
        scheme, rest = ("", value.strip()) if kind == "cookie" else _scheme(value)
        if kind is None or not rest or PSEUDONYM.fullmatch(_scheme(shown)[1]):
            return shown
        return scheme + self._hidden(kind, rest)

    def _learn_from(self, exchange: Exchange) -> None:
        messages: list[Request | Response] = [exchange.request]
        if exchange.response is not None:
            messages.append(exchange.response)
        for message in messages:
            for name, value in message.headers.pairs:
                kind = _kind_of(name)
                if kind and _worth_learning(kind, _scheme(value)[1]):
                    self.learn(kind, _scheme(value)[1])
            text = message.body.decode("utf-8", "surrogateescape")
            for leaf in _leaves(text) if _may_name(text) else ():
                if leaf.kind and _worth_learning(leaf.kind, leaf.meaning):
                    card = leaf.kind == "charge-token" and _is_card(leaf.meaning)
                    self.learn("card" if card else leaf.kind, leaf.meaning)

    # --- the search ----------------------------------------------------------------------------------------------

    def _redacted(self, text: str, named: re.Pattern[str], *, json: bool = False, luhn: bool = True) -> str:
        if not text:
            return text
        spans: list[_Span] = []
        layers = _layers(text)
        for layer in layers:
            at = layer.text
            found = chain(self._known_in(at), self._forms_in(at, luhn), self._named_in(at, named))
            spans += (_Span(layer.origin(start), layer.origin(end), instead) for start, end, instead in found)
        if json and (spans or any(_may_name(layer.text) for layer in layers)):
            spans = self._by_leaf(text, spans)
        return _applied(text, spans) if spans else text

    def _known_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        grams = self._grams
        if not grams:
            return
        lower = _lowered(text)
        for at in [i for i in range(len(lower) - SHORTEST + 1) if lower[i : i + SHORTEST] in grams]:
            for offset, secret in grams[lower[at : at + SHORTEST]]:
                start = at - offset
                if start >= 0 and lower.startswith(secret.literal, start):
                    end = start + len(secret.literal)
                    exact = text[start:end] == secret.value
                    yield start, end, self.pseudonym(secret.kind, secret.value, exact=exact)

    def _forms_in(self, text: str, luhn: bool) -> Iterator[tuple[int, int, str]]:
        if "PRIVATE KEY" in text:
            yield from ((m.start(), m.end(), self.pseudonym("private-key", m[0])) for m in _PEM.finditer(text))
        if "eyJ" in text:
            yield from ((m.start(), m.end(), self.pseudonym("bearer", m[0])) for m in _JWT.finditer(text))
        yield from ((m.start(1), m.end(1), self.pseudonym("bearer", m[1])) for m in _BEARER.finditer(text))
        if "@" in text:
            yield from ((m.start(), m.end(), self.pseudonym("client-secret", m[0])) for m in _USER_INFO.finditer(text))
        for match in _LONG_RUN.finditer(text):
            if len(match[0]) in _MAC_LENGTHS:
                yield match.start(), match.end(), _shortened(match[0])
        for match in chain(_CPAN.finditer(text), _CARD.finditer(text) if luhn else ()):
            digits = re.sub("[ -]", "", match[0])
            if digits.startswith("9360") or _luhn(digits):
                yield match.start(), match.end(), self.pseudonym("card", digits)

    def _named_in(self, text: str, named: re.Pattern[str]) -> Iterator[tuple[int, int, str]]:
        if not _may_name(text):
            return
        for match in named.finditer(text):
            group = match.lastgroup or "name"
            kind = _kind_of(match["name"]) or "client-secret"
            if group != "name" and not _in_pseudonym(text, match.start("name")):
                skip = len(_scheme(match[group])[0]) if kind == "bearer" else 0
                instead = self._hidden(kind, match[group][skip:])
                yield match.start(group) + skip, match.end(group), instead

    def _hidden(self, kind: str, value: str) -> str:
        if not value.strip() or PSEUDONYM.fullmatch(value) or _HALF_CARD.fullmatch(value) or value.lower() in _SCHEMES:
            return value
        return _shortened(value) if kind == "signature" else self.pseudonym(kind, value)

    def _by_leaf(self, text: str, spans: list[_Span]) -> list[_Span]:
        """Spans moved to the JSON they stand in: sensitive members go whole, a number that is touched is quoted."""
        if text.lstrip(" \t\r\n\ufeff")[:1] not in tuple('{["-0123456789'):
            return spans
        found = sorted(spans, key=lambda span: span.start)
        starts = [span.start for span in found]
        longest = max((span.end - span.start for span in found), default=0)
        moved: list[_Span] = []
        for leaf in _leaves(text):
            instead = leaf.meaning
            if leaf.kind:
                instead = self._hidden(leaf.kind, leaf.meaning)
            elif leaf.number:
                near = found[bisect_right(starts, leaf.start - longest - 1) : bisect_right(starts, leaf.end - 1)]
                instead = next((span.instead for span in near if span.end > leaf.start), instead)
            if instead != leaf.meaning:
                moved.append(_Span(leaf.start, leaf.end, f'"{instead}"' if leaf.number else instead))
        return [*moved, *spans]


def salt_for(profile: Profile, nonce: str) -> bytes:
    """What a run's pseudonyms are made from: the same again for whoever has the profile's secrets and the nonce.

    The nonce may be written down; the secrets are not, so that nobody else can guess an OTP back from a pseudonym.
    Without a secret in the profile ValueError: chance has to make the salt then.
    """
    held = profile.credentials
    secrets = [value for value in (held.client_secret, held.private_key, held.shared_key) if value]
    if not secrets:
        raise ValueError("Expected a profile with a secret, but it has none.")
    return hmac.new("\n".join(secrets).encode(), nonce.encode(), hashlib.sha256).digest()


def redactor_for(profile: Profile, *, salt: bytes) -> Redactor:
    """A redactor that knows every secret of the profile. The client id is no secret."""
    credentials, data, other = profile.credentials, profile.test_data, profile.other_partner
    named: list[tuple[str, str, str | None]] = [
        ("client-secret", "credentials.client_secret", credentials.client_secret),
        ("shared-key", "credentials.shared_key", credentials.shared_key),
        ("private-key", "credentials.private_key", credentials.private_key),
        ("card", "test_data.cpan", data.cpan),
        ("otp", "test_data.otp", data.otp),
        ("auth-code", "test_data.auth_code", data.auth_code),
        ("bearer", "test_data.customer_token", data.customer_token),
        ("bearer", "test_data.expired_b2b_token", data.expired_b2b_token),
        ("client-secret", "other_partner.client_secret", other.client_secret if other else None),
        ("shared-key", "other_partner.shared_key", other.shared_key if other else None),
        ("private-key", "other_partner.private_key", other.private_key if other else None),
        ("bearer", "test_data.expired_b2b_token", data.expired_b2b_token),
        *_of_other_partner(profile.other_partner),
        *(("card-token", f"test_data.bank_card_tokens[{n}]", token) for n, token in enumerate(data.bank_card_tokens)),
        *(
            ("card" if _is_card(value) else "card-data", f"test_data.card.{key}", value)
            for key, value in (data.card or {}).items()
        ),
    ]
    secrets: dict[str, list[str]] = {}
    origins: dict[str, str] = {}
    for kind, key, value in named:
        if value:
            secrets.setdefault(kind, []).append(value)
            origins.setdefault(value, key)
    return Redactor(secrets, salt=salt, origins=origins)


def _of_other_partner(other: Credentials | None) -> Iterator[tuple[str, str, str | None]]:
    if other is not None:
        yield "client-secret", "other_partner.client_secret", other.client_secret
        yield "shared-key", "other_partner.shared_key", other.shared_key
        yield "private-key", "other_partner.private_key", other.private_key


def _in_pseudonym(text: str, position: int) -> bool:
    """‹client-secret:…› reads like a named value itself."""
    match = PSEUDONYM.match(text, text.rfind("‹", max(0, position - 24), position + 1))
    return match is not None and match.end() > position


def _shortened(signature: str) -> str:
    """The first eight characters: enough to tell two signatures apart, too few to use one."""
    return signature if len(signature) <= 9 else f"{signature[:8]}…"


def _scheme(value: str) -> tuple[str, str]:
    """("Bearer ", "eyJ…"): the part before a token, and the token; ("Bearer", "") for a bare scheme."""
    match = re.match(r"\s*([A-Za-z]{3,12})(\s+|\Z)", value)
    if match and match[1].lower() in _SCHEMES:
        return value[: match.end()], value[match.end() :].strip()
    return "", value.strip()


@dataclass(frozen=True, slots=True)
class _Leaf:
    start: int  # of a string: inside its quotes
    end: int
    kind: str | None  # of secret, by the name of its member or of a member around it
    meaning: str  # unescaped
    number: bool = False


def _leaves(text: str) -> Iterator[_Leaf]:
    """Each JSON string and number. A tokeniser, not a parser: refused requests often carry broken JSON."""
    around: list[str | None] = [None]
    pending: str | None = None
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "string":
            meaning = _meaning(match["string"])
            if _COLON.match(text, match.end()):
                pending = _kind_of(meaning)
                yield _Leaf(match.start("string"), match.end("string"), None, meaning)
                continue
            yield _Leaf(match.start("string"), match.end("string"), pending or around[-1], meaning)
        elif match.lastgroup == "number":
            yield _Leaf(match.start(), match.end(), pending or around[-1], match[0], number=True)
        elif match[0] in "{[":
            around.append(pending or around[-1])
        elif match[0] in "}]" and len(around) > 1:
            around.pop()
        if match[0] != ":":
            pending = None


def _may_name(text: str) -> bool:
    plain = text.lower().translate(_SEPARATORS) if text.isascii() else re.sub("[_-]", "", text.lower())
    return "\\u" in text or any(root in plain for root in _ROOTS)


def _meaning(raw: str) -> str:
    if "\\" not in raw:
        return raw
    above = _unescaped(_Layer(raw))
    return above.text if above else raw


def _applied(text: str, spans: list[_Span]) -> str:
    """The text with its spans replaced; of spans that overlap, the union goes and the longest one's text stands."""
    united: list[tuple[int, int, _Span]] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if united and span.start < united[-1][1]:
            start, end, best = united[-1]
            longer = span if span.end - span.start > best.end - best.start else best
            united[-1] = (start, max(end, span.end), longer)
        else:
            united.append((span.start, span.end, span))
    parts: list[str] = []
    done = 0
    for start, end, best in united:
        parts += (text[done:start], best.instead)
        done = end
    return "".join((*parts, text[done:]))
