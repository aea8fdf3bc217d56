"""The only door to `cryptography`: keys (RSA, Ed25519), RSA signatures, AES-CBC. No policy but the kind of key."""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from kki.snap.canonical import Malformed
from kki.snap.encoding import utf8

SMALLEST_KEY = 2048  # bits. DOKU, asymmetric signature: RSA 2048, made with `openssl genrsa`


# Loading checks the primes and takes longer than signing, so it is done once for each text.
@lru_cache(maxsize=64)
def private_key(pem: str) -> RSAPrivateKey | Malformed:
    """An RSA private key of at least 2048 bits from unencrypted PEM (PKCS#8 or PKCS#1), or Malformed("key")."""
    try:
        key = serialization.load_pem_private_key(utf8(pem), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return Malformed("key", f"Expected an unencrypted RSA private key in PEM, but got {_what(pem)}.")
    if not isinstance(key, RSAPrivateKey):
        return Malformed("key", "Expected an RSA private key, but got a key of another kind.")
    return _long_enough(key.key_size) or key


@lru_cache(maxsize=64)
def public_key(pem: str) -> RSAPublicKey | Malformed:
    """An RSA public key of at least 2048 bits from PEM (SubjectPublicKeyInfo or PKCS#1), or Malformed("key")."""
    try:
        key = serialization.load_pem_public_key(utf8(pem))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return Malformed("key", f"Expected an RSA public key in PEM, but got {_what(pem)}.")
    if not isinstance(key, RSAPublicKey):
        return Malformed("key", "Expected an RSA public key, but got a key of another kind.")
    return _long_enough(key.key_size) or key


_LOOKS = (
    ("ENCRYPTED", "one under a pass phrase"), ("PUBLIC KEY", "a public key"), ("CERTIFICATE", "a certificate"),
    ("OPENSSH", "one in OpenSSH's form"), ("PRIVATE KEY-----", "one that is damaged, or a private one"),
)  # fmt: skip


def _what(pem: str) -> str:
    """What a text is instead, as far as its own heading tells. Never the text."""
    if "-----BEGIN" not in pem:
        return "a text without “-----BEGIN”: is it the name of a file? Then write file:PATH"
    return next((says for word, says in _LOOKS if word in pem), "another text")


def _long_enough(bits: int) -> Malformed | None:
    if bits >= SMALLEST_KEY:
        return None
    return Malformed("key", f"Expected an RSA key of at least {SMALLEST_KEY} bits, but got one of {bits}.")


def public_pem(key: RSAPublicKey) -> str:
    """The key as PEM, SubjectPublicKeyInfo: the form that the DOKU dashboard takes."""
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(encoding, form).decode("ascii")


def rsa_sha256_signature(key: RSAPrivateKey, message: bytes) -> bytes:
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2.1); as long as the key. Deterministic."""
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def rsa_otherwise(key: RSAPrivateKey, message: bytes, scheme: str) -> bytes:
    """A signature as it must not be: "sha1" or "sha512" under PKCS #1 v1.5, or "pss" with SHA-256."""
    if scheme == "pss":
        return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    return key.sign(message, padding.PKCS1v15(), {"sha1": hashes.SHA1(), "sha512": hashes.SHA512()}[scheme])


def rsa_verifies_otherwise(key: RSAPublicKey, message: bytes, signature: bytes, scheme: str) -> bool:
    """Whether `rsa_otherwise` made it."""
    way = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if scheme == "pss" else padding.PKCS1v15()
    try:
        key.verify(
            signature, message, way, {"sha1": hashes.SHA1(), "sha512": hashes.SHA512(), "pss": hashes.SHA256()}[scheme]
        )
    except InvalidSignature:
        return False
    return True


def rsa_sha256_verifies(key: RSAPublicKey, message: bytes, signature: bytes) -> bool:
    """Whether the octets are the RSASSA-PKCS1-v1_5 SHA-256 signature of the message (RFC 8017 section 8.2.2)."""
    try:
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def aes_cbc_encrypted(blocks: bytes, key: bytes, iv: bytes) -> bytes:
    """AES-CBC over whole 16-octet blocks, no padding. The caller answers for the lengths: key 16, 24 or 32, IV 16."""
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(blocks) + encryptor.finalize()


def aes_cbc_decrypted(blocks: bytes, key: bytes, iv: bytes) -> bytes:
    """The inverse of `aes_cbc_encrypted`, under the same conditions."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return decryptor.update(blocks) + decryptor.finalize()


def ed25519_private_key(pem: str) -> Ed25519PrivateKey | Malformed:
    """An Ed25519 private key from unencrypted PEM (PKCS#8), or Malformed("key"). For attestations, not for the API."""
    try:
        key = serialization.load_pem_private_key(utf8(pem), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return Malformed("key", "Expected an unencrypted Ed25519 private key in PEM, but got another text.")
    if not isinstance(key, Ed25519PrivateKey):
        return Malformed("key", "Expected an Ed25519 private key, but got a key of another kind.")
    return key


def ed25519_public_key(pem: str) -> Ed25519PublicKey | Malformed:
    """An Ed25519 public key from PEM (SubjectPublicKeyInfo), or Malformed("key")."""
    try:
        key = serialization.load_pem_public_key(utf8(pem))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return Malformed("key", "Expected an Ed25519 public key in PEM, but got another text.")
    if not isinstance(key, Ed25519PublicKey):
        return Malformed("key", "Expected an Ed25519 public key, but got a key of another kind.")
    return key


def ed25519_public_pem(key: Ed25519PrivateKey) -> str:
    """Its public half as PEM, SubjectPublicKeyInfo."""
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(encoding, form).decode("ascii")
