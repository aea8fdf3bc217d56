"""Personas against rules, without a network: a server that is wrong in one way breaks a row that it declares.

Only personas that show on a single spoiled request; the whole suite's power against all of them is measured apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest

from kki.drafting.bounds import NEAR
from kki.drafting.drafts import Draft, a_b2b2c_token_request, a_binding, a_payment
from kki.drafting.mutations import ALL, Mutation
from kki.model.profile import Credentials
from kki.model.requirement import Party
from kki.simulator import personas_kinds
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


# The other kinds of an operation's requests, which some personas treat otherwise than the first.
KINDS: dict[str, tuple[Callable[[Stage], Draft], ...]] = {
    "payment": (
        lambda stage: a_payment(stage.session.kit(), "token"),
        lambda stage: a_payment(stage.session.kit(), "cpan-tokenise"),
        lambda stage: a_payment(stage.session.kit(), "token-recurring"),
    ),
    "bind": (
        lambda stage: a_binding(stage.session.kit(), "H2H"),
        lambda stage: a_binding(stage.session.kit(), None),
    ),
    "unbind": (lambda stage: stage.a("unbind").with_header("CHANNEL-ID", "H2H"),),
    "refund": (lambda stage: stage.a("refund").having(originalExternalId="123456"),),
}


def as_a_form(draft: Draft) -> Draft:
    return draft.with_body(urlencode(draft.json).encode())


def nearly_a_customers(stage: Stage, change: str) -> Draft:
    customer = NEAR[change](stage.session.tokens.customer)
    return stage.a("payment").with_header("Authorization-customer", f"Bearer {customer}")


def other(stage: Stage) -> Credentials:
    assert stage.plan.other_partner is not None
    return stage.plan.other_partner


# What no mutation does: members of the body, and payments of other kinds.
MORE: dict[str, Callable[[Stage], Draft]] = {
    "refuses-tokenising-payments": lambda stage: a_payment(stage.session.kit(), "cpan-tokenise"),
    "refuses-recurring-payments": lambda stage: a_payment(stage.session.kit(), "token-recurring"),
    "refuses-missing-member-as-bad-request": lambda stage: stage.a("payment").lacking("otp"),
    "refuses-bad-member-as-bad-request": lambda stage: stage.a("payment").having(partnerReferenceNo="R" * 300),
    "refuses-bad-member-as-missing": lambda stage: stage.a("bind").having(partnerReferenceNo="R" * 300),
    "ignores-end-of-customer-token": lambda stage: nearly_a_customers(stage, "shortened"),
    "ignores-beginning-of-customer-token": lambda stage: nearly_a_customers(stage, "with another beginning"),
    "ignores-case-of-customer-token": lambda stage: nearly_a_customers(stage, "in other case"),
    "accepts-refresh-token-as-auth-code": lambda stage: a_b2b2c_token_request(
        stage.session.bare_kit(), auth_code=stage.session.tokens.refresh
    ),
    "accepts-another-partners-secret": lambda stage: stage.a("payment").planned(secret=other(stage).client_secret),
    "accepts-another-partners-key": lambda stage: stage.a("b2b").planned(private_key=other(stage).private_key),
    "accepts-refresh-token-as-customer-token": lambda stage: stage.a("payment").with_header(
        "Authorization-customer", f"Bearer {stage.session.tokens.refresh}"
    ),
    "accepts-forms": lambda stage: as_a_form(stage.a("payment")),
}


def drafts_for(persona: Persona) -> Iterator[Callable[[Stage], Draft]]:
    if persona.name in MORE:
        yield MORE[persona.name]
    for mutation, operation in tries_of(persona):
        for kind in KINDS.get(operation, ()) if persona in personas_kinds.ALL else ():
            yield lambda stage, m=mutation, make=kind: m(make(stage))  # type: ignore[misc]  # defaults bind
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
