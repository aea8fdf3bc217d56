"""Mutation × rule: a request spoiled in one way breaks exactly the client rows that the mutation names.

Judged on the exchange with the correct simulator, on which no server row may break, whatever it is sent.
"""

from __future__ import annotations

import pytest
from tests.where import misplaced

from kki.drafting.mutations import ALL, EVERY, Mutation
from kki.model.requirement import Party
from kki.model.verdict import Faulty

from .stage import CONTRACT, Stage, broken, held

CASES = [pytest.param(each, op, id=f"{op}: {each.name}") for each in ALL for op in each.operations]
# Rows that such a request may break besides, by accident of its content.
BESIDES = {
    ("body value changed after signing", "unbind"): {"KKI-STA-020"},  # the changed value is the card's token
    # Of the last letter before the padding four bits count not: in lower case they may be other than zero.
    **{("signature in lower case", op): {"KKI-SIG-020"} for op in EVERY},
}


@pytest.mark.parametrize(("mutation", "operation"), CASES)
def test_a_mutation_breaks_and_tries_what_it_names(mutation: Mutation, operation: str) -> None:
    stage = Stage()
    _, verdicts = stage.send(mutation(stage.a(operation)))

    client = broken(verdicts, Party.CLIENT) - BESIDES.get((mutation.name, operation), set())
    assert client == mutation.breaks
    assert mutation.tries <= held(verdicts, Party.SERVER)
    assert not broken(stage.verdicts, Party.SERVER), "the correct simulator"
    assert not [each for each in stage.verdicts if isinstance(each.judgement, Faulty)]
    assert not misplaced(verdicts)


def test_mutations_name_rows_of_the_ledger() -> None:
    rows = CONTRACT.requirements
    for each in ALL:
        assert each.breaks | each.tries <= set(rows), each.name
        assert {rows[name].party for name in each.breaks} <= {Party.CLIENT}, each.name
        assert {rows[name].party for name in each.tries} <= {Party.SERVER}, each.name


@pytest.mark.parametrize("operation", EVERY)
def test_a_correct_request_breaks_nothing(operation: str) -> None:
    stage = Stage()
    exchange, verdicts = stage.send(stage.a(operation))
    assert exchange.response is not None
    assert exchange.response.status == 200
    assert not broken(stage.verdicts)
    assert len(held(verdicts, Party.CLIENT)) >= 8
    assert len(held(verdicts, Party.SERVER)) >= 8
