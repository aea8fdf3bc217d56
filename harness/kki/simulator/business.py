"""What the four operations ask of the world, and what an accepted one changes and is told."""

from __future__ import annotations

import re
from typing import Any

from kki.simulator.call import Call
from kki.simulator.outcomes import Effect, Refusal, Success
from kki.simulator.world import BindingSession, Bound, Payment, Refund, World, put
from kki.snap import carddata, timestamps
from kki.snap.canonical import Malformed

_EXPIRY = re.compile(r"(?:0[1-9]|1[0-2])[0-9]{2}")
_CARD_MEMBERS = ("bankCardNo", "bankCardType", "expiryDate")


def fits_no_card(cause: str) -> Refusal:
    """404/11, Invalid Card/Account/Customer: an unknown CPAN, or a token that is not bound."""
    return Refusal(cause=cause, status=404, case="11")


def _set(table: str, key: str, value: Any, kind: str) -> Effect:
    def apply(world: World) -> None:
        put(getattr(world, table), key, value)

    return Effect(kind, apply)


def reference(call: Call) -> str:
    """A referenceNo: unlike any before."""
    return "REF-KKI-" + call.fresh(20).upper()


# --- 1. payment -------------------------------------------------------------------------------------


def reference_is_new(call: Call) -> Refusal | None:
    """Only a payment that succeeded uses its reference up: after a wrong OTP the merchant tries again under it."""
    earlier = call.world.payments.get(call.text("partnerReferenceNo"))
    if call.choice("duplicate-reference") == "allowed" or earlier is None or not earlier.succeeded:
        return None
    return Refusal(cause="duplicate-reference", status=409, case="01")


def card_token_is_bound(call: Call) -> Refusal | None:
    if not call.pays_by_token or call.world.cards.get(call.text("bankCardToken")) is Bound.BOUND:
        return None
    return fits_no_card("card-token")


def cpan_is_known(call: Call) -> Refusal | None:
    if call.pays_by_token or call.text("chargeToken") in call.setup.cpans:
        return None
    return fits_no_card("cpan")


def otp_is_right(call: Call) -> Refusal | None:
    """With a CPAN. An OTP beside a token is Optional and goes unread: a variant reads it."""
    if call.pays_by_token or "otp" not in call.members or call.text("otp") == call.setup.otp:
        return None
    return Refusal(cause="otp", status=404, case="15")


def pay(call: Call) -> Success | Refusal:
    name, number = call.text("partnerReferenceNo"), reference(call)
    row = Payment(reference_no=number, external_id=call.external_id)
    effects = (_set("payments", name, row, "reference"),) if name else ()
    return Success(members={"referenceNo": number}, effects=effects)


def failed_payment(call: Call) -> Effect:
    """That this reference was tried and refused; an earlier success stays what it is."""
    name = call.text("partnerReferenceNo")

    def apply(world: World) -> None:
        if name and name not in world.payments:
            put(world.payments, name, Payment(reference_no="", external_id=call.external_id, succeeded=False))

    return Effect("refused-payment", apply)


# --- 2. binding -------------------------------------------------------------------------------------


def card_is_sealed(call: Call) -> Refusal | None:
    """One refusal for whatever is wrong with cardData, lest its text tell where opening failed."""
    if isinstance(opened_card(call), dict):
        return None
    return Refusal(cause="card-data", status=400, case="01", detail="cardData")


def opened_card(call: Call) -> dict[str, Any] | Malformed:
    """The card's members, in the container and with the payload that are in force (contradictions 39, 40)."""
    container = carddata.Container(call.choice("card-data-container"))
    plain = carddata.open_sealed(call.text("cardData"), shared_key=call.partner.shared_key, container=container)
    if isinstance(plain, Malformed):
        return plain
    card = carddata.card_payload(plain)
    if isinstance(card, Malformed) or call.choice("card-data-payload") == "any-object" or is_card(card):
        return card
    return Malformed("payload", "Expected the members of a card.")


def is_card(card: dict[str, Any]) -> bool:
    """Number, type and expiry date, MMYY. Source: DOKU's SDKs and the national standard."""
    texts = [card.get(name) for name in _CARD_MEMBERS]
    return all(isinstance(text, str) and text for text in texts) and _EXPIRY.fullmatch(str(texts[2])) is not None


