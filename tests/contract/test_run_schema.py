"""openapi/schemas/run.schema.json against what `kki.model.run` writes, and against runs that are out of order."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from kki.edges import datafiles
from kki.edges.contract import data_root
from kki.model.requirement import Level, Party, Standing
from kki.model.run import CaseResult, Evidence, NotTried, RequirementResult, Run, as_json, from_json
from kki.model.verdict import Grade, Outcome, Overall

RUN = Run(
    use="check",
    overall=Overall.DOES_NOT_CONFORM,
    harness="0.1.0",
    contract="sha256:" + "0f" * 32,
    target="http://127.0.0.1:8080",
    seed=7,
    level="standard",
    started=datetime(2026, 5, 26, 3, 0, 0, tzinfo=UTC),
    finished=datetime(2026, 5, 26, 3, 0, 41, 500_000, tzinfo=UTC),
    exchange_count=2,
    requirements=(
        RequirementResult(
            id="KKI-SIG-110",
            says="A wrong signature is refused.",
            party=Party.SERVER,
            level=Level.MUST,
            standing=Standing.STATED,
            outcome=Outcome.BROKEN,
            grade=Grade.VIOLATION,
            findings=(Evidence(exchange="x17", where="status", expected="401", actual="200"),),
            counts={"broken": 1},
        ),
        RequirementResult(
            id="KKI-EVT-010",
            says="An event is published.",
            party=Party.SERVER,
            level=Level.MAY,
            standing=Standing.STATED,
            outcome=Outcome.NOT_EXERCISED,
            grade=Grade.NONE,
            untestable="nothing shows outside",
        ),
    ),
    power={"caught": 3, "of": 4},
    not_tried=(NotTried(what="KKI-STA-020", why="the profile gives one token only"),),
    cases=(CaseResult(id="suites/server/test_signing.py::a", title="a", outcome="failed", exercises=("KKI-SIG-110",)),),
    signing={"x17": (("digest", "73c3"),)},
)


def problems(data: dict[str, Any]) -> list[str]:
    return datafiles.problems(data, "run", "run.json", data_root())


def test_a_run_as_it_is_written_fits() -> None:
    text = json.dumps(as_json(RUN))
    assert problems(json.loads(text)) == []
    assert from_json(json.loads(text)) == RUN


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("grade", list(Grade))
def test_every_outcome_and_grade_is_allowed(outcome: Outcome, grade: Grade) -> None:
    data = as_json(RUN)
    data["requirements"][0] |= {"outcome": outcome.value, "grade": grade.value}
    assert problems(data) == []


@pytest.mark.parametrize("overall", list(Overall))
@pytest.mark.parametrize("use", ["check", "certify", "judge"])
def test_every_use_and_overall_is_allowed(overall: Overall, use: str) -> None:
    assert problems(as_json(RUN) | {"overall": overall.value, "use": use}) == []


@pytest.mark.parametrize(
    "name",
    [
        "schema", "use", "overall", "harness", "contract", "target", "seed", "level", "started", "finished",
        "exchange_count", "requirements",
    ],
)  # fmt: skip
def test_the_members_that_scripts_rely_on_are_required(name: str) -> None:
    data = as_json(RUN)
    del data[name]
    assert problems(data) == [f"run.json: top level: expected the member '{name}', but it is missing."]


@pytest.mark.parametrize("name", ["id", "party", "level", "standing", "outcome", "grade", "findings"])
def test_so_are_those_of_a_requirement(name: str) -> None:
    data = as_json(RUN)
    del data["requirements"][1][name]
    assert problems(data) == [f"run.json: requirements[1]: expected the member '{name}', but it is missing."]


@pytest.mark.parametrize("name", ["exchange", "where", "expected", "actual", "diagnosis"])
def test_and_those_of_a_finding(name: str) -> None:
    data = as_json(RUN)
    del data["requirements"][0]["findings"][0][name]
    assert len(problems(data)) == 1


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda data: data.update(schema=2), "schema: expected 1"),
        (lambda data: data.update(overall="passes"), "overall: expected one of"),
        (lambda data: data.update(contract="0f" * 32), "contract: expected text that matches"),
        (lambda data: data.update(seed="7"), "seed: expected a whole number"),
        (lambda data: data.update(started="yesterday"), "started: expected text that matches"),
        (lambda data: data.update(exchange_count=-1), "exchange_count: expected at least 0"),
        (lambda data: data["requirements"][0].update(id="SIG-110"), "requirements[0].id: expected text that matches"),
        (lambda data: data["requirements"][0].update(party="both"), "requirements[0].party: expected one of"),
        (lambda data: data["requirements"][0].update(level="must"), 'Did you mean "MUST"?'),
    ],
)
def test_a_run_out_of_order_is_a_sentence(spoil: Callable[[dict[str, Any]], None], sentence: str) -> None:
    data = as_json(RUN)
    spoil(data)
    (told,) = problems(data)
    assert sentence in told


def test_further_members_are_allowed() -> None:
    assert problems(as_json(RUN) | {"since": "later"}) == []
