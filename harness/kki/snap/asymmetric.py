"""The asymmetric signature of the token requests: Base64(RSASSA-PKCS1-v1_5-SHA256(client id | timestamp))."""

from __future__ import annotations

from kki.snap import crypto
from kki.snap.canonical import Malformed
from kki.snap.encoding import base64_octets, base64_text, utf8


def token_string_to_sign(client_id: str, timestamp: str) -> str:
    """X-CLIENT-KEY, a vertical bar, X-TIMESTAMP, each as on the wire. Source: DOKU, asymmetric signature."""
    return f"{client_id}|{timestamp}"


def sign_token_request(*, client_id: str, timestamp: str, private_key_pem: str) -> str | Malformed:
    """X-SIGNATURE of a token request: 344 characters with RSA 2048. Malformed("key") for a key that is not usable."""
    key = crypto.private_key(private_key_pem)
    if isinstance(key, Malformed):
        return key
    return base64_text(crypto.rsa_sha256_signature(key, utf8(token_string_to_sign(client_id, timestamp))))


def sign_otherwise(*, client_id: str, timestamp: str, private_key_pem: str, scheme: str) -> str | Malformed:
    """X-SIGNATURE by another algorithm than the documented one: `crypto.rsa_otherwise` names them."""
    key = crypto.private_key(private_key_pem)
    if isinstance(key, Malformed):
        return key
    return base64_text(crypto.rsa_otherwise(key, utf8(token_string_to_sign(client_id, timestamp)), scheme))


def verifies_otherwise(*, client_id: str, timestamp: str, signature: str, public_key_pem: str, scheme: str) -> bool:
    """Whether the signature text is one of that algorithm."""
    key, octets = crypto.public_key(public_key_pem), base64_octets(signature)
    if isinstance(key, Malformed) or isinstance(octets, Malformed):
        return False
    return crypto.rsa_verifies_otherwise(key, utf8(token_string_to_sign(client_id, timestamp)), octets, scheme)


def verify_token_request(*, client_id: str, timestamp: str, signature: str, public_key_pem: str) -> bool | Malformed:
    """Whether the signature text is right. A text that is not strict Base64 is simply wrong.

    Malformed("key") only for a public key that is not usable, which is not the signer's fault.
    """
    key = crypto.public_key(public_key_pem)
    if isinstance(key, Malformed):
        return key
    octets = base64_octets(signature)
    if isinstance(octets, Malformed):
        return False
    return crypto.rsa_sha256_verifies(key, utf8(token_string_to_sign(client_id, timestamp)), octets)


def public_key_of(private_key_pem: str) -> str | Malformed:
    """The public half as PEM (SubjectPublicKeyInfo), or Malformed("key")."""
    key = crypto.private_key(private_key_pem)
    return key if isinstance(key, Malformed) else crypto.public_pem(key.public_key())
