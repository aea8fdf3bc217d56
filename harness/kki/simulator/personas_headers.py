"""Wrong about the other headers: presence, form, uniqueness."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from kki.model.http import Headers, Response
from kki.simulator.behaviour import Behaviour
from kki.simulator.call import Call
from kki.simulator.outcomes import Answer, Result
from kki.simulator.persona import (
    SYMMETRIC,
    Change,
    Persona,
    absent_header,
    area,
    both,
    knowing,
    lifting,
    long_header,
    loosened,
    without,
)
from kki.simulator.server import encoded
from kki.snap import timestamps
from kki.snap.canonical import Malformed

row = area("headers")

CHARGES = ("payment", "refund")
CARDS = ("bind", "unbind")


def _step_of_fault(call: Call) -> str:
    seen = timestamps.parse(call.header("X-TIMESTAMP"))
    return seen.step if isinstance(seen, Malformed) else ""


def _age(call: Call) -> timedelta:
    seen = timestamps.parse(call.header("X-TIMESTAMP"))
    return timedelta(0) if isinstance(seen, Malformed) else call.now - seen.moment


def _not_required(name: str, *steps: str) -> Change:
    return both(loosened(name, *SYMMETRIC, required=False), lifting(absent_header(name), *steps, at=SYMMETRIC))


def _unknown_partner(call: Call) -> bool:
    return call.header("X-PARTNER-ID") not in call.setup.partners


def _of_any_partner(call: Call) -> bool:
    token = call.world.b2b_tokens.get(call.b2b_token)
    return token is not None and token.expires > call.now


def _earlier_digest(call: Call) -> bytes | None:
    earlier = call.world.external_ids.get(call.external_key)
    return earlier.body if earlier else None


def _replayed_reply(call: Call, reply: Answer, response: Response) -> Result:
    earlier = call.world.external_ids.get(call.external_key)
    return earlier.response if reply.cause == "external-id" and earlier else response


def _is_strange(call: Call) -> bool:
    kind = call.header("Content-Type").split(";")[0].strip().lower()
    return call.operation is not None and kind != "application/json"


def _page_for_strangers(call: Call) -> Response | None:
    headers = Headers.of([("Content-Type", "text/html")])
    page = b"<html><h1>Bad Request</h1></html>"
    return Response(status=400, headers=headers, body=page) if _is_strange(call) else None


def _failure_for_strangers(call: Call) -> Response | None:
    body = encoded({"responseCode": f"500{call.service}00", "responseMessage": "General Error"})
    headers = Headers.of([("Content-Type", "application/json")])
    return Response(status=500, headers=headers, body=body) if _is_strange(call) else None


def _any_case(behaviour: Behaviour) -> Behaviour:
    return knowing(lambda fact: replace(fact, enum=(*fact.enum, *(word.lower() for word in fact.enum))), "CHANNEL-ID")(
        behaviour
    )


ALL: tuple[Persona, ...] = (
    row("accepts-missing-timestamp", "Needs no X-TIMESTAMP.", "HDR-110",
        _not_required("X-TIMESTAMP", "timestamp-form", "timestamp-fresh"), "stated"),
    row("accepts-malformed-timestamp", "Does not read X-TIMESTAMP of a payment or refund.", "HDR-112",
        lifting(lambda call: _step_of_fault(call) == "form", "timestamp-form", at=CHARGES), "conflicted"),
    row("accepts-malformed-timestamp-of-a-binding", "Does not read X-TIMESTAMP of a binding or unbinding.", "HDR-114",
        both(loosened("X-TIMESTAMP", *CARDS, pattern=None),
             lifting(lambda call: _step_of_fault(call) == "form", "timestamp-form", at=CARDS)), "stated"),
    row("accepts-zulu-on-a-binding", "Takes milliseconds and Z on a binding or unbinding too.", "HDR-114",
        loosened("X-TIMESTAMP", *CARDS, pattern=None), "stated"),
    row("accepts-impossible-timestamp", "Takes month 13, hour 25 and the offset +99:99.", "HDR-116",
        lifting(lambda call: _step_of_fault(call) in ("calendar", "offset"), "timestamp-form", at=SYMMETRIC)),
    row("accepts-stale-timestamp", "Takes requests that are days old.", "HDR-118",
        lifting(lambda call: _age(call) > timedelta(0), "timestamp-fresh", at=SYMMETRIC)),
    row("accepts-future-timestamp", "Takes requests that are days ahead.", "HDR-118",
        lifting(lambda call: _age(call) < timedelta(0), "timestamp-fresh", at=SYMMETRIC)),
    row("accepts-missing-partner-id", "Needs no X-PARTNER-ID, since the token tells the partner.", "HDR-122",
        _not_required("X-PARTNER-ID", "partner", "b2b-token"), "stated"),
    row("accepts-long-partner-id", "Does not look up an X-PARTNER-ID over the limit.", "HDR-124",
        both(loosened("X-PARTNER-ID", *CARDS, max_length=None),
             lifting(long_header("X-PARTNER-ID"), "partner", "b2b-token", at=CARDS)), "stated"),
    row("ignores-partner-id", "Never compares X-PARTNER-ID with the token's partner.", "HDR-126",
        lifting(lambda call: _unknown_partner(call) and _of_any_partner(call), "partner", "b2b-token")),
    row("accepts-missing-external-id", "Needs no X-EXTERNAL-ID.", "HDR-130",
        _not_required("X-EXTERNAL-ID", "external-id"), "stated"),
    row("accepts-letters-in-external-id", "Takes letters in the X-EXTERNAL-ID of a payment or refund.", "HDR-132",
        loosened("X-EXTERNAL-ID", *CHARGES, pattern=None), "conflicted"),
    row("accepts-long-external-id-of-a-binding", "Knows no longest X-EXTERNAL-ID on binding and unbinding.", "HDR-134",
        loosened("X-EXTERNAL-ID", *CARDS, max_length=None), "stated"),
    row("accepts-long-external-id-of-a-payment", "Knows no longest X-EXTERNAL-ID on payment and refund.", "HDR-136",
        loosened("X-EXTERNAL-ID", *CHARGES, max_length=None)),
    row("accepts-replays", "Never remembers an X-EXTERNAL-ID.", "HDR-140 STA-200", without("external-id")),
    row("accepts-replay-of-the-same-body", "Takes a used X-EXTERNAL-ID again with the same body.", "HDR-140",
        lifting(lambda call: _earlier_digest(call) == call.request.body, "external-id")),
    row("accepts-replay-with-another-body", "Takes a used X-EXTERNAL-ID again with another body.", "HDR-140",
        lifting(lambda call: _earlier_digest(call) != call.request.body, "external-id")),
    row("repeats-the-reply-to-a-replay", "Answers a replay with the earlier reply, as if it were accepted again.",
        "HDR-140", lambda behaviour: behaviour.writing(_replayed_reply)),
    row("accepts-missing-ip-address", "Refunds without X-IP-ADDRESS.", "HDR-170",
        both(loosened("X-IP-ADDRESS", "refund", required=False)), "stated"),
    row("accepts-any-length-of-ip-address", "Does not count the characters of X-IP-ADDRESS.", "HDR-172",
        loosened("X-IP-ADDRESS", "refund", min_length=None, max_length=None), "conflicted"),
    row("accepts-any-ip-address", "Takes any text for an IP address.", "HDR-174", without("ip-address")),
    row("accepts-any-channel", "Takes any CHANNEL-ID.", "HDR-180", loosened("CHANNEL-ID", *CARDS, enum=()), "stated"),
    row("ignores-case-of-channel", "Takes CHANNEL-ID in lower case.", "HDR-180", _any_case, "stated"),
    row("answers-strange-types-in-html", "Answers a request that does not say application/json with a page in HTML.",
        "RSP-260 RSP-270 RSP-280", lambda behaviour: behaviour.guarding(_page_for_strangers), "stated"),
    row("fails-on-strange-types", "Answers a request that does not say application/json with a server error.",
        "HDR-190 ROB-310", lambda behaviour: behaviour.guarding(_failure_for_strangers)),
    row("accepts-repeated-headers", "Takes the first of two values of one header.", "HDR-192",
        without("headers-once")),
)  # fmt: skip
