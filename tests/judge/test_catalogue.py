"""Every row of the ledger has exactly one judge, or the catalogue does not open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kki.catalogue import CatalogueError, catalogue
from kki.edges.contract import load
from kki.model.requirement import Party

CONTRACT = load()
SIGNATURE = CONTRACT.requirements["KKI-SIG-010"]


def with_rows(**changed: object) -> object:
    rows = dict(CONTRACT.requirements)
    for name, row in changed.items():
        key = name.replace("_", "-")
        rows.pop(key, None)
        if row is not None:
            rows[key] = row  # type: ignore[assignment]
    return replace(CONTRACT, requirements=rows)


def refusal(contract: object) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        catalogue(contract)  # type: ignore[arg-type]
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    return caught.value.problems


def test_the_ledger_as_it_is_has_one_judge_a_row() -> None:
    entries = list(catalogue(CONTRACT))
    assert [entry.requirement.id for entry in entries if entry.requirement] == list(CONTRACT.requirements)
    assert {entry.kind for entry in entries} == {"rule", "schema", "untestable"}
    assert all(entry.how for entry in entries)


def test_a_row_that_nothing_judges_is_refused() -> None:
    problems = refusal(with_rows(KKI_SIG_999=replace(SIGNATURE, id="KKI-SIG-999")))
    assert len(problems) == 1
    assert "KKI-SIG-999" in problems[0]
    assert "nothing judges it" in problems[0]


def test_a_row_that_is_judged_twice_is_refused() -> None:
    problems = refusal(with_rows(KKI_SIG_010=replace(SIGNATURE, untestable="nobody can see it")))
    assert len(problems) == 1
    said = "KKI-SIG-010: expected one judge but got 2: rule signing.signature_matches; untestable"
    assert problems[0].startswith(said)


def test_a_judge_of_a_row_that_is_not_there_is_refused() -> None:
    problems = refusal(with_rows(KKI_SIG_010=None))
    assert problems == ["KKI-SIG-010: judged by rule signing.signature_matches, but the ledger has no such row."]


def test_all_problems_are_told_at_once() -> None:
    problems = refusal(with_rows(KKI_SIG_010=None, KKI_SIG_999=replace(SIGNATURE, id="KKI-SIG-999")))
    assert len(problems) == 2


def test_what_is_untestable_says_why() -> None:
    for entry in catalogue(CONTRACT):
        assert entry.requirement is not None
        assert (entry.kind == "untestable") == (entry.requirement.untestable is not None)
        if entry.requirement.untestable:
            assert entry.requirement.untestable in entry.how


def test_server_rows_stand_beside_the_client_rows_whose_faults_they_refuse() -> None:
    judged = catalogue(CONTRACT)
    assert judged.how_judged("KKI-SIG-010") == judged.how_judged("KKI-SIG-110") == "rule signing.signature_matches"
    assert CONTRACT.requirements["KKI-SIG-110"].party is Party.SERVER
