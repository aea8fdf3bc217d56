"""The wrong keys for the HMAC: the client secret changed, or something else in its place. No text here shows a key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from kki.diagnosis.choices import Choice, distinct, wrong
from kki.diagnosis.encodings import UTF_16, decode_leniently
from kki.diagnosis.parts import Material
from kki.snap.encoding import base64_text, utf8

_CUTS = (16, 24, 32, 48, 64)  # characters: the usual key sizes
# What stands in a variable that holds nothing, and how settings name a secret that is kept elsewhere.
_NOTHING = ("undefined", "null", "None", "nil", "NULL", "false", "[object Object]", "[object Promise]")
_VARIABLES = (
    "KKI_CLIENT_SECRET", "DOKU_CLIENT_SECRET", "CLIENT_SECRET", "DOKU_SECRET_KEY", "SECRET_KEY", "DOKU_SECRET",
)  # fmt: skip
_NAMED = ("env:{}", "${{{}}}", "${}", "%{}%", "{}", "process.env.{}")


def keys(material: Material) -> tuple[Choice[bytes], ...]:
    secret = material.client_secret
    others = [*_worn(secret), *_decoded(secret), *_encoded(secret), *_changed(secret), *_others(material)]
    others += _placeholders(material.references)
    return distinct(Choice(utf8(secret)), others)


def _worn(secret: str) -> Iterator[Choice[bytes]]:
    yield wrong("key-trimmed", utf8(secret.strip()))
    for end in ("\n", "\r\n", "\r"):
        yield wrong("key-with-line-end", utf8(secret + end))
    for escape in (r"\n", r"\r\n"):
        yield wrong("key-with-escape", utf8(secret + escape))
    for text in (f"{secret} ", f" {secret}", f"{secret}\t"):
        yield wrong("key-with-blank", utf8(text))
    for mark in ('"', "'"):
        yield wrong("key-quoted", utf8(f"{mark}{secret}{mark}"))
    yield wrong("key-with-ampersand", utf8(f"{secret}&"), paired=False)
    yield wrong("key-empty", b"")


def _decoded(secret: str) -> Iterator[Choice[bytes]]:
    for text in (secret, secret.partition("-")[2]):
        octets = decode_leniently(text) if text else None
        if octets:
            yield wrong("key-base64-decoded", octets)
    # Node and PHP decode what they can: unknown characters are passed over.
    loose = decode_leniently(re.sub(r"[^A-Za-z0-9+/_-]", "", secret))
    if loose:
        yield wrong("key-base64-decoded", loose)
    skipping = decode_leniently(re.sub(r"[^A-Za-z0-9+/]", "", secret))
    if skipping:
        yield wrong("key-base64-decoded", skipping, paired=False)
    head = re.match(r"(?:[0-9A-Fa-f]{2})*", secret)
    if head and head[0]:  # Node's Buffer.from(secret, "hex") stops at the first character that is no digit
        yield wrong("key-hex-decoded", bytes.fromhex(head[0]))


def _encoded(secret: str) -> Iterator[Choice[bytes]]:
    octets = utf8(secret)
    yield wrong("key-base64-encoded", utf8(base64_text(octets)))
    yield wrong("key-hex-encoded", utf8(octets.hex()))
    yield wrong("key-hex-encoded", utf8(octets.hex().upper()), paired=False)
    yield wrong("key-other-charset", b"\xef\xbb\xbf" + octets, "UTF-8 with a byte order mark")
    for charset, mark, title in UTF_16:
        yield wrong("key-other-charset", mark + secret.encode(charset, "surrogatepass"), title, paired=not mark)
    for name, title in (("sha256", "SHA-256"), ("sha512", "SHA-512"), ("sha1", "SHA-1"), ("md5", "MD5")):
        digest = hashlib.new(name, octets, usedforsecurity=False).digest()
        yield wrong("key-hashed", utf8(digest.hex()), title, paired=name == "sha256")
        yield wrong("key-hashed", utf8(digest.hex().upper()), title, paired=False)
        yield wrong("key-hashed", utf8(base64_text(digest)), title, paired=False)
        yield wrong("key-hashed", digest, title, paired=name == "sha256")


def _changed(secret: str) -> Iterator[Choice[bytes]]:
    yield wrong("key-lower-case", utf8(secret.lower()))
    yield wrong("key-upper-case", utf8(secret.upper()))
    for mark in "-_:":
        if mark in secret:
            yield wrong("key-without-prefix", utf8(secret.partition(mark)[2]))
    for length in _CUTS:
        yield wrong("key-cut-short", utf8(secret[:length]), str(length))
    if secret:
        yield wrong("key-cut-short", utf8(secret[:-1]), str(len(secret) - 1), paired=False)


def _placeholders(references: Iterable[str]) -> Iterator[Choice[bytes]]:
    for text in _NOTHING:
        yield wrong("key-placeholder", utf8(text), text, paired=False)
    usual = (form.format(name) for name in _VARIABLES for form in _NAMED)
    for text in (*references, *usual):
        yield wrong("key-placeholder", utf8(text), text, paired=False)


def _others(material: Material) -> Iterator[Choice[bytes]]:
    shared = material.shared_key
    if shared:
        yield wrong("shared-key-for-secret", utf8(shared))
        yield wrong("shared-key-for-secret", utf8(shared) + b"\n", paired=False)
        octets = decode_leniently(shared)
        if octets:
            yield wrong("shared-key-for-secret", octets, paired=False)
    for client in material.client_ids:
        yield wrong("client-id-for-secret", utf8(client))
    if material.token:
        yield wrong("token-for-secret", utf8(material.token))
    for pem in (*material.private_keys, material.public_key):
        for text in (pem, pem.strip(), pem.strip() + "\n"):
            if pem:
                yield wrong("pem-for-secret", utf8(text), paired=False)
