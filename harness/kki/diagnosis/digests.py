"""The wrong ways to write the digest of the body."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator

from kki.diagnosis.choices import Choice, distinct, wrong
from kki.snap.canonical import body_digest
from kki.snap.encoding import utf8

DigestForm = Callable[[bytes], str]


def digests(right: bytes, client_secret: str) -> tuple[Choice[DigestForm], ...]:
    """How the digest is written. Forms that agree on this body are one."""
    others = [*_other_texts(), *_other_hashes(), *_keyed(utf8(client_secret)), *_prefixed()]
    return distinct(Choice(body_digest), others, lambda form: form(right))


def _other_texts() -> Iterator[Choice[DigestForm]]:
    def sha256(body: bytes) -> bytes:
        return hashlib.sha256(body).digest()

    yield wrong("digest-upper-case", lambda body: sha256(body).hex().upper())
    yield wrong("digest-zeros-lost", lambda body: sha256(body).hex().lstrip("0"), "the first ones")
    yield wrong("digest-zeros-lost", lambda body: _unpadded(sha256(body)), "that of each octet below 16")
    yield wrong("digest-hyphenated", lambda body: sha256(body).hex("-"))
    yield wrong("digest-hyphenated", lambda body: sha256(body).hex("-").upper())
    yield wrong("digest-base64", lambda body: _base64(sha256(body)))
    yield wrong("digest-base64", lambda body: _base64(sha256(body)).rstrip("="))
    yield wrong("digest-base64", lambda body: base64.urlsafe_b64encode(sha256(body)).decode())
    yield wrong("digest-base64", lambda body: _base64(sha256(body)).lower())
    yield wrong("digest-base64", lambda body: _base64(utf8(sha256(body).hex())))
    yield wrong("digest-of-digest", lambda body: sha256(utf8(sha256(body).hex())).hex())
    yield wrong("digest-of-digest", lambda body: sha256(sha256(body)).hex())
    yield wrong("digest-empty", lambda _: "")
    yield wrong("body-for-digest", lambda body: body.decode("utf-8", "replace"), shown="‹the body›")


def _unpadded(octets: bytes) -> str:
    return "".join(f"{octet:x}" for octet in octets)


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def _other_hashes() -> Iterator[Choice[DigestForm]]:
    for name, title in (("md5", "MD5"), ("sha1", "SHA-1"), ("sha512", "SHA-512"), ("sha384", "SHA-384")):
        paired = name != "sha384"
        yield wrong("digest-other-hash", _hex_of(name), title, paired=paired)
        yield wrong("digest-other-hash", _upper_hex_of(name), f"{title}, in upper case,", paired=False)
        yield wrong("digest-other-hash", _base64_of(name), f"{title}, in Base64,", paired=False)


def _hex_of(name: str) -> DigestForm:
    return lambda body: hashlib.new(name, body, usedforsecurity=False).hexdigest()


def _upper_hex_of(name: str) -> DigestForm:
    return lambda body: hashlib.new(name, body, usedforsecurity=False).hexdigest().upper()


def _base64_of(name: str) -> DigestForm:
    return lambda body: _base64(hashlib.new(name, body, usedforsecurity=False).digest())


def _keyed(secret: bytes) -> Iterator[Choice[DigestForm]]:
    yield wrong("digest-keyed", lambda body: hmac.digest(secret, body, "sha256").hex(), "SHA-256")
    yield wrong("digest-keyed", lambda body: hmac.digest(secret, body, "sha512").hex(), "SHA-512")
    yield wrong("digest-keyed", lambda body: _base64(hmac.digest(secret, body, "sha256")), "SHA-256", paired=False)
    yield wrong("digest-keyed", lambda body: _base64(hmac.digest(secret, body, "sha512")), "SHA-512", paired=False)


def _prefixed() -> Iterator[Choice[DigestForm]]:
    for prefix in ("sha256=", "SHA-256=", "SHA256=", "sha256:", "0x"):
        yield wrong("digest-prefixed", _after(prefix, _hex_of("sha256")), prefix, paired=False)
        yield wrong("digest-prefixed", _after(prefix, _base64_of("sha256")), prefix, paired=False)


def _after(prefix: str, form: DigestForm) -> DigestForm:
    return lambda body: prefix + form(body)
