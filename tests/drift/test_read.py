"""Reading a saved page: each form gives the same facts, and what is no page gives a sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kki.drift.compare import differences
from kki.drift.model import Page, UnreadableError
from kki.drift.read import LARGEST, read

from .support import PAGES, field, page, text

FORMS = ("shelf.txt", "shelf.md")


@pytest.mark.parametrize("name", FORMS)
def test_requests_have_title_method_path_section_and_statuses(name: str) -> None:
    got = [(one.title, one.method, one.path, one.section, one.statuses) for one in page(name).requests]
    assert got == [
        ("Lend a volume", "POST", "/shelf/v1/lend", "1. Lending", ("200", "404")),
        ("Bring it back", "POST", "/shelf/v1/return", "2. Returning", ("200",)),
    ]


@pytest.mark.parametrize("name", FORMS)
def test_fields_have_place_type_label_and_example(name: str) -> None:
    lend, back = page(name).requests
    got = [(one.place, one.name, one.type, one.required, one.example) for one in lend.fields]
    assert got == [
        ("security", "Authorization", "string", True, None),
        ("header", "X-WHEN", "string", True, "2026-01-02T03:04:05Z"),
        ("header", "X-DESK", "string", True, "0042"),
        ("header", "WAY", "string", False, "BAG"),
        ("body", "volumeNo", "string", True, "V0007"),
        ("body", "days", "integer", False, "14"),
        ("reply", "receiptNo", "string", True, "R-1"),
        ("reply 404", "reason", "string", False, "gone"),
    ]
    assert [(one.place, one.name) for one in back.fields] == [("body", "volumeNo"), ("reply", "fineNo")]


@pytest.mark.parametrize("name", FORMS)
def test_limits_are_found_beside_the_type_and_in_words(name: str) -> None:
    lend, back = page(name).requests
    volume, desk, receipt = (field(lend, *key) for key in
                             (("body", "volumeNo"), ("header", "X-DESK"), ("reply", "receiptNo")))  # fmt: skip
    assert (volume.min_length, volume.max_length, volume.alphabet, volume.in_words) == (
        4,
        9,
        "alphanumeric",
        "Optional",
    )
    assert (desk.min_length, desk.max_length, desk.alphabet) == (None, 12, "numeric")
    assert (receipt.min_length, receipt.max_length, receipt.alphabet) == (1, 30, "")
    assert field(back, "body", "volumeNo").max_length == 9
    days = field(lend, "body", "days")
    assert (days.pattern, days.in_words) == ("^[0-9]+$", "Conditional")


@pytest.mark.parametrize("name", FORMS)
def test_an_enumeration_is_found_where_its_values_stand_in_the_description(name: str) -> None:
    way = field(page(name).requests[0], "header", "WAY")
    assert (way.enum, way.default, way.example) == (("BAG", "POST"), "BAG", "BAG")


def test_values_below_the_field_go_before_those_in_its_description() -> None:
    way = field(page("shelf.txt", ("Possible values:", "Possible values: BAG, VAN")).requests[0], "header", "WAY")
    assert way.enum == ("BAG", "VAN")


def test_what_stands_outside_of_tables_is_kept_by_section() -> None:
    read_page = page("shelf.txt")
    assert "A reader borrows one volume." in read_page.prose["1. Lending"]
    assert "POST" in read_page.prose["1. Lending"]  # a cell above the sample, not the beginning of a request
    assert read_page.requests[0].text[0] == "Takes one volume off the shelf."
    assert not any("Last updated" in line for lines in read_page.prose.values() for line in lines)
    assert not any(line in ("Lent", "Lend a volume") for line in read_page.prose["1. Lending"])


def test_lines_are_numbered_as_in_the_file() -> None:
    lines = text("shelf.txt").splitlines()
    for request in page("shelf.txt").requests:
        for one in request.fields:
            assert lines[one.line - 1].startswith(one.name)


def test_tables_with_bars_are_read_by_their_headings() -> None:
    (back,) = page("shelf-tables.md").requests
    assert (back.title, back.method, back.path, back.section) == (
        "Bring it back", "POST", "/shelf/v1/return", "2. Returning",
    )  # fmt: skip
    got = [(one.place, one.name, one.type, one.required, one.min_length, one.max_length) for one in back.fields]
    assert got == [
        ("body", "volumeNo", "string", True, None, 9),
        ("body", "way", "string", False, 3, 4),
        ("reply", "fineNo", "string", False, None, None),
        ("reply", "sum", "string", True, None, 6),
    ]
    assert field(back, "body", "way").description == "BAG | POST"


def test_an_openapi_document_alone_is_read_too() -> None:
    fence = text("shelf.md").split("```json")[1].split("```")[0]
    found = read(fence.encode())
    assert (found.form, found.count) == ("openapi", 8)


def test_nested_members_have_dots_and_several_shapes_are_several_requests() -> None:
    amount = {"type": "object", "required": ["value"], "properties": {"value": {"type": "string"}}}
    items = {"type": "array", "items": {"type": "object", "properties": {"price": {"type": "number"}}}}
    shapes = [
        {"title": "One", "type": "object", "properties": {"amount": amount}},
        {"title": "Two", "type": "object", "properties": {"lineItems": items}},
    ]
    body = {"content": {"application/json": {"schema": {"oneOf": shapes}}}}
    document = {"openapi": "3.1.0", "paths": {"/a/b": {"post": {"summary": "Both", "requestBody": body}}}}
    one, two = read(json.dumps(document).encode()).requests
    assert [one.title, two.title] == ["One", "Two"]
    assert [(x.name, x.required) for x in one.fields] == [("amount", False), ("amount.value", True)]
    assert [x.name for x in two.fields] == ["lineItems", "lineItems[].price"]


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree = {"type": "object", "properties": {name: {"$ref": "#/components/schemas/T"} for name in "abc"}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/T"}}}}
    loop = {"$ref": "#/components/schemas/L"}
    schemas = {"T": tree, "L": loop}
    paths = {"/a": {"post": {"requestBody": body, "parameters": [loop]}}}
    document = {"openapi": "3.1.0", "components": {"schemas": schemas}, "paths": paths}
    assert 3 <= read(json.dumps(document).encode()).count < 10_000


# --- what is no page --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "the file is empty"),
        (b" \n\t", "the file is empty"),
        (b"Dear all,\n\nthe page has moved.\n", "expected a page with tables of fields, but found none"),
        (b"<!DOCTYPE html><html></html>", "expected text or Markdown, but got HTML"),
        (b"\xff\xfe\x00", "expected UTF-8, but got other bytes at offset 0"),
        (b"a\0b", "NUL"),
        (b"{", "expected JSON, since it begins with a brace"),
        (b'{"paths": {}}', "expected an OpenAPI document with operations"),
        (b'{"paths": [1, {"x": null}]}', "expected an OpenAPI document with operations"),
        (b'# A\n\n```json\n{"openapi": \n```\n', "line 3: expected JSON in the OpenAPI block"),
        (b"x" * (LARGEST + 1), "expected at most 5,000,000 bytes"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_no_page_is_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(data)
    assert sentence in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("where", ["parameters", "requestBody", "responses", "security", "summary"])
@pytest.mark.parametrize("value", [None, 7, "x", [7], [[]], {"x": 7}, {"200": {"content": {"application/json": 7}}}])
def test_a_document_with_the_wrong_types_in_it_does_not_upset_us(where: str, value: object) -> None:
    operation = {"parameters": [{"name": "X", "in": "header", "schema": {"enum": 7, "examples": 7}}], where: value}
    document = {"openapi": "3.1.0", "paths": {"/a": {"post": operation, "get": 7}}}
    try:
        assert read(json.dumps(document).encode()).count > 0
    except UnreadableError as failure:
        assert "operations" in str(failure)  # noqa: PT017  # either is right; anything else is not


SAVED = [(PAGES / name).read_bytes() for name in ("shelf.txt", "shelf.md", "shelf-tables.md", "unbind.txt")]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(SAVED), st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=6)), max_size=8))
def test_a_spoiled_page_is_read_or_refused_and_never_upsets_us(data: bytes, spoils: list[tuple[int, bytes]]) -> None:
    spoiled = data
    for at, put in spoils:
        spoiled = spoiled[: at % len(data)] + put + spoiled[at % len(data) + len(put) :]
    try:
        found = read(spoiled)
    except UnreadableError as failure:
        assert str(failure)  # noqa: PT017  # either is right; anything else is not
        return
    assert isinstance(found, Page)
    assert differences(found, found) == []
    assert (spoiled == data) <= (differences(read(data), found) == [])
