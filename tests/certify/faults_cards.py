# ruff: noqa: ARG005 - a hook is handed everything, and most look at one thing
"""Card data: merchants that get them wrong in one way each."""

from __future__ import annotations

import hashlib
import secrets

from . import small_client as right
from .faulty import shelf
from .small_client import Kit, b64

MERCHANTS, merchant = shelf("card data")

CONTAINER = {"card-data-container": "ciphertext|iv"}


def sealed(kit: Kit, plain: bytes, *, key: bytes | None = None, iv: bytes | None = None) -> tuple[bytes, bytes]:
    vector = secrets.token_bytes(16) if iv is None else iv
    return right.aes_cbc(plain, right.aes_key(kit.shared_key) if key is None else key, vector), vector


def barred(pair: tuple[bytes, bytes]) -> str:
    return f"{b64(pair[0])}|{b64(pair[1])}"


def salted(kit: Kit, plain: bytes) -> str:
    """As CryptoJS and `openssl enc -md md5` make it of a passphrase."""
    salt, made = secrets.token_bytes(8), b""
    last = b""
    while len(made) < 48:
        last = hashlib.md5(last + kit.shared_key.encode() + salt).digest()
        made += last
    return b64(b"Salted__" + salt + right.aes_cbc(plain, made[:32], made[32:48]))


def iv_first(kit: Kit, plain: bytes) -> str:
    octets, iv = sealed(kit, plain)
    return b64(iv + octets)


merchant("card-plain", "Sends the card in clear.", "CRD-010", "SEC-010", seal=lambda kit, plain: plain.decode())
merchant("card-base64", "Sends the card in Base64, not encrypted.", "CRD-010", seal=lambda kit, plain: b64(plain))
merchant(
    "card-key-secret",
    "Seals with the client secret, as the SDKs do.",
    "CRD-010",
    seal=lambda kit, plain: barred(sealed(kit, plain, key=right.aes_key(kit.client_secret))),
)
merchant(
    "card-key-hashed",
    "Seals with AES-256 under the hash of the shared key, in hexadecimal and without the IV.",
    "CRD-010",
    seal=lambda kit, plain: sealed(kit, plain, key=hashlib.sha256(kit.shared_key.encode()).digest())[0].hex(),
)
merchant(
    "card-iv-short",
    "Sends 12 octets of an IV.",
    "CRD-010",
    seal=lambda kit, plain: f"{b64(sealed(kit, plain)[0])}|{b64(secrets.token_bytes(12))}",
)
merchant(
    "card-iv-missing",
    "Keeps the IV to itself.",
    "CRD-010",
    seal=lambda kit, plain: b64(sealed(kit, plain)[0]),
)
merchant("card-salted", "Seals with a passphrase, as CryptoJS does.", "CRD-012", pins=CONTAINER, seal=salted)
merchant("card-iv-first", "Puts the IV before the ciphertext.", "CRD-012", pins=CONTAINER, seal=iv_first)
merchant(
    "card-iv-static",
    "Uses one IV for ever.",
    "CRD-016",
    seal=lambda kit, plain: barred(sealed(kit, plain, iv=b"0123456789abcdef")),
)
merchant(
    "card-iv-zero", "Uses an IV of zeros.", "CRD-016", seal=lambda kit, plain: barred(sealed(kit, plain, iv=bytes(16)))
)
merchant(
    "card-payload-list",
    "Seals a list instead of an object.",
    "CRD-014",
    pins={"card-data-payload": "any-object"},
    card=lambda card: list(card.values()),
)
merchant(
    "card-payload-number",
    "Seals the card's number alone.",
    "CRD-014",
    pins={"card-data-payload": "any-object"},
    card=lambda card: card["bankCardNo"],
)
merchant(
    "card-payload-lacking",
    "Seals the card without its expiry date.",
    "CRD-014",
    pins={"card-data-payload": "sdk"},
    card=lambda card: {name: card[name] for name in card if name != "expiryDate"},
)
merchant(
    "card-expiry-yymm",
    "Writes the expiry date as YYMM.",
    "CRD-018",
    pins={"card-data-payload": "sdk"},
    card=lambda card: {**card, "expiryDate": "3012"},
)
