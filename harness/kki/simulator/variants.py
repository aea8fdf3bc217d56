"""Permissible variants: simulators that are correct in another way. On none of them may a violation appear.

Each reads the documents in a way that they allow; `readings` names what it rests on where that is an open question.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kki.model.http import Headers, Response
from kki.simulator import business, variants_manners, variants_narrow
from kki.simulator.behaviour import Behaviour, Step
from kki.simulator.call import Call
from kki.simulator.outcomes import Answer, Effect, Refusal, Result, Success
from kki.simulator.persona import (
    Change,
    Persona,
    area,
    both,
    dressing,
    lifting,
    refusing,
    telling,
)
from kki.simulator.personas import by_name, named
from kki.simulator.personas_robustness import reading
from kki.simulator.personas_tokens import lacking, member
from kki.simulator.server import encoded
from kki.simulator.world import Bound, Earlier, World, put
from kki.snap import timestamps

_row = area("variant")

SETTLES_MS = 300  # how long the variant that takes its time leaves an unbound card usable
_LARGEST = 512 * 1024  # octets of body that a gateway lets through
_LONGEST = 16 * 1024  # characters of header that a gateway lets through


def row(name: str, says: str, change: Change, **readings: str) -> Persona:
    return _row(name, says, "", change, **readings)


def _as_it_is(behaviour: Behaviour) -> Behaviour:
    """The correct simulator: the variant is in the readings."""
    return behaviour


# --- order of the checks --------------------------------------------------------------------------------


def moving(name: str, *, before: str) -> Change:
    """A check at another place of the order, wherever both exist."""

    def moved(steps: tuple[Step, ...]) -> tuple[Step, ...]:
        mine = [step for step in steps if step.name == name]
        if not mine or all(step.name != before for step in steps):
            return steps
        rest = [step for step in steps if step.name != name]
        at = next(index for index, step in enumerate(rest) if step.name == before)
        return (*rest[:at], *mine, *rest[at:])

    return lambda behaviour: behaviour.each(moved)


_fields_first = both(moving("readable", before="headers-once"), moving("members", before="headers-once"))
_signature_first = both(moving("signature", before="headers-once"), moving("token-signature", before="headers-once"))
_token_last = moving("b2b-token", before="members")
_tokens_together = moving("customer-token", before="timestamp-fresh")
_state_backwards = both(moving("otp", before="reference"), moving("cpan", before="otp"))
_id_early = moving("external-id", before="b2b-token")


# --- refusals -------------------------------------------------------------------------------------------


def _empty_is_format(call: Call, refusal: Refusal) -> Refusal:
    if refusal.cause != "missing-member" or refusal.detail not in call.members:
        return refusal
    return replace(refusal, case="01")


def _missing_is_mandatory(call: Call, refusal: Refusal) -> Refusal:
    """A missing signature or token as the mandatory field that it is."""
    names = {"signature": "X-SIGNATURE", "b2b-token": "Authorization", "customer-token": "Authorization-customer"}
    name = names.get(refusal.cause)
    if name is None or call.header(name):
        return refusal
    return replace(refusal, status=400, case="02", detail=name)


def _earlier_body(call: Call, reply: Answer, response: Response) -> Result:
    """DOKU, idempotency: the earlier body again, under HTTP 409."""
    earlier = call.world.external_ids.get(call.external_key)
    if reply.cause != "external-id" or earlier is None:
        return response
    return replace(response, body=earlier.response.body)


def _conflict_without_detail(_call: Call, reply: Answer) -> Answer:
    return replace(reply, message="Conflict, X-EXTERNAL-ID was used today") if reply.cause == "external-id" else reply


def _needs_json(call: Call) -> Refusal | None:
    kind = call.header("Content-Type").split(";")[0].strip().lower()
    return None if kind == "application/json" else Refusal(cause="content-type", status=400, case="00")


def _wanting_json(behaviour: Behaviour) -> Behaviour:
    return behaviour.adding(Step("content-type", _needs_json), before="headers-once")


def _plain(status: int, text: str) -> Response:
    return Response(status=status, headers=Headers.of([("Content-Type", "text/html")]), body=text.encode())


def _gateway(call: Call) -> Response | None:
    """What stands before the API and has no envelope: unknown paths, other methods, what is too large for it."""
    if call.operation is None:
        return _plain(404, "<h1>404 Not Found</h1>")
    if call.request.method != call.operation.method:
        return _plain(405, "<h1>405 Method Not Allowed</h1>")
    if len(call.request.body) > _LARGEST:
        return _plain(413, "<h1>413 Content Too Large</h1>")
    if any(len(value) > _LONGEST for _, value in call.request.headers.pairs):
        return _plain(431, "<h1>431 Request Header Fields Too Large</h1>")
    return None


# --- replies --------------------------------------------------------------------------------------------


def _more_members(_call: Call, members: dict[str, Any]) -> dict[str, Any]:
    more = members.get("additionalInfo")
    info = {**more, "acquirer": "ALTO"} if isinstance(more, dict) else {"acquirer": "ALTO"}
    return {**members, "additionalInfo": info, "transactionDate": "2026-05-26", "items": []}


def _spaced(_call: Call, _reply: Answer, response: Response) -> Response:
    body = json.loads(response.body)
    turned = {name: body[name] for name in reversed(body)}
    headers = response.headers.having("Content-Type", "application/json; charset=utf-8")
    return replace(response, headers=headers, body=json.dumps(turned, indent=2).encode())


def _more_headers(_call: Call, reply: Answer) -> Answer:
    names = {name.lower() for name, _ in reply.headers}
    more = (("X-TIMESTAMP", "2026-05-26T10:00:00+07:00"), ("Cache-Control", "no-store"), ("X-Trace", "1f0a"))
    return replace(reply, headers=(*reply.headers, *(pair for pair in more if pair[0].lower() not in names)))


def _chatty(_call: Call, reply: Answer) -> Answer:
    return replace(reply, message=f"{reply.message}. Please see the documentation."[:150])


def _as_accepted(call: Call, reply: Answer) -> Answer:
    """The table's 202, request in progress, for what is not final yet (contradictions 52, 53)."""
    pending = call.name == "unbind" or (call.name == "bind" and "redirectUrl" in reply.members)
    if not reply.accepted or not pending:
        return reply
    return replace(reply, status=202, http_status=202, message="Request In Progress")


