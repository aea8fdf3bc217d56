"""Every faulty merchant against the simulator of the checklist: the judge finds what it does wrong, and no more."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date

import pytest
from tests import campaign
from tests.where import misplaced

from kki.edges.listener import serve
from kki.grading import Policy
from kki.model.exchange import Exchange
from kki.model.requirement import Level, Party
from kki.model.verdict import Grade, Outcome

from .merchants import CORRECT, MERCHANTS, FaultyMerchant
from .small_client import SCENARIOS, Kit, Ways
from .trial import CHECKLIST, CLIENT_ROWS, CONTRACT, NOTHING, PROFILE, a_world, judged, progress_of, tried

NOT_HERE = {
    "KKI-SEC-030": "there is no TLS on this way",
    "KKI-BEH-120": "no trouble of the checklist loses the reply to a refund; see test_fair_conduct.py",
    "KKI-EVT-010": "untestable",
    "KKI-EVT-020": "untestable",
}


def test_the_correct_merchant_breaks_nothing_and_completes_the_checklist() -> None:
    trial = tried(CORRECT, NOTHING)
    assert trial.found(Outcome.BROKEN) == set()
    assert trial.found(Outcome.FAULTY) == trial.found(Outcome.FAULTY, Party.SERVER) == set()
    undecided = trial.found(Outcome.NOT_EXERCISED) | trial.found(Outcome.UNKNOWN)
    by_reading = {"KKI-RFD-014", "KKI-RFD-016"}  # in force only where the profile says so
    assert {name for name in undecided if CLIENT_ROWS[name].level is Level.MUST} <= NOT_HERE.keys() | by_reading
    assert [place.step.id for place in progress_of(trial).missing] == []


def test_without_trouble_the_server_breaks_nothing_either() -> None:
    assert tried(CORRECT, NOTHING, {}).found(Outcome.BROKEN, Party.SERVER) == set()


@pytest.mark.parametrize("merchant", MERCHANTS, ids=lambda each: each.name)
def test_a_faulty_merchant_breaks_what_it_says_and_no_more(merchant: FaultyMerchant) -> None:
    trial = tried(merchant, merchant.pins)
    assert trial.found(Outcome.BROKEN) == merchant.breaks
    assert trial.found(Outcome.FAULTY) == set()
    assert not misplaced(verdict for some in trial.verdicts for verdict in some)


@pytest.mark.parametrize(
    "merchant", [each for each in MERCHANTS if campaign.share(each.name, 6)], ids=lambda each: each.name
)
def test_the_troubles_it_names_are_enough_to_find_it(merchant: FaultyMerchant) -> None:
    assert tried(merchant, merchant.pins, merchant.needed).found(Outcome.BROKEN) == merchant.breaks


@pytest.mark.parametrize(
    "pins", sorted({tuple(sorted(each.pins.items())) for each in MERCHANTS if each.pins}), ids=str
)
def test_the_correct_merchant_holds_under_every_reading_that_another_needs(pins: tuple[tuple[str, str], ...]) -> None:
    assert tried(CORRECT, dict(pins)).found(Outcome.BROKEN) == set()


def test_every_requirement_of_the_client_is_broken_by_some_merchant() -> None:
    broken = {name for merchant in MERCHANTS for name in merchant.breaks}
    assert CLIENT_ROWS.keys() - broken == NOT_HERE.keys()


def test_most_of_them_are_violations() -> None:
    """By level, standing and the readings pinned: what `certify` would end with exit code 1 for."""
    count = 0
    for merchant in MERCHANTS:
        policy = Policy.of(replace(PROFILE, readings=dict(merchant.pins)), CONTRACT, date(2026, 5, 26))
        count += any(policy.severity(CLIENT_ROWS[name]) is Grade.VIOLATION for name in merchant.breaks)
    assert count >= 140


def test_each_merchant_differs_from_the_correct_one() -> None:
    assert len({merchant.name for merchant in MERCHANTS}) == len(MERCHANTS) >= 70
    for merchant in MERCHANTS:
        changed = [
            one.name for one in fields(Ways) if getattr(merchant.ways, one.name) is not getattr(Ways(), one.name)
        ]
        assert changed, merchant.name
        assert merchant.breaks, merchant.name


def test_scenarios_are_those_of_the_checklist() -> None:
    assert {step.id: step.meets.reference for step in CHECKLIST if step.meets and step.meets.reference} == SCENARIOS


OVER_SOCKETS = (
    "correct",
    "bearer-kept",
    "token-key-wrong",
    "header-twice",
    "card-iv-static",
    "body-latin-1",
    "insists",
    "lost-charged-anew",
)


@pytest.mark.parametrize("name", OVER_SOCKETS)
def test_over_sockets_the_verdict_is_the_same(name: str) -> None:
    merchant = next(each for each in (CORRECT, *MERCHANTS) if each.name == name)
    seen: list[Exchange] = []
    with serve(a_world(merchant.pins), watch=seen.append) as running:
        merchant.run(running.url, Kit.of(PROFILE))
    assert judged(seen, merchant.pins).found(Outcome.BROKEN) == merchant.breaks
    assert [exchange for exchange in seen if exchange.response]
