"""UTF-8 and Base64 that never raise."""

from __future__ import annotations

import pytest
from hypothesis import given

from kki.snap.canonical import Malformed
from kki.snap.encoding import base64_octets, base64_text, json_object, utf8

from .support import any_bytes, any_text, quick


# RFC 4648 section 10.
@pytest.mark.parametrize(
    ("octets", "text"),
    [(b"", ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"foob", "Zm9vYg=="), (b"foobar", "Zm9vYmFy")],
)
def test_base64_of_rfc_4648(octets: bytes, text: str) -> None:
    assert base64_text(octets) == text
    assert base64_octets(text) == octets


@pytest.mark.parametrize(
    "text", ["Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9", "Zm9=", " Zg==", "Zg==\n", "Zg==Zg==", "Z-_=", "Zg==é", "\ud800"]
)
def test_base64_that_is_not_canonical_is_malformed(text: str) -> None:
    result = base64_octets(text)
    assert isinstance(result, Malformed)
    assert result.step == "base64"


@given(any_bytes)
@quick
def test_base64_round_trip(octets: bytes) -> None:
    assert base64_octets(base64_text(octets)) == octets


@given(any_text)
@quick
def test_one_text_only_for_the_same_octets(text: str) -> None:
    octets = base64_octets(text)
    assert isinstance(octets, Malformed) or base64_text(octets) == text


@given(any_text)
@quick
def test_utf8_takes_any_text_and_loses_nothing(text: str) -> None:
    assert utf8(text).decode("utf-8", "surrogatepass") == text


@given(any_bytes)
@quick
def test_json_object_never_raises(octets: bytes) -> None:
    assert isinstance(json_object(octets), dict | Malformed)


def test_the_last_of_two_members_of_one_name_stays() -> None:
    assert json_object(b'{"a":1,"a":2}') == {"a": 2}
