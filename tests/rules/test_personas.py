"""Personas against rules, without a network: a server that is wrong in one way breaks a row that it declares.

Only personas that show on a single spoiled request; the whole suite's power against all of them is measured apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest

from kki.drafting.drafts import Draft, a_payment
from kki.drafting.mutations import ALL, Mutation
from kki.model.requirement import Party
from kki.simulator.correct import CORRECT
from kki.simulator.persona import Persona
from kki.simulator.personas import PERSONAS

from .stage import CONTRACT, Stage, broken

TRIED = frozenset().union(*(each.tries for each in ALL))
SAMPLE = [each for each in PERSONAS.values() if each.caught_by & TRIED]


def tries_of(persona: Persona) -> list[tuple[Mutation, str]]:
    """One operation after the other for each mutation, so that what is wrong on one alone is met as well."""
    fitting = [each for each in ALL if each.tries & persona.caught_by]
    return [(each, op) for each in fitting for op in each.operations]


def as_a_form(draft: Draft) -> Draft:
    return draft.with_body(urlencode(draft.json).encode())


# What no mutation does: members of the body, and payments of other kinds.
MORE: dict[str, Callable[[Stage], Draft]] = {
    "refuses-tokenising-payments": lambda stage: a_payment(stage.session.kit(), "cpan-tokenise"),
    "refuses-recurring-payments": lambda stage: a_payment(stage.session.kit(), "token-recurring"),
    "refuses-missing-member-as-bad-request": lambda stage: stage.a("payment").lacking("otp"),
    "refuses-bad-member-as-bad-request": lambda stage: stage.a("payment").having(partnerReferenceNo="R" * 300),
    "refuses-bad-member-as-missing": lambda stage: stage.a("bind").having(partnerReferenceNo="R" * 300),
    "accepts-forms": lambda stage: as_a_form(stage.a("payment")),
}


def drafts_for(persona: Persona) -> Iterator[Callable[[Stage], Draft]]:
    if persona.name in MORE:
        yield MORE[persona.name]
    for mutation, operation in tries_of(persona):
        yield lambda stage, m=mutation, op=operation: m(stage.a(op))  # type: ignore[misc]  # defaults bind


def caught(persona: Persona) -> set[str]:
    found: set[str] = set()
    for make in drafts_for(persona):
        stage = Stage(persona.change(CORRECT), **persona.readings)
        found |= broken(list(stage.send(make(stage))[1]), Party.SERVER)
        if found & persona.caught_by:
            break
    return found


@pytest.mark.parametrize("persona", SAMPLE, ids=[each.name for each in SAMPLE])
def test_a_persona_is_caught_by_what_it_declares(persona: Persona) -> None:
    assert caught(persona) & persona.caught_by


def test_the_sample_is_a_sample_worth_the_name() -> None:
    assert len(SAMPLE) >= 90
    assert {row for each in SAMPLE for row in each.caught_by} <= set(CONTRACT.requirements)


def test_each_row_that_a_mutation_tries_catches_a_persona() -> None:
    declared = {row for each in PERSONAS.values() for row in each.caught_by}
    assert TRIED - declared == set()
