"""The figures that every report shares: how each requirement stands, by area, and when things happened."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import Any

from kki.model.exchange import Exchange, Record
from kki.model.requirement import Level
from kki.model.run import Evidence, RequirementResult, Run
from kki.model.verdict import Grade, Outcome


class State(Enum):
    """How a requirement stands, worst first. The value is its key in kki.report.texts and in the style sheet."""

    VIOLATED = "violated"
    FAULTY = "faulty"
    WARNED = "warned"
    NOTED = "noted"
    UNDECIDED = "undecided"
    NOT_EXERCISED = "not-exercised"
    PASSED = "passed"
    NOT_APPLICABLE = "not-applicable"
    UNTESTABLE = "untestable"


SYMBOLS: Mapping[State, str] = {
    State.VIOLATED: "✗",
    State.FAULTY: "⚡",
    State.WARNED: "!",
    State.NOTED: "i",
    State.UNDECIDED: "?",
    State.NOT_EXERCISED: "○",
    State.PASSED: "✓",
    State.NOT_APPLICABLE: "–",
    State.UNTESTABLE: "∅",
}
_BY_GRADE: Mapping[Grade, State] = {
    Grade.VIOLATION: State.VIOLATED,
    Grade.WARNING: State.WARNED,
    Grade.NOTE: State.NOTED,
    Grade.PASS: State.PASSED,
}


def state(row: RequirementResult) -> State:
    if row.outcome is Outcome.FAULTY:
        return State.FAULTY
    if row.grade in _BY_GRADE:
        return _BY_GRADE[row.grade]
    if row.untestable:
        return State.UNTESTABLE
    if row.outcome is Outcome.NOT_APPLICABLE:
        return State.NOT_APPLICABLE
    return State.UNDECIDED if row.outcome is Outcome.UNKNOWN else State.NOT_EXERCISED


def on_trial(run: Run) -> tuple[RequirementResult, ...]:
    return tuple(row for row in run.requirements if row.in_scope)


def in_state(run: Run, *states: State) -> tuple[RequirementResult, ...]:
    """The rows on trial that stand so: MUST before SHOULD before MAY, causes before what follows from them."""
    rows = [row for row in on_trial(run) if state(row) in states]
    return tuple(sorted(rows, key=lambda row: (list(Level).index(row.level), _how_near(row))))


# In the order in which a request is dealt with: whose signature is wrong will be refused whatever else it holds, and
# so break rows further on that are well. What is not here comes last.
_ROOTS = tuple("TOK SIG HDR CRD FLD BND PAY RFD UNB EVT STA RSP RSN SEC ROB BEH".split())  # noqa: SIM905  # reads well


def _how_near(row: RequirementResult) -> int:
    """How near to the root of the trouble a broken row is."""
    return _ROOTS.index(row.area) if row.area in _ROOTS else len(_ROOTS)


def is_our_doing(run: Run, found: Evidence) -> bool:
    """Whether a finding's diagnosis tells of the request that we spoiled on purpose, and not of the server."""
    return run.use == "check" and bool(found.diagnosis) and not found.where.startswith(("reply", "status"))


def our_doing(run: Run, found: Evidence) -> str:
    """What we sent, where the finding is about a request of ours that was to be refused: "refund, signed …"; or ""."""
    spoiled = found.situation if run.use == "check" and ", " in found.situation else ""
    return ". ".join(filter(None, (spoiled, found.diagnosis if is_our_doing(run, found) else "")))


@dataclass(frozen=True, slots=True)
class Area:
    """One area of the ledger, as this run leaves it."""

    id: str  # "SIG"
    title: str
    rows: tuple[RequirementResult, ...]
    counts: Mapping[State, int]

    @property
    def passed(self) -> int:
        return self.counts.get(State.PASSED, 0)

    @property
    def testable(self) -> int:
        """Rows that could have passed: Microcks' "71 of a possible 86"."""
        return len(self.rows) - self.counts.get(State.UNTESTABLE, 0) - self.counts.get(State.NOT_APPLICABLE, 0)


def areas(run: Run) -> tuple[Area, ...]:
    """Areas with rows on trial, in the ledger's order."""
    by_area: dict[str, list[RequirementResult]] = {area: [] for area in run.areas}
    for row in on_trial(run):
        by_area.setdefault(row.area, []).append(row)
    return tuple(
        Area(area, run.areas.get(area, area), tuple(rows), Counter(state(row) for row in rows))
        for area, rows in by_area.items()
        if rows
    )


