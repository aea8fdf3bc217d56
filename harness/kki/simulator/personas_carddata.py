"""Wrong about card data: what is opened, what is in it, and what the refusal gives away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kki.model.http import Response
from kki.simulator.behaviour import Behaviour
from kki.simulator.business import is_card, opened_card
from kki.simulator.call import Call
from kki.simulator.outcomes import Answer, Refusal, Result, Slow
from kki.simulator.persona import Change, Persona, area, dressing, lifting, without
from kki.snap import carddata, crypto
from kki.snap.canonical import Malformed
from kki.snap.carddata import Container
from kki.snap.encoding import base64_octets, json_object, utf8

row = area("card-data")

BEHIND_PADDING = 0.03  # seconds that opening takes before anything is parsed; the timing persona's


def failed_step(call: Call) -> str:
    """Where opening failed: "base64", "padding", "payload", …; "" where it did not."""
    opened = opened_card(call)
    return opened.step if isinstance(opened, Malformed) else ""


def _has_the_form(call: Call) -> bool:
    return carddata.recognise(call.text("cardData")) is Container.CIPHERTEXT_IV


def _opens(call: Call, container: Container) -> bool:
    opened = carddata.open_sealed(call.text("cardData"), shared_key=call.partner.shared_key, container=container)
    return isinstance(opened, bytes) and isinstance(carddata.card_payload(opened), dict)


def _opens_to_anything(call: Call) -> bool:
    container = Container(call.choice("card-data-container"))
    opened = carddata.open_sealed(call.text("cardData"), shared_key=call.partner.shared_key, container=container)
    return isinstance(opened, bytes)


def _opens_to_an_object(call: Call) -> bool:
    return _opens(call, Container(call.choice("card-data-container")))


def _is_plain(call: Call) -> bool:
    return isinstance(json_object(utf8(call.text("cardData"))), dict)


def _is_plain_in_base64(call: Call) -> bool:
    octets = base64_octets(call.text("cardData"))
    return isinstance(octets, bytes) and isinstance(json_object(octets), dict)


def _is_ecb(call: Call) -> bool:
    """AES-ECB is CBC block by block under a zero IV."""
    octets = base64_octets(call.text("cardData").split("|")[0])
    if isinstance(octets, Malformed) or not octets or len(octets) % carddata.BLOCK:
        return False
    key, zero = carddata.aes_key_128(call.partner.shared_key), bytes(carddata.BLOCK)
    blocks = [octets[at : at + carddata.BLOCK] for at in range(0, len(octets), carddata.BLOCK)]
    plain = b"".join(crypto.aes_cbc_decrypted(block, key, zero) for block in blocks)
    return isinstance(json_object(plain[: -plain[-1] or None]), dict)


def _ignores_padding(call: Call) -> bool:
    """Opens without looking at the padding, and looks for a card's number in what comes out."""
    head, _, tail = call.text("cardData").partition("|")
    octets, iv = base64_octets(head), base64_octets(tail)
    if isinstance(octets, Malformed) or isinstance(iv, Malformed) or len(iv) != carddata.BLOCK:
        return False
    if not octets or len(octets) % carddata.BLOCK:
        return False
    plain = crypto.aes_cbc_decrypted(octets, carddata.aes_key_128(call.partner.shared_key), iv)
    card = json_object(plain[: plain.rfind(b"}") + 1])
    return isinstance(card, dict) and is_card(card)


def telling_apart(change: Callable[[str, Refusal], Refusal]) -> Change:
    """The refusal of card data changed by where opening failed."""

    def refused(call: Call, refusal: Refusal) -> Refusal:
        return change(failed_step(call), refusal) if refusal.cause == "card-data" else refusal

    return lambda behaviour: behaviour.refusing(refused)


def _inside(step: str) -> bool:
    return step == "payload"