def channel(call: Call) -> str:
    """DH or H2H; without the header as its default says, or neither ("") where that is the reading."""
    named = call.header("CHANNEL-ID")
    if named or call.choice("channel-default") == "none":
        return named
    fact = call.operation.header("CHANNEL-ID") if call.operation else None
    return (fact.default if fact else None) or ""


def bind(call: Call) -> Success | Refusal:
    """DH: a session at the redirectUrl waits for the OTP. H2H: an authCode, good for a customer token."""
    number = {"referenceNo": reference(call)}
    if channel(call) == "H2H":
        code = "AUTH-" + call.fresh(32)
        return Success(
            members={**number, "additionalInfo": {"authCode": code}},
            effects=(Effect("auth-code", lambda world: _keep_code(world, code)),),
        )
    if channel(call) != "DH":
        return Success(members=number)
    session = "SESSION-" + call.fresh(24).upper()
    card = opened_card(call)
    row = BindingSession(
        customer=call.text("custIdMerchant"),
        card_number=str(card.get("bankCardNo", "")) if isinstance(card, dict) else "",
    )
    members = {**number, "redirectUrl": redirect_url(call, session)}
    return Success(members=members, effects=(_set("sessions", session, row, "session"),))


def _keep_code(world: World, code: str) -> None:
    put(world.auth_codes, code, None)


def redirect_url(call: Call, session: str) -> str:
    base = call.setup.public_url or call.request.origin or "http://localhost"
    return f"{base.rstrip('/')}/direct-debit/kki/binding/{session}"


def finish_binding(world: World, session: str, otp: str, token: str) -> bool:
    """The customer's OTP at the redirectUrl: the right one makes the binding final under this bankCardToken."""
    if session not in world.sessions or otp != world.setup.otp:
        return False
    del world.sessions[session]
    put(world.cards, token, Bound.BOUND)
    return True


# --- 3. unbinding -----------------------------------------------------------------------------------


def token_id_is_bound(call: Call) -> Refusal | None:
    """Neither unknown nor unbound already; the value counts as it is, without decoding."""
    if call.world.cards.get(call.text("tokenId")) is Bound.BOUND:
        return None
    return fits_no_card("token-id")


def unbind(call: Call) -> Success | Refusal:
    token = call.text("tokenId")

    def apply(world: World) -> None:
        if token in world.cards:
            world.cards[token] = Bound.PENDING
            world.pending.append(token)

    number = "REF-UNBIND-" + call.fresh(20).upper()
    return Success(members={"referenceNo": number}, effects=(Effect("unbinding", apply),))


# --- 4. refund --------------------------------------------------------------------------------------


def original_succeeded(call: Call) -> Refusal | None:
    payment = call.world.payments.get(call.text("originalPartnerReferenceNo"))
    if payment is not None and payment.succeeded:
        return None
    return Refusal(cause="original", status=404, case="01")


def refund_is_new(call: Call) -> Refusal | None:
    """404/18: for a refund made already it reads as success nationally, and nothing is refunded twice."""
    if call.text("partnerRefundNo") not in call.world.refunds:
        return None
    return Refusal(cause="repeated-refund", status=404, case="18")


def refund(call: Call) -> Success | Refusal:
    original, number = call.text("originalPartnerReferenceNo"), call.text("partnerRefundNo")
    payment = call.world.payments.get(original)
    members = {
        "originalPartnerReferenceNo": original,
        "originalReferenceNo": payment.reference_no if payment else "",
        "refundNo": "REFUND-" + call.fresh(20).upper(),
        "partnerRefundNo": number,
        "refundTime": refund_time(call),
    }

    def apply(world: World) -> None:
        put(world.refunds, number, Refund(original=original, members=dict(members)))
        put(world.refunded, original, world.refunded.get(original, 0) + 1)

    return Success(members=members, effects=(Effect("refund", apply),))


def refund_time(call: Call) -> str:
    """With an offset, or local with milliseconds where that is the reading (contradiction 22)."""
    if call.choice("refund-time-form") == "local":
        return call.now.astimezone(timestamps.JAKARTA).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return timestamps.format_offset(call.now)


