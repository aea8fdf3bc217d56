"""From the text of cardData to ciphertext and vector (or salt), with the name of each wrong way of packing them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

from kki.diagnosis.choices import Deviation, named
from kki.snap.carddata import BLOCK, Container
from kki.snap.encoding import base64_octets

_HEX = re.compile(r"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")
_SEPARATORS = (":", ".", ",", ";", "$", "#", "&", "::", "||", "-", "_", "~", " ", "\n")
_LONGEST = 1 << 16  # characters: no card data comes near
_IV_NAMES = ("iv", "nonce", "vector")
_TEXT_NAMES = ("ciphertext", "value", "data", "content", "encrypted", "encryptedData", "cipher", "ct", "cardData")


class Family(Enum):
    """How vector and ciphertext are packed, whatever they are written in."""

    BARRED = "ciphertext|iv"
    PREFIXED = "iv-prefixed"
    SALTED = "salted"
    ALONE = "ciphertext alone"


FAMILY_OF = {
    Container.CIPHERTEXT_IV: Family.BARRED,
    Container.CIPHERTEXT_IV_256: Family.BARRED,
    Container.IV_PREFIXED: Family.PREFIXED,
    Container.SALTED: Family.SALTED,
    Container.HEX_NO_IV: Family.ALONE,
}


@dataclass(frozen=True, slots=True)
class Packed:
    """`vector`: 16 octets as a rule, 12 for some modes, None where none was sent; `salt`: eight octets for SALTED."""

    family: Family
    ciphertext: bytes
    vector: bytes | None = None
    salt: bytes = b""
    deviations: tuple[Deviation, ...] = ()


def packings(text: str) -> tuple[Packed, ...]:
    """All that the text may be, those with fewer deviations first. () for what is none of them."""
    if not text or len(text) > _LONGEST:
        return ()
    found = sorted(_packings(text, depth=2), key=lambda packed: len(packed.deviations))
    unique: dict[tuple[Family, bytes, bytes | None], Packed] = {}
    for packed in found:
        if packed.ciphertext:
            unique.setdefault((packed.family, packed.ciphertext, packed.vector), packed)
    return tuple(unique.values())


def _packings(text: str, depth: int) -> Iterator[Packed]:
    yield from _barred(text)
    yield from _single(text)
    yield from _json(text)
    if depth:
        for deviation, inner in _unwrapped(text):
            for packed in _packings(inner, depth - 1):
                deviations = (deviation, *packed.deviations)
                yield Packed(packed.family, packed.ciphertext, packed.vector, packed.salt, deviations)


def _written(text: str) -> Iterator[tuple[bytes, tuple[Deviation, ...]]]:
    """The octets of one piece of text, under each way of writing octets."""
    octets = base64_octets(text)
    if isinstance(octets, bytes) and octets:
        yield octets, ()
    if _HEX.fullmatch(text):
        yield bytes.fromhex(text), (named("card-hex"),)
    standard = text.replace("-", "+").replace("_", "/")
    name = "card-base64-url" if standard != text else "card-base64-unpadded"
    padded = base64_octets(standard + "=" * (-len(standard) % 4))
    if isinstance(padded, bytes) and padded and padded != octets:
        yield padded, (named(name),)


def _barred(text: str) -> Iterator[Packed]:
    for separator in ("|", *_SEPARATORS):
        if text.count(separator) != 1:
            continue
        left, _, right = text.partition(separator)
        shown = "\\n" if separator == "\n" else separator
        joined = () if separator == "|" else (named("card-separator", shown),)
        yield from _two(left, right, joined)
        yield from _two(right, left, (*joined, named("card-iv-first")))


def _two(sealed: str, vector: str, so_far: tuple[Deviation, ...]) -> Iterator[Packed]:
    for octets, how in _written(sealed):
        for iv, its in _vectors(vector):
            together = tuple(dict.fromkeys((*so_far, *how, *its)))
            yield Packed(Family.BARRED, octets, iv, b"", together)


def _vectors(text: str) -> Iterator[tuple[bytes, tuple[Deviation, ...]]]:
    for octets, how in _written(text):
        if len(octets) in (BLOCK, 12):
            yield octets, how
        elif len(octets) == 2 * BLOCK and octets.isascii() and _HEX.fullmatch(octets.decode("ascii")):
            yield bytes.fromhex(octets.decode("ascii")), (*how, named("card-iv-hex-text"))
    if len(text.encode()) == BLOCK:
        yield text.encode(), (named("card-iv-not-encoded"),)


def _single(text: str) -> Iterator[Packed]:
    for octets, how in _written(text):
        if octets.startswith(b"Salted__") and len(octets) > 16:
            yield Packed(Family.SALTED, octets[16:], None, octets[8:16], how)
            continue
        yield Packed(Family.ALONE, octets, None, b"", how)
        for size in (BLOCK, 12):
            if len(octets) > size:
                yield Packed(Family.PREFIXED, octets[size:], octets[:size], b"", how)
        if len(octets) > BLOCK:
            yield Packed(Family.BARRED, octets[:-BLOCK], octets[-BLOCK:], b"", (*how, named("card-iv-appended")))


def _json(text: str) -> Iterator[Packed]:
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(members, dict):
        return
    vector = next((members[name] for name in _IV_NAMES if isinstance(members.get(name), str)), None)
    sealed = next((members[name] for name in _TEXT_NAMES if isinstance(members.get(name), str)), None)
    if sealed and vector:
        yield from _two(sealed, vector, (named("card-json"),))


def _unwrapped(text: str) -> Iterator[tuple[Deviation, str]]:
    bare = re.sub(r"\s+", "", text)
    if bare != text:
        yield named("card-line-breaks"), bare
    if "%" in text and unquote(text) != text:
        yield named("card-percent-encoded"), unquote(text)
    octets = base64_octets(text)
    if isinstance(octets, bytes) and octets.isascii():
        inner = octets.decode("ascii")
        if inner.isprintable() and inner:
            yield named("card-base64-twice"), inner


def in_clear(text: str) -> str:
    """What the text is, where nobody encrypted it; "" where that is not so."""
    if _is_card(text):
        return "it stands there in the clear"
    octets = base64_octets(text)
    if isinstance(octets, bytes) and _is_card(octets.decode("utf-8", "replace")):
        return "only Base64-encoded"
    if _HEX.fullmatch(text) and _is_card(bytes.fromhex(text).decode("utf-8", "replace")):
        return "only written in hexadecimal"
    return ""


def _is_card(text: str) -> bool:
    if re.fullmatch(r"[0-9]{12,19}", text):
        return True
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    names = {str(name).lower() for name in value} if isinstance(value, dict) else set()
    return any("card" in name or "pan" in name or "exp" in name for name in names)


def is_jwe(text: str) -> bool:
    parts = text.split(".")
    if len(parts) != 5 or not parts[0].startswith("eyJ"):
        return False
    try:
        header = json.loads(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "enc" in header
