"""Every field fact of the page stands in the contract, and nothing else does but what is accounted for."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import validate

from kki.drift import read as drift
from kki.edges.contract import data_root, load
from kki.model.contract import FieldFact, Operation

from . import page

ROOT = data_root()
DOCUMENT = yaml.safe_load((ROOT / "kki.openapi.yaml").read_text(encoding="utf-8"))
PAYMENTS = ("cpan", "cpan-tokenise", "token", "token-recurring")


def operation_of(block: str) -> Operation:
    return load().operations["payment" if block in PAYMENTS else block]


def facts_of(block: str, place: str) -> tuple[FieldFact, ...]:
    operation = operation_of(block)
    if place == "header":
        return operation.headers
    if place == "reply":
        return tuple(fact for fact in operation.reply if fact.place == "reply")
    variant = operation.variant(block if block in PAYMENTS else "default")
    assert variant is not None
    return variant.fields


def found(row: page.Fact) -> FieldFact:
    (fact,) = [one for one in facts_of(row.block, row.place) if one.name == row.name]
    return fact


def added(row: page.Fact, keyword: str) -> bool:
    return (operation_of(row.block).name, row.place, row.name, keyword) in page.ADDED


def names(row: page.Fact) -> str:
    return f"{row.block}-{row.place}-{row.name}"


def test_the_document_is_openapi() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    validate(DOCUMENT)


@pytest.mark.parametrize("row", page.TABLE, ids=names)
def test_a_fact_of_the_page_stands_in_the_contract(row: page.Fact) -> None:
    fact = found(row)
    assert fact.type == "string"
    assert fact.required == (row.label == "Required") or added(row, "required")
    assert fact.min_length == row.least or added(row, "minLength")
    assert fact.max_length == row.most or added(row, "maxLength")
    assert fact.pattern == row.pattern or added(row, "pattern")
    assert fact.example == row.example


@pytest.mark.parametrize("block", [*PAYMENTS, "bind", "unbind", "refund"])
@pytest.mark.parametrize("place", ["header", "body", "reply"])
def test_the_contract_has_no_field_that_the_page_has_not(block: str, place: str) -> None:
    on_page = {row.name for row in page.TABLE if (row.block, row.place) == (block, place)}
    ours = {fact.name for fact in facts_of(block, place)}
    assert on_page
    assert {name for name in ours - on_page if (block, place, name, "type") not in page.ADDED} == set()
    assert on_page - ours == set()


def test_what_is_added_to_the_page_is_really_there() -> None:
    for operation, place, name, keyword in page.ADDED:
        block = "cpan" if operation == "payment" else operation
        (fact,) = [one for one in facts_of(block, place) if one.name == name]
        there = {"minLength": fact.min_length, "maxLength": fact.max_length, "pattern": fact.pattern,
                 "required": fact.required, "type": fact.type}  # fmt: skip
        assert there[keyword], (operation, place, name, keyword)


def test_channel_id_is_an_enumeration_with_a_default() -> None:
    for block in ("bind", "unbind"):
        fact = operation_of(block).header("channel-id")
        assert fact is not None
        assert (fact.enum, fact.default, fact.required) == (("DH", "H2H"), "DH", False)


@pytest.mark.skipif(not page.SEED.is_file(), reason="the page's text is not beside the checkout")
def test_the_hand_read_table_is_the_page() -> None:
    text = page.SEED.read_bytes()
    on_page = page.read(text.decode("utf-8"))
    assert len(on_page) == len(page.TABLE)
    assert sorted(on_page, key=repr) == sorted(page.TABLE, key=repr)
    sources = tomllib.loads((ROOT / "sources.toml").read_text(encoding="utf-8"))["document"]
    (digest,) = [row["digest"] for row in sources if row["key"] == "page"]
    assert digest == "sha256:" + hashlib.sha256(text).hexdigest()


@pytest.mark.skipif(not page.SEED.is_file(), reason="the page's text is not beside the checkout")
def test_the_reader_of_kki_drift_sees_the_same_facts() -> None:
    """Two readers of one text, that share no code."""
    blocks = (*PAYMENTS, "bind", "unbind", "refund")
    requests = drift.read(page.SEED.read_bytes()).requests
    ours = [
        (block, one.place, one.name, one.required, one.min_length, one.max_length, one.pattern, one.example)
        for block, request in zip(blocks, requests, strict=True)
        for one in request.fields
        if one.place != "security"
    ]
    by_hand = [
        (row.block, row.place, row.name, row.label == "Required", row.least, row.most, row.pattern, row.example)
        for row in page.TABLE
    ]
    assert sorted(ours, key=repr) == sorted(by_hand, key=repr)
    assert [request.path for request in requests] == [operation_of(block).path for block in blocks]
    assert [request.section for request in requests] == [operation_of(block).section for block in blocks]


# --- where the page states it -----------------------------------------------------------------------------


def nodes() -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """(operation, place:name, node, its schema) of each field of the page, as written."""
    for item in DOCUMENT["paths"].values():
        for raw in item.values():
            for one in raw["parameters"]:
                node = DOCUMENT["components"]["parameters"][one["$ref"].split("/")[-1]] if "$ref" in one else one
                yield raw["operationId"], f"header:{node['name']}", node, node["schema"]
    for title, schema in DOCUMENT["components"]["schemas"].items():
        for name, node in schema.get("properties", {}).items():
            target = DOCUMENT["components"]["schemas"][node["$ref"].split("/")[-1]] if "$ref" in node else {}
            stated = {**target.get("x-stated-in", {}), **node.get("x-stated-in", {})}
            yield title, f"member:{name}", {**node, "x-stated-in": stated}, {**target, **node}


def test_each_keyword_says_where_it_is_stated() -> None:
    judged = {"type", "minLength", "maxLength", "pattern", "format", "enum", "default"}
    for where, name, node, schema in nodes():
        stated = node.get("x-stated-in", {})
        assert set(schema) & judged <= set(stated), (where, name)
        assert set(stated.values()) <= {"keyword", "prose", "elsewhere"}, (where, name)


def test_limits_in_prose_and_in_keywords_are_told_apart() -> None:
    """Contradiction 56: payment and refund hide their limits in descriptions, binding and unbinding do not."""
    components = DOCUMENT["components"]["schemas"]
    for row in page.TABLE:
        if row.most is None or row.place != "body":
            continue
        schema = {"bind": "BindRequest", "refund": "RefundRequest"}.get(row.block)
        node = components[schema]["properties"][row.name] if schema else _payment_node(row.name)
        assert node["x-stated-in"]["maxLength"] == ("keyword" if row.in_keyword else "prose"), row


def _payment_node(name: str) -> dict[str, Any]:
    reference = DOCUMENT["components"]["schemas"]["PaymentByCpan"]["properties"][name]["$ref"]
    node: dict[str, Any] = DOCUMENT["components"]["schemas"][reference.split("/")[-1]]
    return node


def test_labels_are_the_pages() -> None:
    """`x-label` keeps what the page prints, also where a reading makes the contract stricter."""
    labels = {(where, name): node["x-label"]["label"] for where, name, node, _ in nodes() if "x-label" in node}
    owners = {
        "cpan": "PaymentByCpan",
        "token": "PaymentByToken",
        "bind": "Bind",
        "unbind": "Unbind",
        "refund": "Refund",
    }
    checked = 0
    for row in page.TABLE:
        if row.block not in owners:
            continue
        owner = owners[row.block]
        if row.place == "header":
            key = (operation_of(row.block).name, f"header:{row.name}")
        elif row.place == "reply":
            key = ("PaymentReply" if row.block in PAYMENTS else f"{owner}Reply", f"member:{row.name}")
        else:
            key = (owner if row.block in PAYMENTS else f"{owner}Request", f"member:{row.name}")
        assert labels[key] == row.label, key
        checked += 1
    assert checked > 50


def test_a_label_that_its_description_contradicts_says_so() -> None:
    """Contradictions 9 to 12."""
    schemas = DOCUMENT["components"]["schemas"]
    cpan, token = (schemas[name]["properties"] for name in ("PaymentByCpan", "PaymentByToken"))
    for members, name in ((cpan, "partnerReferenceNo"), (cpan, "chargeToken"), (cpan, "otp")):
        assert members[name]["x-label"] == {"label": "Required", "text": "Optional"}
    assert token["bankCardToken"]["x-label"] == {"label": "Required", "text": "Conditional"}


# --- paths, services, codes -------------------------------------------------------------------------------


def test_operations_live_where_the_page_says() -> None:
    got = {(op.name, op.method, op.path, op.service, op.symmetric) for op in load().operations.values()}
    assert got == {
        ("payment", "POST", "/direct-debit/core/v1/debit/payment-host-to-host", "54", True),
        ("bind", "POST", "/direct-debit/core/v1/registration-card-bind", "01", True),
        ("unbind", "POST", "/direct-debit/core/v1/registration-card-unbind", "05", True),
        ("refund", "POST", "/direct-debit/core/v1/debit/refund", "07", True),
        ("b2b", "POST", "/authorization/v1/access-token/b2b", "73", False),
        ("b2b2c", "POST", "/authorization/v1/access-token/b2b2c", "74", False),
    }


def test_example_codes_are_those_of_status_service_and_case() -> None:
    contract = load()
    for operation in contract.operations.values():
        (code,) = [fact.example for fact in operation.reply if fact.name == "responseCode"]
        assert code == f"200{operation.service}00"
        assert operation.service in contract.services
    assert load().operations["refund"].service_readings == {"07": "07", "58": "58"}


def test_the_case_table_is_whole() -> None:
    cases = load().cases
    sizes = {status: len([one for one in cases if one[0] == status]) for status, _ in cases}
    assert sizes == {200: 1, 202: 1, 400: 3, 401: 5, 403: 24, 404: 20, 405: 2, 409: 2, 429: 1, 500: 3, 504: 1}
    for status, count in sizes.items():
        assert [case for at, case in cases if at == status] == [f"{number:02}" for number in range(count)]
    assert {one.category for one in cases.values()} == {"", "S", "M", "B"}


def test_members_beyond_the_documented_ones_are_allowed() -> None:
    assert "additionalProperties" not in (ROOT / "kki.openapi.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.json")), ids=lambda path: path.stem)
def test_examples_are_the_contracts_own(path: Path) -> None:
    data = json.loads(path.read_text(encoding="utf-8"))
    operation = load().operations[data["operation"]]
    assert path.stem == operation.name
    for sample in data["samples"]:
        variant = operation.variant(sample["variant"])
        assert variant is not None
        assert sample["request"]["path"] == operation.path
        assert set(sample["request"]["headers"]) == {fact.name for fact in operation.headers}
        if operation.symmetric:
            assert sample["request"]["headers"] == {fact.name: fact.example for fact in operation.headers}
            assert sample["request"]["body"] == {fact.name: fact.example for fact in variant.fields}
            documented = {fact.name: fact.example for fact in operation.reply if fact.example is not None}
            assert sample["reply"]["body"] == documented
    samples = {sample["variant"] for sample in data["samples"]}
    assert samples == {variant.name for variant in operation.variants}


def test_each_operation_has_examples() -> None:
    assert {path.stem for path in (ROOT / "examples").glob("*.json")} == set(load().operations)
