"""What becomes of verdicts: counts, grades, one overall result. Every value here is written out, none computed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from kki.catalogue import catalogue
from kki.edges import contract as contracts
from kki.edges import settings
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
)  # fmt: skip

CONTRACT = contracts.load()
CATALOGUE = catalogue(CONTRACT)
TODAY = date(2026, 6, 1)
SERVER_ROW = "KKI-SIG-110"  # MUST, stated
CLIENT_ROW = "KKI-SIG-010"
FINDING = Finding(where="status", expected="401", actual="200", diagnosis="it was let in")


def row(level: Level = Level.MUST, standing: Standing = Standing.STATED, **more: object) -> Requirement:
    plain = Requirement(
        id="KKI-XXX-110", says="It is so.", level=level, standing=standing, party=Party.SERVER,
        source=Source(document="page", section=""), readings=("signature-encoding",),
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


def result(outcome: Outcome, grade: Grade = Grade.NONE, **more: object) -> RequirementResult:
    plain = RequirementResult(
        id="KKI-XXX-110", says="It is so.", party=Party.SERVER, level=Level.MUST, standing=Standing.STATED,
        outcome=outcome, grade=grade,
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


def tallied(*judgements: Judgement, name: str = SERVER_ROW) -> Tally:
    tally = Tally(CONTRACT)
    for number, judgement in enumerate(judgements):
        tally.add(Verdict(requirement=name, exchange=f"x{number}", party=Party.SERVER, judgement=judgement))
    return tally


def of(tally: Tally, policy: Policy | None = None, name: str = SERVER_ROW, **more: object) -> RequirementResult:
    choices = {"parties": (Party.SERVER,), **more}
    rows = tally.results(CATALOGUE, policy or Policy(), **choices)  # type: ignore[arg-type]
    return next(each for each in rows if each.id == name)


# --- severity -------------------------------------------------------------------------------------


MUST, SHOULD, MAY = Level.MUST, Level.SHOULD, Level.MAY
STATED, IMPLIED, CONFLICTED = Standing.STATED, Standing.IMPLIED, Standing.CONFLICTED
V, W, N = Grade.VIOLATION, Grade.WARNING, Grade.NOTE


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
    assert policy.severity(row(level, standing, readings=("r",))) is grade
    assert policy.grade(row(level, standing, readings=("r",)), Broken((FINDING,))) is grade


@pytest.mark.parametrize(
    ("judgement", "grade"),
    [
        (Holds(), Grade.PASS),
        (Unknown("the secret"), Grade.NONE),
        (NotApplicable(), Grade.NONE),
        (Faulty("trace"), Grade.NONE),
    ],
)
def test_only_what_is_broken_is_graded_by_severity(judgement: Judgement, grade: Grade) -> None:
    assert Policy().grade(row(), judgement) is grade


# --- the policy of a profile ------------------------------------------------------------------------


def plan(**more: object) -> Profile:
    return replace(settings.built_in_profile(CONTRACT), **more)  # type: ignore[arg-type]


def test_a_profile_pins_the_readings_it_names_and_no_others() -> None:
    policy = Policy.of(plan(readings={"signature-encoding": "hex", "no-such-reading": "x"}), CONTRACT, TODAY)
    assert policy.pinned == {"signature-encoding"}
    assert policy.choices["signature-encoding"] == "hex"
    assert policy.choices["bearer-scheme"] == "bearer"


@pytest.mark.parametrize(
    ("expires", "counts"), [(date(2026, 5, 31), False), (date(2026, 6, 1), True), (date(2026, 6, 2), True)]
)
def test_a_waiver_counts_until_the_end_of_its_day(expires: date, counts: bool) -> None:
    waiver = Waiver(requirement=SERVER_ROW, reason="ticket 7", expires=expires)
    policy = Policy.of(plan(waivers=(waiver,)), CONTRACT, TODAY)
    assert (SERVER_ROW in policy.waived) is counts


def test_a_waived_violation_is_a_warning_that_says_so() -> None:
    policy = Policy(waived={SERVER_ROW: Waiver(requirement=SERVER_ROW, reason="ticket 7", expires=TODAY)})
    told = of(tallied(Broken((FINDING,))), policy)
    assert (told.outcome, told.grade, told.waived) == (Outcome.BROKEN, Grade.WARNING, "ticket 7 (until 2026-06-01)")


@pytest.mark.parametrize("grade", [Grade.WARNING, Grade.NOTE, Grade.PASS, Grade.NONE])
def test_a_waiver_changes_nothing_but_violations(grade: Grade) -> None:
    mine = row()
    policy = Policy(waived={mine.id: Waiver(requirement=mine.id, reason="ticket 7", expires=TODAY)})
    assert policy.after_waiver(mine, grade) == (grade, None)


def test_a_waiver_of_another_row_changes_nothing() -> None:
    waiver = Waiver(requirement=SERVER_ROW, reason="…", expires=TODAY)
    assert Policy.of(plan(waivers=(waiver,)), CONTRACT, TODAY).after_waiver(row(), Grade.VIOLATION) == (
        Grade.VIOLATION, None,
    )


def test_pinning_by_profile_makes_a_conflicted_row_a_violation() -> None:
    disputed = CONTRACT.requirements["KKI-SIG-020"]
    assert disputed.standing is Standing.CONFLICTED
    pins = {name: CONTRACT.choice(name, {}) for name in disputed.readings}
    assert Policy.of(Profile(), CONTRACT, TODAY).severity(disputed) is Grade.WARNING
    assert Policy.of(Profile(readings=pins), CONTRACT, TODAY).severity(disputed) is Grade.VIOLATION


def test_a_violation_without_a_waiver_stays_one() -> None:
    policy = Policy(waived={"KKI-OTHER-1": Waiver(requirement="KKI-OTHER-1", reason="ticket 7", expires=TODAY)})
    assert policy.after_waiver(row(), Grade.VIOLATION) == (Grade.VIOLATION, None)


def test_a_row_sleeps_only_when_none_of_its_readings_is_in_force() -> None:
    policy = Policy(choices={"a": "1", "b": "2"})
    assert policy.asleep(()) == ""
    assert policy.asleep([("a", "1")]) == ""
    assert policy.asleep([("a", "9"), ("b", "2")]) == ""
    assert policy.asleep([("a", "9"), ("c", "3")]) == "in force only under the reading a=9 or c=3"


# --- the tally ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("judgements", "outcome"),
    [
        ((), Outcome.NOT_EXERCISED),
        ((NotApplicable(),), Outcome.NOT_APPLICABLE),
        ((NotApplicable(), Unknown("x")), Outcome.UNKNOWN),
        ((Unknown("x"), Holds(), NotApplicable()), Outcome.HOLDS),
        ((Holds(), Broken((FINDING,)), Holds()), Outcome.BROKEN),
        ((Broken((FINDING,)), Faulty("t"), Holds()), Outcome.FAULTY),
    ],
)
def test_the_strongest_judgement_is_the_outcome(judgements: tuple[Judgement, ...], outcome: Outcome) -> None:
    assert tallied(*judgements).outcome(SERVER_ROW) is outcome
    assert of(tallied(*judgements)).outcome is outcome


def test_judgements_are_counted_by_kind() -> None:
    told = of(tallied(Holds(), Holds(), Broken((FINDING,)), Unknown("x"), NotApplicable(), Faulty("t")))
    assert told.counts == {"holds": 2, "broken": 1, "unknown": 1, "not-applicable": 1, "faulty": 1}


def test_a_finding_is_kept_whole_with_its_exchange() -> None:
    (kept,) = of(tallied(Holds(), Broken((FINDING,)))).findings
    assert (kept.exchange, kept.where, kept.expected, kept.actual, kept.diagnosis) == (
        "x1", "status", "401", "200", "it was let in",
    )  # fmt: skip


def test_only_so_many_findings_and_exchanges_are_kept() -> None:
    told = of(tallied(*(Broken((FINDING, FINDING, FINDING)) for _ in range(30))))
    assert len(told.findings) == MOST_FINDINGS == 20
    assert told.counts == {"broken": 30}
    assert told.evidence == ("x0", "x1", "x2", "x3", "x4")
    assert MOST_EVIDENCE == 5


def test_every_situation_is_kept_beside_the_first_findings() -> None:
    tally = Tally(CONTRACT)
    for number in range(300):
        broken = Broken((FINDING,))
        verdict = Verdict(requirement=SERVER_ROW, exchange=f"x{number}", party=Party.SERVER, judgement=broken)
        tally.add(verdict, f"payment, way {number % 60}")
    told = of(tally)
    assert {found.situation for found in told.findings} == {f"payment, way {number}" for number in range(60)}
    assert has_room(told)


def test_evidence_names_an_exchange_once_and_no_nameless_one() -> None:
    tally = Tally(CONTRACT)
    for name in ("x1", "", "x1", "x2"):
        tally.add(Verdict(requirement=SERVER_ROW, exchange=name, party=Party.SERVER, judgement=Holds()))
    assert of(tally).evidence == ("x1", "x2")


@pytest.mark.parametrize("judgement", [Holds(), Broken((FINDING,)), Faulty("t")])
def test_what_decided_is_evidence(judgement: Judgement) -> None:
    assert of(tallied(judgement)).evidence == ("x0",)


@pytest.mark.parametrize("judgement", [Unknown("x"), NotApplicable()])
def test_what_did_not_decide_is_none(judgement: Judgement) -> None:
    assert of(tallied(judgement)).evidence == ()


def test_the_first_reason_is_told_while_nothing_is_decided() -> None:
    assert of(tallied(Unknown("the secret"), Unknown("the token"))).missing == "the secret"
    assert of(tallied(Unknown("the secret"), Holds())).missing == ""
    assert of(tallied()).missing == "no exchange put it to the test"
    assert of(tallied(NotApplicable())).missing == ""
    assert of(tallied(Faulty("first"), Faulty("second"), Unknown("x"))).missing == "first"


def test_readings_that_were_seen_to_match_are_told_in_order() -> None:
    told = of(tallied(Holds("b=2"), Holds("a=1"), Holds(), Holds("b=2")))
    assert told.readings == ("a=1", "b=2")


def test_the_choice_that_permits_a_breach_is_told() -> None:
    """A stated MUST is a warning then, and the row says why."""
    told = of(tallied(Broken((FINDING,), "member-types=coerced"), Broken((FINDING,), "member-types=coerced")))
    assert told.readings == ("member-types=coerced",)
    assert of(tallied(Broken((FINDING,), ""))).readings == ()


def test_without_any_the_rows_own_readings_stand() -> None:
    told = of(tallied(Holds()), name="KKI-SIG-140")
    assert told.readings == CONTRACT.requirements["KKI-SIG-140"].readings != ()


@pytest.mark.parametrize(
    ("judgement", "grade"), [(Holds(), Grade.PASS), (Broken((FINDING,)), Grade.VIOLATION), (Unknown("x"), Grade.NONE)]
)
def test_the_row_gets_its_grade(judgement: Judgement, grade: Grade) -> None:
    told = of(tallied(judgement))
    assert (told.grade, told.waived) == (grade, None)


def test_results_repeat_the_ledger_row_by_row() -> None:
    rows = Tally(CONTRACT).results(CATALOGUE, Policy(), parties=(Party.SERVER,))
    assert [each.id for each in rows] == list(CONTRACT.requirements)
    for told, asked in zip(rows, CONTRACT.requirements.values(), strict=True):
        assert (told.says, told.party, told.level, told.standing) == (
            asked.says, asked.party, asked.level, asked.standing,
        )  # fmt: skip
        assert (told.source, told.untestable) == (asked.source, asked.untestable)
        assert told.how_judged == CATALOGUE.how_judged(asked.id)


def test_scope_is_the_party_and_the_choice_of_rows() -> None:
    tally = Tally(CONTRACT)
    assert of(tally).in_scope
    assert not of(tally, name=CLIENT_ROW).in_scope
    assert of(tally, name=CLIENT_ROW, parties=(Party.CLIENT, Party.SERVER)).in_scope
    assert of(tally, only=(SERVER_ROW,)).in_scope
    assert not of(tally, only=("KKI-SIG-120",)).in_scope


def test_a_row_out_of_scope_has_no_grade() -> None:
    for more in ({"parties": (Party.CLIENT,)}, {"only": ("KKI-SIG-120",)}):
        for judgement in (Broken((FINDING,)), Holds()):
            told = of(tallied(judgement), **more)
            assert (told.in_scope, told.grade) == (False, Grade.NONE)


def test_a_row_of_a_reading_that_is_not_in_force_is_not_undecided() -> None:
    asleep = [entry for entry in CATALOGUE if Policy.of(Profile(), CONTRACT, TODAY).asleep(entry.readings)]
    assert asleep
    policy = Policy.of(Profile(), CONTRACT, TODAY)
    both = Tally(CONTRACT).results(CATALOGUE, policy, parties=(Party.SERVER, Party.CLIENT))
    rows = {each.id: each for each in both}
    for entry in asleep:
        assert entry.requirement is not None
        told = rows[entry.requirement.id]
        assert told.outcome is Outcome.NOT_APPLICABLE
        assert "in force only under the reading" in told.missing
        assert not undecided(told)


def test_a_row_under_a_reading_that_is_not_in_force_does_not_apply() -> None:
    policy = Policy.of(plan(), CONTRACT, TODAY)
    told = of(Tally(CONTRACT), policy, name="KKI-RFD-114")
    assert told.outcome is Outcome.NOT_APPLICABLE
    assert told.missing == "in force only under the reading refund-reference-minimum=enforced"
    awake = Policy.of(plan(readings={"refund-reference-minimum": "enforced"}), CONTRACT, TODAY)
    assert of(Tally(CONTRACT), awake, name="KKI-RFD-114").outcome is Outcome.NOT_EXERCISED


def test_a_sleeping_row_that_was_judged_all_the_same_keeps_its_outcome() -> None:
    policy = Policy.of(plan(), CONTRACT, TODAY)
    told = of(tallied(Holds(), name="KKI-RFD-114"), policy, name="KKI-RFD-114")
    assert (told.outcome, told.missing) == (Outcome.HOLDS, "")


# --- overall ----------------------------------------------------------------------------------------

GOOD = result(Outcome.HOLDS, Grade.PASS)


@pytest.mark.parametrize(
    ("worst", "told"),
    [
        (GOOD, Overall.CONFORMS),
        (result(Outcome.BROKEN, Grade.WARNING), Overall.CONFORMS),
        (result(Outcome.BROKEN, Grade.NOTE), Overall.CONFORMS),
        (result(Outcome.NOT_APPLICABLE), Overall.CONFORMS),
        (result(Outcome.BROKEN, Grade.VIOLATION), Overall.DOES_NOT_CONFORM),
        (result(Outcome.BROKEN, Grade.VIOLATION, in_scope=False), Overall.CONFORMS),
        (result(Outcome.UNKNOWN), Overall.INCOMPLETE),
        (result(Outcome.NOT_EXERCISED), Overall.INCOMPLETE),
        (result(Outcome.NOT_EXERCISED, in_scope=False), Overall.CONFORMS),
        (result(Outcome.NOT_EXERCISED, untestable="nobody sees it"), Overall.CONFORMS),
        (result(Outcome.UNKNOWN, level=Level.SHOULD), Overall.CONFORMS),
        (result(Outcome.UNKNOWN, level=Level.MAY), Overall.CONFORMS),
        (result(Outcome.FAULTY), Overall.INCOMPLETE),
        (result(Outcome.FAULTY, level=Level.MAY), Overall.INCOMPLETE),
        (result(Outcome.FAULTY, in_scope=False), Overall.CONFORMS),
    ],
)
def test_one_row_decides_the_whole(worst: RequirementResult, told: Overall) -> None:
    assert overall([GOOD, worst, GOOD]) is told


def test_a_violation_outweighs_what_is_undecided() -> None:
    rows = [result(Outcome.UNKNOWN), result(Outcome.BROKEN, Grade.VIOLATION), result(Outcome.FAULTY)]
    assert overall(rows) is Overall.DOES_NOT_CONFORM


@pytest.mark.parametrize("outcome", list(Outcome))
def test_undecided_is_what_was_not_seen_or_could_not_be_told(outcome: Outcome) -> None:
    assert undecided(result(outcome)) is (outcome in (Outcome.UNKNOWN, Outcome.NOT_EXERCISED))


@pytest.mark.parametrize("rows", [[], [result(Outcome.NOT_EXERCISED, level=Level.MAY)]])
def test_where_nothing_was_decided_nothing_conforms(rows: list[RequirementResult]) -> None:
    assert overall(rows) is Overall.INCOMPLETE
