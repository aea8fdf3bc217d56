"""What the search is made of: choices of one ingredient, and what is computed once for many of them."""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.diagnosis.support import quick

from kki.diagnosis.algorithms import Algorithm
from kki.diagnosis.choices import Choice, distinct, doubly, named, wrong
from kki.diagnosis.layouts import SYMMETRIC, TOKEN, Layout, double_layouts
from kki.diagnosis.times import times
from kki.snap.timestamps import Timestamp, parse

FORMS = (0, 1, 2, 3, 4, 6, 9)  # digits after the second


@quick
@given(
    key=st.binary(max_size=300), head=st.binary(max_size=300), end=st.binary(max_size=300),
    name=st.sampled_from(["md5", "sha1", "sha256", "sha384", "sha512", "sha3_256", "sha3_512"]),
)  # fmt: skip
def test_a_mac_that_is_begun_ends_as_one_that_is_made_at_once(key: bytes, head: bytes, end: bytes, name: str) -> None:
    algorithm = Algorithm(name, lambda key, text: hmac.digest(key, text, name), {}, mac=name)
    ended = algorithm.begun(key, head)
    assert ended(end) == hmac.digest(key, head + end, name) == ended(end)


@quick
@given(place=st.integers(0, 4), parts=st.lists(st.text(max_size=9), min_size=11, max_size=11))
def test_a_text_is_the_same_around_each_of_its_parts(place: int, parts: list[str]) -> None:
    head, tail = SYMMETRIC.around(place, parts)
    assert head + parts[place] + tail == SYMMETRIC.text(parts)
    head, tail = TOKEN.around(4, parts)
    assert head + parts[4] + tail == TOKEN.text(parts)


@quick
@given(
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), digits=st.sampled_from(FORMS),
    hours=st.integers(-12, 14), zulu=st.booleans(),
)  # fmt: skip
def test_a_shifted_moment_keeps_the_form_of_the_header(
    moment: datetime, digits: int, hours: int, zulu: bool
) -> None:
    zone = "Z" if zulu else f"{'-' if hours < 0 else '+'}{abs(hours):02d}:00"
    fraction = f".{moment.microsecond:06d}000"[: digits + 1] if digits else ""
    text = f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{zone}"
    finest = {0: 1_000_000, 1: 100_000, 2: 10_000, 3: 1000, 4: 100}.get(digits, 1)  # microseconds that the form shows
    shown = moment.replace(
        tzinfo=UTC if zulu else timezone(timedelta(hours=hours)),
        microsecond=moment.microsecond - moment.microsecond % finest,
    )
    for choice in times(text)[1:]:
        if choice.deviation is None or choice.deviation.name != "timestamp-shifted":
            continue
        assert len(choice.value) == len(text)
        seen = parse(choice.value)
        assert isinstance(seen, Timestamp)
        amount, unit, word = choice.deviation.detail.split()
        by = timedelta(**{"seconds" if unit == "s" else "milliseconds": int(amount)}) * (1 if word == "later" else -1)
        there = shown + by
        there -= timedelta(microseconds=there.microsecond % finest)
        assert seen.moment == there, (text, choice)


def test_choices_of_one_effect_are_one_by_the_commonest_name() -> None:
    first, second = named("html-escaped"), named("trailing-newline")
    single = [wrong("trailing-newline", "x"), wrong("body-empty", "x"), wrong("body-printed", "right")]
    right, alike, double = distinct(Choice("right"), [*single, doubly("x", first, second), doubly("y", first, second)])
    assert (right.value, right.deviations) == ("right", ())
    assert [one.name for one in alike.deviations] == ["body-empty"]
    assert alike.deviation is not None
    assert alike.deviation.alike == ("trailing-newline",)  # two mistakes together are no other name for one
    assert (double.value, double.deviations, double.paired) == ("y", (first, second), False)


def test_two_changes_of_the_layout_are_made_at_once() -> None:
    parts = [f"<{number}>" for number in range(11)]
    made = {choice.value.text(parts): tuple(one.name for one in choice.deviations) for choice in double_layouts()}
    assert made["<2>|<0>|<1>|<3>|<4>"] == ("separator", "order")
    assert made["<0>|<1>|<3>|<4>"] == ("separator", "part-missing")
    assert made["<0>:<1>:<4>:<3>"] == ("order", "part-missing")
    assert all(re.fullmatch(r"(<[0-4]>[^<>]*)+", text) for text in made)


@pytest.mark.parametrize("case", ["lower", "upper"])
def test_a_layout_may_change_the_case_of_all(case: str) -> None:
    text = Layout("{0}:{1}", case).text(["Ab", "Cd"])
    assert text == {"lower": "ab:cd", "upper": "AB:CD"}[case]
