"""Wrong about what a successful reply holds, and what no reply may hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kki.model.http import Response
from kki.simulator.business import opened_card, redirect_url
from kki.simulator.call import Call
from kki.simulator.checks import expected
from kki.simulator.outcomes import Answer, Refusal
from kki.simulator.persona import Change, Persona, area, both, dressing, telling
from kki.simulator.personas_tokens import lacking, member
from kki.simulator.server import encoded
from kki.snap import timestamps

row = area("success")
leak = area("secrecy")

_IDENTIFIERS = ("originalPartnerReferenceNo", "originalReferenceNo", "refundNo", "partnerRefundNo")
_TRACE = 'Traceback (most recent call last):\n  File "/srv/app/payments.py", line 71, in pay'
_QUERY = "SELECT token FROM bank_card WHERE token = ?"


def _under(wanted: str, change: Callable[[Call, dict[str, Any]], dict[str, Any]], operation: str = "bind") -> Change:
    """The reply to a binding under one channel ("": none named) changed."""

    def told(call: Call, members: dict[str, Any]) -> dict[str, Any]:
        return change(call, members) if call.header("CHANNEL-ID") == wanted else members

    return telling(told, operation)


def _no_redirect(_call: Call, members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name != "redirectUrl"}


def _redirect(call: Call, members: dict[str, Any]) -> dict[str, Any]:
    return {**members, "redirectUrl": redirect_url(call, "SESSION-" + call.fresh(24).upper())}


def _no_code(_call: Call, members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name != "additionalInfo"}


def _path_alone(_call: Call, members: dict[str, Any]) -> dict[str, Any]:
    url = members.get("redirectUrl")
    return {**members, "redirectUrl": "/" + url.split("/", 3)[-1]} if isinstance(url, str) else members


def _script(_call: Call, members: dict[str, Any]) -> dict[str, Any]:
    return {**members, "redirectUrl": "javascript:location.reload()"} if "redirectUrl" in members else members


def _fresh(call: Call, _old: Any) -> str:
    return "REF-KKI-" + call.fresh(20).upper()


def _other_case(_call: Call, old: Any) -> Any:
    return old.swapcase() if isinstance(old, str) and old.swapcase() != old else f"{old}-1"


def _shortened(_call: Call, old: Any) -> Any:
    return old[:8] if isinstance(old, str) and len(old) > 8 else f"{old}0"


def _slashed(call: Call, _old: Any) -> str:
    return call.now.strftime("%d/%m/%Y %H:%M:%S")


def _local(call: Call, _old: Any) -> str:
    return call.now.astimezone(timestamps.JAKARTA).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _always(name: str, *operations: str) -> Change:
    return member(name, "REF-KKI-00000000000000000001", *operations)


def _bare_of_identifiers(_call: Call, members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in _IDENTIFIERS}


# --- what no reply may hold ------------------------------------------------------------------------------


def _every(value: Callable[[Call], str], *operations: str) -> Change:
    """Each of these operations' replies, refusals too, with a member more: what it holds is told by `value`."""

    def dressed(call: Call, reply: Answer) -> Answer:
        text = value(call) if not operations or call.name in operations else ""
        return replace(reply, members={**reply.members, "info": text}) if text else reply

    return dressing(dressed)


def _card_number(call: Call) -> str:
    card = opened_card(call)
    return str(card.get("bankCardNo", "")) if isinstance(card, dict) else ""


def _telling_otp(call: Call, reply: Answer) -> Answer:
    return replace(reply, message=f"{reply.message}, not {call.text('otp')}") if reply.cause == "otp" else reply


def _token_in_header(call: Call, reply: Answer) -> Answer:
    if not call.header("Authorization"):
        return reply
    return replace(reply, headers=(*reply.headers, ("X-Access-Token", call.b2b_token)))


def _inside(text: str, *causes: str) -> Change:
    """Refusals for these causes that show more than they should."""

    def dressed(_call: Call, reply: Answer) -> Answer:
        mine = not reply.accepted and reply.cause in causes
        return replace(reply, members={**reply.members, "detail": text}) if mine else reply

    return dressing(dressed)


