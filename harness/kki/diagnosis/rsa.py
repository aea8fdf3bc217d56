"""What an RSA signature holds: opened with the public key, so that each text is compared at the price of one hash."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kki.snap import crypto
from kki.snap.canonical import Malformed

Digest = Callable[[bytes], bytes]
TITLES = {
    "sha256": "SHA-256", "sha1": "SHA-1", "sha512": "SHA-512", "sha384": "SHA-384", "md5": "MD5", "sha224": "SHA-224",
}  # fmt: skip
# DigestInfo without its digest (RFC 8017 section 9.2, note 1).
_IDENTIFIERS = {
    "md5": bytes.fromhex("3020300c06082a864886f70d020505000410"),
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha224": bytes.fromhex("302d300d06096086480165030402040500041c"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}


@dataclass(frozen=True, slots=True)
class Content:
    """What the signature says of the text: `apply(text) == value` for the text that was signed.

    `kind`: "pkcs1" the ordinary form, "twice", "bare", "raw", "pss"; `title`: the hash and how it was used.
    """

    kind: str
    title: str
    apply: Digest
    value: bytes
    hash: str = ""


def hasher(name: str) -> Digest:
    return lambda text: hashlib.new(name, text, usedforsecurity=False).digest()


def opened(signature: bytes, public_key_pem: str) -> bytes | None:
    """The encoded message, as long as the key; None where key or length do not fit."""
    key = crypto.public_key(public_key_pem)
    if isinstance(key, Malformed):
        return None
    numbers, size = key.public_numbers(), (key.key_size + 7) // 8
    value = int.from_bytes(signature, "big")
    if len(signature) != size or value >= numbers.n:
        return None
    return pow(value, numbers.e, numbers.n).to_bytes(size, "big")


def contents(message: bytes) -> tuple[Content, ...]:
    """All ways in which this encoded message may have been made from a text; () for one without any padding."""
    body = _unpadded(message)
    return tuple(_of_padded(body)) if body is not None else tuple(_of_pss(message))


def _unpadded(message: bytes) -> bytes | None:
    """What stands behind PKCS#1 v1.5 padding, block type 1 (RFC 8017 section 9.2)."""
    if not message.startswith(b"\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff"):
        return None
    filling, zero, body = message[2:].partition(b"\x00")
    return body if zero and not filling.strip(b"\xff") else None


def _of_padded(body: bytes) -> Iterator[Content]:
    for name, identifier in _IDENTIFIERS.items():
        if body.startswith(identifier) and len(body) == len(identifier) + hashlib.new(name).digest_size:
            yield from _of_digest(name, body[len(identifier) :])
            return
    yield Content("raw", "no hash", lambda text: text, body)
    for name, title in TITLES.items():
        yield Content("bare", f"{title} digest", hasher(name), body, name)
        yield Content("bare", f"{title} digest in hexadecimal", _then(name, _hex), body, name)


def _of_digest(name: str, value: bytes) -> Iterator[Content]:
    yield Content("pkcs1", TITLES[name], hasher(name), value, name)
    for first in dict.fromkeys((name, "sha256", "sha512")):
        for said, form in (("", bytes), (" in hexadecimal", _hex), (" in Base64", base64.b64encode)):
            yield Content("twice", f"{TITLES[first]}{said}", _twice(name, first, form), value, name)


def _hex(octets: bytes) -> bytes:
    return octets.hex().encode("ascii")


def _then(name: str, form: Digest) -> Digest:
    digest = hasher(name)
    return lambda text: form(digest(text))


def _twice(outer: str, inner: str, form: Digest) -> Digest:
    last, first = hasher(outer), hasher(inner)
    return lambda text: last(form(first(text)))


def _of_pss(message: bytes) -> Iterator[Content]:
    """EMSA-PSS (RFC 8017 section 9.1.2): the salt is in the message, so that one hash a text is enough here too."""
    if message[-1:] != b"\xbc":
        return
    for name in ("sha256", "sha512", "sha1", "sha384"):
        for mask in dict.fromkeys((name, "sha1")):
            found = _pss(message, name, mask)
            if found is not None:
                salt, value = found
                title = f"{TITLES[name]}, {len(salt)} octets of salt"
                yield Content("pss", title, _pss_digest(name, salt), value, name)


def _pss(message: bytes, name: str, mask: str) -> tuple[bytes, bytes] | None:
    """Salt and digest, or None where the padding is no such one."""
    size = hashlib.new(name).digest_size
    masked, value = message[: -size - 1], message[-size - 1 : -1]
    plain = bytes(a ^ b for a, b in zip(masked, _mask(value, len(masked), mask), strict=True))
    plain = bytes([plain[0] & 0x7F]) + plain[1:]  # keys have a multiple of eight bits, so one bit is spare
    padding, one, salt = plain.partition(b"\x01")
    return (salt, value) if one and not padding.strip(b"\x00") else None


def _mask(seed: bytes, length: int, name: str) -> bytes:
    """MGF1 (RFC 8017 section B.2.1)."""
    digest, octets, counter = hasher(name), b"", 0
    while len(octets) < length:
        octets += digest(seed + counter.to_bytes(4, "big"))
        counter += 1
    return octets[:length]


def _pss_digest(name: str, salt: bytes) -> Digest:
    digest = hasher(name)
    return lambda text: digest(bytes(8) + digest(text) + salt)
