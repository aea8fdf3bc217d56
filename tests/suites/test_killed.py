"""Killed at any moment, a run leaves evidence that can be read, and claims nothing more than that."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from kki.edges.store import EXCHANGES, read_exchanges

KILLS, SEED, LONGEST_S = 20, 20261124, 60.0
WHOLE = 30  # exchanges of such a run, not all: kills are spread over them


def killed_after(lines: int, folder: Path) -> int:
    """Starts a run, kills its whole group once so many exchanges are on disk; how many were, a moment later."""
    command = [sys.executable, "-m", "kki", "check", "--level", "quick", "--only", "SIG", "--output", str(folder)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=folder.parent
    )
    try:
        end = time.monotonic() + LONGEST_S
        while process.poll() is None and time.monotonic() < end and count(folder) < lines:
            time.sleep(0.005)  # between two looks at the file
        os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None
    finally:
        process.wait(LONGEST_S)
    return count(folder)


def count(folder: Path) -> int:
    path = folder / EXCHANGES
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_twenty_kills_leave_what_can_be_read(tmp_path: Path) -> None:
    moments = [random.Random(SEED + n).randrange(1, WHOLE) for n in range(KILLS)]  # no secret
    partial = 0
    for number, lines in enumerate(moments):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        whole = killed_after(lines, folder)
        where = f"kill {number} after {lines} exchanges (seed {SEED})"
        assert len(list(read_exchanges(folder / EXCHANGES))) == whole, where
        if not (folder / "run.json").exists():
            partial += 1
            reported(folder, where)
    assert partial >= KILLS // 2, f"only {partial} of {KILLS} kills came before the end: WHOLE is too big"


def reported(folder: Path, where: str) -> None:
    """`kki report` shows it as partial; nobody says that it conforms."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from kki.cli.main import main; sys.exit(main(sys.argv[1:]))",
         "report", str(folder)],
        capture_output=True, text=True, timeout=LONGEST_S, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr, where
    page = (folder / "report.html").read_text("utf-8")
    assert "interrupted" in page.lower() or "partial" in page.lower(), where
    run = folder / "run.json"
    assert not run.exists() or json.loads(run.read_text("utf-8"))["overall"] != "conforms", where