def totals(run: Run) -> Mapping[State, int]:
    return Counter(state(row) for row in on_trial(run))


def undecided_musts(run: Run) -> tuple[RequirementResult, ...]:
    """What keeps the run incomplete."""
    rows = in_state(run, State.UNDECIDED, State.NOT_EXERCISED, State.FAULTY)
    return tuple(row for row in rows if row.level is Level.MUST)


def findings_by_exchange(run: Run) -> dict[str, list[tuple[RequirementResult, Evidence]]]:
    """What was found in each exchange, worst requirement first; rows that are not on trial are left out."""
    found: dict[str, list[tuple[RequirementResult, Evidence]]] = {}
    for row in sorted(on_trial(run), key=lambda row: list(State).index(state(row))):
        for finding in row.findings:
            found.setdefault(finding.exchange, []).append((row, finding))
    return found


def grouped(findings: Iterable[Evidence]) -> list[tuple[Evidence, tuple[str, ...]]]:
    """Findings that say the same, once, each with the exchanges it was made in."""
    groups: dict[tuple[str, str, str, str], list[Evidence]] = {}
    for found in findings:
        groups.setdefault((found.where, found.expected, found.actual, found.diagnosis), []).append(found)
    return [(group[0], tuple(found.exchange for found in group)) for group in groups.values()]


_POWER = (("stated", "where the page states the rule"), ("implied", "implied"), ("conflicted", "conflicted"))


def power_lines(power: Mapping[str, Any]) -> list[str]:
    """The suite's measured power in words, a line a level; figures of another form as they are."""
    return [f"{level}: {_power(value)}" for level, value in power.items()]


def _power(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    if not {"personas", "caught"} <= value.keys():
        return ", ".join(f"{name} {_power(each)}" for name, each in value.items())
    parts = [
        f"{value[name]['caught']} of {value[name]['personas']} {words}"
        for name, words in _POWER
        if isinstance(value.get(name), Mapping) and {"personas", "caught"} <= value[name].keys()
    ]
    said = f"{value['caught']} of {value['personas']} wrong servers caught"
    said += f" ({', '.join(parts)})" if parts else ""
    if "correct_runs" in value:
        said += f"; {value.get('false_alarms', 0)} false alarms in {value['correct_runs']} runs against correct ones"
    return said


def milliseconds(exchange: Exchange) -> float | None:
    if exchange.answered_at is None:
        return None
    return max(0.0, (exchange.answered_at - exchange.sent_at).total_seconds() * 1000)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice of the run's time."""

    at: int  # its place, from 0
    exchanges: tuple[str, ...]
    found: int  # how many of them have findings
    first: str  # the first with findings, else the first at all


def timeline(records: Iterable[Record], found: Mapping[str, object], *, slices: int = 80) -> tuple[Slice, ...]:
    """The run's time in equal slices; empty if nothing was sent."""
    ordered = sorted((record.exchange for record in records), key=lambda exchange: exchange.sent_at.timestamp())
    if not ordered:
        return ()
    start = ordered[0].sent_at.timestamp()
    whole = max(ordered[-1].sent_at.timestamp() - start, 1e-3)
    by_slice: list[list[str]] = [[] for _ in range(slices)]
    for exchange in ordered:
        by_slice[min(slices - 1, int((exchange.sent_at.timestamp() - start) / whole * slices))].append(exchange.id)
    return tuple(_slice(at, ids, found) for at, ids in enumerate(by_slice))


def _slice(at: int, ids: Sequence[str], found: Mapping[str, object]) -> Slice:
    bad = [exchange for exchange in ids if exchange in found]
    return Slice(at, tuple(ids), len(bad), (bad or list(ids) or [""])[0])


def reply_in_short(exchange: Exchange) -> str:
    """ "401 4015400 Unauthorized", or what came instead of a reply."""
    if exchange.response is None:
        return exchange.failure or "no reply"
    parts = [str(exchange.response.status)]
    try:
        body = json.loads(exchange.response.body)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        parts += [value for key in ("responseCode", "responseMessage") if isinstance(value := body.get(key), str)]
    return " ".join(parts)
