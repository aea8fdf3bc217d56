"""What the profile promises may be used up, stale or shared: a refusal of it says what to do, and breaks no row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kki.drafting.drafts import Draft, a_b2b2c_token_request, a_payment
from kki.model.exchange import Exchange
from kki.model.verdict import Unknown, Verdict
from kki.simulator.correct import CORRECT
from kki.simulator.variants import VARIANTS

from .stage import Stage, broken


def missing(verdicts: tuple[Verdict, ...], requirement: str) -> str:
    found = next(each.judgement for each in verdicts if each.requirement == requirement)
    assert isinstance(found, Unknown), found
    return found.missing


def promising(stage: Stage, **data: object) -> Stage:
    """The judge told that the profile names other test data; `alone`, `staged`: see Knowledge."""
    known = stage.judge.knowledge
    mine = {name: value for name, value in data.items() if hasattr(known.test_data, name)}
    test_data = replace(known.test_data, **mine)
    more = {name: value for name, value in data.items() if name in ("alone", "staged", "complete")}
    stage.judge.knowledge = replace(known, test_data=test_data, **more)
    return stage


def refused(stage: Stage, draft: Draft) -> tuple[Exchange, tuple[Verdict, ...]]:
    exchange, verdicts = stage.send(draft)
    assert exchange.response is not None
    assert exchange.response.status >= 400
    return exchange, verdicts


def test_a_stale_customer_token_of_the_profile_is_the_profiles_affair() -> None:
    stage = promising(Stage(), customer_token="stale-or-mistyped")
    draft = stage.a("payment").with_header("Authorization-customer", "Bearer stale-or-mistyped")
    _, verdicts = refused(stage, draft)
    assert "renew it" in missing(verdicts, "KKI-PAY-150")
    assert not broken(verdicts)


def test_an_auth_code_that_was_spent_before_says_so() -> None:
    stage = Stage(VARIANTS["auth-codes-spent"].change(CORRECT))
    _, verdicts = refused(stage, a_b2b2c_token_request(stage.session.bare_kit()))
    assert "give a new one" in missing(verdicts, "KKI-TOK-162")


def test_a_token_that_another_process_may_have_replaced() -> None:
    behaviour = VARIANTS["last-token-alone"].change(CORRECT)
    for alone in (True, False):
        stage = promising(Stage(behaviour), alone=alone)
        stage.send(stage.a("payment"))  # accepted: its scheme is not what a later refusal is about
        for table in ("b2b_tokens", "customer_tokens"):
            good = stage.a("payment")
            getattr(stage.client.world, table).clear()
            _, verdicts = refused(stage, good)
            stage.session.fetch_b2b()
            if alone:
                assert "KKI-PAY-150" in broken(verdicts)
            else:
                assert "-n 1" in missing(verdicts, "KKI-PAY-150")
                assert not broken(verdicts)


@pytest.mark.parametrize(("variant", "case"), [("no-refunds-today", "4050701"), ("payments-a-day", "4035404")])
def test_a_business_reason_leaves_the_promise_open(variant: str, case: str) -> None:
    stage = Stage(VARIANTS[variant].change(CORRECT))
    last: tuple[Exchange, tuple[Verdict, ...]] | None = None
    for _ in range(8):
        original = stage.paid() if variant == "no-refunds-today" and last is None else ""
        draft = stage.a("refund") if original else stage.a("payment")
        last = stage.send(draft)
        if last[0].response and case.encode() in last[0].response.body:
            break
    assert last is not None
    assert "business reason" in missing(last[1], "KKI-RFD-150" if "0701" in case else "KKI-PAY-150")


def test_of_a_recording_the_state_of_cards_is_not_known() -> None:
    """Under a promise of the profile the same refusal is a violation."""
    behaviour = VARIANTS["no-refunds-today"].change(CORRECT)
    stage = promising(Stage(behaviour), staged=False)
    _, verdicts = refused(stage, stage.a("refund"))
    assert not broken(verdicts)


def test_the_session_fetches_a_token_anew_once_its_own_is_refused() -> None:
    stage = Stage()
    stage.client.world.b2b_tokens.clear()
    refused(stage, a_payment(replace(stage.session.bare_kit())))
    exchange, _ = stage.send(stage.a("payment"))
    assert exchange.response is not None
    assert exchange.response.status == 200
