"""Permissible variants with manners of their own: which case they give, how strictly they read, how they write."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kki.model.contract import FieldFact
from kki.model.http import Headers, Response
from kki.simulator import business
from kki.simulator.behaviour import Behaviour, Step
from kki.simulator.call import Call
from kki.simulator.fields import of_type
from kki.simulator.outcomes import Answer, Refusal, Result, Success
from kki.simulator.persona import Change, Persona, area, both, dressing, knowing, loosened, refusing, telling
from kki.simulator.personas_robustness import reading
from kki.simulator.personas_tokens import member
from kki.simulator.world import Earlier, put
from kki.snap import timestamps

_row = area("variant")
_COMMA = re.compile(r",(\s*[}\]])")
_CARDS = ("bind", "unbind")


def row(name: str, says: str, change: Change) -> Persona:
    return _row(name, says, "", change)


# --- other cases for the same cause ----------------------------------------------------------------------


def _other_case(call: Call, refusal: Refusal) -> Refusal:
    """What the case table's names allow as well: see each line."""
    if refusal.cause.startswith("member "):
        return replace(refusal, case=_case_of(call, refusal.detail))
    if refusal.cause in ("b2b-token", "customer-token"):
        return replace(refusal, status=401, case="00")  # both cases of a wrong token are unauthorised
    if refusal.cause in ("signature", "token-signature") and not _looks_signed(call.header("X-SIGNATURE")):
        return replace(refusal, status=400, case="01", detail="X-SIGNATURE")
    if refusal.cause in ("unreadable", "not-an-object"):
        return replace(refusal, status=400, case="02")
    if refusal.cause == "original":
        return replace(refusal, status=405, case="01")
    return refusal


def _case_of(call: Call, name: str) -> str:
    """400/02, invalid mandatory field, for one that is mandatory; 400/00 for a wrong type."""
    fact = next((each for each in call.fields if each.name == name), None)
    if fact is not None and not of_type(fact, call.members.get(name)):
        return "00"
    return "02" if fact is None or fact.required or call.name == "payment" else "01"


def _looks_signed(given: str) -> bool:
    try:
        return len(base64.b64decode(given.encode("ascii"), validate=True)) >= 64
    except ValueError:
        return False


def _replay_of_a_refusal(call: Call, reply: Answer, response: Response) -> Result:
    """The earlier body again under HTTP 409, where that was a refusal too."""
    earlier = call.world.external_ids.get(call.external_key)
    if reply.cause == "external-id" and earlier is not None:
        return replace(response, body=earlier.response.body)
    if reply.cause in ("otp", "cpan", "card-token", "original") and call.external_id and earlier is None:
        put(call.world.external_ids, call.external_key, Earlier(body=call.request.body, response=response))
    return response


def _known_binding(call: Call) -> Refusal | None:
    """409/01 for a binding's reference too, before the X-EXTERNAL-ID is looked at."""
    if f"binding {call.text('partnerReferenceNo')}" in call.world.marks and call.text("partnerReferenceNo"):
        return Refusal(cause="duplicate-reference", status=409, case="01")
    return None


def _noting_bindings(behaviour: Behaviour) -> Behaviour:
    def noted(call: Call, success: Success) -> Success:
        if call.name == "bind" and call.text("partnerReferenceNo"):
            put(call.world.marks, f"binding {call.text('partnerReferenceNo')}", 1)
        return success

    return behaviour.adding(Step("binding-new", _known_binding), before="external-id", at=("bind",)).doing(noted)


# --- what a request refers to ------------------------------------------------------------------------------


def _right_external_id(call: Call) -> Refusal | None:
    """originalExternalId compared with the payment's."""
    payment = call.world.payments.get(call.text("originalPartnerReferenceNo"))
    given = call.text("originalExternalId")
    if payment is None or not given or given == payment.external_id:
        return None
    return Refusal(cause="original", status=404, case="01")


def _in_progress(call: Call, reply: Answer) -> Answer:
    if call.name != "payment" or not reply.accepted:
        return reply
    return replace(reply, status=202, http_status=202, message="Request In Progress")


def _not_final(_call: Call) -> Refusal | None:
    return Refusal(cause="original", status=404, case="00")


def _cpan_first(call: Call) -> Refusal | None:
    """A CPAN that stands beside a card token is what pays."""
    if not call.pays_by_token or not call.text("chargeToken"):
        return None
    if call.text("chargeToken") not in call.setup.cpans:
        return business.fits_no_card("cpan")
    return None if call.text("otp") == call.setup.otp else Refusal(cause="otp", status=404, case="15")


def _by_operation(call: Call, _old: Any) -> str:
    """A counter of each operation's own."""
    key = f"count {call.name}"
    put(call.world.marks, key, call.world.marks.get(key, 0) + 1)
    return f"{call.world.marks[key]:08d}"


# --- how strictly it reads ---------------------------------------------------------------------------------


