"""The same broken servers before two testers: `python bench/side_by_side.py [--all] [--examples N]`.

Schemathesis' command line, given the same document and a signer that works (signing_hooks.py), and our own suite at
quick level. Both try each persona; a persona counts as killed by Schemathesis when a check fails that does not fail on
the correct simulator, and by us when a row breaks that it declares. A twelfth of the personas unless --all.
"""

# ruff: noqa: T201  — a script for a terminal

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

from kki import power
from kki.edges import contract as contracts
from kki.edges import settings
from kki.edges.listener import serve_simulator
from kki.simulator.behaviour import Behaviour
from kki.simulator.correct import CORRECT
from kki.simulator.personas import PERSONAS

HERE = Path(__file__).resolve().parent
SHARE = 12
Failures = frozenset[tuple[str, str]]  # operation, title of the check


def schemathesis(behaviour: Behaviour, examples: int, seed: int) -> Failures:
    """What fails on a server of this behaviour."""
    contract = contracts.load()
    profile = settings.built_in_profile(contract)
    held = profile.credentials
    credentials = {
        "client_id": held.client_id, "client_secret": held.client_secret, "private_key": held.private_key,
        "auth_code": profile.test_data.auth_code,
    }  # fmt: skip
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "signing_hooks", "PYTHONPATH": str(HERE),
                   "KKI_BENCH_CREDENTIALS": json.dumps(credentials)}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, serve_simulator(profile, contract, behaviour) as url:
        report = Path(folder) / "events.ndjson"
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "run", str(contracts.data_root() / "kki.openapi.yaml"),
            "--url", url, "--phases", "examples,coverage,fuzzing", "--max-examples", str(examples), "--seed", str(seed),
            "--continue-on-failure", "--no-shrink", "--request-timeout", "5", "--no-color",
            "--suppress-health-check", "all", "--generation-database", "none", "--report-ndjson-path", str(report),
        ]  # fmt: skip
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if not report.is_file():
            raise SystemExit(f"schemathesis made no report:\n{done.stdout}\n{done.stderr}")
        events = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    return frozenset(found for event in events for found in failures_in(event, ""))


def failures_in(node: Any, label: str) -> list[tuple[str, str]]:
    """(operation, check) of every failed check anywhere in an event."""
    if isinstance(node, list):
        return [found for each in node for found in failures_in(each, label)]
    if not isinstance(node, dict):
        return []
    label = str(node.get("label", label))
    mine = [(label, str(node["name"]))] if node.get("status") == "failure" and "name" in node else []
    return mine + [found for each in node.values() for found in failures_in(each, label)]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--all", action="store_true", help="every persona; hours")
    parser.add_argument("--only", action="append", metavar="PERSONA")
    parser.add_argument("--examples", type=int, default=5, help="of Schemathesis, for each operation and phase")
    given = parser.parse_args()
    names = given.only or [name for name in PERSONAS if given.all or zlib.crc32(name.encode()) % SHARE == 0]
    usual = schemathesis(CORRECT, given.examples, 1)
    print(f"on the correct simulator {len(usual)} checks of Schemathesis fail; these do not count")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=power.TASKS_PER_PROCESS) as pool:
        ours = {row["name"]: bool(row["caught"]) for row in pool.imap(power.confirmed, names)}
    print("| persona | standing | Schemathesis | kki check, quick |")
    print("| --- | --- | --- | --- |")
    theirs: dict[str, bool] = {}
    for name in names:
        found = schemathesis(PERSONAS[name].change(CORRECT), given.examples, 1) - usual
        theirs[name] = bool(found)
        said = ", ".join(sorted({check for _, check in found})) or "—"
        print(f"| {name} | {PERSONAS[name].standing} | {said} | {'caught' if ours[name] else '—'} |", flush=True)
    for tester, caught in (("Schemathesis", theirs), ("kki check, quick", ours)):
        print(f"{tester}: {sum(caught.values())} of {len(caught)} killed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
