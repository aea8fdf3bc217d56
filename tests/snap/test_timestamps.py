"""Timestamps, good and bad."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kki.snap.canonical import Malformed
from kki.snap.timestamps import Timestamp, format_offset, format_zulu_ms, parse, same_day

from .support import any_text, quick, vectors

moments = st.datetimes(datetime(1000, 1, 3), datetime(9998, 12, 30), timezones=st.just(UTC))
GOOD = vectors("timestamps.json", result="valid") + vectors("timestamps.json", result="acceptable")


@pytest.mark.parametrize("case", GOOD)
def test_a_good_timestamp_is_the_moment_of_the_vector(case: dict[str, Any]) -> None:
    result = parse(case["text"])
    assert isinstance(result, Timestamp), result
    assert (result.text, format_zulu_ms(result.moment)) == (case["text"], case["moment_utc"])


@pytest.mark.parametrize("case", GOOD)
def test_a_good_timestamp_reports_its_notation(case: dict[str, Any]) -> None:
    result = parse(case["text"])
    assert isinstance(result, Timestamp)
    seen = (result.milliseconds, result.zulu, result.negative_zero)
    assert seen == (case["milliseconds"], case["zulu"], case["negative_zero"])


@pytest.mark.parametrize("case", vectors("timestamps.json", result="invalid"))
def test_a_bad_timestamp_fails_at_the_step_the_vector_names(case: dict[str, Any]) -> None:
    result = parse(case["text"])
    assert isinstance(result, Malformed)
    assert result.step == case["fails_at"], result


@given(moments, st.integers(-14, 14))
@quick
def test_format_offset_and_parse_are_inverse(moment: datetime, hours: int) -> None:
    whole = moment.replace(microsecond=0)
    result = parse(format_offset(moment, hours))
    assert isinstance(result, Timestamp)
    assert result.moment == whole
    assert not result.milliseconds
    assert len(result.text) == 25
    assert result.zone == f"{'-' if hours < 0 else '+'}{abs(hours):02d}:00"


@given(moments)
@quick
def test_format_zulu_ms_and_parse_are_inverse(moment: datetime) -> None:
    result = parse(format_zulu_ms(moment))
    assert isinstance(result, Timestamp)
    assert result.moment == moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert result.milliseconds
    assert result.zulu
    assert result.zone == "Z"
    assert len(result.text) == 24


@given(st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]([+-][01][0-9]:[0-6][0-9]|Z)"))
@quick
def test_agrees_with_pythons_reader_within_our_bounds(text: str) -> None:
    assume(re.fullmatch(r"[^\n]*", text) and "T24" not in text and text[:4] not in ("0000", "0001", "9999"))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    in_bounds = moment is not None and abs(moment.utcoffset() or timedelta()) <= timedelta(hours=14)
    result = parse(text)
    assert (result.moment if isinstance(result, Timestamp) else None) == (moment if in_bounds else None)


@given(any_text)
@quick
def test_any_text_is_read_or_malformed(text: str) -> None:
    assert isinstance(parse(text), Timestamp | Malformed)


@given(st.text("0123456789-:TZ.+", min_size=19, max_size=26))
@quick
def test_what_is_read_can_be_shown_in_any_zone(text: str) -> None:
    result = parse(text)
    assert isinstance(result, Malformed) or format_offset(result.moment, 14) > format_offset(result.moment, -14)


@pytest.mark.parametrize("text", ["0002-01-01T00:00:00+14:00", "9998-12-31T23:59:59-14:00"])
def test_the_rim_of_the_calendar_can_be_shown_in_any_zone(text: str) -> None:
    result = parse(text)
    assert isinstance(result, Timestamp)
    assert same_day(result.moment, result.moment)
    assert format_zulu_ms(result.moment).endswith("Z")


@pytest.mark.parametrize("year", ["0000", "0001", "9999"])
def test_years_beyond_the_rim_are_malformed(year: str) -> None:
    result = parse(f"{year}-06-15T00:00:00Z")
    assert isinstance(result, Malformed)
    assert result.step == "calendar"


def test_formats_are_those_of_the_page() -> None:
    moment = datetime(2026, 5, 26, 3, 0, 0, 999_999, UTC)
    assert format_offset(moment) == "2026-05-26T10:00:00+07:00"
    assert format_offset(moment, 0) == "2026-05-26T03:00:00+00:00"
    assert format_zulu_ms(moment) == "2026-05-26T03:00:00.999Z"


def test_the_day_is_that_of_jakarta() -> None:
    late, later = datetime(2026, 5, 26, 16, 59, 59, tzinfo=UTC), datetime(2026, 5, 26, 17, 0, 0, tzinfo=UTC)
    assert not same_day(late, later)
    assert same_day(late, later, UTC)
    assert same_day(later, later.astimezone(timezone(timedelta(hours=-14))))


@pytest.mark.parametrize("use", [format_offset, format_zulu_ms, lambda moment: same_day(moment, moment)])
def test_a_naive_moment_is_the_callers_mistake(use: Any) -> None:
    with pytest.raises(ValueError, match="naive"):
        use(datetime(2026, 5, 26))
