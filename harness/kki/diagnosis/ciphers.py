"""Keys and cipher modes under which a ciphertext may open: the right ones, and named wrong ones."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kki.diagnosis.choices import Deviation, named
from kki.diagnosis.encodings import decode_leniently
from kki.snap import crypto
from kki.snap.carddata import BLOCK, Container, aes_key_128, aes_key_256, salted_key_and_iv
from kki.snap.encoding import utf8

_ZERO = bytes(BLOCK)
_SIZES = (16, 24, 32)


@dataclass(frozen=True, slots=True)
class Key:
    """An AES key with how it came about; `vector`: derived along with it (passphrase containers)."""

    octets: bytes = field(repr=False)
    deviations: tuple[Deviation, ...] = ()
    vector: bytes | None = field(default=None, repr=False)


def _sources(shared: str, others: Mapping[str, str]) -> Iterator[tuple[str, tuple[Deviation, ...]]]:
    """The texts from which a key may have been made. `others`: construction name → text."""
    yield shared, ()
    for name, text in others.items():
        if text and text != shared:
            yield text, (named(name),)
    for text, said in (
        (shared.strip(), "the white space around it cut off"), (shared + "\n", "a line end after it"),
        (shared + "\r\n", "a line end after it"), (shared.lower(), "its letters in lower case"),
        (shared.upper(), "its letters in upper case"), (f'"{shared}"', "quotation marks around it"),
    ):  # fmt: skip
        if text != shared:
            yield text, (named("card-key-worn", said),)


def plain_keys(shared: str, others: Mapping[str, str], container: Container) -> tuple[Key, ...]:
    """For containers that carry a vector. The key in force comes first; of equal keys the plainest stays."""
    found: dict[bytes, Key] = {}
    for text, so_far in _sources(shared, others):
        for octets, how in _derived(text, container):
            key = Key(octets, (*so_far, *how))
            held = found.get(octets)
            if held is None or len(key.deviations) < len(held.deviations):
                found[octets] = key
    return tuple(found.values())


def _derived(text: str, container: Container) -> Iterator[tuple[bytes, tuple[Deviation, ...]]]:
    long = container is Container.CIPHERTEXT_IV_256
    yield aes_key_128(text), ((named("card-key-128"),) if long else ())
    yield aes_key_256(text), (() if long else (named("card-key-256"),))
    octets = utf8(text)
    for size in _SIZES:
        if len(octets) >= size:
            yield octets[:size], (named("card-key-cut", str(size)),)
            yield octets[-size:], (named("card-key-end", str(size)),)
        for filler, said in ((b"\0", "zero octets"), (b" ", "blanks"), (b"0", "“0”"), (b"-", "“-”"), (b"*", "“*”")):
            if len(octets) < size:
                yield octets.ljust(size, filler), (named("card-key-filled", f"{size} octets with {said}"),)
                yield octets.rjust(size, filler), (named("card-key-filled", f"{size} octets with {said} in front"),)
        if octets:
            yield (octets * size)[:size], (named("card-key-filled", f"{size} octets by repeating it"),)
    yield from _hashes(octets)
    yield from _decoded(text)


def _hashes(octets: bytes) -> Iterator[tuple[bytes, tuple[Deviation, ...]]]:
    for name, title in (("md5", "MD5"), ("sha1", "SHA-1"), ("sha256", "SHA-256"), ("sha512", "SHA-512")):
        digest = hashlib.new(name, octets, usedforsecurity=False).digest()
        for size in _SIZES:
            for form, said in ((digest, title), (utf8(digest.hex()), f"{title} in hexadecimal")):
                if len(form) >= size:
                    whole = "" if len(form) == size else f", its first {size} octets"
                    yield form[:size], (named("card-key-hashed", said + whole),)


def _decoded(text: str) -> Iterator[tuple[bytes, tuple[Deviation, ...]]]:
    octets = decode_leniently(text)
    candidates = [(octets, "card-key-base64-decoded")] if octets else []
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", text):
        candidates.append((bytes.fromhex(text), "card-key-hex-decoded"))
    for key, name in candidates:
        for size in _SIZES:
            if key and len(key) >= size:
                yield key[:size], (named(name),)


def salted_keys(shared: str, others: Mapping[str, str], salt: bytes) -> Iterator[Key]:
    """For OpenSSL's passphrase container: other hashes, other key lengths, PBKDF2."""
    for text, so_far in _sources(shared, others):
        key, vector = salted_key_and_iv(text, salt)
        yield Key(key, so_far, vector)
        for name, title in (("md5", "MD5"), ("sha256", "SHA-256"), ("sha1", "SHA-1"), ("sha512", "SHA-512")):
            for size in _SIZES:
                derived = _evp(utf8(text), salt, name, size + BLOCK)
                if (name, size) != ("md5", 32):
                    said = f"{title} for AES-{size * 8}"
                    yield Key(derived[:size], (*so_far, named("card-key-evp", said)), derived[size:])
    for name, rounds in (("sha256", 10_000), ("sha256", 1000), ("sha1", 1000)):  # OpenSSL's default, two frequent ones
        for size in (32, 16):
            derived = hashlib.pbkdf2_hmac(name, utf8(shared), salt, rounds, size + BLOCK)
            said = f"{name.upper()}, {rounds} rounds, AES-{size * 8}"
            yield Key(derived[:size], (named("card-key-pbkdf2", said),), derived[size:])


