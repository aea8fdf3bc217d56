"""The folder of a run: emptied of an earlier one, never of anything else, and for one run at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kki.edges.errors import ConfigurationError
from kki.edges.folders import LOCK, run_folder
from kki.model.exchange import Record
from kki.model.run import Run
from kki.redaction import Redactor
from kki.report.render import render

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_an_earlier_run_is_cleared_away(tmp_path: Path) -> None:
    for name in ("run.json", "exchanges.jsonl", "journal.jsonl", "report.html", "attestation.intoto.json", "own.txt"):
        (tmp_path / name).write_text("of the earlier run")
    (tmp_path / "allure-results").mkdir()
    (tmp_path / "allure-results" / "a.json").write_text("{}")
    with run_folder(tmp_path, "t", NOW) as folder:
        (folder / "run.json").write_text("of this one")
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "own.txt"}
    assert (tmp_path / "run.json").read_text() == "of this one"


def test_a_run_that_goes_on_keeps_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "exchanges.jsonl").write_text("{}\n")
    with run_folder(tmp_path, "t", NOW, resumed=True):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["exchanges.jsonl"]


def refused(*args: Path, **more: object) -> str:
    with pytest.raises(ConfigurationError) as failure, run_folder(args[0], "t", NOW, **more):  # type: ignore[arg-type]
        pass
    return failure.value.problems[0]


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("years of work")
    assert "it holds other things, such as thesis.odt" in refused(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.odt"]


def test_what_is_to_be_read_is_not_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "exchanges.jsonl").write_text("{}\n")
    assert "which is to be read" in refused(tmp_path, inputs=[tmp_path / "exchanges.jsonl"])
    assert (tmp_path / "exchanges.jsonl").read_text() == "{}\n"


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with run_folder(tmp_path / "run", "t", NOW) as folder:
        (folder / "exchanges.jsonl").write_text("{}\n")
        assert "another run is writing there" in refused(folder)
        assert (folder / "exchanges.jsonl").exists()
        assert "another run is writing there" in refused(folder, resumed=True)
    with run_folder(tmp_path / "run", "t", NOW):
        pass


def test_a_run_that_did_not_begin_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError), run_folder(tmp_path / "run", "t", NOW):
        raise ConfigurationError(["no token"])
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "expected a folder to write to, but got" in refused(tmp_path / "file" / "run")
    assert "expected a folder to write to, but got" in refused(Path("/proc/none/run"))


@pytest.mark.parametrize("length", [0, 86, 88])
def test_a_secret_in_its_name_is_refused(tmp_path: Path, length: int) -> None:
    """However long its path is: 86 and 88 characters are the length of a signature."""
    redactor = Redactor({"client-secret": ["SK-canary-77"]}, salt=b"s")
    parent = tmp_path / ("p" * max(1, length - len(str(tmp_path / "x" / "run-SK-canary-77")) + 1))
    folder = parent / "run-SK-canary-77"
    said = refused(folder, redactor=redactor)
    assert "SK-canary" not in said
    assert not folder.exists()


def test_nothing_that_a_run_writes_is_left_of_an_earlier_one(
    tmp_path: Path, made: tuple[Callable[..., Run], Callable[..., tuple[Record, ...]]]
) -> None:
    """Every rendered document is known here by its name."""
    a_run, records = made
    for name in render(a_run(), lambda: iter(records())):
        (tmp_path / name).write_bytes(b"of yesterday")
    (tmp_path / "run.json").write_bytes(b"{}")
    with run_folder(tmp_path, "t", NOW):
        assert [path.name for path in tmp_path.iterdir()] == [LOCK]
