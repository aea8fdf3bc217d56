"""The run on one screen: 80 columns, 24 lines, no colour needed. The command line prints it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from kki.model.run import RequirementResult, Run
from kki.model.verdict import Overall
from kki.report.escape import shortened, visible
from kki.report.figures import Area, State, areas, in_state, our_doing, totals, undecided_musts

HEADLINES: Mapping[Overall, str] = {
    Overall.CONFORMS: "CONFORMS",
    Overall.DOES_NOT_CONFORM: "DOES NOT CONFORM",
    Overall.INCOMPLETE: "INCOMPLETE",
}
_COLUMNS: tuple[tuple[str, tuple[State, ...]], ...] = (
    ("passed", (State.PASSED,)),
    ("violated", (State.VIOLATED, State.FAULTY)),
    ("warned", (State.WARNED, State.NOTED)),
    ("open", (State.UNDECIDED, State.NOT_EXERCISED)),
    ("n/a", (State.NOT_APPLICABLE, State.UNTESTABLE)),
)
_NARROW = 60  # characters of a screen below which the columns have short names


def headline(run: Run) -> str:
    """One sentence: the verdict, and on what it rests."""
    counts = totals(run)
    if run.partial and run.overall is not Overall.DOES_NOT_CONFORM:
        return f"{HEADLINES[Overall.INCOMPLETE]}. {_cut_short(run)}"
    partial = " The run did not come to its end: this is what was recorded by then." if run.partial else ""
    if run.overall is Overall.DOES_NOT_CONFORM:
        number = counts.get(State.VIOLATED, 0)
        why = f"{number} requirement{'s are' if number != 1 else ' is'} violated."
    elif run.overall is Overall.INCOMPLETE:
        number = len(undecided_musts(run))
        why = f"No violation, but {number} MUST requirement{'s' if number != 1 else ''} could not be decided."
    else:
        why = "No violation, and every MUST in scope was decided."
    return f"{HEADLINES[run.overall]}. {why}{partial}"


def _cut_short(run: Run) -> str:
    """Of a run that did not come to its end nobody knows what it would have found: not that nothing is violated."""
    number = len(undecided_musts(run))
    are = "requirement is" if number == 1 else "requirements are"
    return f"The run did not come to its end, and {number} MUST {are} without a verdict."


def exchanges(run: Run) -> str:
    return f"{run.exchange_count} exchange{'s' if run.exchange_count != 1 else ''}"


def summary_lines(run: Run, *, width: int = 80, height: int = 24, said: str | None = None) -> list[str]:
    """At most `height` lines of at most `width` characters. Areas that are all well are joined where room is short.

    `said`: the first sentence, where the caller has a better one; it is never cut.
    """
    seconds = max(0.0, (run.finished - run.started).total_seconds())
    how = f"level {run.level}, seed {run.seed}: " if run.use == "check" else ""
    head = [
        *textwrap.wrap(visible(said or headline(run)), width),
        f"{run.use} of {run.target}",
        f"{how}{exchanges(run)} in {seconds:.1f} s",
        "",
    ]
    foot = [_row("total", totals(run), width)]
    room = max(1, height - len(head) - len(foot) - 1)
    lines = [*head, _heading(width), *_areas(areas(run), width, room), *foot]
    return [shortened(visible(line), width) for line in lines][:height]


def _areas(found: tuple[Area, ...], width: int, room: int) -> list[str]:
    if len(found) <= room:
        return [_row(f"{area.id} {area.title}", area.counts, width) for area in found]
    ordered = sorted(found, key=lambda area: (-_weight(area), area.id))
    shown, rest = ordered[: room - 1], ordered[room - 1 :]
    counts = {each: sum(area.counts.get(each, 0) for area in rest) for each in State}
    names = ", ".join(area.id for area in rest)
    return [_row(f"{area.id} {area.title}", area.counts, width) for area in shown] + [_row(names, counts, width)]


def _weight(area: Area) -> int:
    worst = (State.VIOLATED, State.FAULTY, State.WARNED, State.UNDECIDED, State.NOT_EXERCISED)
    return sum(area.counts.get(each, 0) * 10 ** (len(worst) - place) for place, each in enumerate(worst))


def _heading(width: int) -> str:
    return " " * _name_width(width) + "".join(f"{name:>{wide}}" for name, wide, _ in _columns(width))


def _columns(width: int) -> list[tuple[str, int, tuple[State, ...]]]:
    """(label, width, states); short labels on a narrow screen."""
    if width >= _NARROW:
        return [(name, max(len(name), 4) + 2, states) for name, states in _COLUMNS]
    return [(name[:4], 5, states) for name, states in _COLUMNS]


def _row(name: str, counts: Mapping[State, int], width: int) -> str:
    cells = ((wide, sum(counts.get(each, 0) for each in states)) for _, wide, states in _columns(width))
    room = _name_width(width)
    figures = "".join(f"{number or '·':>{wide}}" for wide, number in cells)
    return f"{shortened(visible(name), room - 1):<{room}}{figures}"


def _name_width(width: int) -> int:
    return max(8, width - sum(wide for _, wide, _ in _columns(width)))


def violation_lines(run: Run, *, most: int = 20) -> list[str]:
    """Each violation with sentence, clause, where / expected / actual, exchange and the command that replays it."""
    violated = in_state(run, State.VIOLATED)
    lines: list[str] = []
    for row in violated[:most]:
        lines += [*_violation(run, row), ""]
    if len(violated) > most:
        lines.append(f"… and {len(violated) - most} more violations: see report.html")
    return [visible(line) for line in lines]


def _violation(run: Run, row: RequirementResult) -> list[str]:
    stands = f"{row.party.value} on trial; {row.level.value}, {row.standing.value}; {run.clause(row.source)}"
    lines = [f"{row.id} {row.says}", f"  {stands}"]
    for found in row.findings[:1]:
        lines += [
            f"  where     {found.where}" + (f" in exchange {found.exchange}" if found.exchange else ""),
            f"  expected  {shortened(found.expected, 300)}",
            f"  actual    {shortened(found.actual, 300)}",
        ]
        if ours := our_doing(run, found):
            lines.append(f"  we sent   {shortened(ours, 300)} (on purpose)")
        elif found.diagnosis:
            lines.append(f"  because   {shortened(found.diagnosis, 300)}")
        lines += [f"  replay    {again}"] if (again := run.replay_of(found.exchange)) else []
    lines += [f"  carried   by the baseline, and a violation still: {row.carried}"] if row.carried else []
    more = len(row.findings) - 1
    return [*lines, f"  and {more} more like it"] if more > 0 else lines