def _evp(passphrase: bytes, salt: bytes, name: str, length: int) -> bytes:
    """OpenSSL's EVP_BytesToKey, one round."""
    derived = digest = b""
    while len(derived) < length:
        digest = hashlib.new(name, digest + passphrase + salt, usedforsecurity=False).digest()
        derived += digest
    return derived[:length]


# --- modes --------------------------------------------------------------------------------------------------------


def blocks_of(ciphertext: bytes, key: bytes) -> bytes:
    """Each block decrypted on its own (ECB), from which CBC under any vector is one XOR away."""
    chained = crypto.aes_cbc_decrypted(ciphertext, key, _ZERO)
    return chained[:BLOCK] + _xor(chained[BLOCK:], ciphertext)


def cbc(blocks: bytes, ciphertext: bytes, vector: bytes) -> bytes:
    return _xor(blocks, vector + ciphertext)


def _xor(left: bytes, right: bytes) -> bytes:
    size = min(len(left), len(right))
    return (int.from_bytes(left[:size], "big") ^ int.from_bytes(right[:size], "big")).to_bytes(size, "big")


def _encrypted(block: bytes, key: bytes) -> bytes:
    return crypto.aes_cbc_encrypted(block, key, _ZERO)


def streams(ciphertext: bytes, key: bytes, vector: bytes) -> Iterator[tuple[str, bytes]]:
    """The plaintext under each stream mode; but for GCM only where its beginning, which they share, looks like text."""
    if len(vector) == 12:
        yield "GCM", _counted(ciphertext[:-BLOCK], key, vector + bytes([0, 0, 0, 2]))
        return
    first = _xor(ciphertext[:BLOCK], _encrypted(vector, key))
    if not first or first[0] not in b'{"[<0123456789 ':
        return
    if _may_be_text(first):
        yield "CTR", _counted(ciphertext, key, vector)
        length = -(-len(ciphertext) // BLOCK) * BLOCK
        yield "OFB", _xor(ciphertext, crypto.aes_cbc_encrypted(bytes(length), key, vector))
        yield "CFB", _fed_back(ciphertext, key, vector, BLOCK)
    # Its first octet alone is the same. One encryption an octet is dear, so that a few are tried first.
    if _may_be_text(_fed_back(ciphertext[:8], key, vector, 1)):
        yield "CFB with segments of 8 bits", _fed_back(ciphertext, key, vector, 1)


def _may_be_text(octets: bytes) -> bool:
    return all(octet >= 0x20 or octet in b"\t\n\r\0" for octet in octets)  # zeros: UTF-16


def _counted(ciphertext: bytes, key: bytes, start: bytes) -> bytes:
    count, number = -(-len(ciphertext) // BLOCK), int.from_bytes(start, "big")
    counters = b"".join(((number + n) % (1 << 128)).to_bytes(BLOCK, "big") for n in range(count))
    stream = b"".join(_encrypted(counters[n : n + BLOCK], key) for n in range(0, len(counters), BLOCK))
    return _xor(ciphertext, stream)


def _fed_back(ciphertext: bytes, key: bytes, vector: bytes, segment: int) -> bytes:
    register, plain = vector, b""
    for start in range(0, len(ciphertext), segment):
        piece = ciphertext[start : start + segment]
        plain += _xor(piece, _encrypted(register, key))
        register = (register + piece)[-BLOCK:]
    return plain
