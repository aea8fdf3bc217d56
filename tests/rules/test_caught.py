"""Every persona is caught in memory by a row that it declares: here those that test_personas.py and test_platforms.py
leave out, each by the case of the suite that caught.json gives it. `python -m tests.rules.catching` finds a new one's.
"""

from __future__ import annotations

import json

import pytest
from tests.where import misplaced

from kki.simulator.persona import Persona
from kki.simulator.personas import PERSONAS

from .catching import CAUGHT, met, shows
from .test_personas import SAMPLE
from .test_platforms import CASES
from .whole import results

ROWS: dict[str, list[str]] = json.loads(CAUGHT.read_text("utf-8"))
# Requests of a race reach a server in memory one after the other; tests/power has them over the network.
RACES = {"races-on-reference", "races-on-external-id"}

NO_FAULT = Persona(name="none", says="", area="", caught_by=frozenset(), change=lambda behaviour: behaviour)


def test_no_persona_is_left_out() -> None:
    assert {each.name for each in SAMPLE} | set(CASES) | set(ROWS) | RACES == set(PERSONAS)


@pytest.mark.parametrize("name", list(ROWS))
def test_a_persona_is_caught_by_its_case(name: str) -> None:
    part, title = ROWS[name]
    stage = met(PERSONAS[name], part, title)
    assert shows(PERSONAS[name], stage)
    assert not misplaced(stage.verdicts)


@pytest.mark.parametrize(("part", "title"), sorted({(part, title) for part, title in ROWS.values()}))
def test_none_of_these_cases_finds_a_correct_server_broken(part: str, title: str) -> None:
    stage = met(NO_FAULT, part, title)
    assert not [row.id for row in results(stage).values() if row.findings]
