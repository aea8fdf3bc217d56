"""`kki compare` from the outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from kki.edges import store
from kki.edges.baselines import read_baseline
from kki.edges.contract import load
from kki.model.requirement import Level, Party, Standing
from kki.model.run import Evidence, RequirementResult, Run
from kki.model.verdict import Grade, Outcome, Overall

Kki = Callable[..., Any]
Keep = Callable[..., str]
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
TERMS = ("--reason", "ticket 123", "--owner", "payments", "--expires", "2099-01-31")


def row(name: str, outcome: str, grade: str) -> RequirementResult:
    found = Evidence(exchange="x7", where="status", expected="HTTP 401", actual="HTTP 200")
    return RequirementResult(
        id=name,
        says="A wrong signature is refused.",
        party=Party.SERVER,
        level=Level.MUST,
        standing=Standing.STATED,
        outcome=Outcome(outcome),
        grade=Grade(grade),
        findings=(found,) if outcome == "broken" else (),
    )


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Writes the run of one requirement, and gives its folder's name."""

    def write(folder: str, outcome: str, grade: str, *, name: str = "KKI-SIG-110") -> str:
        run = Run(
            use="check",
            overall=Overall.CONFORMS,
            harness="0.1.0",
            contract="sha256:" + "a" * 64,
            target="t",
            seed=1,
            level="quick",
            started=NOON,
            finished=NOON,
            exchange_count=0,
            requirements=(row(name, outcome, grade),),
        )
        (tmp_path / folder).mkdir()
        store.write_run(tmp_path / folder, run)
        return str(tmp_path / folder)

    return write


def test_worse_is_exit_1_and_better_is_exit_0(kki: Kki, keep: Keep) -> None:
    good, bad = keep("good", "holds", "pass"), keep("bad", "broken", "violation")
    worse = kki("compare", good, bad)
    assert worse.code == 1
    assert "Newly broken: 1" in worse.out
    assert "KKI-SIG-110  holds before, violated now; status: got HTTP 200, expected HTTP 401 (x7)" in worse.out
    assert "Something has got worse." in worse.out
    better = kki("compare", bad, good)
    assert better.code == 0
    assert "Mended: 1" in better.out
    assert kki("compare", good, good).code == 0


def test_what_is_not_tried_any_more_is_exit_1(kki: Kki, keep: Keep) -> None:
    ended = kki("compare", keep("old", "holds", "pass"), keep("new", "not-exercised", "none"))
    assert ended.code == 1
    assert "Not decided any more: 1" in ended.out


def test_json_is_one_document(kki: Kki, keep: Keep) -> None:
    good, bad = keep("good", "holds", "pass"), keep("bad", "broken", "violation")
    ended = kki("compare", good, f"{bad}/run.json", "--format", "json")
    assert ended.code == 1
    assert ended.document["regressed"] is True
    assert [each["requirement"] for each in ended.document["newly_broken"]] == ["KKI-SIG-110"]


def test_a_folder_without_a_run_is_exit_2(kki: Kki, keep: Keep, tmp_path: Path) -> None:
    ended = kki("compare", keep("good", "holds", "pass"), str(tmp_path / "none"))
    assert ended.code == 2
    assert "expected a finished run" in ended.err


def test_a_baseline_is_written_kept_and_pruned(kki: Kki, keep: Keep, tmp_path: Path) -> None:
    good, bad = keep("good", "holds", "pass"), keep("bad", "broken", "violation")
    path = tmp_path / "known.toml"
    assert "1 entry added, 0 kept." in kki("compare", good, bad, "--write-baseline", str(path), *TERMS).out
    entry = read_baseline(path, load()).known[0]
    assert (entry.requirement, entry.finding, entry.reason) == ("KKI-SIG-110", "status: ", "ticket 123")
    assert (entry.owner, entry.expires) == ("payments", date(2099, 1, 31))
    again = kki("compare", good, bad, "--write-baseline", str(path), "--reason", "x", *TERMS[2:])
    assert "0 entries added, 1 kept." in again.out
    assert read_baseline(path, load()).known == (entry,)
    assert "0 stale entries taken out, 1 left." in kki("compare", bad, bad, "--prune", str(path)).out
    assert "1 stale entry taken out, 0 left." in kki("compare", bad, good, "--prune", str(path)).out
    assert read_baseline(path, load()).known == ()


def test_an_expired_entry_is_left_for_people(kki: Kki, keep: Keep, tmp_path: Path) -> None:
    bad, path = keep("bad", "broken", "violation"), tmp_path / "known.toml"
    assert kki("compare", bad, bad, "--write-baseline", str(path), *TERMS).code == 0
    path.write_text(path.read_text().replace("2099-01-31", "2020-01-31"))
    ended = kki("compare", bad, bad, "--prune", str(path))
    assert "expired on 2020-01-31 and is left for you to decide" in ended.out
    assert len(read_baseline(path, load()).known) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--write-baseline", "b.toml"), "expected --reason too"),
        (("--write-baseline", "b.toml", *TERMS[:4]), "expected --expires too"),
        (
            ("--write-baseline", "b.toml", *TERMS[:4], "--expires", "2020-01-31"),
            "--expires: expected a day that has not passed, but got 2020-01-31.",
        ),
        (("--reason", "x"), "--reason: expected it together with --write-baseline only."),
    ],
)
def test_nothing_is_carried_without_its_terms(kki: Kki, keep: Keep, options: tuple[str, ...], says: str) -> None:
    good = keep("good", "holds", "pass")
    ended = kki("compare", good, good, *options)
    assert ended.code == 2
    assert says in ended.err
