"""What the protocol layer says of bad input: it names what it got, where, and under which step."""

from __future__ import annotations

import pytest

from kki.snap.canonical import Malformed, minified
from kki.snap.responsecode import parse
from kki.snap.signature import explain, sign_raw


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (None, "null"),
        (True, "a boolean"),
        (2005400, "a number"),
        (200.5, "a number"),
        ({}, "an object"),
        ([], "an array"),
        (b"2005400", "another type"),
    ],
)
def test_a_code_of_another_type_is_named_by_its_json_type(value: object, named: str) -> None:
    assert parse(value) == Malformed("type", f"Expected a string of seven digits, but got {named}.")


@pytest.mark.parametrize(("text", "got"), [("", 0), ("200540", 6), ("20054000", 8)])
def test_a_code_of_another_length_is_told_its_length(text: str, got: int) -> None:
    assert parse(text) == Malformed("length", f"Expected seven digits, but got {got}.")


@pytest.mark.parametrize(
    ("body", "offset", "part"),
    [
        (b'{"a":"b', 7, "closing quote"),
        (b'"a', 2, "closing quote"),
        (b'{"a":"\\x"}', 6, "escapes after a backslash"),
        (b'["\\u12G4"]', 2, "escapes after a backslash"),
        (b'{"a":"b\x01c"}', 7, "control character 0x01"),
        (b'"\n"', 1, "control character 0x0a"),
    ],
)
def test_a_string_that_is_none_is_told_where_and_why(body: bytes, offset: int, part: str) -> None:
    found = minified(body)
    assert isinstance(found, Malformed)
    assert (found.step, found.offset) == ("json", offset)
    assert part in found.why


@pytest.mark.parametrize(
    ("body", "offset", "got"),
    [
        (b"{1:2}", 1, "'1'"),
        (b'{"a" 2}', 5, "'2'"),
        ("{“a”:1}".encode(), 1, "'“'"),
        ('{"a":😀}'.encode(), 5, "'😀'"),
    ],
)
def test_an_unexpected_character_is_named_whole(body: bytes, offset: int, got: str) -> None:
    found = minified(body)
    assert isinstance(found, Malformed)
    assert (found.step, found.offset) == ("json", offset)
    assert f"got {got}" in found.why


def test_each_other_writing_of_the_right_mac_is_told_apart() -> None:
    """The MAC of this request holds both + and /, so that the two alphabets of Base64 differ."""
    for number in range(200):
        right = sign_raw(method="POST", target="/x", body=b"{}", token="t", timestamp=str(number), client_secret="s")
        text = right.signature
        if "+" in text and "/" in text:
            break
    assert "+" in text
    assert "/" in text
    safe = text.replace("+", "-").replace("/", "_")
    assert explain(right, safe).startswith("The MAC is right but in the URL-safe Base64 alphabet")
    assert explain(right, safe.rstrip("=")).startswith("The MAC is right but in URL-safe Base64 without padding")
    assert explain(right, text.rstrip("=")).startswith("The signature is right but for the missing padding")


@pytest.mark.parametrize("digits", ["A" * 64, "F" * 128, "0" * 64, "f" * 128])
def test_hexadecimal_digits_of_either_case_are_recognised(digits: str) -> None:
    right = sign_raw(method="POST", target="/x", body=b"{}", token="t", timestamp="1", client_secret="s")
    assert explain(right, digits).startswith(f"The signature is {len(digits)} hexadecimal digits")


@pytest.mark.parametrize(
    ("body", "sentence", "offset"),
    [
        (b"{1:2}", "Expected a member name in double quotes, but got '1'.", 1),
        (b'{"a":1,}', "Expected a member name in double quotes, but got '}'.", 7),
        (b'{"a"=1}', "Expected ':' after the member name, but got '='.", 4),
        (b'{"a"  =1}', "Expected ':' after the member name, but got '='.", 6),
        (b'{"a"', "Expected ':' after the member name, but the text ends.", 4),
        (b'{"a\x01":1}', "Expected an escape for control character 0x01 in a string.", 3),
        (b'{"a', "Expected the closing quote of a string, but the text ends.", 3),
        (b"[1 2]", "Expected ',' or ']', but got '2'.", 3),
        (b'{"a":1 "b":2}', "Expected ',' or '}', but got '\"'.", 7),
        (b"1 x", "Expected the end after the value, but got 'x'.", 2),
        (b"[nil]", "Expected a value, but got 'n'.", 1),
        (b"[", "Expected a value, but the text ends.", 1),
    ],
)
def test_what_was_expected_is_said_with_the_place(body: bytes, sentence: str, offset: int) -> None:
    assert minified(body) == Malformed("json", sentence, offset)
