"""How many exchanges a second are judged, and whether that stays so: `python bench/rules.py [N]`.

Real exchanges of a run at quick level, repeated until there are n, 2n and 4n, each series judged by a fresh judge.
Linear growth: the time of an exchange stays the same. Nothing is sent while the clock runs.
"""

# ruff: noqa: T201  — a script for a terminal

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from time import process_time

from kki.edges import contract as contracts
from kki.edges import settings, store
from kki.judge import Judge
from kki.model.exchange import Exchange
from kki.rules.knowledge import Knowledge


def recorded() -> list[Exchange]:
    """What one quick run sent and got, as it was written: redacted, as recordings are that one gets from others."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "run"
        command = [sys.executable, "-m", "kki", "check", "--level", "quick", "--seed", "1", "--output", str(output)]
        subprocess.run(command, capture_output=True, check=False)
        return [record.exchange for record in store.evidence(output)]


def judged(exchanges: list[Exchange], count: int) -> tuple[float, int]:
    """(CPU seconds, which a busy machine does not stretch; verdicts) of so many exchanges, each under its own id."""
    contract = contracts.load()
    judge = Judge(Knowledge.of(settings.built_in_profile(contract), contract))
    series = [replace(each, id=f"x{n}") for n, each in enumerate(itertools.islice(itertools.cycle(exchanges), count))]
    began = process_time()
    verdicts = sum(len(judge.judge(each)) for each in series) + len(judge.finish())
    return process_time() - began, verdicts


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    exchanges = recorded()
    judged(exchanges, 50)  # what is compiled once is compiled now
    first = 0.0
    print("| exchanges | verdicts | CPU seconds | exchanges a second | ms an exchange | of the first |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for many in (count, 2 * count, 4 * count):
        seconds, verdicts = judged(exchanges, many)
        each = seconds / many * 1000
        first = first or each
        print(f"| {many} | {verdicts} | {seconds:.2f} | {many / seconds:.0f} | {each:.3f} | {each / first:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
