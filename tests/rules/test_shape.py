"""Members and headers out of shape: the row that the contract names for it, in words, and the refusals that fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kki.model.exchange import Exchange
from kki.model.requirement import Party
from kki.model.verdict import Broken, Unknown

from .stage import CONTRACT, Stage, broken, refused, said

GONE = "left out"
Row = tuple[str, str, Any, str, str, str, dict[str, bool]]
# Operation, member or header, value; the keyword of the schema; what was expected, and what came; which refusals fit.
TABLE: list[Row] = [
    ("payment", "partnerReferenceNo", 7, "type", "a string", "a number",
     {"4005401": True, "4005402": True, "4005400": True, "4045401": False, "4095401": False}),
    ("refund", "reason", "r" * 256, "maxLength", "at most 255 characters", "256 characters",
     {"4000701": True}),
    ("refund", "reason", ["r"], "type", "a string", "an array", {"4000701": True, "4000700": True}),
    ("refund", "partnerRefundNo", GONE, "required", "present", "missing",
     {"4000702": True, "4000701": True, "4090701": False}),
    ("bind", "cardData", GONE, "required", "present", "missing", {"4000102": True, "4000101": True}),
    ("unbind", "tokenId", GONE, "required", "present", "missing", {"4000502": True, "4090501": False}),
    ("b2b", "grantType", GONE, "required", "present", "missing",
     {"4007302": True, "4007300": True, "4007301": True, "4017300": True, "4047301": False}),
    ("payment", "X-EXTERNAL-ID", "1" * 37, "maxLength", "at most 36 characters", "37 characters",
     {"4005401": True, "4045401": False}),
    ("payment", "X-PARTNER-ID", GONE, "required", "present", "missing",
     {"4005402": True, "4005401": True, "4015400": True, "4045416": True, "4045401": False}),
    ("payment", "X-SIGNATURE", GONE, "required", "present", "missing",
     {"4015400": True, "4005402": True, "4005401": True, "4045401": False}),
    ("payment", "X-TIMESTAMP", GONE, "required", "present", "missing",
     {"4005402": True, "4005401": True, "4015400": True, "4045401": False}),
    ("payment", "Authorization", GONE, "required", "present", "missing",
     {"4015400": True, "4015401": True, "4015403": True, "4005402": True, "4045401": False}),
    ("refund", "Authorization-customer", GONE, "required", "present", "missing",
     {"4010702": True, "4010704": True, "4000702": True, "4010700": True}),
    ("b2b", "X-CLIENT-KEY", GONE, "required", "present", "missing",
     {"4007302": True, "4017300": True, "4047316": True, "4047301": False}),
]  # fmt: skip


def fact(operation: str, name: str) -> Any:
    described = CONTRACT.operations[operation]
    fields = (*described.headers, *(each for form in described.variants for each in form.fields))
    return next(each for each in fields if each.name == name)


def sent(stage: Stage, operation: str, name: str, value: Any) -> Exchange:
    """Signed with it as it is, and answered as if it were right."""
    right = stage.client.send(stage.a(operation), "right")
    stage.judge.judge(right)
    draft = stage.a(operation)
    if "header" in fact(operation, name).place:
        draft = draft.without_header(name) if value == GONE else draft.with_header(name, value)
    else:
        draft = draft.lacking(name) if value == GONE else draft.having(**{name: value})
    if name == "X-SIGNATURE":
        draft = draft.planned(kind="none")
    return replace(stage.client.send(draft, "r"), response=right.response)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]} {row[3]}")
def test_out_of_shape(row: Row) -> None:
    operation, name, value, keyword, expected, actual, refusals = row
    tag = fact(operation, name).tag_for(keyword)
    stage = Stage()
    taken = sent(stage, operation, name, value)
    verdicts = {each.requirement: each.judgement for each in stage.judge.judge(taken)}
    assert isinstance(verdicts[tag.server], Broken)
    client = verdicts[tag.client]
    assert isinstance(client, Broken)
    place = f"header {name}" if "header" in fact(operation, name).place else f"body /{name}"
    assert (place, expected, actual) in {(each.where, each.expected, each.actual) for each in client.findings}
    for code, fits in refusals.items():
        found = broken(stage.judge.judge(refused(taken, code)), Party.SERVER)
        reasons = {each for each in found if each.startswith("KKI-RSN") and each != "KKI-RSN-260"}
        assert not reasons if fits else reasons, (code, reasons)


@pytest.mark.parametrize("operation", list(CONTRACT.operations))
def test_a_correct_request_is_in_shape(operation: str) -> None:
    stage = Stage()
    verdicts = stage.send(stage.a(operation))[1]
    assert not broken(verdicts)


def test_what_was_hidden_has_no_shape() -> None:
    stage = Stage()
    tag = fact("refund", "reason").tag_for("maxLength")
    verdicts = stage.judge.judge(sent(stage, "refund", "reason", "‹reason:a1b2c3›" * 20))
    assert isinstance(said(verdicts, tag.client), Unknown)


@pytest.mark.parametrize(
    ("choice", "value", "wrong"),
    [("absent", None, False), ("a-value", None, True), ("absent", "", False), ("a-value", "", False)],
)
def test_an_optional_member_without_a_value(choice: str, value: str | None, wrong: bool) -> None:
    stage = Stage(null_members=choice)
    found = broken(stage.judge.judge(sent(stage, "bind", "phoneNo", value)), Party.CLIENT)
    tags = {tag.client for tag in fact("bind", "phoneNo").tags}
    assert bool(found & tags) is wrong


@pytest.mark.parametrize(("choice", "value", "wrong"), [
    ("coerced", 6281234567890, False), ("strict", 6281234567890, True), ("coerced", True, False),
    ("strict", True, True),
    ("coerced", ["6281234567890"], True), ("coerced", 1.5, False),
])  # fmt: skip
def test_a_number_where_a_text_belongs(choice: str, value: Any, wrong: bool) -> None:
    stage = Stage(member_types=choice)
    found = broken(stage.judge.judge(sent(stage, "bind", "phoneNo", value)), Party.CLIENT)
    assert bool(found & {tag.client for tag in fact("bind", "phoneNo").tags}) is wrong
