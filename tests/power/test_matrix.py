"""The committed matrix still holds: at quick level every persona is caught, or escapes, as openapi/power.json says.

Each persona is tried by the cases that exercise the rows it declares; only one that these do not catch is tried in
full. A third of the personas in an ordinary test run, always the same; all of them where KKI_POWER is "all", as in
`tox -e power`. `python -m kki.power --write` measures the whole matrix, and every level, anew.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import zlib
from typing import Any

import pytest

from kki import power
from kki.simulator.personas import PERSONAS

PROCESSES = 2
SHARE = 1 if os.environ.get("KKI_POWER") == "all" else 3
CHOSEN = [name for name in PERSONAS if zlib.crc32(name.encode()) % SHARE == 0]
ANEW = "write the table anew: python -m kki.power --write"


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    path = power.table_path()
    if not path.is_file():
        pytest.skip(f"{path.name} is not there yet; {ANEW}")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def rows(table: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every chosen persona's row, measured in processes of their own: a run starts pytest, and pytest does not nest."""
    # A pool that forks would copy our threads; ProcessPoolExecutor hangs under max_tasks_per_child on Python 3.11.
    with multiprocessing.get_context("spawn").Pool(PROCESSES, maxtasksperchild=power.TASKS_PER_PROCESS) as pool:
        return {row["name"]: row for row in pool.imap_unordered(power.confirmed, CHOSEN)}


@pytest.mark.parametrize("name", CHOSEN)
def test_a_persona_is_caught_as_the_table_says(name: str, table: dict[str, Any], rows: dict[str, Any]) -> None:
    assert name in table["personas"], f"{name} is new: {ANEW}"
    then, now = table["personas"][name]["quick"], rows[name]
    assert now["caught"] == then["caught"], (
        f"was caught: {then['caught']}, by {then['by']}; now broken: {now['broken']}"
    )
    if then["by"]:
        assert set(now["by"]) & set(then["by"]), f"was caught by {then['by']}, is now by {now['by']}"


def test_the_harness_does_not_fail_over_a_persona(rows: dict[str, Any]) -> None:
    failed = {name: (row["faulty"], row["faults"]) for name, row in rows.items() if row["faulty"] or row["faults"]}
    assert failed == {}


def test_the_table_knows_exactly_the_personas_there_are(table: dict[str, Any]) -> None:
    declared = {name: row["declared"] for name, row in table["personas"].items()}
    assert declared == {name: sorted(persona.caught_by) for name, persona in PERSONAS.items()}, ANEW


def test_no_correct_server_was_accused(table: dict[str, Any]) -> None:
    for level in power.LEVELS:
        assert table["figures"][level]["correct_runs"] >= power.SEEDS, f"{level}: too few runs; {ANEW}"
        assert table["figures"][level]["false_alarms"] == 0, level


@pytest.mark.parametrize(
    ("level", "standing", "share"),
    [("quick", "stated", 0.95), ("standard", "stated", 1.0), ("standard", "implied", 0.97)],
)
def test_the_promised_share_is_caught(table: dict[str, Any], level: str, standing: str, share: float) -> None:
    figures = table["figures"][level][standing]
    assert figures["personas"] > 0
    assert figures["caught"] / figures["personas"] >= share, figures


def test_the_chosen_third_is_a_third() -> None:
    assert len(CHOSEN) >= len(PERSONAS) // (SHARE + 1)
