"""The functional-test sheet that participants of SNAP fill in by hand: a scenario a row. The only door to openpyxl."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill

from kki.model.exchange import Record
from kki.model.requirement import Party
from kki.model.run import CaseResult, Evidence, RequirementResult, Run
from kki.report import figures
from kki.report.escape import cell, readable, shortened
from kki.report.texts import texts

COLUMNS = (
    "no", "area", "operation", "scenario", "request", "expected", "actual", "verdict", "requirements", "evidence",
)  # fmt: skip
VERDICTS: Mapping[str, str] = {"passed": "pass", "failed": "fail", "broken": "fault", "skipped": "open"}
_WIDTHS = (6, 10, 12, 44, 56, 48, 48, 12, 24, 24)
_TINTS: Mapping[str, str] = {"pass": "FFDFF0E3", "fail": "FFF9DEDC", "fault": "FFF0E1F5", "open": "FFEEEEEE"}
_LONGEST_REQUEST = 2000  # characters of a request's body
_LONGEST_TEXT = 1500
_BEGAN = (1980, 1, 1, 0, 0, 0)  # the first moment a zip can name: the same run gives the same bytes

Found = Mapping[str, list[tuple[RequirementResult, Evidence]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One row of the sheet; texts as they are, made safe when they are written."""

    number: int
    area: str
    operation: str
    scenario: str
    request: str
    expected: str
    actual: str
    verdict: str  # "pass" | "fail" | "fault" | "open"
    requirements: str
    exchange: str

    @property
    def link(self) -> str:
        """Into the report that lies beside the sheet; "" where there is no exchange, or its id is no such anchor."""
        return f"report.html#{self.exchange}" if re.fullmatch(r"[A-Za-z0-9._-]+", self.exchange) else ""


def scenarios(run: Run, records: Iterable[Record]) -> tuple[Scenario, ...]:
    """One a case; where no suite made cases (a judged recording), one an exchange."""
    found = figures.findings_by_exchange(run)
    cases = run.cases
    if not cases:
        kept = {record.exchange.id: record for record in records}
        cases = tuple(_case_of(run, record, found) for record in kept.values())
    else:
        wanted = {_telling(case, found) for case in cases}
        kept = {record.exchange.id: record for record in records if record.exchange.id in wanted}
    return tuple(_scenario(run, number, case, found, kept) for number, case in enumerate(cases, 1))


def _case_of(run: Run, record: Record, found: Found) -> CaseResult:
    name = record.exchange.id
    violated = any(figures.state(row) is figures.State.VIOLATED for row, _ in found.get(name, ()))
    return CaseResult(
        id=name, title=record.made_by or name, operation=run.operation_of(record.exchange.request.target),
        outcome="failed" if violated else "passed", exchanges=(name,),
        exercises=tuple(dict.fromkeys(row.id for row, _ in found.get(name, ()))),
    )  # fmt: skip


def _telling(case: CaseResult, found: Found) -> str:
    """The exchange that shows the case best: the first with a finding, else the last, which the others led up to."""
    return next((each for each in case.exchanges if each in found), case.exchanges[-1] if case.exchanges else "")


def _scenario(run: Run, number: int, case: CaseResult, found: Found, kept: Mapping[str, Record]) -> Scenario:
    name = _telling(case, found)
    record = kept.get(name)
    hits = [hit for each in case.exchanges for hit in found.get(each, ())]
    return Scenario(
        number=number,
        area=case.area,
        operation=case.operation,
        scenario=in_words(case.title),
        request=_request(record) if record else "",
        expected=_expected(run, case, hits),
        actual=_actual(case, record, hits),
        verdict=VERDICTS.get(case.outcome, "open"),
        requirements=", ".join(case.exercises[:20]) + ("…" if len(case.exercises) > 20 else ""),
        exchange=name,
    )


def in_words(title: str) -> str:
    """ "server/test_fields.py::test_an_otp_is_refused[long]" for people: "an otp is refused: long"; else as it is."""
    found = re.fullmatch(r"[\w./-]+\.py::test_(\w+)(?:\[(.*)\])?", title, re.DOTALL)
    if found is None:
        return title
    return found[1].replace("_", " ") + (f": {found[2]}" if found[2] else "")


def _request(record: Record) -> str:
    request = record.exchange.request
    body = readable(request.body[:_LONGEST_REQUEST])
    cut = "…" if len(request.body) > _LONGEST_REQUEST else ""
    return f"{request.method} {shortened(request.target, 300)}\n{body}{cut}"


