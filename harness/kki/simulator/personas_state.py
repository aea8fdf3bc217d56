"""Wrong about what happened before: references, cards, refunds, races."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from kki.simulator.behaviour import Behaviour, Step
from kki.simulator.call import Call
from kki.simulator.outcomes import Effect, Refusal, Success
from kki.simulator.persona import Change, Persona, When, area, balking, lifting, without
from kki.simulator.world import Bound, Payment, World, put

row = area("state")


def _card(call: Call) -> Bound | None:
    return call.world.cards.get(call.text("bankCardToken"))


def _original(call: Call) -> Payment | None:
    return call.world.payments.get(call.text("originalPartnerReferenceNo"))


def _used_elsewhere(call: Call) -> bool:
    """Whether the external id was used for another operation: told by the service in the reply to it."""
    earlier = call.world.external_ids.get(call.external_key)
    if earlier is None:
        return False
    code = str(json.loads(earlier.response.body).get("responseCode", ""))
    return code[3:5] != call.service


def _same_beginning(call: Call) -> bool:
    token = call.text("bankCardToken")
    return any(known.startswith(token[:8]) for known, is_bound in call.world.cards.items() if is_bound is Bound.BOUND)


def _any_case(call: Call) -> bool:
    token = call.text("bankCardToken").lower()
    return any(known.lower() == token for known, is_bound in call.world.cards.items() if is_bound is Bound.BOUND)


def _racing(*kinds: str) -> Change:
    return lambda behaviour: replace(behaviour, race_window=behaviour.race_window | set(kinds))


def acting(operation: str, change: Callable[[Call, Success], Success]) -> Change:
    """What is done on an accepted request of this operation, changed."""

    def done(call: Call, success: Success) -> Success:
        return change(call, success) if call.name == operation else success

    return lambda behaviour: behaviour.doing(done)


def failing(when: When, before: str, *operations: str) -> Change:
    """A server error where `when` holds, at this check's place."""

    def check(call: Call) -> Refusal | None:
        return Refusal(cause="fails", status=500, case="00") if when(call) else None

    return lambda behaviour: behaviour.adding(Step("fails", check), before=before, at=operations)


def _nothing(_call: Call, success: Success) -> Success:
    return replace(success, effects=())


def _every_card(_call: Call, success: Success) -> Success:
    def apply(world: World) -> None:
        for token in world.cards:
            world.cards[token] = Bound.UNBOUND

    return replace(success, effects=(*success.effects, Effect("unbinding", apply)))


def _another_card(call: Call, success: Success) -> Success:
    """The bound card that comes last in the world goes, the one that was named stays."""
    named = call.text("tokenId")

    def apply(world: World) -> None:
        others = [token for token, is_bound in world.cards.items() if is_bound is Bound.BOUND and token != named]
        if others:
            world.cards[others[-1]] = Bound.UNBOUND

    return replace(success, effects=(Effect("unbinding", apply),))


def _refused_counts(behaviour: Behaviour) -> Behaviour:
    """A refused payment remembered as one that succeeded."""

    def refused(call: Call, refusal: Refusal) -> Refusal:
        name = call.text("partnerReferenceNo")
        if call.name == "payment" and name and refusal.cause in ("otp", "cpan", "card-token"):
            put(call.world.payments, name, Payment(reference_no="REF-" + call.fresh(20), external_id=call.external_id))
        return refusal

    return behaviour.refusing(refused)


def _refunded(call: Call) -> bool:
    return call.world.refunded.get(call.text("originalPartnerReferenceNo"), 0) > 0


def _known_token(call: Call) -> bool:
    return call.text("tokenId") in call.world.cards


