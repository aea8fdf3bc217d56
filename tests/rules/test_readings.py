"""What the page leaves open and the profile does not pin: a violation only where no choice permits it."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from kki.drafting.drafts import Draft
from kki.grading import Policy
from kki.model.http import Response
from kki.model.verdict import Broken, Grade, Verdict
from kki.rules.robustness import _nearly_json
from kki.simulator.correct import CORRECT

from .stage import CONTRACT, Stage, broken
from .whole import results, tried, violations

UNTOLD = [
    ("signature-encoding", "hex", ("operations",)),
    ("customer-token-scheme", "bare", ("operations",)),
    ("card-data-container", "salted", ("operations", "card_data")),
    ("required-or-optional", "description", ("fields",)),
    ("duplicate-reference", "allowed", ("state",)),
    ("timestamp-window", "none", ("tokens", "headers")),
    ("refund-reference-minimum", "enforced", ("state",)),
]


@pytest.mark.parametrize(("reading", "choice", "parts"), UNTOLD, ids=[row[0] for row in UNTOLD])
def test_a_choice_that_nobody_pinned_is_no_violation(reading: str, choice: str, parts: tuple[str, ...]) -> None:
    stage = Stage(CORRECT, told=False, **{reading.replace("-", "_"): choice})
    tried(stage, parts, quick=True)
    assert violations(stage) == {}
    said = [row for row in results(stage).values() if row.grade is Grade.WARNING or reading in row.missing]
    assert said, "a warning, or what to pin"


def accepted(stage: Stage, draft: Draft) -> tuple[Verdict, ...]:
    """What is said of a server that accepts this as if it were right."""
    good, _ = stage.send(stage.a(draft.operation))
    spoiled, _ = stage.send(draft)
    assert isinstance(good.response, Response)
    assert good.response.status == 200
    body = good.response.body.replace(b"REF-", b"REF-Z")
    return stage.judge.judge(replace(spoiled, id="accepted", response=replace(good.response, body=body)))


def url_safe(mac: bytes) -> str:
    return base64.urlsafe_b64encode(mac).decode()


def grade_of(verdicts: tuple[Verdict, ...], name: str) -> Grade:
    judgement = next(each.judgement for each in verdicts if each.requirement == name)
    assert isinstance(judgement, Broken), judgement
    policy = Policy(choices={name: CONTRACT.choice(name, {}) for name in CONTRACT.readings})
    return policy.grade(CONTRACT.requirements[name], judgement)


def test_what_no_choice_permits_is_a_violation_of_a_conflicted_row() -> None:
    stage = Stage()
    yesterday = stage.a("payment").with_header("X-TIMESTAMP", "yesterday")
    assert grade_of(accepted(stage, yesterday), "KKI-HDR-112") is Grade.VIOLATION
    while True:  # until the MAC has a character that the two alphabets write otherwise
        draft = stage.a("payment").planned(encode=url_safe)
        verdicts = accepted(stage, draft)
        if "KKI-SIG-140" in broken(verdicts):
            break
    assert grade_of(verdicts, "KKI-SIG-140") is Grade.VIOLATION
    basic = stage.a("payment").with_header("Authorization", f"Basic {stage.session.tokens.b2b}")
    assert grade_of(accepted(stage, basic), "KKI-HDR-152") is Grade.VIOLATION


def test_what_one_choice_permits_is_a_warning() -> None:
    stage = Stage()
    in_hex = stage.a("payment").planned(encode=bytes.hex)
    assert grade_of(accepted(stage, in_hex), "KKI-SIG-140") is Grade.WARNING
    milliseconds = stage.a("payment").having(partnerReferenceNo="")
    assert grade_of(accepted(stage, milliseconds), "KKI-FLD-110") is Grade.WARNING


def test_a_wrong_service_code_is_a_violation_where_no_reading_knows_it() -> None:
    for operation, grade in (("payment", Grade.VIOLATION), ("refund", Grade.WARNING)):
        stage = Stage()
        exchange, _ = stage.send(stage.a(operation))
        assert exchange.response is not None
        body = exchange.response.body.replace(b'"20054', b'"20058').replace(b'"20007', b'"20058')
        answer = replace(exchange.response, body=body)
        verdicts = stage.judge.judge(replace(exchange, id="again", response=answer))
        assert grade_of(verdicts, "KKI-RSP-230") is grade


def test_a_refusal_that_a_choice_explains_is_accused_once_the_server_refutes_the_choice() -> None:
    """A server that refuses one correct request as unsigned, and takes others that are signed alike."""
    stage = Stage()
    taken = stage.client.send(stage.a("unbind"), "refused")
    assert taken.response is not None
    body = b'{"responseCode":"4010500","responseMessage":"Unauthorized. Invalid signature"}'
    verdicts = stage.judge.judge(replace(taken, response=replace(taken.response, status=401, body=body)))
    said = next(each.judgement for each in verdicts if each.requirement == "KKI-UNB-150")
    assert "signature-encoding" in getattr(said, "missing", "")
    assert "KKI-UNB-150" not in broken(list(stage.judge.finish()))
    stage.send(stage.a("payment"))
    stage.send(stage.a("bind"))
    assert "KKI-UNB-150" in broken(list(stage.judge.finish()))


READ_ON = [
    '{"a":1,}', '{"a":[1,],}', '{"a":NaN}', '{"a":01}', '{"a":1}oops', '{"a":1} {"b":2}', "{'a':'it is }'}", '{a:1}',
    '{"a":1 /* } */}', '{"a":1 // }\n}', '{"a":"\n"}', ' \t{"a":"{"}x',
]  # fmt: skip
NOT_READ = [
    "", "garbage", '{"a":1', '{"a":[1],', '{"a":"}', '{"a":[1}', "a=1&b={}", '["a"}', '{"a":1 /* }', "{'a':'}", '"{}"x',
    "<a>{}</a>",
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "grade"), [*((body, Grade.WARNING) for body in READ_ON), *((body, Grade.VIOLATION) for body in NOT_READ)]
)
def test_a_parser_may_read_on_where_an_object_comes_to_its_end(body: str, grade: Grade) -> None:
    stage = Stage()
    verdicts = accepted(stage, stage.a("payment").with_body(body.encode()))
    assert grade_of(verdicts, "KKI-ROB-210") is grade


def test_quotes_and_comments_without_an_end_are_read_in_one_go() -> None:
    """Bodies on which a search that goes back would not end within the day."""
    for piece in ("\"\\", "'\\", "/*", "//", "{/*"):
        assert _nearly_json(b"{" + piece.encode() * 500_000) is False
