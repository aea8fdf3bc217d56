"""Forms that give a value away, whoever sent it: a JWT, a PEM block, a card number, a signature."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

SHORTEST = 6  # characters: a shorter known value is hidden by its place only, or half of every report would go

PEM = re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:[^-]|-(?!-)){0,20000}+(?:-----END [A-Z ]{0,20}-----)?")
JWT = re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*)?")
BEARER = re.compile(r"\bbearer\s{1,8}(?=\S{16}|[^\s\d]{0,15}\d)([A-Za-z0-9._~+/=-]{6,})", re.IGNORECASE)
USER_INFO = re.compile(r"(?<=://)[^/@\s\"'<>]{1,300}(?=@)")
LONG_RUN = re.compile(r"[A-Za-z0-9+/_-]{86,}={0,2}")
MAC_LENGTHS = frozenset({86, 88, 128, 342, 344, 512})  # HMAC-SHA512 and RSA-2048, in Base64 and hexadecimal
# The page's own sample CPAN fails the Luhn check, so for 9360… the form alone has to do.
CPAN = re.compile(r"(?<![0-9])9360(?:[ -]?[0-9]){12,15}(?![0-9])")
CARD = re.compile(r"(?<![0-9A-Za-z])[3-6](?:[ -]?[0-9]){14,18}(?![0-9])")
# Digits with up to three other characters here and there: a card number as people and receipts write it.
GROUPED = re.compile(r"(?<![0-9])[0-9](?:[^0-9A-Za-z\n\"'{}\[\]:,]{0,3}[0-9]){12,24}(?![0-9])")


def is_card(value: str) -> bool:
    return value.isascii() and value.isdigit() and 13 <= len(value) <= 19


def luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[-1::-2]) + sum(doubled)) % 10 == 0


def worth_learning(kind: str, value: str) -> bool:
    """A mutation's "string" or "00000000" must not be hidden wherever it stands."""
    if kind in ("signature", "cookie") or len(value) < (SHORTEST if kind == "otp" else 8) or len(value) > 8192:
        return False
    return len(set(value)) >= 4 and (len(value) >= 16 or any(char.isdigit() for char in value))


def encodings(value: str) -> Iterator[str]:
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


def shortened(signature: str) -> str:
    """The first eight characters: enough to tell two signatures apart, too few to use one."""
    return signature if len(signature) <= 9 else f"{signature[:8]}…"
