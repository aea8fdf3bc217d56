"""Killed at any moment, a run leaves evidence that can be read, and claims nothing more than that."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests import campaign

from kki.cli.main import main
from kki.edges.store import EXCHANGES, RUN, read_exchanges, read_recording
from kki.engine import Voiceless

KILLS, SEED, LONGEST_S = campaign.of(6, 20), 20261124, 300.0
WHOLE = 60  # a run of two areas makes about as many exchanges; kills are spread over all of it
CHECK = ("check", "--level", "quick", "--only", "SIG", "--only", "CRD", "--output")
NEITHER = 2  # exit code: there is no run in this folder
CLAIMS = ("CONFORMS", "<h1>Conforms", ", and every MUST in scope was decided")  # how reports say that all is well


def test_kills_at_random_moments_leave_what_can_be_read(tmp_path: Path, report: Report) -> None:
    chance = random.Random(SEED)  # no secret
    moments = [0, *(chance.randint(0, WHOLE) for _ in range(KILLS - 1))]
    before_the_end = 0
    for number, lines in enumerate(moments):
        folder = tmp_path / f"run{number}"
        where = f"kill {number}, once {lines} exchanges were on disk (seed {SEED})"
        code = killed_after(lines, folder)
        every_whole_line_is_read(folder, where)
        if code == -signal.SIGKILL:
            before_the_end += 1
            nothing_is_claimed(folder, where, report)
    assert before_the_end >= KILLS // 2, f"only {before_the_end} of {KILLS} came before the end: WHOLE is too big"


def test_a_line_cut_in_two_is_left_out_and_told(tmp_path: Path, report: Report) -> None:
    """The one moment that kills seldom hit: within a write."""
    assert killed_after(3, tmp_path / "run") == -signal.SIGKILL
    evidence = tmp_path / "run" / EXCHANGES
    whole = evidence.read_bytes().splitlines(keepends=True)
    evidence.write_bytes(b"".join(whole[:2]) + whole[2][: len(whole[2]) // 2])
    assert len(list(read_exchanges(evidence))) == 2
    assert "cut off" in " ".join(read_recording(evidence).problems)
    nothing_is_claimed(tmp_path / "run", "cut by hand", report)


def test_without_evidence_there_is_no_run(tmp_path: Path, report: Report) -> None:
    """Killed before its first moment: an empty folder is no run, and a sentence says so."""
    done = report(tmp_path)
    assert done.code == NEITHER
    assert EXCHANGES in done.err
    assert list(tmp_path.iterdir()) == []


# --- the run, and its end ---------------------------------------------------------------------------


def clean() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("KKI_", "GITHUB_", "CI"))}


def killed_after(lines: int, folder: Path) -> int:
    """Starts a run and kills its whole group once so many exchanges are on disk; its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kki", *CHECK, str(folder)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=folder.parent, env=clean(),
    )  # fmt: skip
    end = time.monotonic() + LONGEST_S
    try:
        while process.poll() is None and time.monotonic() < end and not reached(lines, folder / EXCHANGES):
            time.sleep(0.002)  # between two looks at the file
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # not waited for yet: the number is still its own
        code = process.wait(LONGEST_S)
    assert time.monotonic() < end, f"{lines} exchanges did not come within {LONGEST_S:.0f} s (seed {SEED})"
    return code


def reached(lines: int, evidence: Path) -> bool:
    """For 0 lines, the file has to be there: before that there is no run."""
    return evidence.exists() and evidence.read_bytes().count(b"\n") >= lines


# --- what is left ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Report = Callable[[Path], Ended]


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """`kki report FOLDER`, in this process: twenty more of them would cost a minute."""

    def call(folder: Path) -> Ended:
        capsys.readouterr()
        code = main(["report", str(folder)])
        return Ended(code, *capsys.readouterr())

    return call


def every_whole_line_is_read(folder: Path, where: str) -> None:
    *whole, rest = (folder / EXCHANGES).read_bytes().split(b"\n")
    read = list(read_exchanges(folder / EXCHANGES))  # raises for a whole line that is none
    assert [record.exchange.id for record in read[: len(whole)]] == [json.loads(line)["id"] for line in whole], where
    assert len(read) - len(whole) in ((0, 1) if rest else (0,)), where
    assert len({record.exchange.id for record in read}) == len(read), where


def nothing_is_claimed(folder: Path, where: str, report: Report) -> None:
    """A killed run wrote no verdict, or the whole of it; `kki report` renders what is there, and says what it is."""
    finished = json.loads((folder / RUN).read_text("utf-8")) if (folder / RUN).exists() else None
    done = report(folder)
    assert done.code == 0, f"{where}: {done.err}"
    assert "Traceback" not in done.out + done.err, where
    if finished is not None:  # the kill came while the reports were made of it: every exchange had been judged
        assert finished["exchange_count"] == len(list(read_exchanges(folder / EXCHANGES))), where
        return
    assert done.out.startswith("Partial: "), where
    assert not (folder / RUN).exists(), where  # rendering decides nothing
    page, summary = ((folder / name).read_text("utf-8") for name in ("report.html", "summary.md"))
    assert "Partial: the run was interrupted." in page, where
    assert "INCOMPLETE" in summary, where
    assert "The run did not come to its end" in summary, where
    for text in (page, summary, done.out):
        assert not [claim for claim in CLAIMS if claim in text], where


@pytest.mark.parametrize(("name", "workers"), [("SIGTERM", "1"), ("SIGINT", "2")])
def test_a_run_that_is_asked_to_stop_says_what_it_has(tmp_path: Path, name: str, workers: str) -> None:
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "kki", "check", "--output", str(folder), "-n", workers],  # long enough to be stopped
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path, env=clean(),
    )  # fmt: skip
    end = time.monotonic() + LONGEST_S
    while process.poll() is None and time.monotonic() < end and not reached(8, folder / EXCHANGES):
        time.sleep(0.002)  # between two looks at the file
    process.send_signal(getattr(signal, name))
    said, _ = process.communicate(timeout=LONGEST_S)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "INCOMPLETE. The run did not come to its end" in said
    run = json.loads((folder / RUN).read_text("utf-8"))
    assert (run["partial"], run["overall"]) == (True, "incomplete")
    assert (folder / "report.html").is_file()
    assert (folder / "journal.jsonl").is_file(), "it can be gone on with"


def test_where_an_interruption_came_from_does_not_matter(pytestconfig: pytest.Config) -> None:
    """A signal that arrives between two lines leaves a traceback without a line number, over which pytest fails."""

    class Odd:
        def getrepr(self, **_: object) -> object:
            raise TypeError("unsupported operand type(s) for -: 'NoneType' and 'int'")

    stream = io.StringIO()
    voice = Voiceless(pytestconfig, stream)
    voice.pytest_keyboard_interrupt(Odd())  # type: ignore[arg-type]
    voice.pytest_unconfigure()
    assert "KeyboardInterrupt" in stream.getvalue()
