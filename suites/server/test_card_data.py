"""cardData: what does not open, or opens to the wrong thing, is refused, and always alike."""

from __future__ import annotations

import pytest

from kki.drafting import spoiled_cards
from kki.drafting.drafts import a_binding

from .probes import Spread, probe

REPEATS = 8
TURN = Spread()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        probe(TURN("bind"), each.name, id=each.name, operation="bind", exercises=each.tries, level="quick")
        for each in spoiled_cards.ALL
    ],
)
def test_spoiled_card_data_are_refused(server, kind, name):
    binding = server.a(kind)
    server.send(binding.having(cardData=spoiled_cards.named(name)(server.kit())))


@pytest.mark.level("quick")
@pytest.mark.operation("bind")
@pytest.mark.exercises("KKI-CRD-116")
def test_all_failures_of_card_data_look_alike(server):
    server.need("card")
    for each in spoiled_cards.ORACLE:
        kit = server.kit()
        server.send(a_binding(kit).having(cardData=each(kit)))


@pytest.mark.level("standard")
@pytest.mark.operation("bind")
def test_failures_of_card_data_take_as_long(server):
    """Enough of each kind, by turns, for a comparison of times that means something."""
    server.need("card")
    for name in ("wrong padding", "opens to text") * REPEATS:
        kit = server.kit()
        server.send(a_binding(kit).having(cardData=spoiled_cards.named(name)(kit)))
