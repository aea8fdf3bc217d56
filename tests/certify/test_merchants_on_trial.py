"""Every faulty merchant through a whole session of `certify`: its exit code, and the requirement it is held to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import campaign

from kki.certify.session import Plan, Session
from kki.edges.listener import serve
from kki.model.run import Run
from kki.model.verdict import Grade, Outcome

from .memory import Memory
from .merchants import CORRECT, MERCHANTS, FaultyMerchant
from .small_client import SCENARIOS, Kit
from .trial import CHECKLIST, CLIENT_ROWS, CONTRACT, PROFILE, a_world


def a_session(merchant: FaultyMerchant) -> Session:
    profile = replace(PROFILE, readings=dict(merchant.pins))
    return Session(Plan(profile=profile, contract=CONTRACT, use="certify", target="small", checklist=CHECKLIST))


def tried(merchant: FaultyMerchant, scenarios: dict[str, str]) -> tuple[Run, int]:
    """On a clock of its own, so that nobody has to wait for a time-out."""
    session, memory = a_session(merchant), Memory(a_world(merchant.pins))
    merchant.client(Kit.of(PROFILE), memory, scenarios).day()
    for exchange in memory.exchanges:
        session.watch(exchange)
    run = session.finish()
    assert session.faults == []
    return run, session.exit_code(run)


def graded(run: Run, grade: Grade) -> set[str]:
    return {row.id for row in run.requirements if row.grade is grade}


def test_the_correct_merchant_is_certified() -> None:
    run, code = tried(CORRECT, dict(SCENARIOS))
    assert code == 0
    assert run.not_tried == ()
    assert graded(run, Grade.VIOLATION) | graded(run, Grade.WARNING) == set()


@pytest.mark.parametrize(
    "merchant", [each for each in MERCHANTS if campaign.share(each.name, 3)], ids=lambda each: each.name
)
def test_a_faulty_merchant_is_held_to_what_it_broke(merchant: FaultyMerchant) -> None:
    run, code = tried(merchant, dict(merchant.needed))
    assert graded(run, Grade.VIOLATION) | graded(run, Grade.WARNING) == merchant.breaks
    must = {name for name in merchant.breaks if CLIENT_ROWS[name].level.value == "MUST"}
    assert graded(run, Grade.VIOLATION) == must
    assert code == (1 if must else 4)  # without a violation it is incomplete: it did not meet every trouble
    evidence = {row.id: row.findings for row in run.requirements if row.outcome is Outcome.BROKEN}
    assert all(evidence[name][0].expected for name in merchant.breaks)


@pytest.mark.parametrize("name", ["bearer-kept", "card-key-secret", "token-text-swapped"])
def test_over_sockets_it_is_told_what_it_did_wrong(name: str) -> None:
    merchant = next(each for each in MERCHANTS if each.name == name)
    session = a_session(merchant)
    with serve(a_world(merchant.pins), watch=session.watch, backlog=session.backlog) as running:
        merchant.run(running.url, Kit.of(PROFILE))
    run = session.finish()
    assert session.exit_code(run) == 1
    (row,) = (row for row in run.requirements if row.outcome is Outcome.BROKEN)
    assert {row.id} == merchant.breaks
    assert row.findings[0].diagnosis
