"""Card data in every container."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kki.snap import crypto
from kki.snap.canonical import Malformed
from kki.snap.carddata import (
    Container,
    aes_key_128,
    aes_key_256,
    card_payload,
    decrypted,
    encrypted,
    open_any,
    open_sealed,
    recognise,
    resembles,
    salted_key_and_iv,
    seal,
)

from .support import any_bytes, any_text, json_values, quick, vectors, wycheproof

openable = [container for container in Container if container is not Container.HEX_NO_IV]
ivs, salts = st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8)


def opened(case: dict[str, Any]) -> bytes | Malformed:
    return open_sealed(case["text"], shared_key=case["shared_key"], container=Container(case["container"]))


@pytest.mark.parametrize("case", vectors("carddata.json", result="valid"))
def test_key_of_the_vector(case: dict[str, Any]) -> None:
    container = Container(case["container"])
    if container is Container.SALTED:
        key, iv = salted_key_and_iv(case["shared_key"], bytes.fromhex(case["salt"]))
        assert (key.hex(), iv.hex()) == (case["key"], case["derived_iv"])
    else:
        rule = aes_key_256 if container is Container.CIPHERTEXT_IV_256 else aes_key_128
        assert rule(case["shared_key"]).hex() == case["key"]


@pytest.mark.parametrize("case", vectors("carddata.json", result="valid"))
def test_sealing_reproduces_the_vector(case: dict[str, Any]) -> None:
    iv, salt = bytes.fromhex(case["iv"]), bytes.fromhex(case["salt"])
    container = Container(case["container"])
    made = seal(case["plaintext"].encode(), shared_key=case["shared_key"], container=container, iv=iv, salt=salt)
    assert made == case["text"]


@pytest.mark.parametrize("case", vectors("carddata.json", result="valid"))
def test_opening_the_vector_by_name_and_by_form(case: dict[str, Any]) -> None:
    plaintext = case["plaintext"].encode()
    assert opened(case) == plaintext
    assert open_any(case["text"], shared_key=case["shared_key"]) == (Container(case["container"]), plaintext)


@pytest.mark.parametrize("case", vectors("carddata.json", result="invalid"))
def test_a_bad_text_fails_at_the_step_the_vector_names(case: dict[str, Any]) -> None:
    result = opened(case)
    assert isinstance(result, Malformed)
    assert result.step == case["fails_at"], result


@pytest.mark.parametrize("case", vectors("carddata.json", result="invalid"))
def test_recognition_of_a_bad_text_goes_by_form_alone(case: dict[str, Any]) -> None:
    seen = recognise(case["text"])
    assert (seen.value if seen else None) == case["recognised"]


def nist_cbc() -> list[Any]:
    folder = Path(cryptography_vectors.__file__).parent / "ciphers" / "AES" / "CBC"
    rows = []
    for name in ("CBCMMT128.rsp", "CBCMMT256.rsp", "CBCGFSbox128.rsp", "CBCKeySbox256.rsp"):
        encrypt_only = (folder / name).read_text().split("[DECRYPT]")[0]
        for block in encrypt_only.split("COUNT = ")[1:]:
            values = dict(line.split(" = ") for line in block.splitlines() if " = " in line)
            rows.append(pytest.param(values, id=f"{name}-{block.split()[0]}"))
    return rows


@pytest.mark.parametrize("values", nist_cbc())
def test_aes_cbc_of_nist(values: dict[str, str]) -> None:
    key, iv, plain, ciphertext = (bytes.fromhex(values[name]) for name in ("KEY", "IV", "PLAINTEXT", "CIPHERTEXT"))
    assert crypto.aes_cbc_encrypted(plain, key, iv) == ciphertext
    assert crypto.aes_cbc_decrypted(ciphertext, key, iv) == plain


@pytest.mark.parametrize(("group", "case"), wycheproof("aes_cbc_pkcs5_test.json"))
def test_aes_cbc_pkcs7_of_wycheproof(group: dict[str, Any], case: dict[str, Any]) -> None:
    key, iv, message, ciphertext = (bytes.fromhex(case[name]) for name in ("key", "iv", "msg", "ct"))
    result = decrypted(ciphertext, key, iv)
    if case["result"] == "valid":
        assert result == message
        assert encrypted(message, key, iv) == ciphertext
    else:
        assert isinstance(result, Malformed)


@given(any_bytes, any_text, st.sampled_from(openable), ivs, salts)
@quick
def test_what_is_sealed_opens(plaintext: bytes, key: str, container: Container, iv: bytes, salt: bytes) -> None:
    text = seal(plaintext, shared_key=key, container=container, iv=iv, salt=salt)
    assert isinstance(text, str)
    assert open_sealed(text, shared_key=key, container=container) == plaintext


@given(st.dictionaries(st.text(max_size=6), json_values, max_size=3), any_text, st.sampled_from(openable), ivs, salts)
@quick
def test_a_sealed_object_is_found_whatever_its_container(
    card: dict[str, object], key: str, container: Container, iv: bytes, salt: bytes
) -> None:
    plaintext = json.dumps(card).encode()
    text = seal(plaintext, shared_key=key, container=container, iv=iv, salt=salt)
    assert isinstance(text, str)
    assert open_any(text, shared_key=key) == (container, plaintext)
    # By form alone the two key lengths cannot be told apart.
    same_form = Container.CIPHERTEXT_IV if container is Container.CIPHERTEXT_IV_256 else container
    assert recognise(text) is resembles(text) is same_form


@given(any_text, any_text)
@quick
def test_any_text_is_opened_or_malformed(text: str, key: str) -> None:
    results = [open_sealed(text, shared_key=key, container=container) for container in Container]
    results.append(card_payload(text.encode("utf-8", "replace")))  # type: ignore[arg-type]
    assert all(isinstance(result, bytes | dict | Malformed) for result in results)
    assert isinstance(open_any(text, shared_key=key), tuple | Malformed)


base64ish = st.text("ABCab012+/=|U2FsdGVkX1-_", max_size=80)


@given(base64ish)
@quick
def test_what_is_recognised_fails_at_its_padding_or_opens(text: str) -> None:
    seen = recognise(text)
    result = open_any(text, shared_key="k")
    if isinstance(result, tuple):
        assert seen is not None
    elif seen not in (None, Container.HEX_NO_IV):
        assert result.step == "padding"
    else:
        assert result.step in {"container", "base64", "salt", "iv", "block length"}


@pytest.mark.parametrize("length", [0, 8, 15, 17, 32])
def test_sealing_needs_an_iv_of_sixteen_octets(length: int) -> None:
    result = seal(b"{}", shared_key="k", iv=bytes(length))
    assert isinstance(result, Malformed)
    assert result.step == "iv"


@pytest.mark.parametrize("length", [0, 7, 9, 16])
def test_sealing_salted_needs_a_salt_of_eight_octets(length: int) -> None:
    result = seal(b"{}", shared_key="k", container=Container.SALTED, salt=bytes(length))
    assert isinstance(result, Malformed)
    assert result.step == "salt"


def test_hexadecimal_without_an_iv_is_never_made() -> None:
    result = seal(b"{}", shared_key="k", container=Container.HEX_NO_IV, iv=bytes(16))
    assert isinstance(result, Malformed)
    assert result.step == "container"


@pytest.mark.parametrize(
    ("key_string", "key"),
    [
        ("", b"-" * 16),
        ("SK-harness-0001", b"SK-harness-0001-"),
        ("0123456789abcdef", b"0123456789abcdef"),
        ("0123456789abcdefg", b"0123456789abcdef"),
        ("éééééééé", "éééééééé".encode()),
        ("xéééééééé", "xééééééé".encode() + b"\xc3"),
    ],
)
def test_aes_key_128_is_sixteen_octets_of_the_key_string(key_string: str, key: bytes) -> None:
    assert aes_key_128(key_string) == key


@pytest.mark.parametrize(
    ("text", "container"),
    [
        ("x|y", Container.CIPHERTEXT_IV),
        ("U2FsdGVkX1+A1B2C3D4E5F6G7H8I9J0K...", Container.SALTED),
        ("0a" * 16, Container.HEX_NO_IV),
        ("0A" * 32, Container.HEX_NO_IV),
        ("QUJD", Container.IV_PREFIXED),
        ("", None),
        ("plain text", None),
    ],
)
def test_resemblance_goes_by_the_mark_even_when_damaged(text: str, container: Container | None) -> None:
    assert resembles(text) is container


@pytest.mark.parametrize("container", openable)
def test_another_key_does_not_give_the_plaintext(container: Container) -> None:
    text = seal(b'{"bankCardNo":"1"}', shared_key="one", container=container, iv=bytes(16), salt=bytes(8))
    assert isinstance(text, str)
    assert open_sealed(text, shared_key="two", container=container) != b'{"bankCardNo":"1"}'


def test_a_json_object_wins_over_accidental_padding() -> None:
    # About one IV in 256 gives AES-256 text that AES-128 opens, into noise. Take the first such IV.
    texts = [
        seal(b'{"a":1}', shared_key="k", container=Container.CIPHERTEXT_IV_256, iv=number.to_bytes(16, "big"))
        for number in range(4096)
    ]
    opens = [open_sealed(str(text), shared_key="k", container=Container.CIPHERTEXT_IV) for text in texts]
    index = next(index for index, result in enumerate(opens) if isinstance(result, bytes))
    assert open_any(str(texts[index]), shared_key="k") == (Container.CIPHERTEXT_IV_256, b'{"a":1}')


def test_payload_is_the_object_in_the_plaintext() -> None:
    assert card_payload(b' {"bankCardNo": "1", "email": null} ') == {"bankCardNo": "1", "email": None}


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"[]",
        b'"x"',
        b"9360001609987000000",
        b"{",
        b"\xff",
        b"null",
        b'{"a":' * 50000 + b"0" + b"}" * 50000,
        b'{"n":' + b"9" * 5000 + b"}",
    ],
    ids=["nothing", "array", "string", "number", "open", "not utf-8", "null", "deep", "long number"],
)
def test_payload_must_be_an_object_of_ordinary_size(plaintext: bytes) -> None:
    result = card_payload(plaintext)
    assert isinstance(result, Malformed)
    assert result.step == "payload"
