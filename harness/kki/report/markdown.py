"""`summary.md` for the step summaries of CI systems, and `traceability.md`. GitHub's and GitLab's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from kki.model.run import RequirementResult, Run
from kki.report.escape import markdown, shortened, visible
from kki.report.figures import (
    SYMBOLS,
    Area,
    State,
    areas,
    grouped,
    in_state,
    our_doing,
    power_lines,
    state,
    undecided_musts,
)
from kki.report.summary import exchanges, headline
from kki.report.traceability import Trace, joined, traces

MOST_VIOLATIONS = 25  # a step summary may hold 1 MiB, and a reader less
_MOST_WARNINGS = 15
_MOST_OPEN = 15
_MOST_FINDINGS = 3
_LONGEST = 400  # characters of a finding's text
_COLUMNS: tuple[tuple[str, tuple[State, ...]], ...] = (
    ("passed", (State.PASSED,)),
    ("violated", (State.VIOLATED,)),
    ("faults of ours", (State.FAULTY,)),
    ("warned", (State.WARNED, State.NOTED)),
    ("undecided", (State.UNDECIDED,)),
    ("not exercised", (State.NOT_EXERCISED,)),
    ("not applicable", (State.NOT_APPLICABLE, State.UNTESTABLE)),
)


def summary_markdown(run: Run) -> str:
    """The run for a reader who comes from a red or green mark: verdict, areas, what to fix, what stayed open."""
    seconds = max(0.0, (run.finished - run.started).total_seconds())
    lines = [
        f"## KKI {run.use}: {markdown(headline(run))}",
        "",
        f"{markdown(run.target)} · {_how_far(run)}{exchanges(run)} in "
        f"{seconds:.1f} s · kki {markdown(run.harness)} · contract {code(shortened(run.contract, 19))}",
        "",
    ]
    lines += [f"> {markdown(note)}\n" for note in run.notes]
    lines += [*_areas(run), *_violations(run), *_faults(run), *_warnings(run), *_open(run), *_power(run)]
    lines += ["Everything, with the bytes: `report.html`. For scripts: `run.json`."]
    return "\n".join(lines) + "\n"


def _how_far(run: Run) -> str:
    """Level and seed: only a check has any."""
    return f"level {markdown(run.level)} · seed {run.seed} · " if run.use == "check" else ""


def _areas(run: Run) -> list[str]:
    head = ["area", *(name for name, _ in _COLUMNS)]
    lines = [_row(head), _row(["---"] + ["---:"] * len(_COLUMNS))]
    lines += [_row([f"**{area.id}** {markdown(area.title)}", *_counts(area.counts)]) for area in areas(run)]
    return [*lines, _row(["**total**", *_counts(_summed(areas(run)))]), ""]


def _summed(found: Iterable[Area]) -> Mapping[State, int]:
    kept = tuple(found)
    return {each: sum(area.counts.get(each, 0) for area in kept) for each in State}


def _counts(counts: Mapping[State, int]) -> list[str]:
    numbers = (sum(counts.get(each, 0) for each in states) for _, states in _COLUMNS)
    return [str(number) if number else "·" for number in numbers]


def _violations(run: Run) -> list[str]:
    rows = in_state(run, State.VIOLATED)
    if not rows:
        return []
    lines = ["### What to fix", ""]
    for row in rows[:MOST_VIOLATIONS]:
        lines += _violation(run, row)
    more = len(rows) - MOST_VIOLATIONS
    return [*lines, *([f"… and {more} more violated requirements: see `report.html`.", ""] if more > 0 else [])]


def _violation(run: Run, row: RequirementResult) -> list[str]:
    lines = [
        f"- {SYMBOLS[state(row)]} **{row.id}** {markdown(row.says)}",
        f"  - at fault: the {row.party.value}; {row.level.value}, {row.standing.value}; {clause(run, row)}",
        *([f"  - carried by the baseline, and a violation still: {_value(row.carried)}"] if row.carried else []),
    ]
    groups = grouped(row.findings)
    for found, ids in groups[:_MOST_FINDINGS]:
        where = f"in exchange {code(ids[0])}" if ids[0] else "over the whole run"
        times = f", {len(ids)} times in all" if len(ids) > 1 else ""
        lines.append(
            f"  - {code(found.where)} {where}{times}: expected {_value(found.expected)}; got {_value(found.actual)}"
        )
        if ours := our_doing(run, found):
            lines.append(f"    - what we sent, on purpose: {_value(ours)}")
        elif found.diagnosis:
            lines.append(f"    - diagnosis: {_value(found.diagnosis)}")
        lines += [f"    - again: {code(again)}"] if (again := run.replay_of(ids[0])) else []
    more = len(groups) - _MOST_FINDINGS
    return [*lines, *([f"  - and {more} more finding{'s' if more > 1 else ''}"] if more > 0 else []), ""]


def _faults(run: Run) -> list[str]:
    rows = in_state(run, State.FAULTY)
    return _listed("Faults of the harness (they say nothing about the party on trial)", rows, _MOST_WARNINGS, run)


def _warnings(run: Run) -> list[str]:
    return _listed("Warnings and notes", in_state(run, State.WARNED, State.NOTED), _MOST_WARNINGS, run)


def _open(run: Run) -> list[str]:
    musts = undecided_musts(run)
    lines = _listed("MUST requirements without a verdict", musts, _MOST_OPEN, run)
    if run.not_tried:
        lines += ["### Not tried", ""]
        lines += [f"- {_value(each.what)}: {_value(each.why)}" for each in run.not_tried[:_MOST_OPEN]]
        more = len(run.not_tried) - _MOST_OPEN
        lines += [f"- … and {more} more", ""] if more > 0 else [""]
    return lines


def _listed(title: str, rows: tuple[RequirementResult, ...], most: int, run: Run) -> list[str]:
    if not rows:
        return []
    lines = [f"<details><summary>{title}: {len(rows)}</summary>", ""]
    for row in rows[:most]:
        because = row.waived or row.untestable or row.missing
        why = f" ({_value(because)})" if because else ""
        lines.append(f"- {row.id} {markdown(row.says)}{why} ({clause(run, row)})")
    lines += [f"- … and {len(rows) - most} more"] if len(rows) > most else []
    return [*lines, "", "</details>", ""]


def _power(run: Run) -> list[str]:
    """The suite's own measure, or a word that none came with this run."""
    if not run.power:
        return ["No measurement of the suite's own power came with this run.", ""]
    return ["The suite's own measured power:", "", *(f"- {markdown(each)}" for each in power_lines(run.power)), ""]


