"""Correct servers that take less than all that is correct: of none of them is a violation said.

Each is tried by the parts of the suite that meet what is special about it.
"""

from __future__ import annotations

import pytest

from kki.simulator.correct import CORRECT
from kki.simulator.variants import VARIANTS
from kki.simulator.variants_narrow import ALL

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
    "card-unknown-to-the-network": ("operations", "card_data"),
}


def test_each_has_its_parts() -> None:
    assert set(PARTS) == {one.name for one in ALL}


@pytest.mark.parametrize("name", list(PARTS))
def test_no_violation_is_said_of_a_correct_server(name: str) -> None:
    stage = Stage(VARIANTS[name].change(CORRECT))
    tried(stage, PARTS[name], quick=True)
    assert len(stage.exchanges) > 5
    assert violations(stage) == {}
