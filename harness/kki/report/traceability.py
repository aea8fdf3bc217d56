"""Traceability: requirement → clause → cases → verdict → evidence, as CSV and as rows for other documents."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kki.model.run import CaseResult, RequirementResult, Run
from kki.report.escape import cell
from kki.report.figures import state

COLUMNS = (
    "requirement", "area", "party", "level", "standing", "says", "document", "clause", "url", "judged_by", "cases",
    "in_scope", "outcome", "grade", "verdict", "why_open", "findings", "evidence", "readings", "waived", "carried",
)  # fmt: skip
_MOST = 40  # cases or exchanges in one cell; the rest stands in run.json


@dataclass(frozen=True, slots=True)
class Trace:
    """One requirement with the cases that tried it and the exchanges that decided it."""

    row: RequirementResult
    cases: tuple[CaseResult, ...]
    exchanges: tuple[str, ...]


def traces(run: Run) -> tuple[Trace, ...]:
    """In the ledger's order. A case belongs to a requirement if it names it, or made an exchange that decided it."""
    named: dict[str, list[CaseResult]] = {}
    maker: dict[str, CaseResult] = {}
    for case in run.cases:
        for requirement in case.exercises:
            named.setdefault(requirement, []).append(case)
        maker.update(dict.fromkeys(case.exchanges, case))
    return tuple(_trace(row, named.get(row.id, []), maker) for row in run.requirements)


def _trace(row: RequirementResult, named: Iterable[CaseResult], maker: Mapping[str, CaseResult]) -> Trace:
    broken = (found.exchange for found in row.findings if found.exchange)
    exchanges = tuple(dict.fromkeys((*broken, *row.evidence)))
    cases = {case.id: case for case in named}
    cases |= {maker[each].id: maker[each] for each in exchanges if each in maker}
    return Trace(row, tuple(cases.values()), exchanges)


def traceability_csv(run: Run) -> bytes:
    """RFC 4180, UTF-8, one line a requirement, those out of scope too. No cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for trace in traces(run):
        writer.writerow([cell(value) for value in _values(run, trace)])
    return text.getvalue().encode("utf-8", "replace")


def _values(run: Run, trace: Trace) -> tuple[str, ...]:
    row = trace.row
    document = run.documents.get(row.source.document)
    return (
        row.id,
        row.area,
        row.party.value,
        row.level.value,
        row.standing.value,
        row.says,
        document.title if document else row.source.document,
        row.source.section,
        document.url if document else "",
        row.how_judged,
        joined(case.title for case in trace.cases),
        "yes" if row.in_scope else "no",
        row.outcome.value,
        row.grade.value,
        state(row).value,
        row.untestable or row.missing,
        joined(f"{found.where}: expected {found.expected}, got {found.actual}" for found in row.findings),
        joined(trace.exchanges),
        joined(row.readings),
        row.waived or "",
        row.carried or "",
    )


def joined(values: Iterable[str], most: int = _MOST) -> str:
    """Values for one cell, with the number of those left out."""
    kept = list(values)
    more = f"; and {len(kept) - most} more" if len(kept) > most else ""
    return "; ".join(kept[:most]) + more
