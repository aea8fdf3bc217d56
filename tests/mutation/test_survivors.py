"""The list of survivors is one that can be trusted: every row has its reason, and its line still stands in the code."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROWS = tomllib.loads(Path(__file__).with_name("survivors.toml").read_text(encoding="utf-8"))["survivor"]
PACKAGE = Path(__file__).parents[2] / "harness"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['function']}: {row['is']}")
def test_a_survivor_is_explained_and_its_code_still_there(row: dict[str, str]) -> None:
    assert set(row) == {"function", "was", "is", "why"}
    assert len(row["why"].split()) > 1
    module = PACKAGE / Path(*row["function"].rpartition(".x")[0].split(".")).with_suffix(".py")
    if not module.is_file():
        pytest.skip("the sources are not beside the tests")
    assert row["was"] in " ".join(module.read_text(encoding="utf-8").split())


def test_no_survivor_is_listed_twice() -> None:
    changes = [(row["function"], row["was"], row["is"]) for row in ROWS]
    assert len(changes) == len(set(changes))
