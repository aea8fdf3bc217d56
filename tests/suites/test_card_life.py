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
from kki.simulator.variants import VARIANTS
from kki.simulator.world import put


def _the_first(call: Call) -> bool:
    """Of all bindings whose channel is named, once."""
    seen = call.world.marks.get("seen", 0)
    put(call.world.marks, "seen", 1 if call.header("CHANNEL-ID") else seen)
    return bool(call.header("CHANNEL-ID")) and not seen


def test_a_server_that_is_wrong_once_is_reported_with_what_it_did() -> None:
    stage = Stage(balking(_the_first, "bind")(CORRECT))
    found = difference_of(Server(stage.session), 1, None)
    assert found is not None
    assert found.open is False
    assert "the model says accepted, got HTTP 400" in found.text
    assert "not so when the same steps were tried again" in found.text


@pytest.mark.parametrize("name", ["otp-good-once", "otp-lock", "payments-a-day", "no-refunds-today"])
def test_what_no_rule_holds_against_a_server_fails_no_case(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(VARIANTS[name].change(CORRECT))
    monkeypatch.setattr(stage.session, "until", lambda _seconds, tries: iter(range(tries)))
    found = [difference_of(Server(stage.session), number, None) for number in range(3)]
    assert [each.text for each in found if each is not None and not each.open] == []
    assert any(found), "the model met what this server does otherwise"


@pytest.mark.parametrize(
    ("name", "said"), [("", ""), ("accepts-unbound-card-token", "payment with an unbound card: the model says refused")]
)
def test_the_machine_sees_unbound_cards(name: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(PERSONAS[name].change(CORRECT) if name else CORRECT)
    monkeypatch.setattr(stage.session, "until", lambda _seconds, tries: iter(range(tries)))
    server = Server(stage.session)
    found = [each for number in range(4) if (each := difference_of(server, number, None)) is not None]
    assert said in "; ".join(each.text for each in found)
    assert bool(said) is any(not each.open for each in found)
