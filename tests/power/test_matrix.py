"""The committed matrix still holds: at quick level every persona is caught, or escapes, as openapi/power.json says.

Each persona is tried by the cases that exercise the rows it declares. One that these do not catch, as the table knows,
would be tried in full: that takes ten times as long, so that few are chosen. A sixteenth of the others in an ordinary
test run, always the same; all of them where KKI_POWER is "all", as in `tox -e power`. `python -m kki.power --write`
measures the whole matrix, and every level, anew, `--only-new` what is missing in it.
"""

from __future__ import annotations

import multiprocessing
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from kki import power
from kki.power import table as tables
from kki.power.__main__ import Journal, measure
from kki.simulator.personas import PERSONAS

pytestmark = pytest.mark.xdist_group("matrix")  # in one process: what its fixture measures is dear

PROCESSES = 2
EVERY = os.environ.get("KKI_POWER") == "all"
SHARE, SHARE_IN_FULL = (1, 1) if EVERY else (16, 64)
ANEW = "fill in the table: python -m kki.power --only-new"
TABLE: tables.Table = tables.read() if power.table_path().is_file() else {"personas": {}}


def _is_chosen(name: str) -> bool:
    narrowly = TABLE["personas"].get(name, {}).get("narrowly", True)
    return zlib.crc32(name.encode()) % (SHARE if narrowly else SHARE_IN_FULL) == 0


CHOSEN = [name for name in PERSONAS if _is_chosen(name)]


@pytest.fixture(scope="module")
def table() -> tables.Table:
    if not TABLE["personas"]:
        pytest.skip("the table is not there yet: python -m kki.power --write")
    return TABLE


@pytest.fixture(scope="module")
def rows(table: tables.Table) -> dict[str, dict[str, Any]]:
    """Every chosen persona's row, measured in processes of their own: a run starts pytest, and pytest does not nest."""
    # A pool that forks would copy our threads; ProcessPoolExecutor hangs under max_tasks_per_child on Python 3.11.
    with multiprocessing.get_context("spawn").Pool(PROCESSES, maxtasksperchild=power.TASKS_PER_PROCESS) as pool:
        return {row["name"]: row for row in pool.imap_unordered(power.confirmed, CHOSEN)}


@pytest.mark.parametrize("name", CHOSEN)
def test_a_persona_is_caught_as_the_table_says(name: str, table: tables.Table, rows: dict[str, Any]) -> None:
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


def test_the_table_knows_exactly_the_personas_there_are(table: tables.Table) -> None:
    declared = {name: row["declared"] for name, row in table["personas"].items()}
    assert declared == {name: sorted(persona.caught_by) for name, persona in PERSONAS.items()}, ANEW


def test_no_correct_server_was_accused(table: tables.Table) -> None:
    for level in power.LEVELS:
        assert table["figures"][level]["correct_runs"] >= power.SEEDS, f"{level}: too few runs; {ANEW}"
        assert table["figures"][level]["false_alarms"] == 0, level


@pytest.mark.parametrize(
    ("level", "standing", "share"),
    [("quick", "stated", 0.95), ("standard", "stated", 1.0), ("standard", "implied", 0.97)],
)
def test_the_promised_share_is_caught(table: tables.Table, level: str, standing: str, share: float) -> None:
    figures = table["figures"][level][standing]
    assert figures["personas"] > 0
    assert figures["caught"] / figures["personas"] >= share, figures


def test_the_chosen_part_is_no_small_one() -> None:
    assert len(CHOSEN) >= len(PERSONAS) // (SHARE + 8)


def test_what_is_new_is_filled_in_beside_the_rest(table: tables.Table) -> None:
    """Without measuring: a row as a trial gives it, for a persona that the table has lost and one that has changed."""
    first, second, *_ = PERSONAS
    personas = {name: dict(row) for name, row in table["personas"].items() if name != first}
    personas[second]["declared"] = ["KKI-SIG-110"] if personas[second]["declared"] != ["KKI-SIG-110"] else []
    old = {**table, "personas": {**personas, "gone": personas[second]}}
    assert tables.stale(old, power.LEVELS) == [first, second]

    row = {"name": first, "level": "quick", "caught": False, "by": [], "requests": 9, "narrowly": False}
    later = {**row, "level": "standard", "caught": True, "by": ["KKI-SIG-110"]}
    new = tables.amended({**old, "personas": {**old["personas"], second: table["personas"][second]}}, [row, later],
                         power.LEVELS)  # fmt: skip
    assert list(new["personas"]) == list(PERSONAS)
    assert new["personas"][first]["standard"]["by"] == ["KKI-SIG-110"]
    assert new["figures"]["quick"]["caught"] == table["figures"]["quick"]["caught"] - 1
    assert tables.differences(table, new, ["quick"]) == [
        f"{first} at quick: was caught by {table['personas'][first]['quick']['by']}, is now by []"
    ]


def test_a_measurement_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    job, row = ("persona", "accepts-any-otp", "quick", 1), {"name": "accepts-any-otp", "caught": True}
    Journal(tmp_path / "rows").keep(job, row)
    assert Journal(tmp_path / "rows").rows == {job: row}
    assert measure([job], 1, Journal(tmp_path / "rows"))["persona"] == [row]
