"""Our own data files: each fits its schema, and they agree with each other."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from kki.edges import datafiles
from kki.edges.contract import data_root, load
from kki.edges.store import record_as_json
from kki.model.contract import FieldFact
from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response
from kki.model.requirement import Party, Standing

ROOT = data_root()
FILES = [
    *((path, "ledger") for path in sorted((ROOT / "requirements").glob("*.toml"))),
    *((path, "vector") for path in sorted((ROOT / "vectors").glob("*.json"))),
    *((path, "example") for path in sorted((ROOT / "examples").glob("*.json"))),
    (ROOT / "readings.toml", "readings"),
    (ROOT / "sources.toml", "sources"),
    (ROOT / "checklist.toml", "checklist"),
    (Path(__file__).resolve().parents[2] / "suites" / "profiles" / "sandbox.example.toml", "profile"),
]

# The rows that the shapes judge. Every other row has a rule in code, or says why it cannot be tested.
BY_SHAPE = {
    "HDR": (10, 14, 20, 22, 24, 30, 32, 34, 36, 50, 60, 70, 72, 80),
    "PAY": (10, 12, 16, 18, 20, 22),
    "BND": (10, 12, 14, 16, 18, 20, 22),
    "UNB": (10, 12),
    "RFD": (10, 12, 14, 16, 18, 20, 22, 24),
    "TOK": (10, 12, 14, 18, 30, 36),
}
BY_REPLY_SHAPE = {
    "PAY": (210, 212, 214),
    "BND": (210, 212, 214, 226, 228),
    "UNB": (210, 212, 214),
    "RFD": (210, 212, 218),
    "TOK": (210, 220, 224, 228),
}


def facts() -> list[FieldFact]:
    found: list[FieldFact] = []
    for operation in load().operations.values():
        bodies = [fact for variant in operation.variants for fact in variant.fields]
        found += [*operation.headers, *bodies, *operation.reply]
    return found


@pytest.mark.parametrize(("path", "schema"), FILES, ids=lambda value: getattr(value, "name", value))
def test_a_data_file_fits_its_schema(path: Path, schema: str) -> None:
    assert datafiles.problems(datafiles.read(path), schema, path.name, ROOT) == []


@pytest.mark.parametrize("path", sorted((ROOT / "schemas").glob("*.json")), ids=lambda path: path.name)
def test_a_schema_is_itself_in_order(path: Path) -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]


def test_nothing_is_empty() -> None:
    """Files that lost their content would otherwise pass every test over their content."""
    counts = Counter(schema for _, schema in FILES)
    assert counts["ledger"] == 16
    assert counts["vector"] >= 5
    assert counts["example"] == 6
    assert len(load().requirements) >= 296
    assert len([row for row in load().readings.values() if row.choices]) == 36
    assert len(load().documents) == 9
    for path in (ROOT / "vectors").glob("*.json"):
        assert len(json.loads(path.read_text(encoding="utf-8"))["cases"]) >= 5, path.name


def test_schemas_are_there_for_all_our_files() -> None:
    names = {path.name.removesuffix(".schema.json") for path in (ROOT / "schemas").glob("*.json")}
    wanted = "ledger readings sources vector example profile run exchange case baseline checklist"
    assert set(wanted.split()) <= names


@pytest.mark.parametrize("answered", [True, False], ids=["answered", "unanswered"])
@pytest.mark.parametrize("body", [b'{"a":1}', b"\xff\x00", b""], ids=["text", "octets", "empty"])
def test_a_line_of_evidence_fits_its_schema(answered: bool, body: bytes) -> None:
    at = datetime(2026, 5, 26, 3, 0, tzinfo=UTC)
    headers = Headers.of([("Content-Type", "application/json"), ("content-type", "twice")])
    exchange = Exchange(
        id="x1",
        request=Request(method="POST", target="/a?b", headers=headers, body=body, origin="http://127.0.0.1:1"),
        response=Response(status=200, headers=headers, body=body) if answered else None,
        sent_at=at,
        answered_at=at if answered else None,
        failure=None if answered else "timeout",
    )
    line = record_as_json(Record(exchange=exchange, made_by="here", mutations=("no X-SIGNATURE",)), "payment")
    assert datafiles.problems(json.loads(json.dumps(line)), "exchange", "exchanges.jsonl", ROOT) == []
    del line["sent_at"]
    assert datafiles.problems(line, "exchange", "exchanges.jsonl", ROOT)


# --- ledger -----------------------------------------------------------------------------------------------


def test_ids_ascend_within_their_area() -> None:
    for path in sorted((ROOT / "requirements").glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        numbers = [int(row["id"].split("-")[2]) for row in data["requirement"]]
        assert path.stem == data["area"].lower()
        assert all(one < other for one, other in pairwise(numbers)), path.name


def test_area_titles_cover_the_ledger() -> None:
    areas = load().areas
    assert {row.area for row in load().requirements.values()} == set(areas)
    assert all(area.title and area.short for area in areas.values())


def test_a_conflicted_row_names_its_reading_or_says_why_it_is_not_tested() -> None:
    for row in load().requirements.values():
        if row.standing is Standing.CONFLICTED:
            assert row.readings or row.untestable, row.id


def test_rows_come_from_documents_and_each_document_is_quoted() -> None:
    quoted = {row.source.document for row in load().requirements.values()}
    assert quoted <= set(load().documents)
    # these two back readings, not rows
    assert set(load().documents) - quoted <= {"doku-idempotency", "sdk"}


# --- readings ---------------------------------------------------------------------------------------------


def test_all_57_contradictions_are_covered() -> None:
    covered = {number for row in load().readings.values() for number in row.contradictions}
    assert covered == set(range(1, 58))


def test_a_reading_has_choices_or_no_consequence() -> None:
    for row in load().readings.values():
        assert bool(row.choices) != bool(row.without_consequence), row.id


def test_the_first_choice_is_the_default() -> None:
    for row in load().readings.values():
        if row.choices:
            assert row.default == row.choices[0].id, row.id


def test_choices_are_those_that_code_knows() -> None:
    got = {row.id: [one.id for one in row.choices] for row in load().readings.values() if row.choices}
    assert got == {
        "signature-encoding": ["base64", "hex"],
        "body-canonical-form": ["minified", "as-sent", "reserialised"],
        "timestamp-form": ["any", "offset-only"],
        "timestamp-window": ["day", "five-minutes", "none"],
        "external-id-form": ["by-operation", "any"],
        "replayed-external-id": ["refused"],
        "bearer-scheme": ["bearer", "bare-too"],
        "customer-token-required": ["label", "not-on-cpan"],
        "customer-token-scheme": ["either", "bearer", "bare"],
        "ip-address-length": ["limits", "any"],
        "required-or-optional": ["label", "description"],
        "payment-variant": ["shape", "markers"],
        "response-code-required": ["always", "as-labelled"],
        "reference-on-success": ["expected", "optional"],
        "channel-default": ["dh", "none"],
        "h2h-auth-code": ["expected", "optional"],
        "token-before-otp": ["absent", "allowed"],
        "refund-reference-minimum": ["not-enforced", "enforced"],
        "refund-reference-characters": ["any", "alphanumeric"],
        "refund-time-form": ["either", "offset", "local"],
        "refund-service-code": ["07", "58"],
        "repeated-refund": ["refused-or-same"],
        "several-refunds": ["either"],
        "unbound-token": ["once-final", "at-once", "not-judged"],
        "unbinding-reach": ["named-token", "tokens-of-the-card"],
        "repeated-unbinding": ["either"],
        "duplicate-reference": ["refused", "allowed"],
        "card-data-container": ["ciphertext|iv", "salted", "iv-prefixed", "ciphertext|iv-256"],
        "card-data-payload": ["sdk", "any-object"],
        "expires-in-type": ["either", "number", "string"],
        "length-unit": ["characters", "utf-16", "octets"],
        "json-dialect": ["strict", "lenient"],
        "enumeration-case": ["exact", "any-case"],
        "binding-timestamp-form": ["pattern", "as-payments"],
        "null-members": ["a-value", "absent"],
        "member-types": ["strict", "coerced"],
    }


def test_every_choice_matters_to_some_row() -> None:
    """A reading that no row names would be a switch without a wire."""
    named = {name for row in load().requirements.values() for name in row.readings}
    assert {row.id for row in load().readings.values() if row.choices} - named == set()


# --- tags -------------------------------------------------------------------------------------------------


def test_the_shapes_judge_exactly_these_rows() -> None:
    clients = {tag.client for fact in facts() for tag in fact.tags if tag.client}
    servers = {tag.server for fact in facts() for tag in fact.tags if tag.server}
    assert clients == {f"KKI-{area}-{number:03}" for area, numbers in BY_SHAPE.items() for number in numbers}
    refusals = {f"KKI-{area}-{number + 100}" for area, numbers in BY_SHAPE.items() for number in numbers}
    replies = {f"KKI-{area}-{number}" for area, numbers in BY_REPLY_SHAPE.items() for number in numbers}
    assert servers == refusals | replies


def test_a_tag_is_for_the_party_on_trial_and_its_counterpart() -> None:
    rows = load().requirements
    for fact in facts():
        for tag in fact.tags:
            assert not (tag.rule and (tag.client or tag.server)), fact
            if tag.client and tag.server:
                assert rows[tag.client].party is Party.CLIENT
                assert rows[tag.server].party is Party.SERVER
                assert int(tag.server[-3:]) == int(tag.client[-3:]) + 100, fact.name


def test_a_tag_under_a_reading_belongs_to_a_row_that_names_it() -> None:
    rows = load().requirements
    for fact in facts():
        for tag in fact.tags:
            for name in (tag.client, tag.server):
                if name and tag.reading:
                    assert tag.reading[0] in rows[name].readings, name


def test_every_keyword_of_a_field_has_one_tag() -> None:
    """A limit without a tag would be judged under no row; with two, under both."""
    for fact in facts():
        limits = {"minLength": fact.min_length, "maxLength": fact.max_length, "pattern": fact.pattern,
                  "enum": fact.enum or None, "format": fact.format, "required": fact.required or None}  # fmt: skip
        keywords = [word for word, value in limits.items() if value is not None]
        if "header" not in fact.place and fact.type != "any":
            keywords.append("type")
        for word in keywords:
            assert len([tag for tag in fact.tags if word in tag.keywords]) == 1, (fact.place, fact.name, word)
