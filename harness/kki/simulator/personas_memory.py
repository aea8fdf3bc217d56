"""Wrong about what was before: forgotten too soon, looked for in the wrong place, or done although it was refused."""

from __future__ import annotations

import json
from collections.abc import Callable

from kki.simulator.call import Call
from kki.simulator.outcomes import Refusal, Success
from kki.simulator.persona import Change, Persona, When, area, balking, both, lifting
from kki.simulator.world import Bound, Payment, Refund, put

_headers, _state, _tokens, _success = area("headers"), area("state"), area("tokens"), area("success")

FEW = 10  # so many rows these personas remember
_CARDS = ("01", "05")  # services of binding and unbinding


# --- forgotten ------------------------------------------------------------------------------------------


def _id_is_old(call: Call) -> bool:
    return call.external_key not in list(call.world.external_ids)[-FEW:]


def _payment_is_old(call: Call) -> bool:
    return call.text("partnerReferenceNo") not in list(call.world.payments)[-FEW:]


def _refunded(call: Call) -> bool:
    return call.world.refunded.get(call.text("partnerReferenceNo"), 0) > 0


def _used_in_the_other_family(call: Call) -> bool:
    earlier = call.world.external_ids.get(call.external_key)
    code = "" if earlier is None else str(json.loads(earlier.response.body).get("responseCode", ""))
    return earlier is not None and (code[3:5] in _CARDS) is not (call.service in _CARDS)


def _marking(mark: Callable[[Call], str], *operations: str) -> Change:
    """What was accepted leaves a mark of its own, which only personas read."""

    def done(call: Call, success: Success) -> Success:
        if call.name in operations:
            put(call.world.marks, mark(call), 1)
        return success

    return lambda behaviour: behaviour.doing(done)


def _unmarked(mark: Callable[[Call], str]) -> When:
    return lambda call: mark(call) not in call.world.marks


def _id_and_token(call: Call) -> str:
    return f"id {call.external_id} {call.b2b_token}"


def _number_and_reason(call: Call) -> str:
    return f"refund {call.text('partnerRefundNo')} {call.text('reason')}"


def _forgets_on_conflict(call: Call, refusal: Refusal) -> Refusal:
    if refusal.cause == "external-id":
        call.world.external_ids.pop(call.external_key, None)
    return refusal


def _paid_and_card(call: Call) -> str:
    return f"paid {call.text('partnerReferenceNo')} {call.text('bankCardToken')}"


def _card_is_unbound(call: Call) -> bool:
    start = f"paid {call.text('originalPartnerReferenceNo')} "
    cards = [mark.removeprefix(start) for mark in call.world.marks if mark.startswith(start)]
    return any(card in call.world.cards and call.world.cards[card] is not Bound.BOUND for card in cards)


# --- done although refused ------------------------------------------------------------------------------


def _despite(operation: str, cause: str, act: Callable[[Call], object]) -> Change:
    def refused(call: Call, refusal: Refusal) -> Refusal:
        if call.name == operation and refusal.cause == cause:
            act(call)
        return refusal

    return lambda behaviour: behaviour.refusing(refused)


def _charge(call: Call) -> None:
    row = Payment(reference_no="REF-" + call.fresh(20), external_id=call.external_id)
    put(call.world.payments, call.text("partnerReferenceNo"), row)


def _refund(call: Call) -> None:
    original = call.text("originalPartnerReferenceNo")
    put(call.world.refunds, call.text("partnerRefundNo"), Refund(original=original, members={}))


def _unbind(call: Call) -> None:
    if call.text("tokenId") in call.world.cards:
        call.world.cards[call.text("tokenId")] = Bound.UNBOUND


def _spend(call: Call) -> None:
    call.world.refresh_tokens.pop(call.text("refreshToken"), None)


_CAUSES = (
    ("signature", "a wrong signature", "signature"), ("b2b-token", "a wrong B2B token", "b2b-token"),
    ("customer-token", "a wrong customer token", "customer-token"),
)  # fmt: skip
_CONTENT = (
    ("unknown-cpan", "an unknown CPAN", "cpan"), ("unknown-card", "an unknown card token", "card-token"),
    ("bad-otp", "an OTP that is too long", "member otp"), ("conflict", "a used X-EXTERNAL-ID", "external-id"),
)  # fmt: skip

ALL: tuple[Persona, ...] = (
    _headers("remembers-few-external-ids", "Remembers only the last ten X-EXTERNAL-IDs.", "HDR-140",
             lifting(_id_is_old, "external-id")),
    _headers("keeps-external-ids-by-token", "Takes an X-EXTERNAL-ID again under another B2B token.", "HDR-140",
             both(_marking(_id_and_token, "payment", "bind", "unbind", "refund"),
                  lifting(_unmarked(_id_and_token), "external-id"))),
    _headers("keeps-external-ids-by-family", "Takes the X-EXTERNAL-ID of a payment or refund again on a binding.",
             "HDR-140", lifting(_used_in_the_other_family, "external-id")),
    _headers("forgets-external-id-on-conflict", "Takes an X-EXTERNAL-ID again once it was refused.", "HDR-140",
             lambda behaviour: behaviour.refusing(_forgets_on_conflict)),
    _state("remembers-few-references", "Remembers only the last ten payments.", "STA-120",
           lifting(_payment_is_old, "reference")),
    _state("forgets-reference-after-refund", "Charges a partnerReferenceNo again once it was refunded.", "STA-120",
           lifting(_refunded, "reference")),
    _state("refunds-again-for-another-reason", "Refunds again under one partnerRefundNo for another reason.", "STA-160",
           both(_marking(_number_and_reason, "refund"), lifting(_unmarked(_number_and_reason), "refund-new"))),
    _success("refuses-refunds-of-unbound-cards", "Refuses a refund once the card that paid is unbound.", "RFD-150",
             both(_marking(_paid_and_card, "payment"),
                  balking(_card_is_unbound, "refund", before="original", status=404, case="11")), "stated"),
    *(_state(f"charges-despite-{slug}", f"Refuses a payment for {cause} and charges it all the same.", "STA-152",
             _despite("payment", step, _charge)) for slug, cause, step in _CAUSES),
    *(_success(f"refunds-despite-{slug}", f"Refuses a refund for {cause} and makes it all the same.", "RFD-150",
               _despite("refund", step, _refund), "stated") for slug, cause, step in _CAUSES),
    *(_success(f"unbinds-despite-{slug}", f"Refuses an unbinding for {cause} and makes it all the same.", "PAY-154",
               _despite("unbind", step, _unbind), "stated") for slug, cause, step in _CAUSES[:2]),
    *(_state(f"charges-despite-{slug}", f"Refuses a payment for {cause} and charges it all the same.", "STA-152",
             _despite("payment", step, _charge)) for slug, cause, step in _CONTENT),
    _success("unbinds-despite-conflict", "Refuses an unbinding for a used X-EXTERNAL-ID and makes it all the same.",
             "PAY-154", _despite("unbind", "external-id", _unbind)),  # as HDR-140, which is implied
    _success("refunds-despite-conflict", "Refuses a refund for a used X-EXTERNAL-ID and makes it all the same.",
             "RFD-150", _despite("refund", "external-id", _refund)),
    _tokens("spends-refresh-token-despite-signature", "Spends the refresh token of a request with a wrong signature.",
            "TOK-162", _despite("b2b2c", "token-signature", _spend)),
)  # fmt: skip
