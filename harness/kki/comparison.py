"""Two runs of one target: what is newly broken, mended, no longer tried, and how the replies have changed.

Verdicts decide (`regressed`); shapes, codes and latencies are told, since a run may bring other traffic.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from kki.grading import has_room, situation, undecided
from kki.model.exchange import Exchange, Record
from kki.model.run import Evidence, RequirementResult, Run
from kki.model.verdict import Grade, Outcome
from kki.statistics import Shift, shift

DEEPEST = 12  # levels of a reply's body
_DECIDED = (Outcome.HOLDS, Outcome.BROKEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One requirement. `said`: one sentence on how it was and is; `exchange`: where the new run shows it."""

    requirement: str
    says: str
    said: str
    exchange: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeChange:
    """A member of the replies to `reply` ("payment 200"). `kind`: "new", "vanished" or "retyped"."""

    reply: str
    member: str
    kind: str
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`before`: what differs in how the two were run, and what a reader must know of either."""

    old: str
    new: str
    before: tuple[str, ...] = ()
    newly_broken: tuple[Change, ...] = ()
    broken_elsewhere: tuple[Change, ...] = ()  # violated before, now in further places
    stopped: tuple[Change, ...] = ()
    fixed: tuple[Change, ...] = ()
    warned: tuple[Change, ...] = ()
    undecided: tuple[Change, ...] = ()
    cases_gone: tuple[str, ...] = ()
    shapes: tuple[ShapeChange, ...] = ()
    new_codes: tuple[str, ...] = ()  # "refund 4045815"
    gone_codes: tuple[str, ...] = ()
    latency: Mapping[str, Shift] = field(default_factory=dict)

    @property
    def regressed(self) -> bool:
        return bool(self.newly_broken or self.broken_elsewhere or self.stopped)


@dataclass(slots=True)
class Traffic:
    """What the replies of one run looked like, by operation."""

    shapes: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    codes: dict[str, set[str]] = field(default_factory=dict)
    latency: dict[str, list[float]] = field(default_factory=dict)
    situations: dict[str, str] = field(default_factory=dict)  # by exchange


def compare(old: Run, new: Run, old_records: Iterable[Record] = (), new_records: Iterable[Record] = ()) -> Comparison:
    """`old` and `new` may be of different levels or contracts; `before` then says so."""
    before, after = traffic(old, old_records), traffic(new, new_records)
    old, new = placed(old, before.situations), placed(new, after.situations)
    made = set(before.situations.values())
    pairs = [(old.of(row.id), row) for row in new.requirements]
    return Comparison(
        old=old.target,
        new=new.target,
        before=tuple(_before(old, new)),
        newly_broken=tuple(_newly(was, row) for was, row in pairs if _violated(row) and not _violated(was)),
        broken_elsewhere=tuple(_elsewhere(was, row, made) for was, row in pairs if was and _places(was, row, made)),
        stopped=(*_stopped(pairs), *_dropped(old, new)),
        fixed=tuple(_fixed(row) for was, row in pairs if _violated(was) and row.outcome is Outcome.HOLDS),
        warned=tuple(_warned(row) for was, row in pairs if _grade(row) is Grade.WARNING and _newly_warned(was)),
        undecided=tuple(_open(row) for row in new.requirements if undecided(row)),
        cases_gone=_cases_gone(old, new),
        shapes=tuple(_shapes(before, after)),
        new_codes=_codes(before, after),
        gone_codes=_codes(after, before),
        latency={
            name: found
            for name in sorted(before.latency.keys() & after.latency.keys())
            if (found := shift(before.latency[name], after.latency[name])) is not None
        },
    )


# --- verdicts -----------------------------------------------------------------------------------


def _before(old: Run, new: Run) -> Iterable[str]:
    for name in ("use", "target", "level", "contract", "harness"):
        was, is_ = getattr(old, name), getattr(new, name)
        if was != is_:
            yield f"{name}: {was} before, {is_} now"
    for label, run in (("old", old), ("new", new)):
        if run.partial:
            yield f"the {label} run is partial: it was interrupted, or something in it failed"


def _grade(row: RequirementResult | None) -> Grade:
    return row.grade if row is not None and row.in_scope else Grade.NONE


def _violated(row: RequirementResult | None) -> bool:
    return _grade(row) is Grade.VIOLATION


def _newly_warned(was: RequirementResult | None) -> bool:
    return _grade(was) not in (Grade.WARNING, Grade.VIOLATION)


def _change(row: RequirementResult, said: str, exchange: str = "") -> Change:
    return Change(requirement=row.id, says=row.says, said=said, exchange=exchange)


def _newly(was: RequirementResult | None, row: RequirementResult) -> Change:
    state = was.outcome.value if was is not None and was.in_scope else "not in scope"
    first = row.findings[0] if row.findings else None
    text = f"; {first.where}: got {first.actual}, expected {first.expected}" if first else ""
    return _change(row, f"{state} before, violated now{text}", first.exchange if first else "")


def placed(run: Run, situations: Mapping[str, str]) -> Run:
    """The run with the situation of each finding that has none, by its exchange."""

    def of(found: Evidence) -> Evidence:
        return replace(found, situation=found.situation or situations.get(found.exchange, ""))

    rows = (replace(row, findings=tuple(map(of, row.findings))) for row in run.requirements)
    return replace(run, requirements=tuple(rows))


def _places(was: RequirementResult, row: RequirementResult, made: Collection[str]) -> dict[str, Evidence]:
    """Where the new run found what the old one had not, of a requirement that was violated before; and one finding.

    Of a situation that the old run did not make (`made`), nobody knows how it was.
    """
    if not (_violated(was) and _violated(row)):
        return {}
    wheres, places = {found.where for found in was.findings}, {found.place for found in was.findings}
    fresh: dict[str, Evidence] = {}
    for found in row.findings:
        if found.where not in wheres:
            fresh.setdefault(found.where, found)
        elif found.place not in places and found.situation in made and has_room(was):
            fresh.setdefault(f"{found.where} ({found.situation})", found)
    return fresh


def _elsewhere(was: RequirementResult, row: RequirementResult, made: Collection[str]) -> Change:
    places = _places(was, row, made)
    first = next(iter(places.values()))
    return _change(row, f"violated before, and now in {', '.join(places)} too", first.exchange)


def _stopped(pairs: Iterable[tuple[RequirementResult | None, RequirementResult]]) -> Iterable[Change]:
    """Decided before and not now: the gate that went quiet."""
    for was, row in pairs:
        if was is None or not was.in_scope or was.outcome not in _DECIDED:
            continue
        if row.in_scope and row.outcome in (*_DECIDED, Outcome.FAULTY):
            continue
        state = row.outcome.value if row.in_scope else "not in scope"
        because = f": {row.missing}" if row.in_scope and row.missing else ""
        yield _change(row, f"decided before ({was.outcome.value}), {state} now{because}")


def _dropped(old: Run, new: Run) -> Iterable[Change]:
    names = {row.id for row in new.requirements}
    for row in old.requirements:
        if row.id not in names and row.in_scope and row.outcome in _DECIDED:
            yield _change(row, f"decided before ({row.outcome.value}), and not in the new run's ledger at all")


def _fixed(row: RequirementResult) -> Change:
    return _change(row, "violated before, holds now")


def _warned(row: RequirementResult) -> Change:
    first = row.findings[0] if row.findings else None
    return _change(row, "a warning now", first.exchange if first else "")


def _open(row: RequirementResult) -> Change:
    return _change(row, f"{row.outcome.value}: {row.missing}" if row.missing else row.outcome.value)


def _cases_gone(old: Run, new: Run) -> tuple[str, ...]:
    """Situations that the old run made and the new one did not, by title."""
    made = {case.title for case in new.cases if case.outcome != "skipped"}
    return tuple(
        dict.fromkeys(case.title for case in old.cases if case.outcome != "skipped" and case.title not in made)
    )


# --- replies ------------------------------------------------------------------------------------


def traffic(run: Run, records: Iterable[Record]) -> Traffic:
    found = Traffic()
    for record in records:
        exchange = record.exchange
        found.situations[exchange.id] = situation(record, run.operations)
        name = run.operation_of(exchange.request.target)
        if not name or exchange.response is None:
            continue
        latency = _milliseconds(exchange)
        if latency is not None:
            found.latency.setdefault(name, []).append(latency)
        value = _json(exchange.response.body)
        shape = found.shapes.setdefault(f"{name} {exchange.response.status}", {})
        for member, kind in _members(value, "", 0):
            shape.setdefault(member, set()).add(kind)
        code = value.get("responseCode") if isinstance(value, dict) else None
        if isinstance(code, str | int) and len(str(code)) <= 16:
            found.codes.setdefault(name, set()).add(str(code))
    return found


def _milliseconds(exchange: Exchange) -> float | None:
    if exchange.answered_at is None:
        return None
    return (exchange.answered_at - exchange.sent_at).total_seconds() * 1000


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _members(value: Any, path: str, depth: int) -> Iterable[tuple[str, str]]:
    """(path, JSON type) of every member; the entries of an array share one path."""
    yield path or "/", _kind(value)
    if depth >= DEEPEST:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _members(item, f"{path}/{name}", depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _members(item, f"{path}/*", depth + 1)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = {dict: "object", list: "array", str: "string", int: "number", float: "number"}
    return kinds.get(type(value), "null")


def _shapes(before: Traffic, after: Traffic) -> Iterable[ShapeChange]:
    """Only for kinds of reply that both runs saw: what was not provoked has not changed."""
    for reply in sorted(before.shapes.keys() & after.shapes.keys()):
        old, new = before.shapes[reply], after.shapes[reply]
        for member in sorted(old.keys() | new.keys()):
            was, is_ = "|".join(sorted(old.get(member, ()))), "|".join(sorted(new.get(member, ())))
            if was != is_:
                kind = "new" if not was else "vanished" if not is_ else "retyped"
                yield ShapeChange(reply=reply, member=member, kind=kind, old=was, new=is_)


def _codes(before: Traffic, after: Traffic) -> tuple[str, ...]:
    """The response codes that the later one has and the earlier one has not."""
    return tuple(
        f"{name} {code}"
        for name in sorted(after.codes)
        for code in sorted(after.codes[name] - before.codes.get(name, set()))
    )


def as_json(found: Comparison) -> dict[str, Any]:
    """Everything, with `regressed` in front."""
    latency = {name: {**asdict(each), "matters": each.matters} for name, each in found.latency.items()}
    return {"regressed": found.regressed, **asdict(found), "latency": latency}