def _long_reference(_call: Call, old: Any) -> Any:
    return old + "-" + "0123456789ABCDEF" * 8 if isinstance(old, str) else old


def _local_time(call: Call, _old: Any) -> str:
    return call.now.astimezone(timestamps.JAKARTA).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _zulu_time(call: Call, _old: Any) -> str:
    return timestamps.format_zulu_ms(call.now)


def _unbinding_redirects(call: Call, members: dict[str, Any]) -> dict[str, Any]:
    if business.channel(call) != "DH":
        return members
    return {**members, "redirectUrl": business.redirect_url(call, "SESSION-" + call.fresh(24).upper())}


def _tokens_in_binding(call: Call, members: dict[str, Any]) -> dict[str, Any]:
    return {**members, "chargeToken": "CHG-" + call.fresh(16), "bankCardToken": call.fresh(32)}


# --- state ----------------------------------------------------------------------------------------------


def _refunded_once(call: Call) -> Refusal | None:
    """405/01, not possible now, for a payment that was refunded."""
    if not call.world.refunded.get(call.text("originalPartnerReferenceNo")):
        return None
    return Refusal(cause="refunded", status=405, case="01")


def _single_refunds(behaviour: Behaviour) -> Behaviour:
    return behaviour.adding(Step("refunded", _refunded_once), before="original", at=("refund",))


