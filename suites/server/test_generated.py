"""Bodies that Schemathesis makes by chance, and pairs of spoilings: what no list of cases has, while time allows."""

from __future__ import annotations

import random

import pytest

from kki.drafting.compiled import grafted
from kki.drafting.drafts import a_payment
from kki.drafting.mutations import HEADERS, ROBUSTNESS, SIGNATURE, TOKEN, TOKEN_ENDPOINTS, Stage
from kki.edges.settings import contract_root
from kki.fuzz import generated_bodies

from .probes import probe

ROUNDS = 4
BODIES = 10  # a round
PAIRS = 12  # a round
SHAPES = (
    ("payment", "cpan"), ("payment", "token"), ("bind", "default"), ("unbind", "default"), ("refund", "default"),
    ("b2b", "default"), ("b2b2c", "default"),
)  # fmt: skip
SPOILINGS = (*SIGNATURE, *TOKEN, *HEADERS, *TOKEN_ENDPOINTS, *ROBUSTNESS)
SMALL = 100_000  # octets of a body: what is larger takes its time, and is tried alone


def rounds(shapes=SHAPES, ways=("",)):
    for operation, variant in shapes:
        for way in ways:
            for number in range(1, ROUNDS + 1):
                values = (operation, variant, way, number) if way else (operation, variant, number)
                yield probe(*values, id=" ".join(map(str, values)), operation=operation, level="thorough")


def base(server, operation: str, variant: str, *, to_succeed: bool):
    if variant == "token":
        return a_payment(server.kit(card_token=server.bound_token()), "token")
    return server.a(operation, to_succeed=to_succeed and operation != "unbind")


@pytest.mark.parametrize(("operation", "variant", "way", "number"), list(rounds(ways=("valid", "spoiled"))))
def test_a_body_made_by_chance_is_answered_as_the_contract_says(server, operation, variant, way, number):
    seed = server.session.seed * 1000 + number
    made = generated_bodies(contract_root(), operation, variant, valid=way == "valid", count=BODIES, seed=seed)
    for each in made:
        draft = base(server, operation, variant, to_succeed=way == "valid")
        server.send(grafted(draft, each.body, each.spoiled))


@pytest.mark.parametrize(
    ("operation", "variant", "number"), list(rounds([each for each in SHAPES if each[1] != "token"]))
)
def test_a_request_spoiled_twice_is_refused_in_an_orderly_way(server, operation, variant, number):
    """A fault must not hide another: whichever the server names first, it refuses."""
    chance = random.Random(f"{server.session.seed} {operation} {number}")
    fitting = [each for each in SPOILINGS if operation in each.operations and each.breaks]
    stages = list(Stage)
    for _ in range(PAIRS):
        first, second = sorted(chance.sample(fitting, 2), key=lambda each: stages.index(each.stage))
        draft = base(server, operation, variant, to_succeed=False)
        try:
            whole = len(second(first(draft)).request.body) < SMALL
        except ValueError:  # the second one needs the body that the first one took away
            continue
        if whole:
            server.send(draft, first.name, second.name)
