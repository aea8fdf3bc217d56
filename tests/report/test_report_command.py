"""`kki report`: renders again, renders what a killed run left, and claims no more than that."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kki.cli.main import main
from kki.edges import contract as contracts
from kki.edges import folders, store
from kki.model.exchange import Record
from kki.model.requirement import Party
from kki.model.run import Run
from kki.model.verdict import Grade, Outcome, Overall
from kki.redaction import Redactor
from kki.report.partial import partial_run, use_of


@pytest.fixture
def folder(tmp_path: Path, run: Run, records: tuple[Record, ...]) -> Path:
    made = tmp_path / "20261122T100000-127.0.0.1-9000"
    with store.ExchangeWriter(made / store.EXCHANGES, Redactor(salt=b"a salt")) as writer:
        for record in records:
            writer.write(record)
    store.write_run(made, run)
    return made


Report = Callable[..., tuple[int, str, str]]


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Report:
    monkeypatch.delenv("KKI_CONTRACT", raising=False)

    def call(*args: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["report", *map(str, args)])
        seen = capsys.readouterr()
        return code, seen.out, seen.err

    return call


def test_a_finished_run_is_rendered_again_in_the_language_asked_for(folder: Path, report: Report) -> None:
    code, out, _ = report(folder, "--lang", "id")
    assert code == 0
    assert "check of http://127.0.0.1:9000, does-not-conform." in out
    assert "Tidak sesuai" in (folder / "report.html").read_text()
    assert (folder / "allure-results" / "categories.json").is_file()


def test_run_json_itself_may_be_given_and_its_verdicts_stay(folder: Path, report: Report) -> None:
    before = (folder / store.RUN).read_bytes()
    assert report(folder / store.RUN)[0] == 0
    assert (folder / store.RUN).read_bytes() == before


def test_the_documents_may_go_elsewhere(folder: Path, tmp_path: Path, report: Report) -> None:
    assert report(folder, "--output", tmp_path / "out")[0] == 0
    assert (tmp_path / "out" / "junit.xml").is_file()
    assert not (folder / "junit.xml").exists()


def test_as_json_it_names_what_it_wrote(folder: Path, report: Report) -> None:
    code, out, err = report(folder, "--format", "json")
    said = json.loads(out)
    assert code == 0
    assert (said["overall"], said["partial"]) == ("does-not-conform", False)
    assert all(Path(path).exists() for path in said["files"])
    assert "check of" in err


def test_without_a_folder_it_takes_the_latest(folder: Path, report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = folder.parent / "work" / "reports"
    reports.mkdir(parents=True)
    (reports / folders.LATEST).symlink_to(folder)
    monkeypatch.chdir(reports.parent)
    assert report()[0] == 0
    assert (folder / "report.html").is_file()


def test_where_there_is_no_run_a_sentence_says_so(tmp_path: Path, report: Report) -> None:
    code, out, err = report(tmp_path)
    assert code == 2
    assert out == ""
    assert "it has neither" in err


def test_a_broken_run_json_is_a_sentence(folder: Path, report: Report) -> None:
    (folder / store.RUN).write_text('{"schema": 1')
    code, _, err = report(folder)
    assert code == 2
    assert "Traceback" not in err
    assert "run.json" in err


def test_allure_without_node_still_leaves_everything_else(
    folder: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    code, _, err = report(folder, "--allure")
    assert code == 2
    assert "https://nodejs.org" in err
    assert (folder / "report.html").is_file()
    assert (folder / "allure-results" / "categories.json").is_file()


# --- killed ------------------------------------------------------------------------------------------------------


def test_killed_at_twenty_random_moments_what_is_there_is_rendered_as_partial(
    folder: Path, tmp_path: Path, report: Report
) -> None:
    data = (folder / store.EXCHANGES).read_bytes()
    chance = random.Random(20261122)
    for moment in range(20):
        killed = tmp_path / f"killed-{moment}"
        killed.mkdir()
        cut = chance.randrange(len(data))
        (killed / store.EXCHANGES).write_bytes(data[:cut])
        whole = data[:cut].count(b"\n")
        run = partial_of(killed)
        assert run.exchange_count == whole
        assert run.partial
        assert run.overall is Overall.INCOMPLETE
        assert {row.outcome for row in run.requirements} == {Outcome.NOT_EXERCISED}
        assert {row.grade for row in run.requirements} == {Grade.NONE}
    code, out, _ = report(killed)
    page = (killed / "report.html").read_text()
    assert code == 0
    assert out.startswith("Partial: ")
    assert "Partial: the run was interrupted" in page
    assert "Incomplete" in page
    assert "No verdict: the run ended before its verdicts were written" in page
    assert not (killed / store.RUN).exists()


def partial_of(killed: Path) -> Run:
    return partial_run(
        store.evidence(killed),
        contracts.load(),
        harness="0",
        replay="kki replay {exchange}",
    )


def test_a_run_killed_before_anything_was_sent_is_partial_too(tmp_path: Path, report: Report) -> None:
    (tmp_path / store.EXCHANGES).write_bytes(b"")
    code, out, _ = report(tmp_path, "--format", "json")
    assert code == 0
    assert (json.loads(out)["overall"], json.loads(out)["partial"]) == ("incomplete", True)


def test_a_partial_run_puts_on_trial_whom_its_evidence_names(records: tuple[Record, ...]) -> None:
    plain = replace(records[0], made_by="server/test_signing.py::test_x")
    for record, use, parties in (
        (plain, "check", {Party.SERVER}),
        (replace(plain, made_by="listener"), "certify", {Party.CLIENT}),
        (replace(plain, made_by="har:entry 1"), "judge", set(Party)),
    ):
        run = partial_run([record], contracts.load(), harness="0", replay="")
        assert use_of(record.made_by) == run.use == use
        assert {row.party for row in run.requirements if row.in_scope} == parties