ALL: tuple[Persona, ...] = (
    # payment
    row("accepts-duplicate-reference", "Takes a second payment under a partnerReferenceNo that was paid.",
        "STA-120 STA-210", without("reference")),
    row("accepts-duplicate-reference-by-token", "Takes a second payment under a paid reference if it is by token.",
        "STA-120", lifting(lambda call: call.pays_by_token, "reference")),
    row("races-on-reference", "Takes two payments with one partnerReferenceNo that come at the same time.", "STA-210",
        _racing("reference")),
    row("races-on-external-id", "Takes two requests with one X-EXTERNAL-ID that come at the same time.", "STA-200",
        _racing("external-id")),
    row("keeps-external-ids-by-operation", "Takes an X-EXTERNAL-ID again on another operation.", "HDR-140",
        lifting(_used_elsewhere, "external-id")),
    row("accepts-unknown-card-token", "Takes any bankCardToken.", "STA-130 STA-180", without("card-token")),
    row("accepts-beginning-of-card-token", "Compares only the first 8 characters of bankCardToken.", "STA-130",
        lifting(_same_beginning, "card-token")),
    row("ignores-case-of-card-token", "Compares bankCardToken without regard to case.", "STA-130",
        lifting(_any_case, "card-token")),
    row("accepts-never-issued-card-token", "Refuses only the bankCardTokens that were unbound.", "STA-130",
        lifting(lambda call: _card(call) is None, "card-token")),
    row("accepts-unknown-cpan", "Takes any CPAN.", "STA-132", without("cpan")),
    row("accepts-any-otp", "Takes any OTP.", "STA-140", without("otp")),
    row("accepts-otp-of-zeros", "Takes 00000000 for any OTP.", "STA-140",
        lifting(lambda call: set(call.text("otp")) == {"0"}, "otp")),
    # refund
    row("refunds-unknown-payments", "Refunds payments that never were.", "STA-150",
        lifting(lambda call: _original(call) is None, "original")),
    row("refunds-refused-payments", "Refunds payments that were refused.", "STA-152",
        lifting(lambda call: _original(call) is not None, "original")),
    row("takes-refused-payments-for-paid", "Remembers a refused payment as one that succeeded.", "STA-152",
        _refused_counts),
    row("refunds-twice", "Refunds a second time under the same partnerRefundNo.", "STA-160", without("refund-new")),
    row("fails-on-second-refund", "Answers a further refund of a payment with a server error.", "STA-170 ROB-310",
        failing(_refunded, "original", "refund")),
    # cards
    row("unbinds-nothing", "Answers an unbinding as successful and leaves the card bound.", "STA-180",
        acting("unbind", _nothing), "conflicted"),
    row("accepts-unbound-card-token", "Takes the token of a card that was unbound.", "STA-180",
        lifting(lambda call: _card(call) in (Bound.UNBOUND, Bound.PENDING), "card-token"), "conflicted"),
    row("unbinds-another-card", "Unbinds another card than the one that was named.", "STA-180",
        acting("unbind", _another_card), "conflicted"),
    row("unbinds-every-card", "Unbinds all cards at once.", "PAY-154 PAY-156 UNB-150", acting("unbind", _every_card),
        "stated", unbinding_reach="named-token"),
    row("unbinds-unknown-tokens", "Answers the unbinding of a token that never was as successful.", "STA-190",
        lifting(lambda call: not _known_token(call), "token-id")),
    row("fails-on-second-unbinding", "Answers a second unbinding of a token with a server error.", "STA-192 ROB-310",
        failing(lambda call: _known_token(call) and call.world.cards[call.text("tokenId")] is not Bound.BOUND,
                "token-id", "unbind")),
    # what is correct, refused
    row("refunds-only-once-in-all", "Refuses every refund after the first, of whatever payment.", "RFD-150",
        balking(lambda call: bool(call.world.refunded), "refund", before="original", status=405, case="01"), "stated"),
    row("binds-only-once-in-all", "Refuses every binding under DH after the first, of whatever customer.",
        "BND-150 BND-154", balking(lambda call: bool(call.world.sessions), "bind", status=403, case="06"), "stated"),
)  # fmt: skip
