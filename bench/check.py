"""How long `kki check` takes at each level, against the embedded simulator: `python bench/check.py [--thorough]`.

The baseline: as many plain requests, unsigned and unjudged, over one kept connection of `requests`, to the same
simulator in the same minute. The ratio says what signing, judging, writing and reports cost on top of the wire.
"""

# ruff: noqa: T201  — a script for a terminal

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import requests

from kki.edges import contract as contracts
from kki.edges import settings
from kki.edges.listener import serve_simulator

PAYMENT = "/direct-debit/core/v1/debit/payment-host-to-host"


def checked(level: str, seed: int) -> tuple[float, int, int]:
    """(seconds, requests, exit code) of the whole command, as somebody at a terminal has it."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "run"
        command = [sys.executable, "-m", "kki", "check", "--level", level, "--seed", str(seed), "--output", str(output)]
        began = perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = perf_counter() - began
        run = json.loads((output / "run.json").read_text(encoding="utf-8"))
    return seconds, int(run["exchange_count"]), done.returncode


def plain(count: int) -> float:
    """Seconds for so many unsigned requests, which are refused."""
    contract = contracts.load()
    profile = settings.built_in_profile(contract)
    with serve_simulator(profile, contract) as url, requests.Session() as session:
        began = perf_counter()
        for number in range(count):
            reply = session.post(url + PAYMENT, json={"partnerReferenceNo": str(number)}, timeout=10)
            if not 400 <= reply.status_code < 500:
                raise SystemExit(f"expected a refusal but got {reply.status_code}")
        return perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--thorough", action="store_true", help="the thorough level as well, which takes minutes")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print("| level | exit | requests | seconds | plain requests, seconds | ratio |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for level in ("quick", "standard", *(("thorough",) if given.thorough else ())):
        for _ in range(given.rounds):
            seconds, count, code = checked(level, given.seed)
            baseline = plain(count)
            print(f"| {level} | {code} | {count} | {seconds:.1f} | {baseline:.1f} | {seconds / baseline:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