def _same_refund(call: Call, refusal: Refusal) -> Refusal | Success:
    """404/18 reads as success for a refund made already: so it may be told as one, with the first reply's members."""
    earlier = call.world.refunds.get(call.text("partnerRefundNo"))
    if refusal.cause != "repeated-refund" or earlier is None:
        return refusal
    if earlier.original != call.text("originalPartnerReferenceNo"):
        return refusal
    return Success(members=earlier.members)


def _unbound_again(call: Call, refusal: Refusal) -> Refusal | Success:
    known = call.text("tokenId") in call.world.cards
    if refusal.cause != "token-id" or not known:
        return refusal
    return Success(members={"referenceNo": "REF-UNBIND-" + call.fresh(20).upper()})


def _milliseconds(call: Call) -> int:
    return int(call.now.timestamp() * 1000)


def _noted(call: Call, success: Success) -> Success:
    if call.name != "unbind":
        return success
    key, at = "unbound " + call.text("tokenId"), _milliseconds(call)
    return replace(success, effects=(*success.effects, Effect("mark", lambda world: put(world.marks, key, at))))


def _still_settling(call: Call) -> bool:
    """A card whose unbinding was accepted a moment ago and is not final."""
    token = call.text("bankCardToken")
    since = call.world.marks.get("unbound " + token)
    if since is None or call.world.cards.get(token) not in (Bound.PENDING, Bound.UNBOUND):
        return False
    return _milliseconds(call) - since < SETTLES_MS


def _late_unbinding(behaviour: Behaviour) -> Behaviour:
    return lifting(_still_settling, "card-token")(behaviour.doing(_noted))


def _otp_with_token(call: Call) -> Refusal | None:
    """An OTP beside a token read as well: the page has the field there, Optional."""
    if "otp" not in call.members or call.text("otp") == call.setup.otp:
        return None
    if not call.pays_by_token:
        return business.otp_is_right(call)
    return Refusal(cause="otp", status=404, case="15")


def _burnt(call: Call, refusal: Refusal) -> Refusal:
    """A reference that was tried counts as used for good, whatever came of it."""
    if call.name == "payment" and refusal.cause in ("otp", "cpan", "card-token"):
        put(call.world.marks, "tried " + call.text("partnerReferenceNo"), 1)
    return refusal


def _not_tried(call: Call) -> Refusal | None:
    if "tried " + call.text("partnerReferenceNo") not in call.world.marks:
        return business.reference_is_new(call)
    return Refusal(cause="duplicate-reference", status=409, case="01")


def _burning(behaviour: Behaviour) -> Behaviour:
    return behaviour.refusing(_burnt).checking("reference", _not_tried, at=("payment",))


def _last_member(body: bytes) -> Any:
    value = json.loads(body)
    json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no character here either
    return value


def _ids_of_refused(behaviour: Behaviour) -> Behaviour:
    """An external id counts as used by whatever request bore it, even one that was refused."""

    def used(call: Call, refusal: Refusal) -> Refusal:
        operation = call.operation
        if operation is not None and operation.symmetric and call.external_id and refusal.cause != "external-id":
            _note_id(call.world, call, refusal)
        return refusal

    return behaviour.refusing(used)


def _note_id(world: World, call: Call, refusal: Refusal) -> None:
    body = encoded({"responseCode": f"{refusal.status}{call.service}{refusal.case}", "responseMessage": "Refused"})
    response = Response(status=refusal.status, headers=Headers.of([("Content-Type", "application/json")]), body=body)
    if call.external_key not in world.external_ids:
        put(world.external_ids, call.external_key, Earlier(body=call.request.body, response=response))


