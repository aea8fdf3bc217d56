"""`kki check --resume`: a run that ended early goes on where it was, and comes to the verdicts of one that did not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kki.edges.journal import JOURNAL
from kki.edges.listener import serve_simulator
from kki.edges.store import EXCHANGES, read_exchanges
from kki.model.profile import Profile

from .conftest import CONTRACT, Check, Ended, Written
from .test_killed import clean, killed_after

MOST_PARTS = 12


def resumed(folder: Path, *options: str) -> Ended:
    done = subprocess.run(
        [sys.executable, "-m", "kki", "check", "--resume", str(folder), *options],
        capture_output=True, text=True, timeout=600, env=dict(clean()), cwd=folder.parent, check=False,
    )  # fmt: skip
    run = json.loads((folder / "run.json").read_text("utf-8")) if (folder / "run.json").exists() else None
    return Ended(done.returncode, done.stdout, done.stderr, run)


def outcomes(run: Mapping[str, Any] | None) -> dict[str, str]:
    assert run is not None
    return {row["id"]: row["outcome"] for row in run["requirements"] if row["in_scope"]}


def test_what_a_limit_cut_short_goes_on(
    check: Check, written: Written, simulator: str, tmp_path: Path, profile: Profile
) -> None:
    selection = ("--level", "quick", "--seed", "3", "--only", "SIG", "--only", "STA")
    with serve_simulator(profile, CONTRACT) as another:  # each run unbinds cards for good
        whole = check(*selection, "--base-url", another, "--profile", str(written()))
    assert whole.code == 0, whole.said
    assert not (tmp_path / "run1" / JOURNAL).exists()

    folder = tmp_path / "run2"
    part = check(*selection, "--base-url", simulator, "--profile", str(written(limits="max_requests = 25")))
    assert (part.code, part.run["partial"] if part.run else None) == (4, True), part.said
    assert f"kki check --resume {folder}" in part.said
    parts = 1
    while part.code and parts < MOST_PARTS:
        parts += 1
        assert (folder / JOURNAL).is_file(), part.said
        part = resumed(folder, "--base-url", simulator, "--profile", str(written(limits="max_requests = 25")))
    assert part.code == 0, part.said
    assert part.run is not None
    assert not part.run["partial"]
    assert f"it has {parts} parts" in " ".join(part.run["notes"])
    assert outcomes(part.run) == outcomes(whole.run)
    assert not (folder / JOURNAL).exists()
    ids = [record.exchange.id for record in read_exchanges(folder / EXCHANGES)]
    assert len(set(ids)) == len(ids) == part.run["exchange_count"]
    titles = [case["title"] for case in part.run["cases"] if case["title"] != "preflight"]
    assert len(set(titles)) == len(titles) == len([c for c in (whole.run or {})["cases"] if c["title"] != "preflight"])


def test_what_was_killed_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert killed_after(20, folder) == -signal.SIGKILL
    done = resumed(folder)
    assert done.code == 0, done.said
    ids = [record.exchange.id for record in read_exchanges(folder / EXCHANGES)]
    assert len(set(ids)) == len(ids)


def test_pseudonyms_stay_the_same(check: Check, written: Written, simulator: str, tmp_path: Path) -> None:
    selection = ("--base-url", simulator, "--level", "quick", "--only", "STA")
    check(*selection, "--profile", str(written(limits="max_requests = 12")))
    resumed(tmp_path / "run1", "--base-url", simulator, "--profile", str(written()))
    text = (tmp_path / "run1" / EXCHANGES).read_text("utf-8")
    otps: dict[str, set[str]] = {"": set(), "2": set()}
    for each in map(json.loads, text.splitlines()):
        if each["operation"] == "payment":
            found = json.loads(each["request"]["body"]).get("otp")
            otps[each["id"].partition("-")[2][:1]] |= {found} - {None}
    assert otps[""] & otps["2"], "the right OTP has one name in both parts"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--level", "quick"), "--level"),
        (("--seed", "7", "--only", "SIG"), "--seed, --only"),
        (("--base-url", "http://127.0.0.1:9"), "expected the target of the run"),
    ],
)
def test_another_run_is_a_sentence(
    check: Check, written: Written, simulator: str, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    plan = str(written(limits="max_requests = 5"))
    check("--base-url", simulator, "--profile", plan, "--only", "SIG")
    given = options if "--base-url" in options else ("--base-url", simulator, *options)
    ended = resumed(tmp_path / "run1", "--profile", plan, *given)
    assert ended.code == 2
    assert said in ended.said
    assert "Traceback" not in ended.said


@pytest.mark.parametrize("content", [None, b"", b"[]\n", b'{"level": "quick"}\n', b"\xff\xfe"])
def test_what_is_no_unfinished_run_is_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    if content is not None:
        (folder / JOURNAL).write_bytes(content)
    ended = resumed(folder)
    assert ended.code == 2
    assert JOURNAL in ended.err
    assert "Traceback" not in ended.said


# --- the run's time ----------------------------------------------------------------------------------


def test_no_time_at_all_is_incomplete_and_says_so(check: Check) -> None:
    ended = check("--level", "quick", "--timeout", "0.001")
    assert ended.code == 2, "nothing could be tried: not even a token was had"
    assert "--timeout" in ended.said
    assert "Traceback" not in ended.said


def test_time_that_is_up_ends_the_run_with_what_was_decided(check: Check, tmp_path: Path) -> None:
    ended = check("--level", "standard", "--timeout", "2")
    assert ended.code == 4, ended.said
    assert ended.run is not None
    assert ended.run["partial"]
    assert "the time that --timeout gives to the run is up" in " ".join(ended.run["notes"])
    assert (tmp_path / "run1" / JOURNAL).is_file()
    assert os.stat(tmp_path / "run1" / JOURNAL).st_mode & 0o077 == 0, "for nobody else's eyes"
