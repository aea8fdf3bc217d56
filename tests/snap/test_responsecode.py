"""responseCode, seven digits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kki.snap.canonical import Malformed
from kki.snap.responsecode import ResponseCode, parse

from .support import any_text, json_values, quick, vectors

two_digits = st.text("0123456789", min_size=2, max_size=2)


@pytest.mark.parametrize(
    "case", vectors("responsecode.json", result="valid") + vectors("responsecode.json", result="acceptable")
)
def test_parts_of_a_good_code(case: dict[str, Any]) -> None:
    code = parse(case["text"])
    assert code == ResponseCode(case["status"], case["service"], case["case"])
    assert isinstance(code, ResponseCode)
    assert code.text == case["text"]


@pytest.mark.parametrize("case", vectors("responsecode.json", result="invalid"))
def test_a_bad_code_fails_at_the_step_the_vector_names(case: dict[str, Any]) -> None:
    result = parse(case["text"])
    assert isinstance(result, Malformed)
    assert result.step == case["fails_at"]


@given(st.integers(0, 999), two_digits, two_digits)
@quick
def test_text_and_parse_are_inverse(status: int, service: str, case: str) -> None:
    code = ResponseCode(status, service, case)
    assert parse(code.text) == code
    assert len(code.text) == 7


@given(any_text)
@quick
def test_what_parses_prints_as_it_came(text: str) -> None:
    result = parse(text)
    assert isinstance(result, Malformed) or result.text == text


@given(json_values | st.just(object()) | st.binary())
@quick
def test_any_value_is_parsed_or_malformed(value: object) -> None:
    assert isinstance(parse(value), ResponseCode | Malformed)


def test_code_agrees_with_the_http_status_it_begins_with() -> None:
    code = ResponseCode(401, "54", "00")
    assert code.agrees_with(401)
    assert not code.agrees_with(200)


def test_the_offset_is_that_of_the_strange_character() -> None:
    result = parse("200540\n")
    assert isinstance(result, Malformed)
    assert result.offset == 6