WHOLE: tuple[Persona, ...] = (
    # in another order
    row("fields-before-signature", "Checks the body's members before headers, tokens and signature.", _fields_first),
    row("signature-before-headers", "Checks the signature before anything else of the request.", _signature_first),
    row("token-after-signature", "Checks the B2B token only after the signature.", _token_last),
    row("customer-token-before-time", "Checks both tokens before the time and the signature.", _tokens_together),
    row("otp-before-reference", "Checks CPAN and OTP before it looks for a duplicate reference.", _state_backwards),
    row("external-id-before-token", "Looks for a reused X-EXTERNAL-ID before token and signature.", _id_early),
    row("external-id-of-refused-requests", "Counts the X-EXTERNAL-ID of a refused request as used.", _ids_of_refused),
    # other cases for the same cause
    row("partner-not-found", "Refuses an unknown partner as 404/16, partner not found.",
        refusing("partner", 404, "16")),
    row("client-not-found", "Refuses an unknown client as 404/16, partner not found.", refusing("client", 404, "16")),
    row("empty-as-format", "Refuses an empty member with 400/01 in the place of 400/02.",
        lambda behaviour: behaviour.refusing(_empty_is_format)),
    row("missing-as-format", "Refuses a missing member or header with 400/01.",
        both(refusing("missing-member", 400, "01"), refusing("missing-header", 400, "01"))),
    row("missing-token-as-mandatory-field", "Refuses a missing signature or token with 400/02.",
        lambda behaviour: behaviour.refusing(_missing_is_mandatory)),
    row("stale-as-format", "Refuses a stale X-TIMESTAMP with 400/01.", refusing("timestamp-stale", 400, "01")),
    row("unreadable-as-format", "Refuses a body that it cannot read with 400/01.", refusing("unreadable", 400, "01")),
    row("unknown-token-as-not-found", "Refuses an unknown B2B token as 401/03, not found.",
        refusing("b2b-token", 401, "03")),
    row("card-data-as-invalid-card", "Refuses cardData that it cannot open as 404/11, invalid card.",
        refusing("card-data", 404, "11")),
    row("replay-with-earlier-body", "Answers a replay with the earlier body under HTTP 409.",
        lambda behaviour: behaviour.writing(_earlier_body)),
    row("replay-in-other-words", "Says in words of its own what a conflict is.", dressing(_conflict_without_detail)),
    row("needs-json-content-type", "Refuses a request that does not say application/json, in the envelope.",
        _wanting_json),
    row("gateway-in-front", "Leaves unknown paths, methods and sizes to a gateway without the envelope.",
        lambda behaviour: behaviour.guarding(_gateway)),
    row("last-of-repeated-members", "Takes the last of two members of one name.", reading(_last_member, of_json=True)),
    # other replies
    row("extra-reply-members", "Puts further members into each reply.", telling(_more_members)),
    row("extra-reply-headers", "Puts further headers into each reply.", dressing(_more_headers)),
    row("spaced-replies", "Writes its replies over several lines, code last, with a charset.",
        lambda behaviour: behaviour.writing(_spaced)),
    row("longer-messages", "Adds a sentence to each responseMessage.", dressing(_chatty)),
    row("longer-reference-numbers", "Gives a referenceNo of over 128 characters.",
        both(member("referenceNo", _long_reference, "payment", "bind", "unbind"),
             member("originalReferenceNo", _long_reference, "refund"))),
    row("accepted-with-202", "Answers what is not final yet with 202.", dressing(_as_accepted)),
    row("redirect-on-unbinding", "Gives an unbinding under DH a redirectUrl.", telling(_unbinding_redirects, "unbind")),
    row("no-reference-on-unbinding", "Gives an unbinding no referenceNo, which is Optional.",
        lacking("referenceNo", "unbind")),
    row("refund-time-local", "Writes refundTime as the page's example, without an offset.",
        member("refundTime", _local_time, "refund")),
    row("refund-time-in-utc", "Writes refundTime in UTC, with milliseconds and Z.",
        member("refundTime", _zulu_time, "refund")),
    row("lifetime-as-string", "Writes expiresIn as a string.", member("expiresIn", "900", "b2b")),
    row("token-type-in-lower-case", "Writes tokenType in lower case.", member("tokenType", "bearer", "b2b", "b2b2c")),
    row("no-refresh-token", "Gives no refreshToken, which is optional.",
        both(lacking("refreshToken", "b2b2c"), lacking("refreshTokenExpiryTime", "b2b2c"))),
    # other state
    row("one-refund-a-payment", "Refuses a further refund of a payment with 405/01.", _single_refunds),
    row("repeated-refund-told-again", "Answers a repeated refund with the first reply, and refunds nothing.",
        lambda behaviour: behaviour.refusing(_same_refund)),
    row("repeated-unbinding-accepted", "Answers a second unbinding as successful, without effect.",
        lambda behaviour: behaviour.refusing(_unbound_again)),
    row("unbinding-takes-a-while", "Accepts an unbound card's token for another moment.", _late_unbinding),
    row("otp-beside-token", "Checks an OTP that stands beside a card token.",
        lambda behaviour: behaviour.checking("otp", _otp_with_token, at=("payment",))),
    row("reference-used-by-refusal", "Refuses to try a refused payment again under its reference.", _burning),
    row("wide-clock", "Takes requests of the last 23 hours.",
        lambda behaviour: replace(behaviour, tolerance=timedelta(hours=23))),
    row("narrow-clock", "Takes requests of the last 6 minutes.",
        lambda behaviour: replace(behaviour, tolerance=timedelta(minutes=6))),
    row("address-unread", "Does not check that X-IP-ADDRESS of an unbinding is an address.",
        lambda behaviour: behaviour.without("ip-address", at=("unbind",))),
    # under a reading
    row("refund-service-58", "Answers refunds with the national service code 58.", _as_it_is,
        refund_service_code="58"),
    row("bare-tokens", "Takes the B2B token without Bearer too.", _as_it_is, bearer_scheme="bare-too"),
    row("customer-token-behind-bearer", "Takes the customer token only behind Bearer.", _as_it_is,
        customer_token_scheme="bearer"),
    row("no-customer-token-for-a-cpan", "Takes a payment by CPAN without Authorization-customer.", _as_it_is,
        customer_token_required="not-on-cpan"),
    row("channel-without-default", "Gives no redirectUrl where CHANNEL-ID is missing.", _as_it_is,
        channel_default="none"),
    row("duplicates-allowed", "Takes a second payment under one partnerReferenceNo.", _as_it_is,
        duplicate_reference="allowed"),
    row("five-minutes", "Takes only requests of the last five minutes.", _as_it_is, timestamp_window="five-minutes"),
    row("no-clock", "Takes requests of any time.", _as_it_is, timestamp_window="none"),
    row("offset-only", "Takes neither milliseconds nor Z in X-TIMESTAMP.", _as_it_is, timestamp_form="offset-only"),
    row("any-external-id", "Takes letters in any X-EXTERNAL-ID.", _as_it_is, external_id_form="any"),
    row("any-length-of-ip-address", "Takes an X-IP-ADDRESS of any length.", _as_it_is, ip_address_length="any"),
    row("optional-as-described", "Needs neither partnerReferenceNo nor otp in a payment.", _as_it_is,
        required_or_optional="description"),
    row("references-optional", "Gives a payment no referenceNo.", lacking("referenceNo", "payment"),
        reference_on_success="optional"),
    row("auth-code-optional", "Gives a binding under H2H no authCode.", lacking("additionalInfo", "bind"),
        h2h_auth_code="optional"),
    row("tokens-with-the-binding", "Gives bankCardToken and chargeToken in the binding's reply.",
        telling(_tokens_in_binding, "bind"), token_before_otp="allowed"),
    row("any-card", "Takes any JSON object for a card.", _as_it_is, card_data_payload="any-object"),
)  # fmt: skip

"""Those that take all that is correct."""

ALL: tuple[Persona, ...] = (*WHOLE, *variants_narrow.ALL, *variants_manners.ALL)
VARIANTS: Mapping[str, Persona] = by_name(ALL)


def variant(name: str) -> Persona:
    """The variant of this name; UnknownName where there is none."""
    return named(VARIANTS, name, "variant")
