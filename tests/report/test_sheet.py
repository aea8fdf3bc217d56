"""The functional-test sheet: opens as a spreadsheet, computes nothing, links to the evidence."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest
from openpyxl import load_workbook

from kki.model.exchange import Record
from kki.model.run import Run
from kki.report.sheet import COLUMNS, in_words, sheet_csv, sheet_xlsx


def rows_of(data: bytes) -> list[dict[str, object]]:
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    head, *body = sheet.iter_rows(values_only=True)
    return [dict(zip(COLUMNS, row, strict=True)) for row in body] if head else []


def test_the_book_has_a_row_a_case_and_a_sheet_on_the_run(run: Run, records: tuple[Record, ...]) -> None:
    book = load_workbook(io.BytesIO(sheet_xlsx(run, records)))
    assert book.sheetnames == ["Functional test", "Scope"]
    assert book.worksheets[0].max_row == len(run.cases) + 1
    facts = {row[0]: row[1] for row in book.worksheets[1].iter_rows(values_only=True)}
    assert facts["Target"] == "http://127.0.0.1:9000"
    assert facts["KKI conformance report"] == "Does not conform"


def test_a_row_tells_scenario_request_expected_actual_verdict_and_evidence(
    run: Run, records: tuple[Record, ...]
) -> None:
    row = rows_of(sheet_xlsx(run, records))[8]  # case 9: its exchange x9 timed out
    assert row["scenario"] == "a payment whose body was changed after signing, case 9"
    assert str(row["request"]).startswith("POST /authorization/v1/access-token/b2b\n")
    assert "KKI-ROB-320: a reply within 10 s" in str(row["expected"])
    assert "timeout" in str(row["actual"])
    assert row["verdict"] == "fail"
    assert row["evidence"] == "report.html#x9"


def test_the_evidence_is_a_link_into_the_report(run: Run, records: tuple[Record, ...]) -> None:
    sheet = load_workbook(io.BytesIO(sheet_xlsx(run, records))).worksheets[0]
    link = sheet["J10"].hyperlink
    assert link is not None
    assert (link.target or "") + (f"#{link.location}" if link.location else "") == "report.html#x9"


def test_no_cell_of_the_book_is_a_formula(run: Run, records: tuple[Record, ...], hostile: tuple[str, ...]) -> None:
    cases = tuple(replace(case, title=text, reason=text) for case, text in zip(run.cases, hostile * 9, strict=False))
    book = load_workbook(io.BytesIO(sheet_xlsx(replace(run, cases=cases, target="=1+1"), records)))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert any("HYPERLINK" in str(cell.value) for cell in cells)


def test_the_csv_says_the_same_and_no_cell_begins_a_formula(run: Run, records: tuple[Record, ...]) -> None:
    data = sheet_csv(run, records)
    assert data.startswith(b"\xef\xbb\xbf")
    head, *body = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert tuple(head) == COLUMNS
    assert [row[9] for row in body] == [row["evidence"] for row in rows_of(sheet_xlsx(run, records))]
    assert not [value for row in body for value in row if value.lstrip(" \n").startswith(("=", "+", "-", "@"))]


def test_a_judged_recording_has_a_row_an_exchange(run_of: Callable[..., Run], records: tuple[Record, ...]) -> None:
    rows = rows_of(sheet_xlsx(replace(run_of("judge"), cases=()), records))
    assert len(rows) == len(records)
    assert rows[6]["verdict"] == "fail"
    assert rows[12]["verdict"] == "fail"  # x13 breaks KKI-RSP-220
    assert rows[0]["verdict"] == "pass"


def test_headings_follow_the_language_and_the_same_run_gives_the_same_bytes(
    run: Run, records: tuple[Record, ...]
) -> None:
    indonesian = sheet_xlsx(run, records, lang="id")
    sheet = load_workbook(io.BytesIO(indonesian)).worksheets[0]
    assert [cell.value for cell in sheet[1]][3:8] == [
        "Skenario", "Permintaan", "Hasil yang diharapkan", "Hasil aktual", "Status",
    ]  # fmt: skip
    assert indonesian == sheet_xlsx(run, records, lang="id")


def test_the_book_holds_no_macro_and_no_outside_data(run: Run, records: tuple[Record, ...]) -> None:
    with zipfile.ZipFile(io.BytesIO(sheet_xlsx(run, records))) as book:
        names = book.namelist()
        assert not [name for name in names if "vba" in name.lower() or "externalLink" in name]
        assert b"2026-11-22T10:00:05Z" in book.read("docProps/core.xml")


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("server/test_cards.py::test_spoiled_cards[wrong-padding]", "spoiled cards: wrong-padding"),
        ("server/test_tokens.py::test_a_token", "a token"),
        ("a payment, case 9", "a payment, case 9"),
    ],
)  # fmt: skip
def test_a_pytest_item_becomes_words(title: str, words: str) -> None:
    assert in_words(title) == words
