"""What the profile promises may be used up, stale or shared: a refusal of it says what to do, and breaks no row."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kki.drafting.drafts import Draft, a_b2b2c_token_request, a_binding, a_payment
from kki.drafting.spoiled_cards import named
from kki.judge import Judge
from kki.model.exchange import Exchange
from kki.model.http import Response
from kki.model.verdict import Unknown, Verdict
from kki.simulator.correct import CORRECT
from kki.simulator.variants import VARIANTS

from .stage import Stage, broken


def missing(verdicts: tuple[Verdict, ...], requirement: str) -> str:
    found = next(each.judgement for each in verdicts if each.requirement == requirement)
    assert isinstance(found, Unknown), found
    return found.missing


def promising(stage: Stage, **data: object) -> Stage:
    """The judge told that the profile names other test data; `alone`, `staged`, `left_out`: see Knowledge."""
    known = stage.judge.knowledge
    mine = {name: value for name, value in data.items() if hasattr(known.test_data, name)}
    test_data = replace(known.test_data, **mine)
    more = {name: value for name, value in data.items() if name in ("alone", "staged", "complete", "left_out")}
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


def test_a_token_that_was_replaced_tells_nothing_of_a_seal() -> None:
    stage = promising(Stage(), alone=False)
    for name in ("wrong padding", "opens to text"):
        kit = stage.session.kit()
        _, verdicts = refused(stage, a_binding(kit).having(cardData=named(name)(kit)))
        assert "KKI-CRD-116" not in broken(verdicts)
    stage.session.fetch_b2b()
    kit = stage.session.kit()
    stage.client.world.b2b_tokens.clear()
    exchange, verdicts = refused(stage, a_binding(kit).having(cardData=named("wrong padding")(kit)))
    assert exchange.response is not None
    assert exchange.response.status == 401
    assert "KKI-CRD-116" not in broken(verdicts)


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


@pytest.mark.parametrize("code", ["4030101", "4030106", "4040108"])  # of a binding 404/05 may be the card's
def test_a_feature_that_was_granted_cannot_be_refused_as_not_agreed(code: str) -> None:
    stage = Stage()
    stage.send(a_binding(stage.session.kit(), "DH"))
    body = json.dumps({"responseCode": code, "responseMessage": "Not agreed"}).encode()
    said = {}
    for channel in ("DH", "H2H"):  # the other channel is another feature
        sent = stage.client.send(a_binding(stage.session.kit(), channel), channel)
        assert sent.response is not None
        said[channel] = stage.judge.judge(
            replace(sent, response=Response(status=int(code[:3]), headers=sent.response.headers, body=body))
        )
    assert "KKI-BND-150" in broken(said["DH"])
    assert "business reason" in missing(said["H2H"], "KKI-BND-152")


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


# --- recordings ----------------------------------------------------------------------------------


def recorded(stage: Stage) -> Stage:
    return promising(stage, staged=False, complete=False, left_out=frozenset())


@pytest.mark.parametrize(
    "word",
    [
        "Bearer [REDACTED]", "***", "<redacted>", "*** REDACTED ***", "__REDACTED__", "%FILTERED%", "[token redacted]",
        "Bearer eyJhbGci****c2ln", "Bearer eyJhbGciOi...", "Bearer xxxxxxxx", None,
    ],
)  # fmt: skip
def test_what_another_recorder_hid_is_unknown(word: str | None) -> None:
    stage = recorded(Stage())
    taken = stage.client.send(stage.a("payment"), "r")
    headers = taken.request.headers.without("Authorization")
    headers = headers.adding("Authorization", word) if word else headers
    verdicts = stage.judge.judge(replace(taken, request=replace(taken.request, headers=headers)))
    assert not broken(verdicts)
    assert missing(verdicts, "KKI-SIG-010")


@pytest.mark.parametrize(("seconds", "late"), [(800, False), (904, False), (907, True)])  # its exp is 900 s away
def test_a_token_that_was_issued_before_the_recording_began_says_when_it_ends(seconds: int, late: bool) -> None:
    stage = Stage()
    kit = stage.session.kit()
    stage.wait(seconds)
    later = replace(kit, timestamp=stage.session.bare_kit().timestamp)
    taken = stage.client.send(a_payment(later), "r")
    judge = Judge(replace(stage.judge.knowledge, complete=False, staged=False, left_out=frozenset()))
    assert ("KKI-TOK-042" in broken(judge.judge(taken))) is late


def test_a_hidden_member_is_unknown_too() -> None:
    stage = recorded(Stage())
    taken = stage.client.send(stage.a("payment"), "r")
    body = stage.a("payment").having(otp="[REDACTED]", chargeToken="****").request.body
    assert not broken(stage.judge.judge(replace(taken, request=replace(taken.request, body=body))))


@pytest.mark.parametrize("cpan", ["9360************000", "XXXXXXXXXXXXXXX7000", "••••••••0000"])
def test_so_is_one_of_which_only_the_ends_are_shown(cpan: str) -> None:
    stage = recorded(Stage())
    taken = stage.client.send(stage.a("payment"), "r")
    body = stage.a("payment").having(chargeToken=cpan).request.body
    verdicts = stage.judge.judge(replace(taken, request=replace(taken.request, body=body)))
    assert not broken(verdicts)
    assert missing(verdicts, "KKI-SIG-010")


@pytest.mark.parametrize("reason", ["The item was removed", "Good *** hotel", "removed item", "x" * 256])
def test_words_of_people_are_no_masks(reason: str) -> None:
    stage = recorded(Stage())
    _, verdicts = stage.send(stage.a("refund").having(reason=reason))
    assert "KKI-SIG-010" not in broken(verdicts)
    assert not any(each.requirement == "KKI-SIG-010" and isinstance(each.judgement, Unknown) for each in verdicts)


def test_in_a_trial_the_same_words_are_what_was_sent() -> None:
    stage = Stage()
    _, verdicts = stage.send(stage.a("payment").with_header("Authorization", "Bearer [REDACTED]"))
    assert "KKI-TOK-040" in broken(verdicts)


def test_what_passed_through_our_own_relay_is_what_was_sent() -> None:
    stage = promising(Stage(), staged=False, complete=False)
    taken = stage.client.send(stage.a("payment"), "r")
    bare = replace(taken, request=replace(taken.request, headers=taken.request.headers.without("Authorization")))
    assert {"KKI-HDR-050", "KKI-HDR-150"} <= broken(stage.judge.judge(bare))
    _, verdicts = stage.send(stage.a("payment").with_header("Authorization", "Bearer ***"))
    assert "KKI-TOK-040" in broken(verdicts)


def test_two_partners_of_one_recording_have_their_own_secrets_and_references() -> None:
    stage = recorded(Stage())
    other = stage.plan.other_partner
    assert other is not None
    other = replace(other, client_secret="the-other-partner's-secret")
    stage.judge.knowledge = replace(stage.judge.knowledge, other_partner=other)
    mine, _ = stage.send(stage.a("payment"))
    theirs = a_payment(replace(stage.session.kit(), credentials=other)).having(
        partnerReferenceNo=_reference(mine)
    )
    theirs = theirs.planned(secret=other.client_secret)
    taken = replace(stage.client.send(theirs, "t"), response=mine.response)
    verdicts = stage.judge.judge(taken)
    assert not broken(verdicts) & {"KKI-SIG-010", "KKI-SIG-110", "KKI-STA-010", "KKI-STA-120"}


def _reference(exchange: Exchange) -> str:
    return str(json.loads(exchange.request.body)["partnerReferenceNo"])