def clause(run: Run, row: RequirementResult) -> str:
    """ "[title](url), section"; a link only to https, and only where the document has one."""
    document = run.documents.get(row.source.document)
    title = markdown(document.title if document else row.source.document)
    if document and re.fullmatch(r"https://[\w./~%?=&:#,+-]+", document.url):
        title = f"[{title}]({document.url})"
    return ", ".join(part for part in (title, markdown(row.source.section)) if part)


def _value(text: str) -> str:
    return markdown(shortened(text, _LONGEST))


def code(text: str) -> str:
    """A code span that holds whatever stands in it, on one line. Not for tables: they split at | even in code."""
    line = " ".join(visible(text).split())
    fence = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") or not line else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


# --- traceability ------------------------------------------------------------------------------------------------


def traceability_markdown(run: Run) -> str:
    """A table an area: requirement → clause → cases → verdict → evidence. What is out of scope stands last."""
    lines = ["# Traceability", "", f"KKI {run.use} of {markdown(run.target)}, {markdown(headline(run))}", ""]
    found = traces(run)
    for area in areas(run):
        inside = [trace for trace in found if trace.row.in_scope and trace.row.area == area.id]
        lines += [f"## {area.id} {markdown(area.title)}", "", *_table(run, inside), ""]
    others = [trace for trace in found if not trace.row.in_scope]
    if others:
        lines += ["## Not on trial in this run", "", *_table(run, others), ""]
    return "\n".join(lines)


def _table(run: Run, found: Iterable[Trace]) -> list[str]:
    head = ["requirement", "clause", "cases", "verdict", "evidence"]
    return [_row(head), _row(["---"] * len(head)), *(_row(_trace(run, trace)) for trace in found)]


def _trace(run: Run, trace: Trace) -> list[str]:
    row, stands = trace.row, state(trace.row)
    why = row.untestable or row.missing or (f"carried by the baseline, {row.carried}" if row.carried else "")
    cases = [case.title for case in trace.cases]
    return [
        f"**{row.id}** {markdown(row.says)} ({row.level.value}, {row.standing.value}, {row.party.value})",
        clause(run, row),
        _value(joined(cases[:3], 3)) + (f" and {len(cases) - 3} more" if len(cases) > 3 else "") or "–",
        f"{SYMBOLS[stands]} {stands.value}" + (f": {_value(why)}" if why and stands is not State.PASSED else ""),
        markdown(joined(trace.exchanges, 5)) or "–",
    ]
