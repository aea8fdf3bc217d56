"""The page's own samples: each is in order by our reading, or is recorded as odd for exactly the reason it breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest

from kki.edges import datafiles
from kki.edges.contract import data_root, load
from kki.judge import Judge
from kki.model.exchange import Exchange
from kki.model.http import Headers, Request, Response
from kki.model.verdict import Broken, Faulty
from kki.rules.knowledge import Knowledge

from . import page

FILES = [json.loads(path.read_bytes()) for path in sorted((data_root() / "examples").glob("*.json"))]
SAMPLES = [(one["operation"], sample) for one in FILES for sample in one["samples"]]
every_sample = pytest.mark.parametrize(("operation", "sample"), SAMPLES, ids=[one["id"] for _, one in SAMPLES])

Place = tuple[str, str]  # (where, row)


def exchange_of(sample: Mapping[str, Any]) -> Exchange:
    """The sample as if it had been seen, sent and answered at the time that its header tells."""
    headers = {**sample["request"]["headers"], "Content-Type": "application/json"}
    at = datetime.fromisoformat(headers["X-TIMESTAMP"].replace("Z", "+00:00"))
    body = json.dumps(sample["request"]["body"]).encode()
    reply = json.dumps(sample["reply"]["body"]).encode()
    return Exchange(
        id="x1",
        request=Request(
            method=sample["request"]["method"],
            target=sample["request"]["path"],
            headers=Headers.of(headers),
            body=body,
            origin="http://127.0.0.1:1",
        ),
        response=Response(
            status=sample["reply"]["status"], headers=Headers.of({"Content-Type": "application/json"}), body=reply
        ),
        sent_at=at,
        answered_at=at,
    )


def broken(sample: Mapping[str, Any], readings: Mapping[str, str]) -> set[Place]:
    """What the judge holds against the sample, without any secret: (where, row)."""
    judge = Judge(Knowledge(contract=load(), readings=readings, complete=False))
    found: set[Place] = set()
    for verdict in judge.judge(exchange_of(sample)):
        assert not isinstance(verdict.judgement, Faulty), verdict
        if isinstance(verdict.judgement, Broken):
            found |= {(one.where.replace(" /", " "), verdict.requirement) for one in verdict.judgement.findings}
    return found


def recorded(sample: Mapping[str, Any]) -> set[Place]:
    return {(one["about"], row) for one in sample["odd"] for row in one.get("breaks", ())}


def recorded_under(sample: Mapping[str, Any], choice: str) -> set[Place]:
    return {(one["about"], row) for one in sample["odd"] for row in one.get("breaks_under", {}).get(choice, ())}


def other_choices() -> Iterator[tuple[str, str]]:
    for reading in load().readings.values():
        for choice in reading.choices:
            if choice.id != reading.default:
                yield reading.id, choice.id


@every_sample
def test_a_sample_breaks_what_is_recorded_and_nothing_else(operation: str, sample: dict[str, Any]) -> None:
    assert broken(sample, {}) == recorded(sample)


@every_sample
def test_another_reading_breaks_what_is_recorded_under_it(operation: str, sample: dict[str, Any]) -> None:
    """And it can only mend what rests on it."""
    rows, usual = load().requirements, broken(sample, {})
    for reading, choice in other_choices():
        seen = broken(sample, {reading: choice})
        assert seen - usual == recorded_under(sample, f"{reading}={choice}"), (reading, choice)
        assert all(reading in rows[row].readings for _, row in usual - seen), (reading, choice)


@every_sample
def test_a_sample_fits_its_schema_but_for_what_is_recorded(operation: str, sample: dict[str, Any]) -> None:
    """A second opinion, by another validator, on the schemas with every reading's keywords in force."""
    found = load().operations[operation]
    variant = found.variant(sample["variant"])
    assert variant is not None
    for place, value, schema, facts in (
        ("body", sample["request"]["body"], variant.schema, variant.fields),
        ("reply", sample["reply"]["body"], found.reply_schema, found.reply),
    ):
        for path, keyword, missing in datafiles.broken(value, schema):
            name = missing or str(path[0])
            (fact,) = [one for one in facts if one.name == name]
            tag = fact.tag_for(keyword)
            assert tag is not None
            choice = "=".join(tag.reading) if tag.reading else ""
            told = recorded_under(sample, choice) if choice else recorded(sample)
            assert (f"{place} {name}", tag.server) in told, (name, keyword)


def test_the_only_limit_that_a_sample_breaks_is_the_refunds_minimum() -> None:
    """Read off the page by hand: 7 characters of originalPartnerReferenceNo, where 32 is the least."""
    seen = {
        (operation, str(path[0]), keyword)
        for operation, sample in SAMPLES
        for variant in load().operations[operation].variants
        for path, keyword, missing in datafiles.broken(sample["request"]["body"], variant.schema)
        if path
    }
    assert seen == {("refund", "originalPartnerReferenceNo", "minLength")}


@every_sample
def test_what_is_odd_names_a_part_of_the_sample(operation: str, sample: dict[str, Any]) -> None:
    there = {
        "body": sample["request"]["body"],
        "header": sample["request"]["headers"],
        "reply": sample["reply"]["body"],
    }
    left_out = {"reply accessToken", "reply header X-CLIENT-KEY", "reply header X-TIMESTAMP"}
    for one in sample["odd"]:
        place, _, name = one["about"].partition(" ")
        assert place in there
        assert not name or name in there[place] or one["about"] in left_out, one


@every_sample
def test_what_is_odd_stands_among_the_readings(operation: str, sample: dict[str, Any]) -> None:
    contract = load()
    for one in sample["odd"]:
        rows = {*one.get("breaks", ()), *(row for rows in one.get("breaks_under", {}).values() for row in rows)}
        assert rows <= set(contract.requirements)
        if "contradiction" in one:
            readings = [row for row in contract.readings.values() if one["contradiction"] in row.contradictions]
            assert readings, one
            # a row that rests on a reading can only be broken for a reason which that reading knows
            named = {name for row in rows for name in contract.requirements[row].readings}
            assert not named or named & {row.id for row in readings}, one


def test_the_samples_of_the_page_are_all_there_with_its_values() -> None:
    """From the table that was read off by hand: every example that the page prints, once for each request."""
    ours = {(sample["id"], place, name): str(value) for _, sample in SAMPLES for place, name, value in values(sample)}
    on_page = {(row.block, row.place, row.name): row.example for row in page.TABLE}
    assert {key: ours.get(key) for key in on_page} == on_page
    tokens = {key for key in ours if key[0] in ("b2b", "b2b2c")}
    assert set(ours) - tokens == set(on_page)


def values(sample: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for place, members in (
        ("header", sample["request"]["headers"]),
        ("body", sample["request"]["body"]),
        ("reply", sample["reply"]["body"]),
    ):
        for name, value in members.items():
            yield place, name, value
