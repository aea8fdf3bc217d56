"""The reason of a refusal: which cases fit a fault, and which are held against the server."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kki.model.exchange import Exchange
from kki.model.requirement import Party

from .stage import Stage, broken

REASON = "KKI-RSN-140"


def refused_with(stage: Stage, taken: Exchange, code: str) -> set[str]:
    """The server's rows that a refusal with this code breaks."""
    assert taken.response is not None
    body = json.dumps({"responseCode": code, "responseMessage": "Refused"}).encode()
    response = replace(taken.response, status=int(code[:3]), body=body)
    return broken(stage.judge.judge(replace(taken, response=response)), Party.SERVER)


@pytest.mark.parametrize("value", ["", None])
@pytest.mark.parametrize(
    ("operation", "member", "code", "fits"),
    [
        ("b2b", "grantType", "4007302", True), ("b2b", "grantType", "4007300", True),
        ("b2b", "grantType", "4017300", True), ("b2b", "grantType", "4017303", False),
        ("payment", "partnerReferenceNo", "4005402", True), ("payment", "partnerReferenceNo", "4015400", False),
        ("payment", "partnerReferenceNo", "4045401", False), ("bind", "cardData", "4000102", True),
        ("bind", "cardData", "4010100", False),
    ],
)  # fmt: skip
def test_an_empty_member_is_a_missing_one(
    operation: str, member: str, code: str, fits: bool, value: str | None
) -> None:
    stage = Stage()
    stage.send(stage.a(operation))  # a signature of ours is good, then: 401/00 is for something else
    taken = stage.client.send(stage.a(operation).having(**{member: value}), "r")
    assert (REASON in refused_with(stage, taken, code)) is not fits
