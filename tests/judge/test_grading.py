"""What a broken row is worth, and what all rows together say. Expected values by hand, from interface.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from kki.catalogue import catalogue
from kki.edges.contract import load
from kki.grading import MOST_EVIDENCE, MOST_FINDINGS, Policy, Tally, has_room, overall, undecided
from kki.model.profile import Profile, Waiver
from kki.model.requirement import Level, Party, Requirement, Source, Standing
from kki.model.run import RequirementResult
from kki.model.verdict import (
    Broken,
    Faulty,
    Finding,
    Grade,
    Holds,
    Judgement,
    NotApplicable,
    Outcome,
    Overall,
    Unknown,
    Verdict,
)

CONTRACT = load()
CATALOGUE = catalogue(CONTRACT)
TODAY = date(2026, 11, 24)
BROKEN = Broken((Finding(where="status", expected="200", actual="500"),))
V, W, N = Grade.VIOLATION, Grade.WARNING, Grade.NOTE
MUST, SHOULD, MAY = Level.MUST, Level.SHOULD, Level.MAY
STATED, IMPLIED, CONFLICTED = Standing.STATED, Standing.IMPLIED, Standing.CONFLICTED
SERVER_ROW, CLIENT_ROW = "KKI-SIG-110", "KKI-SIG-010"


def a_row(level: Level = MUST, standing: Standing = STATED, readings: tuple[str, ...] = ("r",)) -> Requirement:
    return Requirement(
        id="KKI-SIG-010", says="…", level=level, standing=standing, party=Party.SERVER,
        source=Source(document="kki-page", section="1"), readings=readings,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("level", "standing", "pinned", "grade"),
    [
        (MUST, STATED, (), V), (MUST, IMPLIED, (), V), (MUST, CONFLICTED, (), W),
        (MUST, STATED, ("r",), V), (MUST, IMPLIED, ("r",), V), (MUST, CONFLICTED, ("r",), V),
        (MUST, CONFLICTED, ("another",), W), (MUST, CONFLICTED, ("another", "r"), V),
        (SHOULD, STATED, (), W), (SHOULD, IMPLIED, ("r",), W), (SHOULD, CONFLICTED, ("r",), W),
        (MAY, STATED, (), N), (MAY, IMPLIED, ("r",), N), (MAY, CONFLICTED, ("r",), N),
    ],
)  # fmt: skip
def test_severity(level: Level, standing: Standing, pinned: tuple[str, ...], grade: Grade) -> None:
    policy = Policy(pinned=frozenset(pinned))
    assert policy.severity(a_row(level, standing)) is grade
    assert policy.grade(a_row(level, standing), BROKEN) is grade


@pytest.mark.parametrize("judgement", [Unknown("the secret"), NotApplicable(), Faulty("trace")])
def test_only_what_was_decided_has_a_grade(judgement: Judgement) -> None:
    assert Policy().grade(a_row(), judgement) is Grade.NONE
    assert Policy().grade(a_row(), Holds()) is Grade.PASS


@pytest.mark.parametrize(
    ("expires", "before", "after"),
    [
        (TODAY, V, W), (TODAY + timedelta(days=30), V, W), (TODAY - timedelta(days=1), V, V),
        (TODAY, W, W), (TODAY, N, N), (TODAY, Grade.PASS, Grade.PASS),
    ],
)  # fmt: skip
def test_waivers(expires: date, before: Grade, after: Grade) -> None:
    waiver = Waiver(requirement="KKI-SIG-010", reason="agreed with DOKU", expires=expires)
    policy = Policy.of(Profile(waivers=(waiver,)), CONTRACT, TODAY)
    grade, says = policy.after_waiver(a_row(), before)
    assert grade is after
    assert (says is not None) == (before is not after)
    if says:
        assert "agreed with DOKU" in says
        assert expires.isoformat() in says


def test_a_waiver_of_another_row_changes_nothing() -> None:
    waiver = Waiver(requirement="KKI-SIG-110", reason="…", expires=TODAY)
    assert Policy.of(Profile(waivers=(waiver,)), CONTRACT, TODAY).after_waiver(a_row(), V) == (V, None)


def test_pinning_by_profile_makes_a_conflicted_row_a_violation() -> None:
    row = CONTRACT.requirements["KKI-SIG-020"]
    assert row.standing is CONFLICTED
    pins = {name: CONTRACT.choice(name, {}) for name in row.readings}
    assert Policy.of(Profile(), CONTRACT, TODAY).severity(row) is W
    assert Policy.of(Profile(readings=pins), CONTRACT, TODAY).severity(row) is V


# --- the tally ------------------------------------------------------------------------------------


def told(
    *said: tuple[str, Judgement], parties: tuple[Party, ...] = (Party.SERVER,), only: tuple[str, ...] = (),
    profile: Profile = Profile(),  # noqa: B008  # frozen
) -> Mapping[str, RequirementResult]:  # fmt: skip
    tally = Tally(CONTRACT)
    for number, (name, judgement) in enumerate(said):
        party = CONTRACT.requirements[name].party
        tally.add(Verdict(requirement=name, exchange=f"x{number}", party=party, judgement=judgement))
    rows = tally.results(CATALOGUE, Policy.of(profile, CONTRACT, TODAY), parties=parties, only=only)
    return {row.id: row for row in rows}


@pytest.mark.parametrize(
    ("judgements", "outcome"),
    [
        ((), Outcome.NOT_EXERCISED),
        ((NotApplicable(),), Outcome.NOT_APPLICABLE),
        ((NotApplicable(), Unknown("…")), Outcome.UNKNOWN),
        ((Unknown("…"), Holds()), Outcome.HOLDS),
        ((Holds(), BROKEN, Holds()), Outcome.BROKEN),
        ((BROKEN, Faulty("…"), Holds()), Outcome.FAULTY),
    ],
)  # fmt: skip
def test_the_strongest_word_counts(judgements: tuple[Judgement, ...], outcome: Outcome) -> None:
    rows = told(*((SERVER_ROW, each) for each in judgements))
    assert rows[SERVER_ROW].outcome is outcome
    assert sum(rows[SERVER_ROW].counts.values()) == len(judgements)
    assert rows[SERVER_ROW].in_scope


def test_every_row_of_the_ledger_is_told_of() -> None:
    assert list(told()) == list(CONTRACT.requirements)


def test_every_situation_is_kept_beside_the_first_findings() -> None:
    tally = Tally(CONTRACT)
    for number in range(300):
        verdict = Verdict(requirement=SERVER_ROW, exchange=f"x{number}", party=Party.SERVER, judgement=BROKEN)
        tally.add(verdict, f"payment, way {number % 60}")
    rows = tally.results(CATALOGUE, Policy(), parties=(Party.SERVER,))
    row = next(row for row in rows if row.id == SERVER_ROW)
    assert {found.situation for found in row.findings} == {f"payment, way {number}" for number in range(60)}
    assert has_room(row)


def test_a_row_out_of_scope_has_no_grade() -> None:
    for parties, only in (((Party.CLIENT,), ()), ((Party.SERVER,), ("KKI-SIG-120",))):
        for judgement in (BROKEN, Holds()):
            row = told((SERVER_ROW, judgement), parties=parties, only=only)[SERVER_ROW]
            assert (row.in_scope, row.grade) == (False, Grade.NONE)


def test_findings_and_evidence_are_bounded_but_counts_go_on() -> None:
    row = told(*[(SERVER_ROW, BROKEN)] * 1000)[SERVER_ROW]
    assert row.counts == {"broken": 1000}
    assert len(row.findings) == MOST_FINDINGS
    assert len(row.evidence) == MOST_EVIDENCE


@pytest.mark.parametrize(
    ("parties", "only", "inside"),
    [
        ((Party.SERVER,), (), {SERVER_ROW}),
        ((Party.CLIENT,), (), {CLIENT_ROW}),
        ((Party.CLIENT, Party.SERVER), (), {CLIENT_ROW, SERVER_ROW}),
        ((Party.CLIENT, Party.SERVER), (CLIENT_ROW,), {CLIENT_ROW}),
        ((Party.SERVER,), (CLIENT_ROW,), set()),
        ((), (), set()),
    ],
)
def test_scope(parties: tuple[Party, ...], only: tuple[str, ...], inside: set[str]) -> None:
    rows = told((SERVER_ROW, BROKEN), (CLIENT_ROW, BROKEN), parties=parties, only=only)
    assert {name for name in (SERVER_ROW, CLIENT_ROW) if rows[name].in_scope} == inside
    assert (overall(rows.values()) is Overall.DOES_NOT_CONFORM) == bool(inside)


def test_a_waived_violation_is_a_warning_that_says_so() -> None:
    waiver = Waiver(requirement=SERVER_ROW, reason="known to DOKU", expires=TODAY)
    row = told((SERVER_ROW, BROKEN), profile=Profile(waivers=(waiver,)))[SERVER_ROW]
    assert (row.outcome, row.grade) == (Outcome.BROKEN, Grade.WARNING)
    assert row.waived is not None
    assert "known to DOKU" in row.waived


def test_a_row_of_a_reading_that_is_not_in_force_is_not_undecided() -> None:
    asleep = [entry for entry in CATALOGUE if Policy.of(Profile(), CONTRACT, TODAY).asleep(entry.readings)]
    assert asleep
    rows = told(parties=(Party.SERVER, Party.CLIENT))
    for entry in asleep:
        assert entry.requirement is not None
        row = rows[entry.requirement.id]
        assert row.outcome is Outcome.NOT_APPLICABLE
        assert "in force only under the reading" in row.missing
        assert not undecided(row)


# --- the overall result -----------------------------------------------------------------------------


def result(level: Level = MUST, outcome: Outcome = Outcome.HOLDS, grade: Grade = Grade.PASS) -> RequirementResult:
    row = told((SERVER_ROW, Holds()))[SERVER_ROW]
    return replace(row, level=level, outcome=outcome, grade=grade)


GOOD = result()
BAD = result(outcome=Outcome.BROKEN, grade=V)
OPEN = result(outcome=Outcome.NOT_EXERCISED, grade=Grade.NONE)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([GOOD], Overall.CONFORMS),
        ([GOOD, BAD], Overall.DOES_NOT_CONFORM),
        ([OPEN, BAD], Overall.DOES_NOT_CONFORM),
        ([GOOD, OPEN], Overall.INCOMPLETE),
        ([GOOD, replace(OPEN, outcome=Outcome.UNKNOWN)], Overall.INCOMPLETE),
        ([GOOD, replace(OPEN, outcome=Outcome.NOT_APPLICABLE)], Overall.CONFORMS),
        ([GOOD, replace(OPEN, level=SHOULD)], Overall.CONFORMS),
        ([GOOD, replace(OPEN, level=MAY)], Overall.CONFORMS),
        ([GOOD, replace(OPEN, untestable="nobody sees it")], Overall.CONFORMS),
        ([GOOD, replace(OPEN, in_scope=False)], Overall.CONFORMS),
        ([GOOD, replace(BAD, in_scope=False)], Overall.CONFORMS),
        ([GOOD, replace(BAD, grade=W)], Overall.CONFORMS),
        ([GOOD, replace(BAD, grade=N)], Overall.CONFORMS),
        ([GOOD, result(outcome=Outcome.FAULTY, grade=Grade.NONE)], Overall.INCOMPLETE),
        ([GOOD, result(level=MAY, outcome=Outcome.FAULTY, grade=Grade.NONE)], Overall.INCOMPLETE),
        ([BAD, result(outcome=Outcome.FAULTY, grade=Grade.NONE)], Overall.DOES_NOT_CONFORM),
        ([], Overall.INCOMPLETE),
        ([replace(OPEN, level=MAY)], Overall.INCOMPLETE),
    ],
)
def test_overall(rows: list[RequirementResult], expected: Overall) -> None:
    assert overall(rows) is expected
    assert overall(reversed(rows)) is expected
