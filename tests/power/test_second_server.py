"""The suite accuses no correct server: not one that shares no code with the simulator either."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kki.edges import contract as contracts
from kki.model.requirement import Level

pytestmark = pytest.mark.xdist_group("second")  # in one process: what its fixture measures is dear

ROOT = Path(__file__).parents[2]
SEED = 7


@pytest.fixture(scope="module")
def row() -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.power.second_run", "quick", str(SEED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_it_violates_nothing(row: dict[str, Any]) -> None:
    assert row["refused to start"] == []
    assert row["violations"] == []
    assert row["overall"] == "conforms"
    assert row["requests"] > 200, "nearly nothing was tried"


def test_nothing_at_all_is_held_against_it(row: dict[str, Any]) -> None:
    assert row["broken"] == []


def test_the_harness_does_not_fail_over_it(row: dict[str, Any]) -> None:
    assert row["faulty"] == []
    assert row["faults"] == []


def test_nothing_stays_undecided_but_what_may(row: dict[str, Any]) -> None:
    rows = contracts.load().requirements
    assert [name for name in row["undecided"] if rows[name].level is not Level.MAY] == []


@pytest.mark.parametrize("name", ["second_server.py", "plain_http.py"])
def test_the_server_shares_no_code_with_the_harness(name: str) -> None:
    """Otherwise a misreading could hide in both."""
    tree = ast.parse((ROOT / "tests" / "power" / name).read_text(encoding="utf-8"))
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert modules, "no imports were found"
    assert not [module for module in modules if module.split(".")[0] == "kki"]
