"""A statement in a DSSE envelope, signed with Ed25519. The only door to `securesystemslib`.

https://github.com/secure-systems-lab/dsse: envelope.md and protocol.md. Any DSSE tool can verify what is made here;
`opened` is stricter than they have to be, so that no octet of the file can change unseen.
"""

from __future__ import annotations

import json
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]  # documented, but not in __all__

from kki.attestation import PAYLOAD_TYPE
from kki.snap import crypto
from kki.snap.canonical import Malformed

_SIGNATURE = 64  # octets, RFC 8032 section 5.1.6


def new_key() -> tuple[str, str]:
    """A fresh Ed25519 key: (private, public) as PEM. Made on purpose only: by `kki attest --new-key`."""
    private = CryptoSigner.generate_ed25519().private_bytes.decode("ascii")
    key = crypto.ed25519_private_key(private)
    if isinstance(key, Malformed):
        raise TypeError(key.why)  # securesystemslib made another kind of key than it was asked for
    return private, crypto.ed25519_public_pem(key)


def sealed(payload: bytes, private_pem: str) -> bytes | str:
    """The envelope's file, with one signature; or one sentence on what is wrong with the key."""
    key = crypto.ed25519_private_key(private_pem)
    if isinstance(key, Malformed):
        return key.why
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(CryptoSigner(key))
    return _written(envelope)


def _written(envelope: Envelope) -> bytes:
    """The one way in which an envelope is written."""
    return (json.dumps(envelope.to_dict(), indent=1, sort_keys=True) + "\n").encode("ascii")


def key_id(public_pem: str) -> str | None:
    """How securesystemslib calls this key in an envelope; None for a text that is no Ed25519 key."""
    key = crypto.ed25519_public_key(public_pem)
    return None if isinstance(key, Malformed) else SSlibKey.from_crypto(key).keyid


def opened(file: bytes, public_pem: str) -> bytes | str:
    """The payload, once its signature is verified; or one sentence on why it cannot be trusted."""
    key = crypto.ed25519_public_key(public_pem)
    if isinstance(key, Malformed):
        return key.why
    envelope = _envelope(file)
    if isinstance(envelope, str):
        return envelope
    try:
        envelope.verify([SSlibKey.from_crypto(key)], 1)
    except VerificationError:
        return (
            "The signature does not verify under this public key: the statement was changed, or another key signed it."
        )
    return bytes(envelope.payload)


def _envelope(file: bytes) -> Envelope | str:
    """Only the very octets that `_written` makes: other white space, padding or members are changes too."""
    try:
        data: Any = json.loads(file)
        envelope = Envelope.from_dict(data)
        same = _written(envelope) == file
    except Exception as error:  # securesystemslib lets whatever its input provokes through
        return f"Expected a DSSE envelope, but could not read one: {type(error).__name__}."
    if envelope.payload_type != PAYLOAD_TYPE:
        return f"Expected a payload of type {PAYLOAD_TYPE}, but got another."
    if not same:
        return "The envelope's file is not as it was written: something in it was changed, be it white space only."
    if len(envelope.signatures) != 1 or any(
        len(each.signature) != 2 * _SIGNATURE for each in envelope.signatures.values()
    ):
        return "Expected one Ed25519 signature of 64 octets."
    return envelope
