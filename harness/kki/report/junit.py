"""`junit.xml` as GitLab, GitHub and Jenkins show it well: a suite an area, a case a requirement on trial."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping

from kki.model.run import Evidence, RequirementResult, Run
from kki.model.verdict import Overall
from kki.report.escape import shortened, visible
from kki.report.figures import Area, State, areas, on_trial, our_doing, state
from kki.report.summary import headline

_SKIPPED = frozenset({State.UNDECIDED, State.NOT_EXERCISED, State.NOT_APPLICABLE, State.UNTESTABLE})
_MOST_FINDINGS = 20  # a requirement; the rest stands in run.json


def junit(run: Run) -> bytes:
    """The document, UTF-8. A violation is a failure, a harness fault an error, what was not decided is skipped."""
    root = ET.Element("testsuites", _attributes(f"kki {run.use}", [state(row) for row in on_trial(run)]))
    root.set("time", f"{max(0.0, (run.finished - run.started).total_seconds()):.3f}")
    for area in areas(run):
        root.append(_suite(run, area))
    if run.overall is Overall.INCOMPLETE or (run.partial and run.overall is not Overall.DOES_NOT_CONFORM):
        _add_incomplete(root, run)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + written + b"\n"


def _add_incomplete(root: ET.Element, run: Run) -> None:
    """Readers of JUnit take what is skipped for well: that a run is incomplete stands as an error of its own."""
    suite = ET.SubElement(root, "testsuite", {"name": "run", "tests": "1", "failures": "0", "errors": "1", "time": "0"})
    case = ET.SubElement(suite, "testcase", classname="kki.run", name="every MUST in scope was decided", time="0")
    ET.SubElement(case, "error", type="incomplete", message=visible(headline(run)))
    for name in ("tests", "errors"):
        root.set(name, str(int(root.get(name, "0")) + 1))


def _attributes(name: str, states: list[State]) -> dict[str, str]:
    counts = Counter(states)
    return {
        "name": name,
        "tests": str(len(states)),
        "failures": str(counts[State.VIOLATED]),
        "errors": str(counts[State.FAULTY]),
        "skipped": str(sum(counts[each] for each in _SKIPPED)),
    }


def _suite(run: Run, area: Area) -> ET.Element:
    suite = ET.Element("testsuite", _attributes(f"{area.id}: {visible(area.title)}", [state(row) for row in area.rows]))
    suite.set("timestamp", run.started.replace(tzinfo=None).isoformat(timespec="seconds"))
    suite.set("time", "0")
    properties = ET.SubElement(suite, "properties")
    for name, value in run_properties(run).items():
        ET.SubElement(properties, "property", name=name, value=visible(value))
    for row in area.rows:
        suite.append(_case(run, row))
    return suite


def run_properties(run: Run) -> Mapping[str, str]:
    """What was on trial, in words that tools sort and search by."""
    return {
        "use": run.use,
        "target": run.target,
        "overall": run.overall.value,
        "level": run.level,
        "seed": str(run.seed),
        "harness": run.harness,
        "contract": run.contract,
        "partial": "yes" if run.partial else "no",
    }


def _case(run: Run, row: RequirementResult) -> ET.Element:
    case = ET.Element(
        "testcase", classname=f"kki.{row.party.value}.{row.area}", name=visible(f"{row.id} {row.says}"), time="0"
    )
    stands, details = state(row), _details(run, row)
    if stands is State.VIOLATED:
        message = visible(shortened(f"{row.id} broken: {_in_short(row)}", 300))
        ET.SubElement(case, "failure", type="violation", message=message).text = details
    elif stands is State.FAULTY:
        ET.SubElement(case, "error", type="harness-fault", message="The harness is at fault here.").text = details
    elif stands in _SKIPPED:
        ET.SubElement(case, "skipped", message=visible(shortened(f"{stands.value}: {why_open(row)}", 300)))
    elif stands in (State.WARNED, State.NOTED):
        ET.SubElement(case, "system-out").text = f"{stands.value}\n{details}"
    return case


def why_open(row: RequirementResult) -> str:
    """Why this row has no verdict, in a few words."""
    return row.untestable or row.missing or row.outcome.value


def _in_short(row: RequirementResult) -> str:
    if not row.findings:
        return row.says
    found = row.findings[0]
    return f"{found.where}: expected {found.expected}, got {found.actual}"


def _details(run: Run, row: RequirementResult) -> str:
    lines = [
        f"{row.level.value}, {row.standing.value}; on trial: {row.party.value}",
        f"Clause: {row.source.document}, {row.source.section}",
    ]
    if row.waived:
        lines.append(f"Waived: {row.waived}")
    if row.carried:
        lines.append(f"Carried by the baseline, and a violation still: {row.carried}")
    for found in row.findings[:_MOST_FINDINGS]:
        lines += ["", *_finding(run, found)]
    if len(row.findings) > _MOST_FINDINGS:
        lines += ["", f"… and {len(row.findings) - _MOST_FINDINGS} more: see run.json"]
    return visible("\n".join(lines))


def _finding(run: Run, found: Evidence) -> list[str]:
    lines = [
        f"Exchange: {found.exchange or 'the whole run'}",
        f"Where:    {found.where}",
        f"Expected: {found.expected}",
        f"Actual:   {found.actual}",
    ]
    if ours := our_doing(run, found):
        lines.append(f"We sent, on purpose: {ours}")
    elif found.diagnosis:
        lines.append(f"Diagnosis: {found.diagnosis}")
    if again := run.replay_of(found.exchange):
        lines.append(f"Replay:   {again}")
    return lines
