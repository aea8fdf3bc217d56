"""The machine of a card's life: a server that answers otherwise the second time is reported, not a crash of ours."""

from __future__ import annotations

import pytest
from kki.suites.server.conftest import Server
from kki.suites.server.test_flows import difference_of
from tests.rules.stage import Stage

from kki.simulator.call import Call
from kki.simulator.correct import CORRECT
from kki.simulator.persona import balking
from kki.simulator.personas import PERSONAS
from kki.simulator.world import put


def _the_first(call: Call) -> bool:
    """Of all bindings, once."""
    seen = call.world.marks.get("seen", 0)
    put(call.world.marks, "seen", 1)
    return not seen


def test_a_server_that_is_wrong_once_is_reported_with_what_it_did() -> None:
    stage = Stage(balking(_the_first, "bind")(CORRECT))
    said = difference_of(Server(stage.session), 1, None)
    assert "the model says accepted, got HTTP 400" in said
    assert "not so when the same steps were tried again" in said


@pytest.mark.parametrize(
    ("name", "said"), [("", ""), ("accepts-unbound-card-token", "payment with an unbound card: the model says refused")]
)
def test_the_machine_sees_unbound_cards(name: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(PERSONAS[name].change(CORRECT) if name else CORRECT)
    monkeypatch.setattr(stage.session, "until", lambda _seconds, tries: iter(range(tries)))
    server = Server(stage.session)
    found = [difference_of(server, number, None) for number in range(4)]
    assert (said in "; ".join(found)) is True
    assert bool(said) is any(found)
