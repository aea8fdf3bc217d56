"""Places that give a value away: header and member names, and what kind of secret stands under each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kki.redaction.layers import Layer, unescaped

KIND_OF_MEMBER: Mapping[str, str] = {
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
SCHEMES = frozenset({"bearer", "basic", "digest", "token"})


def _spelt(name: str) -> str:
    """`bankcardtoken` as a pattern that allows bank_card_token and bank-card-token too."""
    return "[_-]?".join(re.escape(letter) for letter in name)


_NAMES = "|".join(_spelt(name) for name in sorted(KIND_OF_MEMBER, key=len, reverse=True))
# A quick look before the slow one: every name above holds one of these.
_ROOTS = frozenset(
    {"token", "otp", "ott", "pin", "cvv", "cvc", "card", "pan", "expiry", "secret", "password", "key", "code"}
    | {"jwt", "signature", "authorization", "cookie", "account"}
)
_SEPARATORS = str.maketrans("", "", "_-")

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


IN_EVIDENCE = _named(_LOOSE)
IN_PROSE = _named(_STRONG)  # "otp: expected 8 characters" is a sentence, not a leak


_TOKEN = re.compile(
    r'"(?P<string>[^"\\]*+(?:\\.[^"\\]*+)*+)\\?(?:"|\Z)|(?P<number>-?[0-9][0-9.eE+-]*+)|[{\[}\],:]', re.DOTALL
)
_COLON = re.compile(r"\s*:")


def kind_of(name: str) -> str | None:
    plain = name.lower().replace("-", "").replace("_", "").strip()
    return KIND_OF_MEMBER.get(plain) or KIND_OF_MEMBER.get(plain.removeprefix("x"))


def scheme(value: str) -> tuple[str, str]:
    """("Bearer ", "eyJ…"): the part before a token, and the token; ("Bearer", "") for a bare scheme."""
    match = re.match(r"\s*([A-Za-z]{3,12})(\s+|\Z)", value)
    if match and match[1].lower() in SCHEMES:
        return value[: match.end()], value[match.end() :].strip()
    return "", value.strip()


@dataclass(frozen=True, slots=True)
class Leaf:
    start: int  # of a string: inside its quotes
    end: int
    kind: str | None  # of secret, by the name of its member or of a member around it
    meaning: str  # unescaped
    number: bool = False


def leaves(text: str) -> Iterator[Leaf]:
    """Each JSON string and number. A tokeniser, not a parser: refused requests often carry broken JSON."""
    around: list[str | None] = [None]
    pending: str | None = None
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "string":
            meaning = _meaning(match["string"])
            if _COLON.match(text, match.end()):
                pending = kind_of(meaning)
                yield Leaf(match.start("string"), match.end("string"), None, meaning)
                continue
            yield Leaf(match.start("string"), match.end("string"), pending or around[-1], meaning)
        elif match.lastgroup == "number":
            yield Leaf(match.start(), match.end(), pending or around[-1], match[0], number=True)
        elif match[0] in "{[":
            around.append(pending or around[-1])
        elif match[0] in "}]" and len(around) > 1:
            around.pop()
        if match[0] != ":":
            pending = None


def may_name(text: str) -> bool:
    plain = text.lower().translate(_SEPARATORS) if text.isascii() else re.sub("[_-]", "", text.lower())
    return "\\u" in text or any(root in plain for root in _ROOTS)


def _meaning(raw: str) -> str:
    if "\\" not in raw:
        return raw
    above = unescaped(Layer(raw))
    return above.text if above else raw
