"""What a server gives away of a seal that it could not open: at once in the form of its refusals, or in their words."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kki.drafting.drafts import a_binding
from kki.drafting.spoiled_cards import named
from kki.model.exchange import Exchange
from kki.model.verdict import Broken, Holds, Judgement, Unknown

from .stage import Stage, said

SEALED, INSIDE, CONTENT = "wrong padding", "opens to text", "payload without expiryDate"
ALIKE, TIME = "KKI-CRD-116", "KKI-CRD-118"


def refusal(stage: Stage, card: str, lines: dict[str, str], members: dict[str, Any]) -> Exchange:
    """The refusal of such a card, with more in it."""
    name = f"r{stage.judge.trail.count}"
    # Under a vector by chance, what stays shut has once in some hundred times a padding that fits.
    kit = replace(stage.session.kit(), iv=hashlib.sha256(f"{card} {name}".encode()).digest()[:16])
    taken = stage.client.send(a_binding(kit).having(cardData=named(card)(kit)), name)
    assert taken.response is not None
    body = json.dumps({**json.loads(taken.response.body), **members}).encode()
    headers = taken.response.headers
    for line, value in lines.items():
        headers = headers.without(line).adding(line, value)
    return replace(taken, response=replace(taken.response, headers=headers, body=body))


def told(stage: Stage, card: str, lines: dict[str, str] | None = None, /, **members: Any) -> Judgement | None:
    return said(stage.judge.judge(refusal(stage, card, lines or {}, members)), ALIKE)


def places(judgement: Judgement | None) -> set[str]:
    assert isinstance(judgement, Broken), judgement
    return {finding.where for finding in judgement.findings}


@pytest.mark.parametrize(
    ("lines", "members", "where"),
    [
        ({"X-Inside": "yes"}, {}, {"reply headers"}),
        ({}, {"stage": 1}, {"reply members"}),
        ({}, {"responseMessage": "Bad Request: not JSON"}, {"reply /responseMessage"}),
        ({}, {"responseCode": "4000102"}, {"reply /responseCode"}),
        ({"X-Inside": "yes"}, {"stage": 1}, {"reply headers", "reply members"}),
    ],
)
def test_the_form_of_a_refusal_tells_at_once(lines: dict[str, str], members: dict[str, Any], where: set[str]) -> None:
    stage = Stage()
    assert told(stage, SEALED) is None, "there is nothing yet to compare it with"
    assert isinstance(told(stage, INSIDE), Holds)
    assert places(told(stage, INSIDE, lines, **members)) == where


def test_a_number_that_differs_in_every_refusal_tells_nothing() -> None:
    stage = Stage()
    told(stage, SEALED, responseMessage="Bad Request, trace 8a7f61c0-1111-4222-8333-444455556666")
    answer = told(stage, INSIDE, responseMessage="Bad Request, trace 0c7f61c0-1111-4222-8333-444455556677")
    assert isinstance(answer, Holds)


@pytest.mark.parametrize("card", [SEALED, CONTENT])
def test_what_a_card_lacks_only_its_owner_is_told(card: str) -> None:
    stage = Stage()
    told(stage, SEALED)
    judgement = told(stage, card, stage="content")
    assert isinstance(judgement, Broken) is (card == SEALED)


LINE, MEMBER = ({"X-Decrypt": "no"}, {}), ({}, {"stage": "seal"})


@pytest.mark.parametrize(("usual", "other"), [
    (LINE, ({"X-Decrypt": "yes"}, {})),
    (MEMBER, ({}, {"stage": {"b": 1, "a": 2}})),
], ids=["header", "member"])  # fmt: skip
@pytest.mark.parametrize(
    ("before", "inside", "tells"), [(10, 2, True), (9, 2, False), (10, 1, False), (12, 5, True)]
)  # how often each value was there before
def test_one_value_before_the_seal_is_opened_and_another_after(
    usual: Any, other: Any, before: int, inside: int, tells: bool
) -> None:
    stage = Stage()
    for _ in range(before):
        told(stage, SEALED, usual[0], **usual[1])
    for number in range(inside):
        told(stage, CONTENT if number else INSIDE, other[0], **other[1])
    judgement = told(stage, INSIDE, other[0], **other[1])
    assert isinstance(judgement, Broken if tells else Holds)
    if tells:
        assert places(judgement) == {"reply header x-decrypt" if other[0] else "reply /stage"}
        (finding,) = judgement.findings
        assert "no" in finding.expected or "seal" in finding.expected
        assert "yes" in finding.actual or '"a": 2' in finding.actual


@pytest.mark.parametrize("sealed", [False, True])
def test_values_that_come_on_both_sides_tell_nothing(sealed: bool) -> None:
    stage = Stage()
    for number in range(13):
        told(stage, SEALED, {"X-Node": "b" if number == 12 else "a"})
    for _ in range(3):
        told(stage, INSIDE, {"X-Node": "b"})
    assert isinstance(told(stage, SEALED if sealed else INSIDE, {"X-Node": "b"}), Holds)


@pytest.mark.parametrize("line", ["Date", "X-Time", "Age"])
def test_what_goes_on_with_time_tells_nothing(line: str) -> None:
    stage = Stage()
    for _ in range(10):
        told(stage, SEALED, {line: "2026-11-24T10:00:00+07:00"})
    for _ in range(3):
        judgement = told(stage, INSIDE, {line: "2026-11-24T10:00:01+07:00"})
    assert isinstance(judgement, Holds)


@pytest.mark.parametrize(
    ("sealed", "inside", "times", "outcome"),
    [
        ([20.0], [28.0], 8, Broken), ([20.0], [28.0], 7, Unknown), ([20.0], [24.0], 8, Holds),
        # Far apart on average, but each so unsteady that chance may have done it.
        ([0.0, 200.0], [0.0, 240.0], 8, Holds), ([0.0, 2.0], [98.0, 102.0], 8, Broken),
        ([28.0], [20.0], 8, Broken),
    ],
)  # fmt: skip
def test_the_time_of_a_refusal(sealed: list[float], inside: list[float], times: int, outcome: type[Judgement]) -> None:
    stage = Stage()
    for number in range(times):
        for card, took in ((SEALED, sealed), (INSIDE, inside)):
            taken = refusal(stage, card, {}, {})
            end = taken.sent_at + timedelta(milliseconds=took[number % len(took)])
            stage.judge.judge(replace(taken, answered_at=end))
    found = {each.requirement: each.judgement for each in stage.judge.finish()}
    assert isinstance(found[TIME], outcome)
