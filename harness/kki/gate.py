"""The baseline: violations that are known, each with reason, owner and expiry, against what a run found.

Four cells. Failing and listed passes; failing and unlisted fails; passing and listed fails, since the list is stale;
passing and unlisted passes. An expired entry fails whatever the run found. Nothing that is carried is silent: it
stands in the notes of the run and at its requirement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from kki.grading import has_room, undecided
from kki.model.run import Evidence, RequirementResult, Run
from kki.model.verdict import Grade, Outcome, Overall


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One entry. `finding`: a piece of the finding's sentence (see `sentence`); `situation`: the finding's; "": any."""

    requirement: str
    finding: str = ""
    situation: str = ""
    reason: str
    owner: str
    expires: date

    def covers(self, row: RequirementResult, found: Evidence) -> bool:
        alike = not self.situation or self.situation == found.situation
        return self.requirement == row.id and alike and self.finding in sentence(found)

    @property
    def is_whole(self) -> bool:
        """Whether it covers every finding of its row."""
        return not self.finding and not self.situation

    @property
    def name(self) -> str:
        # Not in quotes after a colon: the redactor would take what follows for a header's secret value.
        named = "; ".join(filter(None, (self.finding.strip(" :"), self.situation)))
        return f"{self.requirement} ({named})" if named else self.requirement

    @property
    def terms(self) -> str:
        return f"{self.reason} (owner {self.owner}, until {self.expires.isoformat()})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    source: str  # how messages call it: the file
    known: tuple[Known, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """`run`: with what is carried noted in it. `failures`, `carried`, `untold`: sentences; the rest: entries."""

    run: Run
    failures: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()  # entries of which this run cannot say whether they still hold
    stale: tuple[Known, ...] = ()
    expired: tuple[Known, ...] = ()

    @property
    def verdict(self) -> Overall:
        """Of the gate: exit codes 0, 1 and 4. The run's own `overall` stays what it was."""
        if self.failures:
            return Overall.DOES_NOT_CONFORM
        scope = [row for row in self.run.requirements if row.in_scope]
        open_ = self.run.partial or any(undecided(row) or row.outcome is Outcome.FAULTY for row in scope)
        return Overall.INCOMPLETE if open_ else Overall.CONFORMS


def sentence(found: Evidence) -> str:
    """A finding on one line, as baselines see it. The diagnosis may get better, and is left out."""
    return f"{found.where}: expected {found.expected}; got {found.actual}"


def apply(baseline: Baseline, run: Run, today: date, tried: Collection[str] | None = None) -> GateResult:
    """The four-cell rule. Only violations are carried; what is a warning already needs no entry.

    `tried`: the situations that the run made; of an entry for another one it can say nothing. None: not known.
    """
    valid = [entry for entry in baseline.known if entry.expires >= today]
    expired = [entry for entry in baseline.known if entry.expires < today]
    violated = [row for row in run.requirements if _violated(row)]
    failures = [f"{baseline.source}: the entry for {entry.name} expired on {entry.expires}." for entry in expired]
    carried: dict[str, str] = {}
    for row in violated:
        entries = [entry for entry in valid if entry.requirement == row.id]
        failures += _unlisted(row, entries)
        used = [
            entry for entry in entries if entry.is_whole or any(entry.covers(row, each) for each in row.findings)
        ]
        if used:
            carried[row.id] = "; ".join(dict.fromkeys(entry.terms for entry in used))
    stale, untold = _idle(valid, run, violated, tried)
    failures += [_stale_sentence(baseline, run, entry) for entry in stale]
    notes = tuple(_note(row, carried[row.id]) for row in violated if row.id in carried)
    rows = tuple(replace(row, carried=carried.get(row.id)) for row in run.requirements)
    return GateResult(
        run=replace(run, requirements=rows, notes=(*run.notes, *notes)),
        failures=tuple(failures),
        carried=notes,
        untold=tuple(f"{baseline.source}: this run cannot say whether {entry.name} still holds." for entry in untold),
        stale=tuple(stale),
        expired=tuple(expired),
    )


def _violated(row: RequirementResult) -> bool:
    return row.in_scope and row.grade is Grade.VIOLATION


def _unlisted(row: RequirementResult, entries: Sequence[Known]) -> Iterator[str]:
    """A sentence for each place of this violation that no entry covers."""
    if any(entry.is_whole for entry in entries):
        return
    loose = [found for found in row.findings if not any(entry.covers(row, found) for entry in entries)]
    for place in dict.fromkeys(found.place for found in loose):
        example = next(found for found in loose if found.place == place)
        at = "; ".join(filter(None, (example.situation, example.exchange)))
        at = f" ({at})" if at else ""
        yield f"{row.id} is violated and not in the baseline: {sentence(example)}{at}."
    if not row.findings:
        yield f"{row.id} is violated and not in the baseline."
    elif not loose and not has_room(row):
        # A run keeps so many findings of a row and no more: behind them may stand one that nobody accepted.
        yield (
            f"{row.id} has more findings than a run keeps ({len(row.findings)}), so the entries cannot name them all: "
            "list the whole requirement, without `finding` and `situation`, or mend it."
        )


def _idle(
    entries: Sequence[Known], run: Run, violated: Sequence[RequirementResult], tried: Collection[str] | None
) -> tuple[list[Known], list[Known]]:
    """(stale, untold): entries that covered nothing, by whether the run decided their requirement."""
    idle = [
        entry
        for entry in entries
        if not any(entry.requirement == row.id and entry.is_whole for row in violated)
        and not any(entry.covers(row, found) for row in violated for found in row.findings)
    ]
    untold = [entry for entry in idle if _untold(entry, run) or _elsewhere(entry, tried)]
    return [entry for entry in idle if entry not in untold], untold


def _elsewhere(entry: Known, tried: Collection[str] | None) -> bool:
    return bool(entry.situation) and tried is not None and entry.situation not in tried


def _untold(entry: Known, run: Run) -> bool:
    row = run.of(entry.requirement)
    if run.partial or row is None or not row.in_scope:
        return True
    if row.findings and not has_room(row):
        return True
    return row.outcome not in (Outcome.HOLDS, Outcome.BROKEN)


def _stale_sentence(baseline: Baseline, run: Run, entry: Known) -> str:
    row = run.of(entry.requirement)
    if row is None or row.outcome is Outcome.HOLDS:
        state = "holds now"
    elif row.grade is Grade.VIOLATION:
        state = "is violated, but not in this way any more"
    else:
        state = f"is no violation but a {row.grade.value} now"
    return f"{baseline.source}: the entry for {entry.name} is stale: {entry.requirement} {state}. Take it out."


def _note(row: RequirementResult, terms: str) -> str:
    return f"{row.id} ({row.level.value}) is violated and carried by the baseline: {terms}."


def listed(run: Run, *, reason: str, owner: str, expires: date) -> tuple[Known, ...]:
    """Entries for every violation of a run, one for each place and situation it was found in."""
    found: list[Known] = []
    for row in filter(_violated, run.requirements):
        whole = not row.findings or not has_room(row)
        places = [("", "")] if whole else dict.fromkeys((f"{each.where}: ", each.situation) for each in row.findings)
        found += [
            Known(
                requirement=row.id, finding=where, situation=situation, reason=reason, owner=owner, expires=expires
            )
            for where, situation in places
        ]  # fmt: skip
    return tuple(found)


def merged(old: Sequence[Known], run: Run, fresh: Sequence[Known]) -> tuple[Known, ...]:
    """The old entries, and those fresh ones whose place no old one covers."""
    more = []
    for entry in fresh:
        row = run.of(entry.requirement)
        same = [each for each in old if each.requirement == entry.requirement]
        places = [each for each in row.findings if entry.covers(row, each)] if row else []
        known = any(each.is_whole for each in same) or bool(
            places and row and all(any(each.covers(row, place) for each in same) for place in places)
        )
        if not known:
            more.append(entry)
    return (*old, *more)
