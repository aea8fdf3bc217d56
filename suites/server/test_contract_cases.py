"""The coverage cases that schemathesis compiled from the contract: reviewed, committed, one item each."""

from __future__ import annotations

from functools import cache

import pytest

from kki.drafting.compiled import as_draft
from kki.drafting.coverage import CoverageCase
from kki.drafting.drafts import a_payment
from kki.edges.settings import contract_root
from kki.fuzz import cases_for

from .probes import probe


@cache
def cases() -> dict[str, CoverageCase]:
    return {case.id: case for case in cases_for(contract_root())}


def tried_elsewhere(case: CoverageCase) -> bool:
    """Bodies by test_fields, headers that are missing by the mutations: the very same request."""
    return case.location == "body" or case.id.endswith(".missing-parameter")


def parameters():
    for case in cases().values():
        level = "thorough" if tried_elsewhere(case) else "standard"
        yield probe(case.id, id=case.id, operation=case.operation, level=level)


@pytest.mark.parametrize("name", list(parameters()))
def test_a_compiled_case_is_answered_as_the_contract_says(server, name):
    case = cases()[name]
    if case.variant.startswith("token"):
        base = a_payment(server.kit(card_token=server.bound_token()), case.variant)
    else:
        base = server.sparing(server.a(case.operation, to_succeed=case.mode == "positive"))
    server.send(as_draft(case, base, server.kit().reference))
