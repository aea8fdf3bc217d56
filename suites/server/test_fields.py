"""Body members: both sides of every bound that the contract states, in characters; absence, null, types, patterns."""

from __future__ import annotations

from functools import cache

import pytest

from kki.drafting.bounds import ABSENT, FieldCase, field_cases
from kki.drafting.drafts import Draft, a_payment
from kki.plugin import contract_under_trial

from .probes import probe

# The page's schemas tell variants 1 and 2, and 3 and 4, by nothing: their fields are tried once.
LEVELS = {  # (first of its kind, of a kind for later) → level
    (True, False): "quick", (False, False): "standard", (True, True): "standard", (False, True): "thorough",
}  # fmt: skip
VARIANTS = ("default", "cpan", "token")


@cache
def cases() -> dict[str, FieldCase]:
    found = {}
    contract = contract_under_trial()
    in_force = {(name, row.default) for name, row in contract.readings.items()}
    for name in ("payment", "bind", "unbind", "refund"):
        operation = contract.operations[name]
        for variant in operation.variants:
            if variant.name in VARIANTS:
                found |= {case.id: case for case in field_cases(operation, variant, in_force)}
    return found


def parameters():
    quick = {(case.operation, case.field, case.kind): case.id for case in sorted(cases().values(), key=at_home)}
    for case in cases().values():
        first = quick[case.operation, case.field, case.kind] == case.id and case.kind != "boolean"
        yield probe(
            case.id,
            id=case.id,
            operation=case.operation,
            exercises=case.tries,
            level=LEVELS[first, case.later],
        )


def at_home(case: FieldCase) -> bool:
    """Whether the shape needs the member: a payment by CPAN may do without a bankCardToken, and with an odd one."""
    variants = contract_under_trial().operations[case.operation].variants
    return any(fact.required for each in variants if each.name == case.variant for fact in each.fields
               if fact.name == case.field)  # fmt: skip


def base(server, case: FieldCase) -> Draft:
    if case.operation == "payment" and case.variant == "token":
        return a_payment(server.kit(card_token=server.bound_token()), "token")
    return server.a(case.operation, to_succeed=case.good)


@pytest.mark.parametrize("name", list(parameters()))
def test_a_member_is_held_to_its_facts(server, name):
    case = cases()[name]
    draft = base(server, case)
    server.send(
        draft.lacking(case.field)
        if case.value is ABSENT
        else draft.having(**{case.field: case.fresh(server.kit().reference)})
    )


@pytest.mark.level("quick")
@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-PAY-114")
def test_a_payment_that_names_nothing_to_charge_is_refused(server):
    server.send(server.a("payment").lacking("chargeToken", "otp"))