def _expected(run: Run, case: CaseResult, hits: Iterable[tuple[RequirementResult, Evidence]]) -> str:
    if lines := dict.fromkeys(f"{row.id}: {finding.expected}" for row, finding in hits):
        return shortened("\n".join(lines), _LONGEST_TEXT)
    rows = (run.of(name) for name in case.exercises[:6])
    return shortened("\n".join(f"{row.id}: {row.says}" for row in rows if row), _LONGEST_TEXT)


def _actual(case: CaseResult, record: Record | None, hits: Iterable[tuple[RequirementResult, Evidence]]) -> str:
    lines = [figures.reply_in_short(record.exchange)] if record else []
    lines += dict.fromkeys(f"{row.id}, {finding.where}: {finding.actual}" for row, finding in hits)
    lines += [case.reason] if case.reason and len(lines) < 2 else []
    return shortened("\n".join(lines), _LONGEST_TEXT)


def _cells(row: Scenario) -> list[str]:
    values = (
        str(row.number), row.area, row.operation, row.scenario, row.request, row.expected, row.actual, row.verdict,
        row.requirements, row.link or row.exchange,
    )  # fmt: skip
    return [cell(value) for value in values]


def sheet_csv(run: Run, records: Iterable[Record]) -> bytes:
    """RFC 4180 in UTF-8 with a byte order mark, without which Excel reads it as Latin-1. No cell is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row) for row in scenarios(run, records))
    return text.getvalue().encode("utf-8-sig", "replace")


def sheet_xlsx(run: Run, records: Iterable[Record], *, lang: str = "en") -> bytes:
    """Two sheets: the scenarios, and what the run was. The same run gives the same bytes."""
    book = Workbook(write_only=True)
    _fill(book, run, scenarios(run, records), texts(lang))
    _about(book, run, texts(lang))
    book.properties.creator = "doku-kki-conformance"
    book.properties.title = cell(f"{run.use} {run.target}")
    written = io.BytesIO()
    book.save(written)
    return _repacked(written.getvalue(), run.finished.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _fill(book: Workbook, run: Run, rows: Iterable[Scenario], t: Mapping[str, str]) -> None:
    sheet = book.create_sheet(t["sheet"])
    sheet.freeze_panes = "A2"
    for place, width in enumerate(_WIDTHS):
        sheet.column_dimensions["ABCDEFGHIJ"[place]].width = width
    sheet.append([_bold(sheet, t[f"sheet.{name}"]) for name in COLUMNS])
    for row in rows:
        cells = [_wrapped(sheet, value) for value in _cells(row)]
        cells[0].value = row.number
        cells[7].fill = PatternFill("solid", fgColor=_TINTS[row.verdict])
        cells[7].value = t[f"sheet.{row.verdict}"]
        if row.link:
            cells[9].hyperlink = row.link
            cells[9].font = Font(color="FF0B57A4", underline="single")
        sheet.append(cells)
    sheet.auto_filter.ref = f"A1:J{max(2, len(run.cases) + 1)}"


def _about(book: Workbook, run: Run, t: Mapping[str, str]) -> None:
    sheet = book.create_sheet(t["scope"])
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 24, 80
    trial = "scope.both" if run.use == "judge" else f"party.{_party(run).value}"
    for name, value in (
        (t["title"], t[f"overall.{run.overall.value}"]),
        (t["scope.trial"], t[trial]),
        (t["scope.target"], run.target),
        (t["scope.time"], f"{run.started.isoformat()} – {run.finished.isoformat()}"),
        (t["scope.level"], run.level),
        (t["scope.seed"], str(run.seed)),
        (t["scope.exchanges"], str(run.exchange_count)),
        (t["scope.contract"], run.contract),
        (t["scope.harness"], run.harness),
        *((t["partial"], t["yes"]) for _ in range(run.partial)),
    ):
        sheet.append([_bold(sheet, name), _wrapped(sheet, cell(value))])


def _party(run: Run) -> Party:
    return Party.CLIENT if run.use == "certify" else Party.SERVER


def _bold(sheet: Any, value: str) -> Cell:
    made: Cell = WriteOnlyCell(sheet, value=value)
    made.font = Font(bold=True)
    return made


def _wrapped(sheet: Any, value: str) -> Cell:
    made: Cell = WriteOnlyCell(sheet, value=value)
    made.alignment = Alignment(wrap_text=True, vertical="top")
    return made


def _repacked(book: bytes, moment: str) -> bytes:
    """The book with the run's own time in it, where openpyxl puts the time of writing."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(?<=>)\d{4}-\d\d-\d\dT[\d:.]+Z(?=</dcterms)", moment.encode(), data)
            new.writestr(zipfile.ZipInfo(name, _BEGAN), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()
