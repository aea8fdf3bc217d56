"""From the text of a signature back to the octets that it may stand for, with the name of each wrong way of writing."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from kki.diagnosis.choices import Deviation, named
from kki.snap.canonical import Malformed
from kki.snap.encoding import base64_octets

SHORTEST = 12  # octets, 96 bits: a shorter piece of a MAC might fit by chance
_HEX = re.compile(r"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")
_PREFIX = re.compile(
    r"(?P<prefix>(?:HMAC|RSA|SHA|Signature|Digest|Basic|Bearer|v1|sign)[A-Za-z0-9_-]{0,24}\s{0,2}[=: ]\s{0,2})"
    r"(?P<rest>\S{16,})",
    re.IGNORECASE,
)
_HYPHENATED = re.compile(r"[0-9a-f]{2}(?:-[0-9a-f]{2})+|[0-9A-F]{2}(?:-[0-9A-F]{2})+")
_LONGEST = 4096  # characters: no signature comes near
_MAC_TEXT = 88
# Charset, byte order mark and title: .NET's Encoding.Unicode writes no mark, Python's "utf-16" and Java's do.
UTF_16 = (
    ("utf-16-le", b"", "UTF-16"), ("utf-16-be", b"", "UTF-16, big-endian,"),
    ("utf-16-le", b"\xff\xfe", "UTF-16 with a byte order mark"),
    ("utf-16-be", b"\xfe\xff", "UTF-16, big-endian, with a byte order mark"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decoded:
    """`whole`: these are all the octets; False: a longer value may have begun with them."""

    octets: bytes
    deviations: tuple[Deviation, ...] = ()
    whole: bool = True


def decoded(text: str, encoding: str = "base64") -> tuple[Decoded, ...]:
    """All that the text may stand for, plainest first. `encoding`: the one in force, "base64" or "hex"."""
    if not text or len(text) > _LONGEST:
        return ()
    best: dict[tuple[bytes, bool], Decoded] = {}
    for reading in _readings(text, encoding, depth=2):
        held = best.get((reading.octets, reading.whole))
        if held is None or len(reading.deviations) < len(held.deviations):
            best[reading.octets, reading.whole] = reading
    return tuple(sorted(best.values(), key=lambda reading: (len(reading.deviations), not reading.whole)))


def _readings(text: str, encoding: str, depth: int) -> Iterator[Decoded]:
    yield from _plain(text, encoding)
    yield from _of_text(text)
    yield from _cut(text)
    if depth:
        for deviation, inner in _unwrapped(text):
            for reading in _readings(inner, encoding, depth - 1):
                yield Decoded(reading.octets, (deviation, *reading.deviations), reading.whole)


def _plain(text: str, encoding: str) -> Iterator[Decoded]:
    octets = base64_octets(text)
    if isinstance(octets, bytes):
        yield Decoded(octets, () if encoding == "base64" else (named("base64-for-hex"),))
    if _HEX.fullmatch(text):
        upper = text != text.lower()
        name = "hex-upper-case" if upper else "hex" if encoding == "base64" else ""
        yield Decoded(bytes.fromhex(text), (named(name),) if name else ())
    if _HYPHENATED.fullmatch(text):
        yield Decoded(bytes.fromhex(text.replace("-", "")), (named("hex-hyphenated"),))
    for name, candidate in _other_alphabets(text):
        octets = base64_octets(candidate)
        if isinstance(octets, bytes):
            yield Decoded(octets, (named(name),))


def _other_alphabets(text: str) -> Iterator[tuple[str, str]]:
    standard = text.replace("-", "+").replace("_", "/")
    padding = "=" * (-len(text) % 4)
    if standard != text:
        yield "base64-url", standard
        yield "base64-url-unpadded", standard + padding
    elif padding:
        yield "base64-unpadded", text + padding


def _of_text(text: str) -> Iterator[Decoded]:
    """Encoded once more: Base64 of hexadecimal, Base64 of Base64, hexadecimal of Base64."""
    for outer in (_base64(text), _from_hex(text)):
        if outer is None or not outer.isascii():
            continue
        inner = outer.decode("ascii").strip()
        if _HEX.fullmatch(inner) and len(inner) >= 2 * SHORTEST and outer != _from_hex(text):
            yield Decoded(bytes.fromhex(inner), (named("base64-of-hex"),))
        octets = _base64(inner)
        if octets is not None and len(octets) >= SHORTEST:
            yield Decoded(octets, (named("hex-of-base64" if _from_hex(text) == outer else "base64-twice"),))


def _base64(text: str) -> bytes | None:
    octets = base64_octets(text)
    return None if isinstance(octets, Malformed) else octets


def _from_hex(text: str) -> bytes | None:
    return bytes.fromhex(text) if _HEX.fullmatch(text) else None


def _cut(text: str) -> Iterator[Decoded]:
    """The first part of a longer signature, in Base64 or hexadecimal; or a whole one with something after it."""
    said = named("cut-short", f"it has {len(text)} characters")
    whole = len(text.rstrip("=")) // 4 * 4
    for name, standard in (("", text), ("base64-url", text.replace("-", "+").replace("_", "/"))):
        if name and standard == text:
            continue
        octets = _base64(standard[:whole])
        if octets is not None and len(octets) >= SHORTEST:
            yield Decoded(octets, (said, named(name)) if name else (said,), whole=False)
    if len(text) >= 2 * SHORTEST and re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", text):
        yield Decoded(bytes.fromhex(text[: len(text) // 2 * 2]), (said, named("hex")), whole=False)
    if len(text) > _MAC_TEXT:
        octets = _base64(text[:_MAC_TEXT])
        if octets is not None:
            yield Decoded(octets, (named("lengthened"),))


def _unwrapped(text: str) -> Iterator[tuple[Deviation, str]]:
    """With one wrapping taken off."""
    bare = re.sub(r"\s+", "", text)
    if bare != text:
        yield named("white-space"), bare
        if " " in text.strip():
            yield named("plus-as-blank"), text.strip().replace(" ", "+")
    if "\\n" in text or "\\r" in text:
        yield named("white-space"), bare.replace("\\r", "").replace("\\n", "")
    if "%" in text and unquote(text) != text:
        yield named("percent-encoded"), unquote(text)
    if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'`":
        yield named("quoted"), text[1:-1]
    if len(text) > 3 and text[:2] in ("b'", 'b"') and text[-1] == text[1]:
        yield named("bytes-printed"), text[2:-1]
    match = _PREFIX.fullmatch(text)
    if match is not None:
        yield named("prefixed", match["prefix"].strip()), match["rest"]


def case_lost(text: str) -> tuple[str, Deviation] | None:
    """The text in lower case, where all its letters stand in one case and its length is that of Base64."""
    if len(text) % 4 or len(text) < 24 or _HEX.fullmatch(text):
        return None
    for case, changed in (("lower", text.lower()), ("upper", text.upper())):
        if text == changed and re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", text):
            return text.lower(), named("case-lost", case)
    return None


def decode_leniently(text: str) -> bytes | None:
    """Base64 in either alphabet, with or without padding; None for anything else."""
    standard = re.sub(r"\s+", "", text).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True) if standard else None
    except (binascii.Error, ValueError):
        return None
