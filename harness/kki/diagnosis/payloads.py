"""What came out of the cipher: a padding, and a payload with or without mistakes. Values are looked at, never told."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kki.diagnosis.choices import Deviation, named
from kki.snap.carddata import BLOCK

MEMBERS = ("bankCardNo", "bankCardType", "expiryDate")
# Other names under which the members are found, spelt without case, "_" and "-".
_OTHER_NAMES = {
    "bankCardNo": (
        "bankcardno", "cardno", "cardnumber", "bankcardnumber", "number", "pan", "cpan", "card", "chargetoken",
    ),
    "bankCardType": ("bankcardtype", "cardtype", "type"),
    "expiryDate": ("expirydate", "expiry", "expdate", "expired", "expirationdate", "expiration", "exp", "validthru"),
}  # fmt: skip
_FIRST = frozenset(b'{[<"\' 0123456789\r\n\t') | {0xEF, 0xFF, 0xFE}
_EXPIRY = re.compile(r"(0[1-9]|1[0-2])[0-9]{2}")
_EXPIRY_FORMS = {
    r"[0-9]{2}(0[1-9]|1[0-2])": "YYMM", r"[0-9]{2}/[0-9]{2}": "MM/YY", r"[0-9]{2}/[0-9]{4}": "MM/YYYY",
    r"[0-9]{2}-[0-9]{2}": "MM-YY", r"[0-9]{4}-[0-9]{2}": "YYYY-MM", r"[0-9]{4}-[0-9]{2}-[0-9]{2}": "YYYY-MM-DD",
    r"(0[1-9]|1[0-2])[0-9]{4}": "MMYYYY", r"[0-9]{4}(0[1-9]|1[0-2])": "YYYYMM", r"[0-9]{3}": "three digits",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Payload:
    """A plaintext that makes sense. `names`: its members."""

    deviations: tuple[Deviation, ...] = ()
    names: tuple[str, ...] = ()
    octets: bytes = field(default=b"", repr=False)


def sensible(padded: bytes, *, strict: bool, blocks: bool = True) -> Payload | None:
    """The payload with the plainest explanation, or None where these octets are no payload under any padding.

    `strict`: the members of the SDKs' payload are asked for. `blocks` False: a stream mode, where no padding is right.
    """
    if not padded or padded[0] not in _FIRST:
        return None
    best: Payload | None = None
    for deviations, plain in _unpadded(padded, blocks):
        found = _read(plain, strict)
        if found is None:
            continue
        whole = Payload((*deviations, *found.deviations), found.names, plain)
        if best is None or len(whole.deviations) < len(best.deviations):
            best = whole
    return best


def _unpadded(padded: bytes, blocks: bool) -> Iterator[tuple[tuple[Deviation, ...], bytes]]:
    once = pkcs7(padded)
    if once is not None:
        yield (), once
        twice = pkcs7(once)
        if twice is not None:
            yield (named("card-padding-twice"),), twice
    if blocks:
        yield from _otherwise_padded(padded)
    yield (named("card-padding-none"),) if blocks and len(padded) % BLOCK == 0 else (), padded


def _otherwise_padded(padded: bytes) -> Iterator[tuple[tuple[Deviation, ...], bytes]]:
    last = padded[-1]
    if 1 <= last <= BLOCK:
        zeros = not padded[-last:-1].strip(b"\x00")
        said = "zero octets and their number (ANSI X9.23)" if zeros else "ISO 10126"
        yield (named("card-padding", said),), padded[:-last]
    if last == 0:
        yield (named("card-padding", "zero octets"),), padded.rstrip(b"\x00")
        if padded.rstrip(b"\x00").endswith(b"\x80"):
            yield (named("card-padding", "ISO 7816-4"),), padded.rstrip(b"\x00")[:-1]
    if last == 0x80:
        yield (named("card-padding", "ISO 7816-4"),), padded[:-1]
    for filler, said in ((b" ", "blanks"), (b"-", "“-”"), (b"0", "“0”"), (b"*", "“*”"), (b"{", "“{”"), (b"#", "“#”")):
        if padded.endswith(filler):
            yield (named("card-padding", said),), padded.rstrip(filler)


def pkcs7(padded: bytes) -> bytes | None:
    fill = padded[-1] if padded else 0
    sound = 1 <= fill <= BLOCK and padded[-fill:] == bytes([fill]) * fill
    return padded[:-fill] if sound else None


def _read(plain: bytes, strict: bool) -> Payload | None:
    for deviations, octets in _decoded(plain):
        try:
            value = json.loads(octets.decode("utf-8"))
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and value:
            found, names = _members(value) if strict else ((), tuple(map(str, value)))
            return Payload((*deviations, *found), names)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return Payload((*deviations, named("payload-array")))
    name = _foreign(plain)
    return Payload((named(name),)) if name else None


def _decoded(plain: bytes) -> Iterator[tuple[tuple[Deviation, ...], bytes]]:
    """The octets themselves, and those behind one more encoding."""
    yield (), plain
    if plain.startswith(b"\xef\xbb\xbf"):
        yield (named("payload-charset", "with a byte order mark"),), plain[3:]
    if b"\x00" in plain:
        for charset in ("utf-16", "utf-16-le", "utf-16-be"):
            try:
                yield (named("payload-charset", "UTF-16"),), plain.decode(charset).encode()
            except UnicodeError:
                continue
    if plain[:1] == b'"':
        try:
            inner = json.loads(plain)
        except (ValueError, RecursionError):
            inner = None
        if isinstance(inner, str):
            yield (named("payload-json-twice"),), inner.encode("utf-8", "replace")


def _foreign(plain: bytes) -> str:
    """The name of a payload that is no JSON, but a text for certain; "" otherwise."""
    try:
        text = plain.decode("utf-8").strip()
    except UnicodeDecodeError:
        return ""
    if not text.isprintable() and "\n" not in text:
        return ""
    for pattern, name in (
        (r"[0-9]{12,19}", "payload-number-only"),
        (r"[0-9]{12,19}[|;,:~#][ -~]{1,80}", "payload-delimited"),
        (r"<\??[A-Za-z][^<>]*>.*</[A-Za-z][^<>]*>", "payload-xml"),
        (r"\{'?[A-Za-z]+'?[=:].*\}", "payload-printed"),
    ):
        if re.fullmatch(pattern, text, re.DOTALL):
            return name
    return ""


def late_forms(plain: bytes) -> str:
    """Forms whose first octet may be any letter: form-encoded, Base64, hexadecimal. "" for none of them."""
    octets = pkcs7(plain)
    if not octets or not octets.isascii():
        return ""
    text = octets.decode("ascii").strip()
    if re.fullmatch(r"[A-Za-z_]+=[^=&]*(?:&[A-Za-z_]+=[^=&]*)+", text):
        return "payload-form-encoded"
    for name, decode in (("payload-hex", bytes.fromhex), ("payload-base64", _from_base64)):
        try:
            inner = decode(text)
        except ValueError:
            continue
        if _is_object(inner):
            return name
    return ""


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _is_object(octets: bytes) -> bool:
    try:
        return isinstance(json.loads(octets), dict)
    except (ValueError, RecursionError):
        return False


# --- members ------------------------------------------------------------------------------------------------------


def _members(value: dict[str, Any]) -> tuple[tuple[Deviation, ...], tuple[str, ...]]:
    names = tuple(map(str, value))
    if not any(name in value for name in MEMBERS):
        for outer, inner in value.items():
            if isinstance(inner, dict) and any(name in inner for name in MEMBERS):
                found, _ = _members(inner)
                return (named("payload-nested", str(outer)[:40]), *found), names
    return tuple(_faults(value)), names


def _faults(value: dict[str, Any]) -> Iterator[Deviation]:
    spelt = {re.sub("[_ -]", "", str(name)).lower(): str(name) for name in value if name not in MEMBERS}
    for name in MEMBERS:
        if name not in value:
            other = next((spelt[known] for known in _OTHER_NAMES[name] if known in spelt), None)
            if other is None:
                yield named("payload-member-missing", name)
            else:
                yield named("payload-member-renamed", f"{other[:40]} instead of {name}")
        elif not isinstance(value[name], str):
            yield named("payload-member-type", name)
        elif not value[name]:
            yield named("payload-member-empty", name)
    yield from _forms(value)


def _forms(value: dict[str, Any]) -> Iterator[Deviation]:
    number, expiry = value.get("bankCardNo"), value.get("expiryDate")
    if isinstance(number, str) and number and re.search(r"[ -]", number) and re.fullmatch(r"[0-9 -]+", number):
        yield named("payload-number-form")
    if isinstance(expiry, str) and expiry and not _EXPIRY.fullmatch(expiry):
        said = next((form for pattern, form in _EXPIRY_FORMS.items() if re.fullmatch(pattern, expiry)), "")
        yield named("payload-expiry-form", said or f"{len(expiry)} characters")
