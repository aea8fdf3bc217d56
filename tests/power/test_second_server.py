"""The suite accuses no correct server: not one that shares no code with the simulator either."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kki import power
from kki.edges import contract as contracts
from kki.edges import settings
from kki.engine import run_suites
from kki.model.profile import Limits, Profile
from kki.model.requirement import Level, Party
from kki.model.run import Run
from kki.model.verdict import Grade, Outcome, Overall
from kki.run import Conductor

from .second_server import second_server

SEED = 7
CONTRACT = contracts.load()


def plan() -> Profile:
    return replace(settings.built_in_profile(CONTRACT), limits=Limits(timeout_s=5.0, unbinding_settles_s=0.5))


@pytest.fixture(scope="module")
def run() -> Run:
    profile = plan()
    with second_server(profile) as url:
        conductor = Conductor(profile=profile, contract=CONTRACT, base_url=url, level="quick", seed=SEED)
        refused = [check.says for check in conductor.preflight() if check.fatal and not check.ok]
        assert not refused, refused
        run_suites(conductor, 1)
        return conductor.run()


@pytest.fixture(scope="module")
def row() -> dict[str, Any]:
    profile = plan()
    with second_server(profile) as url:
        return power.tried(profile, CONTRACT, url, "quick", SEED)


def test_it_violates_nothing(row: dict[str, Any]) -> None:
    assert row["violations"] == []
    assert row["overall"] == "conforms"
    assert row["refused to start"] == []
    assert row["requests"] > 200, "nearly nothing was tried"


def test_the_harness_does_not_fail_over_it(row: dict[str, Any]) -> None:
    assert row["faulty"] == []
    assert row["faults"] == []


def test_nothing_that_must_hold_stays_undecided(run: Run) -> None:
    undecided = {
        row.id: row.level for row in run.requirements if row.party is Party.SERVER and row.outcome is Outcome.UNKNOWN
    }
    assert {name for name, level in undecided.items() if level is not Level.MAY} == set()
    assert run.overall is Overall.CONFORMS
    assert run.not_tried == ()


def test_every_row_of_the_server_that_can_be_tried_was_decided(run: Run) -> None:
    """Not exercised: only what no outsider can see. Not applicable: only what rests on a reading not in force, or on
    members that a reply need not have."""
    rows = [row for row in run.requirements if row.party is Party.SERVER]
    unseen = {row.id for row in rows if row.outcome is Outcome.NOT_EXERCISED}
    assert {CONTRACT.requirements[name].area for name in unseen} == {"EVT"}
    idle = {row.id for row in rows if row.outcome is Outcome.NOT_APPLICABLE}
    assert idle == {"KKI-BND-226", "KKI-BND-228", "KKI-RFD-114", "KKI-RFD-116"}


def test_no_warning_either(run: Run) -> None:
    assert {row.id for row in run.requirements if row.grade is Grade.WARNING} == set()
