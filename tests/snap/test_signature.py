"""X-SIGNATURE, step by step against the vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kki.snap.canonical import Malformed, minified
from kki.snap.signature import Signing, encoded, explain, first_difference, hmac_sha512, mac, same, sign, sign_raw

from .support import any_bytes, any_text, quick, vector_file, vectors, wycheproof

STEPS = ("minified", "digest", "string_to_sign", "mac", "signature")
INPUTS = ("method", "target", "token", "timestamp", "client_secret")
PAYMENT = next(case for case in vector_file("signature.json")["cases"] if case["id"] == "kki-payment")


def signing(case: dict[str, Any], **changed: Any) -> Signing:
    inputs = {name: case[name] for name in INPUTS} | {"body": case["body"].encode()} | changed
    result = sign(**inputs)
    assert isinstance(result, Signing), result
    return result


EXPECTED = signing(PAYMENT)


def steps(result: Signing) -> dict[str, str]:
    return {
        "minified": result.minified.decode(),
        "digest": result.digest,
        "string_to_sign": result.string_to_sign,
        "mac": result.mac.hex(),
        "signature": result.signature,
    }


@pytest.mark.parametrize("case", vectors("signature.json", step="signing", result="valid"))
def test_every_step_of_a_signature(case: dict[str, Any]) -> None:
    assert steps(signing(case)) == {step: case[step] for step in STEPS}


@pytest.mark.parametrize("case", vectors("signature.json", step="signing", result="invalid"))
def test_one_change_makes_another_signature(case: dict[str, Any]) -> None:
    assert not same(signing(case).signature, case["signature"])


@pytest.mark.parametrize("case", vectors("signature.json", step="mac", result="valid"))
def test_mac_and_its_encoding(case: dict[str, Any]) -> None:
    code = mac(case["client_secret"], case["string_to_sign"])
    assert (code.hex(), encoded(code)) == (case["mac"], case["signature"])


def rfc_4231() -> list[tuple[bytes, bytes, str]]:
    path = Path(cryptography_vectors.__file__).parent / "HMAC" / "rfc-4231-sha512.txt"
    rows = [line.split(" = ") for line in path.read_text().splitlines() if " = " in line]
    fields = [(name, value) for name, value in rows if name in ("Key", "Msg", "MD")]
    chunks = [dict(fields[at : at + 3]) for at in range(0, len(fields), 3)]
    return [(bytes.fromhex(chunk["Key"]), bytes.fromhex(chunk["Msg"]), chunk["MD"]) for chunk in chunks]


@pytest.mark.parametrize(("key", "message", "expected"), rfc_4231())
def test_hmac_sha512_of_rfc_4231(key: bytes, message: bytes, expected: str) -> None:
    assert hmac_sha512(key, message).hex() == expected


@pytest.mark.parametrize(("group", "case"), wycheproof("hmac_sha512_test.json"))
def test_hmac_sha512_of_wycheproof(group: dict[str, Any], case: dict[str, Any]) -> None:
    tag = hmac_sha512(bytes.fromhex(case["key"]), bytes.fromhex(case["msg"]))[: group["tagSize"] // 8]
    assert same(tag.hex(), case["tag"]) == (case["result"] == "valid")


@given(any_text, any_text, any_text, any_text, any_text, any_bytes)
@quick
def test_anything_can_be_signed_raw(method: str, target: str, token: str, time: str, secret: str, body: bytes) -> None:
    arguments = {"method": method, "target": target, "token": token, "timestamp": time, "client_secret": secret}
    raw = sign_raw(body=body, **arguments)
    assert (len(raw.mac), len(raw.signature), raw.minified) == (64, 88, body)
    thin = minified(body)
    whole = sign(body=body, **arguments)
    assert whole == (thin if isinstance(thin, Malformed) else sign_raw(body=thin, **arguments))


@given(st.sampled_from(INPUTS), any_text)
@quick
def test_changing_any_input_changes_the_signature(name: str, text: str) -> None:
    assume(text != PAYMENT[name])
    # A client secret is an HMAC key, which zero octets at its end do not change (RFC 2104: keys are filled with them).
    assume(text.rstrip("\0") != PAYMENT[name])
    assert signing(PAYMENT, **{name: text}).signature != EXPECTED.signature


@given(any_text, any_text)
@quick
def test_same_is_equality_for_any_text(a: str, b: str) -> None:
    assert same(a, b) == (a == b)
    assert same(a, a)


@given(any_text, any_text)
@quick
def test_first_difference_is_where_they_part(a: str, b: str) -> None:
    index = first_difference(a, b)
    if index is None:
        assert a == b
    else:
        assert a[:index] == b[:index]
        assert a[index : index + 1] != b[index : index + 1]


RIGHT = EXPECTED.signature


@pytest.mark.parametrize(
    ("signature", "word"),
    [
        (RIGHT, "expected one"),
        ("", "empty"),
        (f" {RIGHT}", "white space"),
        (f"{RIGHT}\r\n", "white space"),
        (EXPECTED.mac.hex(), "in hexadecimal"),
        (EXPECTED.mac.hex().upper(), "in hexadecimal"),
        (RIGHT.rstrip("="), "padding"),
        (RIGHT.replace("+", "-").replace("/", "_"), "URL-safe"),
        (RIGHT.replace("+", "-").replace("/", "_").rstrip("="), "URL-safe"),
        (RIGHT.lower(), "case of letters"),
        (RIGHT.swapcase(), "case of letters"),
        (RIGHT[:40], "first 40 of 88"),
        (EXPECTED.digest, "64 hexadecimal digits"),
        ("85be817c55b2c135157c7e89f52499bf0c25ad6eeebe04a986e8c862561b19a5", "256 bits"),
        ("0" * 128, "512 bits"),
        ("rubbish", "wrong length"),
        ("!" * 88, "not standard Base64"),
        (signing(PAYMENT, client_secret="another").signature, "another MAC"),
    ],
)
def test_explain_names_the_form(signature: str, word: str) -> None:
    assert word in explain(EXPECTED, signature)


@given(any_text)
@quick
def test_explain_answers_any_text_in_one_sentence(signature: str) -> None:
    sentence = explain(EXPECTED, signature)
    assert sentence.startswith("The ")
    assert sentence.endswith(".")
    assert RIGHT not in sentence


def test_repr_shows_neither_token_nor_body() -> None:
    assert PAYMENT["token"] not in repr(EXPECTED)
    assert "9360001609987000000" not in repr(EXPECTED)
