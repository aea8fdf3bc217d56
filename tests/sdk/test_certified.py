"""The published SDKs as merchants of `kki certify`: what they are found to do, and what is said about it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .support import node_command, python_command

NODE = {"KKI-CRD-010", "KKI-PAY-016", "KKI-HDR-012", "KKI-TOK-022"}
PYTHON = {"KKI-CRD-010", "KKI-PAY-016", "KKI-HDR-014", "KKI-RFD-018", "KKI-TOK-060"}
BY_CHANCE = {"KKI-HDR-040"}  # the Node SDK's X-EXTERNAL-ID is the time in milliseconds


@pytest.mark.parametrize(
    ("command", "broken"), [(node_command, NODE), (python_command, PYTHON)], ids=["node", "python"]
)
def test_its_traits_are_in_the_verdict_by_name(
    command: Callable[[], list[str]], broken: set[str], tmp_path: Path
) -> None:
    driver = shlex.join(command())
    done = subprocess.run(
        [
            sys.executable, "-m", "kki", "certify", "--listen", "127.0.0.1:0", "--output", str(tmp_path / "run"),
            "--command", driver,
        ],
        env={**os.environ, "TZ": "UTC"}, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    run = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    rows: list[dict[str, Any]] = [row for row in run["requirements"] if row["party"] == "client"]
    assert {row["id"] for row in rows if row["outcome"] == "broken"} - BY_CHANCE == broken
    (card,) = (row for row in rows if row["id"] == "KKI-CRD-010")
    assert "client secret instead of the shared key" in card["findings"][0]["diagnosis"]
    held = {row["id"] for row in rows if row["outcome"] == "holds"}
    assert held >= {"KKI-SIG-010", "KKI-SIG-020", "KKI-SIG-030", "KKI-TOK-016", "KKI-CRD-016"}  # what it does right
