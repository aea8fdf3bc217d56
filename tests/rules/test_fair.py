"""Correct servers that take less than all that is correct: of none of them is a violation said.

Each is tried by the parts of the suite that meet what is special about it.
"""

from __future__ import annotations

import pytest

from kki.drafting import spoiled_cards
from kki.drafting.drafts import a_binding
from kki.simulator.correct import CORRECT
from kki.simulator.variants import VARIANTS
from kki.simulator.variants_manners import ALL as MANNERS
from kki.simulator.variants_narrow import ALL as NARROW

from .stage import Stage
from .whole import tried, violations

# The parts of the suite, in the order in which they are tried; nothing named: one by one, what is quick.
PARTS: dict[str, tuple[str, ...]] = {
    "last-token-alone": ("tokens", "operations"),
    "auth-codes-spent": ("tokens", "operations"),
    "otp-good-once": ("operations", "state"),
    "otp-lock": ("state", "operations"),
    "payments-a-day": ("operations", "state"),
    "no-refunds-today": ("operations", "state"),
    "digests-what-it-parsed": ("operations", "signing"),
    "card-unknown-to-the-network": ("operations", "card_data"),
    "not-registered-for-binding": ("operations", "card_data"),
    "not-agreed": ("operations", "state", "headers"),
    "unbinds-all-tokens-of-the-card": ("state", "tokens"),
    "other-cases": ("fields", "tokens", "signing", "state", "robustness"),
    "partner-by-its-token": ("headers",),
    "replay-of-a-refusal-tells-again": ("headers", "state"),
    "binding-references-once": ("headers", "operations"),
    "compares-original-external-id": ("operations", "fields"),
    "payments-in-progress": ("operations", "state"),
    "cpan-before-token": ("fields", "operations"),
    "numbers-by-operation": ("operations", "state"),
    "counts-octets": ("fields",),
    "counts-utf-16": ("fields",),
    "reads-nearly-json": ("robustness",),
    "reads-values-kindly": ("fields", "headers", "tokens"),
    "tells-what-a-card-lacks": ("card_data",),
    "short-lived-tokens": ("tokens", "operations"),
    "writes-null-for-none": ("operations", "tokens", "state"),
    "gate-in-front": ("headers", "tokens"),
    "tells-the-time": ("card_data",),
}


def test_each_has_its_parts() -> None:
    assert set(PARTS) == {one.name for one in (*NARROW, *MANNERS)}


@pytest.mark.parametrize("name", list(PARTS))
def test_no_violation_is_said_of_a_correct_server(name: str) -> None:
    stage = Stage(VARIANTS[name].change(CORRECT))
    tried(stage, PARTS[name], quick=True)
    assert len(stage.exchanges) > 5
    assert violations(stage) == {}


def test_the_time_of_a_reply_says_nothing_of_a_card() -> None:
    """All failures of one kind within a second, those of the other kind in the next."""
    stage = Stage(VARIANTS["tells-the-time"].change(CORRECT))
    for name, times in (("sealed under another key", 12), ("opens to text", 3)):
        for _ in range(times):
            kit = stage.session.kit()
            stage.send(a_binding(kit).having(cardData=spoiled_cards.named(name)(kit)))
        stage.wait(1)
    assert violations(stage) == {}
