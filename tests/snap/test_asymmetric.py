"""The RSA signature of the token requests."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given

from kki.snap import crypto
from kki.snap.asymmetric import public_key_of, sign_token_request, token_string_to_sign, verify_token_request
from kki.snap.canonical import Malformed

from .support import PRIVATE_PEM, PUBLIC_PEM, any_text, quick, vector_file, vectors, wycheproof

KEYS = vector_file("token-signature.json")["keys"]


def verified(case: dict[str, Any]) -> bool | Malformed:
    return verify_token_request(
        client_id=case["client_id"],
        timestamp=case["timestamp"],
        signature=case["signature"],
        public_key_pem=KEYS[case["key"]]["public_pem"],
    )


@pytest.mark.parametrize("case", vectors("token-signature.json"))
def test_verification_decides_as_the_vector_does(case: dict[str, Any]) -> None:
    assert verified(case) is (case["result"] == "valid")


@pytest.mark.parametrize("case", vectors("token-signature.json", result="valid"))
def test_signing_reproduces_the_vector(case: dict[str, Any]) -> None:
    client_id, timestamp = case["client_id"], case["timestamp"]
    assert token_string_to_sign(client_id, timestamp) == case["string_to_sign"]
    made = sign_token_request(client_id=client_id, timestamp=timestamp, private_key_pem=PRIVATE_PEM)
    assert made == case["signature"]


@pytest.mark.parametrize(("group", "case"), wycheproof("rsa_signature_2048_sha256_test.json"))
def test_rsa_pkcs1_sha256_of_wycheproof(group: dict[str, Any], case: dict[str, Any]) -> None:
    key = crypto.public_key(group["publicKeyPem"])
    assert not isinstance(key, Malformed)
    good = crypto.rsa_sha256_verifies(key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
    # "acceptable": a parameter left out of the encoding, which OpenSSL does not forgive; nor would a gateway.
    assert good is (case["result"] == "valid")


@given(any_text, any_text)
@quick
def test_what_is_signed_verifies_and_nothing_else(client_id: str, timestamp: str) -> None:
    made = sign_token_request(client_id=client_id, timestamp=timestamp, private_key_pem=PRIVATE_PEM)
    assert isinstance(made, str)
    assert len(made) == 344
    common = {"signature": made, "public_key_pem": PUBLIC_PEM}
    assert verify_token_request(client_id=client_id, timestamp=timestamp, **common) is True
    assert verify_token_request(client_id=client_id + "x", timestamp=timestamp, **common) is False


@given(any_text)
@quick
def test_any_signature_text_is_judged(signature: str) -> None:
    assert verified({"client_id": "a", "timestamp": "b", "signature": signature, "key": 0}) is False


def pem(key: Any) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    text: str = key.private_bytes(*form).decode()
    return text


def unusable_keys() -> dict[str, str]:
    locked = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    return {
        "empty": "",
        "rubbish": "not a key \ud800",
        "elliptic": pem(ec.generate_private_key(ec.SECP256R1())),
        "short": pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        "encrypted": locked.decode(),
        "public": PUBLIC_PEM,
        "damaged": PRIVATE_PEM.replace("M", "N"),
    }


@pytest.mark.parametrize("kind", ["empty", "rubbish", "elliptic", "short", "encrypted", "public", "damaged"])
def test_a_private_key_that_is_not_usable_is_malformed(kind: str) -> None:
    key = unusable_keys()[kind]
    signed = sign_token_request(client_id="a", timestamp="b", private_key_pem=key)
    public = public_key_of(key)
    assert isinstance(signed, Malformed)
    assert signed.step == "key"
    assert isinstance(public, Malformed)
    assert "PRIVATE" not in public.why


@pytest.mark.parametrize("key", ["", "rubbish", PRIVATE_PEM, PUBLIC_PEM[:-60]])
def test_a_public_key_that_is_not_usable_is_malformed(key: str) -> None:
    result = verify_token_request(client_id="a", timestamp="b", signature="", public_key_pem=key)
    assert isinstance(result, Malformed)
    assert result.step == "key"


def test_an_elliptic_or_short_public_key_is_malformed() -> None:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    keys: list[Any] = [
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(public_exponent=65537, key_size=1024),
    ]
    results = [crypto.public_key(key.public_key().public_bytes(*form).decode()) for key in keys]
    assert [isinstance(result, Malformed) for result in results] == [True, True]


def test_public_key_of_is_the_public_half() -> None:
    assert public_key_of(PRIVATE_PEM) == PUBLIC_PEM
