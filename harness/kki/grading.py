"""From verdicts to grades and one overall result. The only place where severity is decided.

level × standing × the profile's readings and waivers; never the rule (ARCHITECTURE, hard decisions).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from kki.catalogue import Catalogue
from kki.model.contract import Contract
from kki.model.exchange import Record
from kki.model.profile import Profile, Waiver
from kki.model.requirement import Level, Party, Requirement, Standing
from kki.model.run import Evidence, RequirementResult
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

MOST_FINDINGS = 20  # kept of one requirement; the counts go on
MOST_PLACES = 100  # beyond those, further ones are kept as long as each is in another place or situation
MOST_EVIDENCE = 5  # exchanges named for what holds


@dataclass(frozen=True, slots=True)
class Policy:
    """`pinned`: readings that the operator chose; `waived`: broken rows that he has accepted until a day."""

    pinned: frozenset[str] = frozenset()
    waived: Mapping[str, Waiver] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)  # reading → the choice in force

    @classmethod
    def of(cls, profile: Profile, contract: Contract, today: date) -> Policy:
        """Expired waivers do not count (the profile's reader refuses them before it comes to that)."""
        pinned = frozenset(name for name in profile.readings if name in contract.readings)
        waived = {row.requirement: row for row in profile.waivers if row.expires >= today}
        choices = {name: contract.choice(name, profile.readings) for name in contract.readings}
        return cls(pinned, waived, choices)

    def asleep(self, readings: Collection[tuple[str, str]]) -> str:
        """Why a row judged under these readings alone cannot be judged; "" where one of them is in force."""
        if not readings or any(self.choices.get(name) == choice for name, choice in readings):
            return ""
        return f"in force only under the reading {' or '.join(f'{name}={choice}' for name, choice in readings)}"

    def grade(self, row: Requirement, judgement: Judgement) -> Grade:
        """Of one judgement of this row, leaving waivers aside."""
        match judgement:
            case Holds():
                return Grade.PASS
            case Broken():
                return self.severity(row, judgement.permitted)
            case _:
                return Grade.NONE

    def severity(self, row: Requirement, permitted: str | None = None) -> Grade:
        """What it means if this row is broken. `permitted`: as in Broken; where nobody looked, the standing decides."""
        if row.level is Level.MAY:
            return Grade.NOTE
        if row.level is Level.SHOULD:
            return Grade.WARNING
        if permitted is not None:
            return Grade.WARNING if permitted else Grade.VIOLATION
        disputed = row.standing is Standing.CONFLICTED and not self.pinned.intersection(row.readings)
        return Grade.WARNING if disputed else Grade.VIOLATION

    def worst(self, row: Requirement, permitted: Collection[str | None]) -> Grade:
        """Of all that broke this row."""
        grades = {self.severity(row, each) for each in permitted}
        return next(grade for grade in (Grade.VIOLATION, Grade.WARNING, Grade.NOTE) if grade in grades)

    def after_waiver(self, row: Requirement, grade: Grade) -> tuple[Grade, str | None]:
        """A waived violation is a warning that says so in every report."""
        waiver = self.waived.get(row.id)
        if waiver is None or grade is not Grade.VIOLATION:
            return grade, None
        return Grade.WARNING, f"{waiver.reason} (until {waiver.expires.isoformat()})"


@dataclass(slots=True)
class _Count:
    kinds: dict[str, int] = field(default_factory=dict)
    findings: list[Evidence] = field(default_factory=list)
    places: set[tuple[str, str]] = field(default_factory=set)
    evidence: list[str] = field(default_factory=list)
    readings: set[str] = field(default_factory=set)
    permitted: set[str | None] = field(default_factory=set)
    missing: str = ""
    trace: str = ""


_KINDS = {Faulty: "faulty", Broken: "broken", Holds: "holds", Unknown: "unknown", NotApplicable: "not-applicable"}
_STRONGEST = (Outcome.FAULTY, Outcome.BROKEN, Outcome.HOLDS, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE)
_STRICT = (Outcome.FAULTY, Outcome.BROKEN, Outcome.UNKNOWN, Outcome.HOLDS, Outcome.NOT_APPLICABLE)


class Tally:
    """Counts verdicts as they come, a bounded amount for each row.

    `strict`: a row that one exchange leaves undecided is undecided. For traffic that others made: there every exchange
    was meant, while a trial of ours makes many that decide nothing, and others that do.
    """

    def __init__(self, contract: Contract, *, strict: bool = False) -> None:
        self.contract = contract
        self._order = _STRICT if strict else _STRONGEST
        self.counts: dict[str, _Count] = {}

    def add(self, verdict: Verdict, situation: str = "") -> None:
        """`situation`: of its exchange, as `situation` words it."""
        count = self.counts.setdefault(verdict.requirement, _Count())
        kind = _KINDS[type(verdict.judgement)]
        count.kinds[kind] = count.kinds.get(kind, 0) + 1
        match verdict.judgement:
            case Broken(findings, permitted):
                count.permitted.add(permitted)
                if permitted:
                    count.readings.add(permitted)
                for found in findings:
                    _add_finding(count, _evidence(verdict.exchange, found, situation))
                _keep(count.evidence, verdict.exchange)
            case Holds(reading):
                _keep(count.evidence, verdict.exchange)
                if reading:
                    count.readings.add(reading)
            case Unknown(missing):
                count.missing = count.missing or missing
            case Faulty(trace):
                count.trace = count.trace or trace
                _keep(count.evidence, verdict.exchange)

    def outcome(self, requirement: str) -> Outcome:
        """Of this row over the whole run."""
        kinds = self.counts[requirement].kinds if requirement in self.counts else {}
        return next((outcome for outcome in self._order if outcome.value in kinds), Outcome.NOT_EXERCISED)

    def results(
        self, catalogue: Catalogue, policy: Policy, *, parties: Collection[Party], only: Collection[str] = ()
    ) -> tuple[RequirementResult, ...]:
        """A row for each of the ledger, in its order. `only`: ids in scope; empty for all of these parties."""
        return tuple(
            self._result(row, catalogue, policy, row.party in parties and (not only or row.id in only))
            for row in self.contract.requirements.values()
        )

    def _result(self, row: Requirement, catalogue: Catalogue, policy: Policy, in_scope: bool) -> RequirementResult:
        count = self.counts.get(row.id, _Count())
        outcome = self.outcome(row.id)
        asleep = policy.asleep(catalogue.entries[row.id].readings) if outcome is Outcome.NOT_EXERCISED else ""
        if asleep:
            outcome = Outcome.NOT_APPLICABLE
        grade, waived = Grade.NONE, None
        if outcome is Outcome.HOLDS and in_scope:
            grade = Grade.PASS
        elif outcome is Outcome.BROKEN and in_scope:
            grade, waived = policy.after_waiver(row, policy.worst(row, count.permitted))
        return RequirementResult(
            id=row.id, says=row.says, party=row.party, level=row.level, standing=row.standing, outcome=outcome,
            grade=grade, findings=tuple(count.findings), counts=dict(count.kinds), source=row.source,
            readings=tuple(sorted(count.readings)) or row.readings, evidence=tuple(count.evidence),
            how_judged=catalogue.how_judged(row.id), missing=asleep or count.trace or _missing(outcome, count),
            untestable=row.untestable, waived=waived, in_scope=in_scope,
        )  # fmt: skip


def overall(rows: Iterable[RequirementResult]) -> Overall:
    """Of the rows in scope: a violation, else anything undecided that must be decided, else conforms.

    Where nothing was decided at all, nothing conforms: not of an empty scope either.
    """
    scope = [row for row in rows if row.in_scope]
    if any(row.grade is Grade.VIOLATION for row in scope):
        return Overall.DOES_NOT_CONFORM
    if any(row.outcome is Outcome.FAULTY for row in scope) or any(undecided(row) for row in scope):
        return Overall.INCOMPLETE
    if not any(row.outcome in (Outcome.HOLDS, Outcome.BROKEN) for row in scope):
        return Overall.INCOMPLETE
    return Overall.CONFORMS


def undecided(row: RequirementResult) -> bool:
    """Whether this is a MUST in scope that nobody decided. A row that cannot be observed says why, and counts not."""
    if not row.in_scope or row.level is not Level.MUST or row.untestable is not None:
        return False
    return row.outcome in (Outcome.UNKNOWN, Outcome.NOT_EXERCISED)


def _missing(outcome: Outcome, count: _Count) -> str:
    if outcome is Outcome.NOT_EXERCISED:
        return "no exchange put it to the test"
    return count.missing if outcome is Outcome.UNKNOWN else ""


def _keep(evidence: list[str], exchange: str) -> None:
    if exchange and exchange not in evidence and len(evidence) < MOST_EVIDENCE:
        evidence.append(exchange)


def _add_finding(count: _Count, found: Evidence) -> None:
    fresh = found.place not in count.places and len(count.findings) < MOST_PLACES
    if fresh or len(count.findings) < MOST_FINDINGS:
        count.places.add(found.place)
        count.findings.append(found)


def _evidence(exchange: str, found: Finding, situation: str) -> Evidence:
    return Evidence(
        exchange=exchange, where=found.where, expected=found.expected, actual=found.actual, diagnosis=found.diagnosis,
        situation=situation,
    )  # fmt: skip


def situation(record: Record, operations: Mapping[str, str]) -> str:
    """What an exchange was: "refund, signed over an empty body"; "" at a path of none of `operations` (path → name)."""
    return ", ".join([operations.get(record.exchange.request.path, ""), *record.mutations]).removeprefix(", ")


def has_room(row: RequirementResult) -> bool:
    """Whether every place in which the row was found broken is among its findings."""
    whole = all(found.situation for found in row.findings)
    return len(row.findings) < (MOST_PLACES if whole else MOST_FINDINGS)