def _header(call: Call, reply: Answer) -> Answer:
    if reply.cause != "card-data":
        return reply
    return replace(reply, headers=(*reply.headers, ("X-Decrypt", "content" if _inside(failed_step(call)) else "no")))


def _member(call: Call, reply: Answer) -> Answer:
    if reply.cause != "card-data":
        return reply
    return replace(reply, members={**reply.members, "stage": "content" if _inside(failed_step(call)) else "seal"})


def _one_more(call: Call, reply: Answer) -> Answer:
    inside = reply.cause == "card-data" and _inside(failed_step(call))
    return replace(reply, members={**reply.members, "content": "unknown"}) if inside else reply


def _in_time(behaviour: Behaviour) -> Behaviour:
    def late(call: Call, reply: Answer, response: Response) -> Result:
        parsed = reply.cause == "card-data" and _inside(failed_step(call))
        return Slow(response, BEHIND_PADDING) if parsed else response

    return behaviour.writing(late)


ALL: tuple[Persona, ...] = (
    row("accepts-any-card-data", "Never opens cardData.", "CRD-110 CRD-120", without("card-data"), "stated"),
    row("accepts-card-data-under-any-key", "Looks at the form of cardData alone.", "CRD-110",
        lifting(_has_the_form, "card-data"), "stated"),
    row("accepts-ecb-card-data", "Opens cardData in ECB mode too.", "CRD-110", lifting(_is_ecb, "card-data"), "stated"),
    row("ignores-card-data-padding", "Opens cardData whatever its padding.", "CRD-110",
        lifting(_ignores_padding, "card-data"), "stated"),
    row("accepts-any-card-content", "Opens cardData and takes whatever is in it.", "CRD-114",
        lifting(_opens_to_anything, "card-data"), "conflicted"),
    row("accepts-card-without-members", "Takes any JSON object for a card.", "CRD-114",
        lifting(_opens_to_an_object, "card-data"), "conflicted"),
    row("accepts-plain-card-data", "Takes card data that is not encrypted.", "CRD-120",
        lifting(_is_plain, "card-data")),
    row("accepts-base64-card-data", "Takes card data that is Base64 and not encrypted.", "CRD-120",
        lifting(_is_plain_in_base64, "card-data")),
    row("accepts-salted-card-data", "Opens OpenSSL's passphrase form too.", "CRD-122",
        lifting(lambda call: _opens(call, Container.SALTED), "card-data"), "conflicted"),
    row("accepts-iv-prefixed-card-data", "Opens Base64 of vector and ciphertext too.", "CRD-122",
        lifting(lambda call: _opens(call, Container.IV_PREFIXED), "card-data"), "conflicted"),
    row("tells-padding-in-the-message", "Says in words at which step opening cardData failed.", "CRD-116",
        telling_apart(lambda step, old: replace(old, detail=f"cardData ({step})"))),
    row("tells-padding-in-the-case", "Refuses a card that opened with another case than one that did not.", "CRD-116",
        telling_apart(lambda step, old: replace(old, case="00" if _inside(step) else old.case))),
    row("tells-padding-in-the-status", "Refuses a card that opened with 404 and one that did not with 400.", "CRD-116",
        telling_apart(lambda step, old: replace(old, status=404, case="11") if _inside(step) else old)),
    row("tells-padding-in-a-header", "Tells in a header whether cardData could be opened.", "CRD-116",
        dressing(_header)),
    row("tells-padding-in-a-member", "Tells in a member of the body whether cardData could be opened.", "CRD-116",
        dressing(_member)),
    row("tells-padding-by-a-member", "Has one more member where cardData could be opened.", "CRD-116",
        dressing(_one_more)),
    row("fails-on-padding", "Answers wrong padding with a server error.", "CRD-116 ROB-310",
        telling_apart(lambda step, old: replace(old, status=500, case="00") if step == "padding" else old)),
    row("tells-padding-in-time", "Takes longer over a card that it could open.", "CRD-118", _in_time),
)  # fmt: skip
