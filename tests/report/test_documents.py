"""JUnit, Markdown, CSV, traceability and the terminal's summary: what other programs do with them."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from kki.model.exchange import Record
from kki.model.requirement import Level
from kki.model.run import Evidence, RequirementResult, Run
from kki.model.verdict import Grade, Outcome, Overall
from kki.report.escape import cell, markdown, visible
from kki.report.figures import State, in_state
from kki.report.junit import junit
from kki.report.markdown import code, summary_markdown, traceability_markdown
from kki.report.render import render
from kki.report.summary import headline, summary_lines, violation_lines
from kki.report.traceability import COLUMNS, traceability_csv

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lines_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


# --- JUnit -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", ["check", "certify", "judge"])
def test_junit_parses_and_its_counts_are_its_cases(run_of: Callable[..., Run], use: str) -> None:
    run = run_of(use)
    root = ET.fromstring(junit(run))
    assert root.tag == "testsuites"
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(cases)
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        assert int(suite.get("errors", "")) == len(suite.findall("testcase/error"))
        assert int(suite.get("skipped", "")) == len(suite.findall("testcase/skipped"))
    names = [case.get("name", "")[:11] for case in root.iter("testcase")]
    assert names == sorted(names, key=names.index)
    assert set(names) == {row.id for row in run.requirements if row.in_scope}
    assert len(names) == len(set(names))


def test_junit_has_a_failure_for_each_violation_and_nothing_else(run: Run) -> None:
    root = ET.fromstring(junit(run))
    failed = {case.get("name", "")[:11] for case in root.iter("testcase") if case.find("failure") is not None}
    assert failed == {"KKI-SIG-110", "KKI-RSP-220", "KKI-ROB-320", "KKI-RFD-216"}
    assert root.get("failures") == "4"


def test_a_junit_failure_holds_what_mends_it(run: Run) -> None:
    root = ET.fromstring(junit(run))
    case = next(case for case in root.iter("testcase") if case.get("name", "").startswith("KKI-SIG-110"))
    text = case.findtext("failure", "")
    for said in ("Exchange: x7", "200 2005400 Successful", "Diagnosis: the server", "--exchange x7", "X-SIGNATURE"):
        assert said in text


def test_a_fault_of_ours_is_an_error_and_an_open_row_is_skipped(run: Run) -> None:
    rows = (
        replace(run.requirements[0], outcome=Outcome.FAULTY, grade=Grade.NONE, in_scope=True),
        replace(run.requirements[1], outcome=Outcome.UNKNOWN, grade=Grade.NONE, missing="no key", in_scope=True),
    )
    root = ET.fromstring(junit(replace(run, requirements=rows)))
    assert (root.get("errors"), root.get("skipped"), root.get("failures")) == ("1", "1", "0")
    assert "no key" in (next(root.iter("skipped")).get("message") or "")


# --- no formula --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "\n=1", "  \n @x"])
def test_no_cell_begins_a_formula(text: str) -> None:
    assert not cell(text).lstrip(" \n").startswith(FORMULA)
    assert cell(text).endswith(visible(text))


def test_a_cell_never_exceeds_what_a_spreadsheet_takes() -> None:
    assert len(cell("x" * 100_000)) <= 32_767


def test_traceability_csv_has_a_row_a_requirement_and_no_formula(run: Run) -> None:
    rows = (replace(run.requirements[0], says='=HYPERLINK("http://evil.example","x")'), *run.requirements[1:])
    head, *body = lines_of(traceability_csv(replace(run, requirements=rows)))
    assert tuple(head) == COLUMNS
    assert [line[0] for line in body] == [row.id for row in run.requirements]
    assert all(len(line) == len(COLUMNS) for line in body)
    assert not [value for line in body for value in line if value.lstrip(" \n").startswith(FORMULA)]
    assert body[0][COLUMNS.index("says")].startswith("'=HYPERLINK")


def test_traceability_leads_from_requirement_to_clause_cases_verdict_and_evidence(run: Run) -> None:
    head, *body = lines_of(traceability_csv(run))
    found = dict(zip(head, next(line for line in body if line[0] == "KKI-SIG-110"), strict=True))
    assert found["clause"] == "2. Binding › Header parameters › X-SIGNATURE"
    assert found["url"] == "https://developers.doku.com/x"
    assert "case 7" in found["cases"]
    assert (found["outcome"], found["grade"], found["verdict"]) == ("broken", "violation", "violated")
    assert found["evidence"] == "x7; x8"


# --- Markdown ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", ["check", "certify", "judge"])
def test_markdown_documents_hold_no_markup_of_strangers(run_of: Callable[..., Run], use: str) -> None:
    run = replace(run_of(use), notes=("<script>alert(1)</script> | ![x](http://evil.example/y) `x`",))
    for text in (summary_markdown(run), traceability_markdown(run)):
        html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
        assert "<script" not in html
        assert "<img" not in html
        assert 'evil.example/y"' not in html
        for link in re.findall(r'href="([^"]+)"', html):
            assert link.startswith("https://developers.doku.com/"), link


def test_every_line_of_a_markdown_table_has_the_same_cells(run: Run) -> None:
    rows = [line for line in traceability_markdown(run).splitlines() if line.startswith("| ")]
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in rows}
    assert len(rows) > 200
    assert cells == {6}


def test_the_summary_names_verdict_fault_command_and_what_stayed_open(run: Run) -> None:
    text = summary_markdown(run)
    for said in (
        "DOES NOT CONFORM. 4 requirements are violated.",
        "**KKI-SIG-110**",
        "at fault: the server",
        "--exchange x7",
        "21 times in all",
        "One waiver is active",
        "### Not tried",
        "MUST requirements without a verdict",
        "83 of 84 wrong servers caught",
    ):
        assert said in text, said


def test_the_summary_stays_small_however_much_is_broken(run: Run) -> None:
    row = run.of("KKI-SIG-110")
    assert row is not None
    rows = tuple(replace(row, id=f"KKI-SIG-{number}", says="<" * 500) for number in range(100, 999))
    text = summary_markdown(replace(run, requirements=rows))
    assert len(text.encode()) < 1024 * 1024
    assert "and 874 more violated requirements" in text


@pytest.mark.parametrize("text", ["a`b", "``", "`x", "x`", "", "a\nb", "\x1b[31m"])
def test_a_code_span_holds_whatever_stands_in_it(text: str) -> None:
    tokens = MarkdownIt().parseInline(f"a {code(text)} b")[0].children or []
    assert [token.type for token in tokens] == ["text", "code_inline", "text"]
    assert tokens[1].content.strip() == " ".join(visible(text).split())


@pytest.mark.parametrize("text", ["*x*", "[a](b)", "<b>", "a|b", "`x`", "# x", "a\\", "![x](y)", "~~x~~", "&lt;"])
def test_escaped_markdown_renders_as_the_text_it_was(text: str) -> None:
    html = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(f"x {markdown(text)}")
    plain = re.sub(r"<[^>]+>", "", html).strip()
    assert plain == f"x {text.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}"


# --- the terminal's screen ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", ["check", "certify", "judge"])
def test_the_summary_fits_a_screen(run_of: Callable[..., Run], use: str) -> None:
    lines = summary_lines(run_of(use))
    assert len(lines) <= 24
    assert max(len(line) for line in lines) <= 80
    assert lines[0].startswith("DOES NOT CONFORM")
    assert lines[-1].startswith("total")


def test_each_violation_is_told_with_clause_place_exchange_and_command(run: Run) -> None:
    text = "\n".join(violation_lines(run))
    for said in ("KKI-SIG-110", "X-SIGNATURE", "where     reply /responseCode in exchange x7", "because", "replay"):
        assert said in text
    assert "\x1b" not in text


def test_a_must_that_was_not_exercised_is_an_open_must_in_every_summary(run: Run) -> None:
    row = next(row for row in run.requirements if row.in_scope and row.level is Level.MUST and not row.untestable)
    only: tuple[RequirementResult, ...] = (
        replace(row, outcome=Outcome.NOT_EXERCISED, grade=Grade.NONE, findings=(), missing="nobody tried"),
    )
    lone = replace(run, requirements=only, overall=Overall.INCOMPLETE)
    assert "1 MUST requirement could not be decided" in summary_lines(lone)[0]
    assert "nobody tried" in summary_markdown(lone)


def test_where_nothing_can_be_replayed_no_report_offers_it(run: Run, records: tuple[Record, ...]) -> None:
    documents = render(replace(run, replay=""), lambda: records)
    for name in ("report.html", "junit.xml", "summary.md"):
        text = documents[name].decode()
        assert "again:" not in text
        assert ">Replay<" not in text
        assert "Replay:" not in text
    assert "replay  " not in "\n".join(violation_lines(replace(run, replay="")))


# --- all at once -------------------------------------------------------------------------------------------------


def test_render_gives_every_document_and_asks_for_the_records_afresh(run: Run, records: tuple[Record, ...]) -> None:
    asked = 0

    def factory() -> tuple[Record, ...]:
        nonlocal asked
        asked += 1
        return records

    documents = render(run, factory)
    assert set(documents) == {
        "report.html", "junit.xml", "summary.md", "exchanges.har", "traceability.csv", "traceability.md",
        "functional-test.xlsx", "functional-test.csv",
    }  # fmt: skip
    assert all(isinstance(data, bytes) and data for data in documents.values())
    assert asked == 4
    assert render(run, factory) == documents, "the same run must give the same bytes"


@pytest.mark.parametrize("overall", [Overall.INCOMPLETE, Overall.CONFORMS])
def test_a_run_that_was_cut_short_never_says_that_nothing_is_violated(
    made: tuple[Callable[..., Run], Callable[..., tuple[Record, ...]]], overall: Overall
) -> None:
    run = replace(made[0]("check"), partial=True, overall=overall)
    open_rows = tuple(replace(row, outcome=Outcome.NOT_EXERCISED, grade=Grade.NONE) for row in run.requirements)
    run = replace(run, requirements=open_rows)
    for lang, never in (("en", "no violation"), ("id", "tidak ada pelanggaran")):
        documents = render(run, made[1], lang)
        for name, data in documents.items():
            text = data.decode("utf-8", "replace").lower()
            body = text.split("<body>")[-1] if name == "report.html" else text
            assert never not in body, (name, lang)
    assert headline(run).startswith("INCOMPLETE. The run did not come to its end")
    assert b'<error type="incomplete"' in render(run, made[1])["junit.xml"]


def test_what_we_did_on_purpose_is_no_diagnosis_of_the_server(
    made: tuple[Callable[..., Run], Callable[..., tuple[Record, ...]]],
) -> None:
    run = made[0]("check")
    found = Evidence(
        exchange="x7", where="header X-SIGNATURE", expected="a refusal", actual="accepted",
        diagnosis="The signature is cut.", situation="refund, signature cut",
    )  # fmt: skip
    row = next(row for row in run.requirements if row.in_scope and row.grade is Grade.VIOLATION)
    rows = tuple(replace(each, findings=(found,)) if each is row else each for each in run.requirements)
    documents = render(replace(run, requirements=rows), made[1])
    for name, label in (("report.html", "What we sent, on purpose"), ("summary.md", "what we sent, on purpose")):
        assert label in documents[name].decode()
    lines = "\n".join(violation_lines(replace(run, requirements=rows)))
    assert "we sent   refund, signature cut. The signature is cut. (on purpose)" in lines
    judged = replace(run, use="judge", requirements=rows)
    assert "because   The signature is cut." in "\n".join(violation_lines(judged))


def test_causes_stand_before_consequences(
    made: tuple[Callable[..., Run], Callable[..., tuple[Record, ...]]],
) -> None:
    run = made[0]("check")
    names = ("KKI-BEH-010", "KKI-PAY-150", "KKI-SIG-160", "KKI-TOK-110")
    first = next(row for row in run.requirements if row.in_scope and row.grade is Grade.VIOLATION)
    run = replace(run, requirements=tuple(replace(first, id=name) for name in names))
    assert [row.id for row in in_state(run, State.VIOLATED)] == list(reversed(names))


def test_a_narrow_screen_cuts_no_verdict(
    made: tuple[Callable[..., Run], Callable[..., tuple[Record, ...]]],
) -> None:
    run = replace(made[0]("check"), overall=Overall.INCOMPLETE, partial=True)
    lines = summary_lines(run, width=40)
    assert all(len(line) <= 40 for line in lines)
    assert headline(run) in " ".join(lines)
    assert lines[-1].split()[0] == "total"


def test_level_and_seed_are_told_of_a_check_alone(
    made: tuple[Callable[..., Run], Callable[..., tuple[Record, ...]]],
) -> None:
    for use, there in (("check", True), ("certify", False)):
        run = made[0](use)
        text = "\n".join([*summary_lines(run), render(run, made[1])["summary.md"].decode()])
        assert ("seed" in text) is there
