"""The vector files are in order: whatever they decide, they decide it legibly."""

from __future__ import annotations

import pytest

from .support import VECTORS, vector_file

NAMES = sorted(path.name for path in VECTORS.glob("*.json"))


def test_every_vector_file_is_here() -> None:
    expected = {"carddata.json", "responsecode.json", "signature.json", "timestamps.json", "token-signature.json"}
    assert expected <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_case_ids_are_unique(name: str) -> None:
    ids = [case["id"] for case in vector_file(name)["cases"]]
    assert len(ids) == len(set(ids)) > 0


@pytest.mark.parametrize("name", NAMES)
def test_every_case_says_where_it_comes_from_and_what_it_decides(name: str) -> None:
    for case in vector_file(name)["cases"]:
        assert case["origin"], case["id"]
        assert case["comment"], case["id"]
        assert case["result"] in {"valid", "invalid", "acceptable"}, case["id"]


@pytest.mark.parametrize("name", NAMES)
def test_flags_and_notes_are_the_same_words(name: str) -> None:
    document = vector_file(name)
    assert {flag for case in document["cases"] for flag in case["flags"]} == set(document["notes"])