def _raw_trace(_call: Call, reply: Answer, response: Response) -> Response:
    if reply.cause not in ("unreadable", "not-an-object"):
        return response
    return replace(response, body=encoded({"responseCode": reply.code, "responseMessage": _TRACE[:150]}))


def _telling_on(cause: str, what: Callable[[Call], str]) -> Change:
    def refused(call: Call, refusal: Refusal) -> Refusal:
        return replace(refusal, detail=what(call)) if refusal.cause == cause else refusal

    return lambda behaviour: behaviour.refusing(refused)


def _with_shared_key(call: Call, reply: Answer) -> Answer:
    told = {"debug": {"sharedKey": call.partner.shared_key}}
    return replace(reply, members={**reply.members, **told}) if reply.cause == "signature" else reply


ALL: tuple[Persona, ...] = (
    # references
    row("forgets-payment-reference", "Leaves referenceNo out of the reply to a payment.", "PAY-216",
        lacking("referenceNo", "payment"), "conflicted"),
    row("writes-payment-reference-as-number", "Writes a payment's referenceNo as a number.", "PAY-214",
        member("referenceNo", 20260526, "payment"), "stated"),
    row("writes-payment-reference-as-null", "Writes a payment's referenceNo as null.", "PAY-214 PAY-216",
        member("referenceNo", None, "payment"), "stated"),
    row("writes-binding-reference-as-number", "Writes a binding's referenceNo as a number.", "BND-214",
        member("referenceNo", 20260526, "bind"), "stated"),
    row("writes-unbinding-reference-as-number", "Writes an unbinding's referenceNo as a number.", "UNB-214",
        member("referenceNo", 20260526, "unbind"), "stated"),
    row("writes-refund-number-as-number", "Writes refundNo as a number.", "RFD-218",
        member("refundNo", 20260526, "refund"), "stated"),
    row("writes-original-reference-as-list", "Writes a refund's originalReferenceNo as a list.", "RFD-218",
        member("originalReferenceNo", lambda _, old: [old], "refund"), "stated"),
    row("repeats-reference-numbers", "Gives each operation the same referenceNo.", "STA-220",
        both(_always("referenceNo", "payment", "bind", "unbind"), _always("originalReferenceNo", "refund"))),
    row("repeats-reference-numbers-of-payments", "Gives each payment the same referenceNo.", "STA-220",
        both(_always("referenceNo", "payment"), _always("originalReferenceNo", "refund"))),
    row("repeats-refund-numbers", "Gives each refund the same refundNo.", "STA-230",
        member("refundNo", "REFUND-0000000001", "refund")),
    # refund
    row("echoes-original-in-other-case", "Repeats originalPartnerReferenceNo in other case.", "RFD-214",
        member("originalPartnerReferenceNo", _other_case, "refund")),
    row("shortens-original", "Repeats only the beginning of originalPartnerReferenceNo.", "RFD-214",
        member("originalPartnerReferenceNo", _shortened, "refund")),
    row("invents-original-reference", "Gives a refund's originalReferenceNo a value of its own.", "RFD-216",
        member("originalReferenceNo", _fresh, "refund")),
    row("echoes-another-refund-number", "Repeats a partnerRefundNo that was not sent.", "RFD-220",
        member("partnerRefundNo", _fresh, "refund")),
    row("forgets-refund-identifiers", "Leaves the identifiers out of the reply to a refund.", "RFD-224",
        telling(_bare_of_identifiers, "refund"), "conflicted"),
    row("writes-refund-time-in-words", "Writes refundTime day first, between slashes.", "RFD-222",
        member("refundTime", _slashed, "refund"), "conflicted"),
    row("writes-refund-time-in-seconds", "Writes refundTime as seconds since 1970.", "RFD-222",
        member("refundTime", lambda call, _: str(int(call.now.timestamp())), "refund"), "conflicted"),
    row("writes-refund-time-locally", "Writes refundTime without an offset where one is asked for.", "RFD-222",
        member("refundTime", _local, "refund"), "conflicted", refund_time_form="offset"),
    # binding
    row("forgets-redirect", "Leaves redirectUrl out under CHANNEL-ID DH.", "BND-216",
        _under("DH", _no_redirect), "stated"),
    row("forgets-redirect-without-channel", "Gives a redirectUrl only where CHANNEL-ID is sent.", "BND-220",
        _under("", _no_redirect), "conflicted"),
    row("redirects-under-h2h", "Gives a redirectUrl under CHANNEL-ID H2H too.", "BND-218",
        _under("H2H", _redirect), "stated"),
    row("redirects-unbinding-under-h2h", "Gives an unbinding under CHANNEL-ID H2H a redirectUrl.", "UNB-218",
        _under("H2H", _redirect, "unbind"), "stated"),
    row("forgets-auth-code", "Leaves authCode out under CHANNEL-ID H2H.", "BND-222",
        _under("H2H", _no_code), "conflicted"),
    row("writes-empty-auth-code", "Gives an empty authCode.", "BND-222",
        _under("H2H", lambda _, members: {**members, "additionalInfo": {"authCode": ""}}), "conflicted"),
    row("gives-card-token-before-otp", "Gives bankCardToken in the reply to a binding, before the OTP.", "BND-224",
        member("bankCardToken", lambda call, _: call.fresh(32), "bind"), "conflicted"),
    row("writes-card-token-as-number", "Writes bankCardToken as a number.", "BND-226",
        member("bankCardToken", 4556778899, "bind"), "stated", token_before_otp="allowed"),
    row("writes-charge-token-as-object", "Writes chargeToken as an object.", "BND-228",
        member("chargeToken", {"value": "CHG-TOKEN"}, "bind"), "stated"),
    row("redirects-to-a-path", "Gives a redirectUrl without scheme and host.", "BND-230",
        telling(_path_alone, "bind"), "stated"),
    row("redirects-to-a-script", "Gives a redirectUrl that is a script.", "BND-230",
        telling(_script, "bind"), "stated"),
    # secrecy
    leak("tells-cpan", "Repeats the CPAN in the reply to a payment.", "SEC-210",
         _every(lambda call: call.text("chargeToken"), "payment")),
    leak("tells-card-number", "Repeats the card's number in the reply to a binding.", "SEC-210",
         _every(_card_number, "bind")),
    leak("tells-otp", "Repeats a wrong OTP in the refusal's message.", "SEC-220", dressing(_telling_otp)),
    leak("tells-otp-of-a-payment", "Repeats the OTP in the reply to a payment.", "SEC-220",
         _every(lambda call: call.text("otp"), "payment")),
    leak("tells-card-data", "Repeats cardData in the reply to a binding.", "SEC-230",
         _every(lambda call: call.text("cardData"), "bind")),
    leak("tells-token", "Repeats the B2B token in the body of each reply.", "SEC-240",
         _every(lambda call: call.b2b_token)),
    leak("tells-token-in-a-header", "Repeats the B2B token in a header of the reply.", "SEC-240",
         dressing(_token_in_header)),
    leak("tells-customer-token", "Repeats the customer token in the reply to a payment.", "SEC-240",
         _every(lambda call: call.customer_token, "payment", "refund")),
    leak("shows-stack-trace", "Answers a body that it cannot read with a stack trace.", "SEC-250",
         lambda behaviour: behaviour.writing(_raw_trace)),
    leak("shows-query", "Shows the query in which a card token was not found.", "SEC-250",
         _inside(_QUERY, "card-token", "token-id")),
    leak("shows-path", "Shows which of its files found a signature wrong.", "SEC-250",
         _inside("/srv/app/signature.py", "signature")),
    leak("tells-right-signature", "Says in a refusal which signature it expected.", "SEC-260",
         _telling_on("signature", lambda call: f"Expected {expected(call).signature}")),
    leak("tells-client-secret", "Says in a refusal under which secret it verified the signature.", "SEC-260",
         _telling_on("signature", lambda call: f"under {call.partner.client_secret}")),
    leak("tells-shared-key", "Shows the shared key beside each refusal of a signature.", "SEC-260",
         dressing(_with_shared_key)),
)  # fmt: skip