def _octets(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2


def _lenient(body: bytes) -> Any:
    text = _COMMA.sub(r"\1", body.decode("utf-8", "replace")).lstrip()
    return json.JSONDecoder(strict=False).raw_decode(text)[0]


def _kind_type(fact: FieldFact, value: Any) -> bool:
    """Null and scalars stand for text where the member is optional."""
    return of_type(fact, value) or (not fact.required and (value is None or isinstance(value, str | int | float)))


def _any_case(fact: FieldFact) -> FieldFact:
    return replace(fact, enum=tuple(form(word) for word in fact.enum for form in (str, str.lower, str.upper)))


def _kind(behaviour: Behaviour) -> Behaviour:
    behaviour = both(
        knowing(_any_case, "CHANNEL-ID"), knowing(_any_case, "grantType"),
        loosened("X-TIMESTAMP", *_CARDS, pattern=None),
    )(behaviour)  # fmt: skip
    return replace(behaviour, of_type=_kind_type)


# --- how it writes ------------------------------------------------------------------------------------------


def _nothing_is_null(call: Call, members: dict[str, Any]) -> dict[str, Any]:
    """Null, or an empty text, for each optional member that has no value."""
    none: dict[str, dict[str, Any]] = {
        "bind": {"redirectUrl": None, "bankCardToken": None, "chargeToken": ""},
        "unbind": {"referenceNo": None, "redirectUrl": None},
        "refund": {"originalReferenceNo": "", "refundTime": None},
        "b2b2c": {"refreshTokenExpiryTime": None},
    }
    kept = members if call.name != "refund" else {k: v for k, v in members.items() if k not in none["refund"]}
    return {**none.get(call.name, {}), **kept, "additionalInfo": members.get("additionalInfo")}


def _without_colon(_call: Call, old: Any) -> Any:
    return old[:-3] + old[-2:] if isinstance(old, str) and old[-3:-2] == ":" else old


def _what_a_card_lacks(call: Call, refusal: Refusal) -> Refusal:
    """What stands in no container is a bad field; what opened to a card that lacks something says so."""
    if refusal.cause != "card-data":
        return refusal
    opened = business.opened_card(call)
    step = getattr(opened, "step", "")
    if step in ("container", "base64", "iv", "block length"):
        return replace(refusal, detail="cardData is not of the documented form")
    if step == "payload" and opened is not None and "members of a card" in getattr(opened, "why", ""):
        return replace(refusal, status=404, case="11", detail="")
    return refusal


def _gate(call: Call) -> Response | None:
    """A gate that lets nobody without a token in, nor what is no JSON, in words and forms of its own."""
    if call.operation is None or not call.operation.symmetric:
        return None
    if not call.header("Authorization"):
        headers = Headers.of([("WWW-Authenticate", "Bearer"), ("Content-Type", "text/html")])
        return Response(status=401, headers=headers, body=b"<h1>401 Authorization Required</h1>")
    if call.header("Authorization")[:7].lower() != "bearer ":
        return Response(status=403, headers=Headers.of([("Content-Type", "text/html")]), body=b"<h1>403</h1>")
    kind = call.header("Content-Type").split(";")[0].strip().lower()
    if kind != "application/json":
        text = json.dumps({"responseCode": f"415{call.service}00", "responseMessage": "Unsupported Media Type"})
        return Response(status=415, headers=Headers.of([("Content-Type", "application/json")]), body=text.encode())
    return None


def _clock(call: Call, answer: Answer) -> Answer:
    """ASPI has X-TIMESTAMP in replies; frameworks put the time into the body."""
    now = timestamps.format_offset(call.now)
    members = answer.members if answer.accepted else {**answer.members, "timestamp": int(call.now.timestamp())}
    return replace(answer, members=members, headers=(*answer.headers, ("X-Answered-At", now)))


ALL: tuple[Persona, ...] = (
    row("other-cases", "Gives another case that fits the cause by its name.",
        lambda behaviour: behaviour.refusing(_other_case)),
    row("partner-by-its-token", "Finds a wrong X-PARTNER-ID by comparing it with the token.",
        refusing("partner", 401, "01")),
    row("replay-of-a-refusal-tells-again", "Answers a replayed refused request with the earlier body under HTTP 409.",
        lambda behaviour: behaviour.writing(_replay_of_a_refusal)),
    row("binding-references-once", "Takes a binding's partnerReferenceNo once.", _noting_bindings),
    row("compares-original-external-id", "Compares originalExternalId with the payment's.",
        lambda behaviour: behaviour.adding(Step("external", _right_external_id), before="original", at=("refund",))),
    row("payments-in-progress", "Answers a payment with 202, and refunds none that is in progress.",
        both(dressing(_in_progress), lambda behaviour: behaviour.checking("original", _not_final, at=("refund",)))),
    row("cpan-before-token", "Charges the CPAN where a card token stands beside it.",
        lambda behaviour: behaviour.adding(Step("cpan-first", _cpan_first), before="card-token", at=("payment",))),
    row("numbers-by-operation", "Counts each operation's referenceNo by itself.",
        member("referenceNo", _by_operation, "bind", "unbind")),
    row("counts-octets", "Counts lengths in octets of UTF-8.", lambda behaviour: replace(behaviour, measure=_octets)),
    row("counts-utf-16", "Counts lengths in units of UTF-16.", lambda behaviour: replace(behaviour, measure=_units)),
    row("reads-nearly-json", "Reads on where a body is nearly JSON, or no UTF-8.", reading(_lenient)),
    row("reads-values-kindly", "Reads null, numbers, Z and other case where the meaning is plain.", _kind),
    row("tells-what-a-card-lacks", "Says what an opened card lacks, and that a text is no container.",
        lambda behaviour: behaviour.refusing(_what_a_card_lacks)),
    row("short-lived-tokens", "Gives B2B tokens of five minutes.",
        lambda behaviour: replace(behaviour, token_lifetime=timedelta(seconds=300))),
    row("writes-null-for-none", "Writes null for each optional member without a value, and offsets without a colon.",
        both(telling(_nothing_is_null), member("accessTokenExpiryTime", _without_colon, "b2b2c"))),
    row("tells-the-time", "Says in each reply when it was made.", dressing(_clock)),
    row("gate-in-front", "Has a gate that sends away without a token, in HTML.",
        lambda behaviour: behaviour.guarding(_gate)),
)  # fmt: skip
