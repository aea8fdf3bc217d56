"""How the rules speak of values and replies, to the letter: findings are read by people, and compared by machines."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kki.model.profile import Credentials
from kki.model.verdict import Broken
from kki.rules.knowledge import Knowledge
from kki.rules.words import described, kind, length, masked, operation_noun, shown, spoken

from .stage import CONTRACT, Stage, profile


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "null"), (True, "a boolean"), (1, "a number"), (1.5, "a number"), ([1], "an array"),
        ({"a": 1}, "an object"), (b"x", "another type"),
    ],
)  # fmt: skip
def test_what_is_no_text_is_spoken_of_by_its_type(value: object, said: str) -> None:
    assert kind(value) == shown(value) == described(value) == spoken("otp", value) == spoken("reason", value) == said


@pytest.mark.parametrize(
    ("text", "of_a_secret", "of_others"),
    [
        ("", "an empty text", "''"), ("x", "1 character", "'x'"), ("xy", "2 characters", "'xy'"),
        ("x" * 64, "64 characters", repr("x" * 64)), ("x" * 65, "65 characters", f"{'x' * 64!r}… (65 characters)"),
    ],
)
def test_a_secret_is_spoken_of_by_its_length(text: str, of_a_secret: str, of_others: str) -> None:
    assert kind(text) == "a string"
    assert described(text) == length(text) == spoken("OTP", text) == spoken("x-signature", text) == of_a_secret
    assert shown(text) == spoken("reason", text) == of_others


def test_an_operation_has_its_noun() -> None:
    nouns = {name: operation_noun(operation) for name, operation in CONTRACT.operations.items()}
    assert nouns == {
        "payment": "payment", "bind": "binding", "unbind": "unbinding", "refund": "refund", "b2b": "B2B token request",
        "b2b2c": "B2B2C token request",
    }  # fmt: skip
    assert operation_noun(None) == "request"


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("‹otp:a1b2c3›", True), ("Bearer ‹token:a1b2c3›", True), ("abcdefgh…", True), ("abcdefghi…", False),
        ("abcdefg…", False), ("abcdefghi", False), ("a ‹ b › c", False), (None, False), (7, False), ("", False),
    ],
)  # fmt: skip
def test_what_redaction_left_is_known_as_such(value: object, hidden: bool) -> None:
    assert masked(value) is hidden


@pytest.mark.parametrize(
    ("status", "members", "said"),
    [
        (400, {"responseCode": "4005402", "responseMessage": "No"}, "HTTP 400 with responseCode 4005402 “No”"),
        (400, {"responseCode": "4005402"}, "HTTP 400 with responseCode 4005402"),
        (400, {"responseCode": "4005402", "responseMessage": 7}, "HTTP 400 with responseCode 4005402"),
        (400, {"responseMessage": "N" * 101}, f"HTTP 400 without a readable responseCode “{'N' * 100}”"),
        (200, {"responseCode": "40054000"}, "HTTP 200 without a readable responseCode"),
        (200, {"responseCode": 4005402}, "HTTP 200 without a readable responseCode"),
    ],
)  # fmt: skip
def test_a_refusal_of_a_correct_payment_is_quoted(status: int, members: dict[str, object], said: str) -> None:
    stage = Stage()
    taken = stage.client.send(stage.a("payment"), "r")
    assert taken.response is not None
    reply = replace(taken.response, status=status, body=json.dumps(members).encode())
    verdicts = stage.judge.judge(replace(taken, response=reply))
    judgement = next(each.judgement for each in verdicts if each.requirement == "KKI-PAY-150")
    assert isinstance(judgement, Broken)
    (finding,) = judgement.findings
    assert finding.where == "reply"
    assert finding.actual == f"refused: {said}"
    assert finding.expected == "success: nothing is wrong with this payment"


def test_what_the_profile_tells_is_known() -> None:
    other = Credentials(client_id="another")
    plan = replace(profile(), other_partner=other, readings={"unbound-token": "once-final"})
    known = Knowledge.of(plan, CONTRACT)
    assert (known.credentials, known.test_data, known.limits) == (plan.credentials, plan.test_data, plan.limits)
    assert (known.readings, known.other_partner) == (plan.readings, other)
    assert (known.complete, known.staged, known.alone, known.left_out) == (True, True, True, None)
    lines = frozenset({"Authorization"})
    told = Knowledge.of(plan, CONTRACT, complete=False, staged=False, alone=False, left_out=lines)
    assert (told.complete, told.staged, told.alone, told.left_out) == (False, False, False, lines)
