"""Wrong about the members of the body: limits ignored or off by one, presence, types, patterns, the way to count."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from kki.model.contract import FieldFact
from kki.simulator.behaviour import Behaviour, Step
from kki.simulator.call import Call
from kki.simulator.fields import matches, of_type
from kki.simulator.outcomes import Refusal
from kki.simulator.persona import (
    Change,
    Persona,
    absent_member,
    accepting,
    area,
    balking,
    both,
    knowing,
    lifting,
    loosened,
    off_limits,
)
from kki.snap.encoding import utf8

row = area("fields")


# --- one field at a time ----------------------------------------------------------------------------------


def _type(operation: str, name: str, *lifts: str) -> Change:
    return both(
        loosened(name, operation, type="any"), lifting(off_limits(operation, name), *lifts, at=(operation,))
    )


def _longest(operation: str, name: str, *lifts: str) -> Change:
    return both(
        loosened(name, operation, max_length=None), lifting(off_limits(operation, name), *lifts, at=(operation,))
    )


def _one_more(operation: str, name: str, *lifts: str) -> Change:
    def amend(fact: FieldFact) -> FieldFact:
        return replace(fact, max_length=fact.max_length + 1 if fact.max_length is not None else None)

    return both(knowing(amend, name, operation), lifting(off_limits(operation, name), *lifts, at=(operation,)))


def _one_less(operation: str, name: str, *lifts: str) -> Change:
    def amend(fact: FieldFact) -> FieldFact:
        return replace(fact, min_length=fact.min_length - 1 if fact.min_length else None)

    return both(knowing(amend, name, operation), lifting(off_limits(operation, name), *lifts, at=(operation,)))


def _stricter(operation: str, name: str) -> Change:
    def amend(fact: FieldFact) -> FieldFact:
        return replace(fact, max_length=fact.max_length - 1 if fact.max_length is not None else None)

    return knowing(amend, name, operation)


def _optional(operation: str, name: str, *lifts: str) -> Change:
    return both(
        loosened(name, operation, required=False), lifting(absent_member(name), *lifts, at=(operation,))
    )


# operation, member, its name in the persona's, the row of presence, the row of limits, checks that would refuse anyway
_MEMBERS: tuple[tuple[str, str, str, str, str, tuple[str, ...]], ...] = (
    ("payment", "partnerReferenceNo", "payment-reference", "PAY-110", "PAY-112", ()),
    ("payment", "chargeToken", "cpan", "", "PAY-120", ("cpan",)),
    ("payment", "otp", "otp", "PAY-116", "PAY-122", ("otp",)),
    ("payment", "bankCardToken", "card-token", "", "PAY-118", ("card-token",)),
    ("bind", "partnerReferenceNo", "binding-reference", "", "BND-110", ()),
    ("bind", "cardData", "card-data", "BND-112", "", ("card-data",)),
    ("bind", "custIdMerchant", "customer-id", "BND-114", "BND-116", ()),
    ("bind", "journeyId", "journey-id", "", "", ()),
    ("unbind", "tokenId", "token-id", "UNB-110", "", ("token-id",)),
    ("refund", "originalPartnerReferenceNo", "original-reference", "RFD-110", "RFD-112", ("original",)),
    ("refund", "originalExternalId", "original-external-id", "", "RFD-118", ()),
    ("refund", "reason", "reason", "", "RFD-120", ()),
    ("refund", "partnerRefundNo", "refund-number", "RFD-122", "RFD-124", ()),
)
# Where no length is limited, the type has a row of its own.
_TYPES = {"cardData": "BND-112", "journeyId": "BND-120", "tokenId": "UNB-112"}
_DOUBTED = {"PAY-110", "PAY-116"}  # labelled Required, described as Optional


def _table() -> Iterable[Persona]:
    for operation, name, short, presence, limits, lifts in _MEMBERS:
        if presence:
            standing = "conflicted" if presence in _DOUBTED else "stated"
            yield row(f"accepts-missing-{short}", f"Needs no {name} on {operation}.", presence,
                      _optional(operation, name, *lifts), standing)  # fmt: skip
        if limits:
            yield row(f"accepts-long-{short}", f"Knows no longest {name} on {operation}.", limits,
                      _longest(operation, name, *lifts), "stated")  # fmt: skip
            yield row(f"accepts-{short}-one-too-long", f"Allows one character more of {name} than is documented.",
                      limits, _one_more(operation, name, *lifts), "stated")  # fmt: skip
        yield row(f"accepts-{short}-of-any-type", f"Takes {name} of any JSON type on {operation}.",
                  _TYPES.get(name, limits), _type(operation, name, *lifts), "stated")  # fmt: skip


# --- in general ---------------------------------------------------------------------------------------------


def _null_passes(behaviour: Behaviour) -> Behaviour:
    return replace(
        behaviour, is_empty=lambda value: value == "", of_type=lambda fact, value: value is None or of_type(fact, value)
    )


def _empty_passes(behaviour: Behaviour) -> Behaviour:
    def any_empty(pattern: str, value: str) -> bool:
        return value == "" or matches(pattern, value)

    return replace(behaviour, is_empty=lambda value: value is None, matches=any_empty)


def _numbers_pass(behaviour: Behaviour) -> Behaviour:
    def number_or(fact: FieldFact, value: Any) -> bool:
        return of_type(fact, value) or (fact.type == "string" and type(value) in (int, float))

    return replace(behaviour, of_type=number_or)


def _python_dollar(pattern: str, value: str) -> bool:
    """$ before a last newline, as Python's own `re.match` has it."""
    return re.compile(pattern, re.ASCII).match(value) is not None


def _word_characters(pattern: str, value: str) -> bool:
    """Letters and digits of any script."""
    return re.fullmatch(r"[^\W_]+", value) is not None if "a-z" in pattern else matches(pattern, value)


def _unanchored(pattern: str, value: str) -> bool:
    return re.search(pattern.strip("^$"), value, re.ASCII) is not None


def _matching(way: Any) -> Change:
    """Another regex engine, for the body alone: the headers' patterns stay as they are."""

    def check(call: Call) -> Refusal | None:
        from kki.simulator.fields import members_are_well_formed

        world = call.world
        strict, world.behaviour = world.behaviour, replace(world.behaviour, matches=way)
        try:
            return members_are_well_formed(call)
        finally:
            world.behaviour = strict

    return lambda behaviour: behaviour.checking("members", check, at=("bind",))


def _stranger(call: Call) -> Refusal | None:
    known = {fact.name for fact in call.fields}
    other = next((name for name in call.members if name not in known), None)
    return Refusal(cause="extra-member", status=400, case="01", detail="body") if other is not None else None


def _closed(behaviour: Behaviour) -> Behaviour:
    return behaviour.adding(
        Step("extra-members", _stranger), before="members", at=("payment", "bind", "unbind", "refund")
    )


def _no_hyphen(call: Call) -> bool:
    return not call.text("partnerReferenceNo").isalnum()


def _marked(name: str, value: str) -> Any:
    def when(call: Call) -> bool:
        more = call.members.get("additionalInfo")
        return isinstance(more, dict) and str(more.get(name)).lower() == value

    return when


ALL: tuple[Persona, ...] = (
    *_table(),
    row("accepts-phone-of-any-type", "Takes phoneNo of any JSON type.", "BND-122", _type("bind", "phoneNo"), "stated"),
    row("accepts-short-otp", "Takes an OTP of 7 characters.", "PAY-122", _one_less("payment", "otp", "otp"), "stated"),
    row("accepts-payment-of-nothing", "Takes a payment with neither chargeToken nor bankCardToken.", "PAY-114",
        _optional("payment", "chargeToken", "cpan"), "stated"),
    row("accepts-any-customer-id", "Takes any characters in custIdMerchant.", "BND-118",
        loosened("custIdMerchant", "bind", pattern=None), "stated"),
    row("accepts-newline-after-customer-id", "Takes a line feed at the end of custIdMerchant, as Python's $ does.",
        "BND-118", _matching(_python_dollar), "stated"),
    row("accepts-letters-of-any-script", "Takes letters and digits of any script in custIdMerchant.", "BND-118",
        _matching(_word_characters), "stated"),
    row("accepts-customer-id-in-part", "Looks for the pattern of custIdMerchant anywhere in it.", "BND-118",
        _matching(_unanchored), "stated"),
    row("ignores-refund-reference-minimum", "Refunds references under 32 characters where the minimum is enforced.",
        "RFD-114", loosened("originalPartnerReferenceNo", "refund", min_length=None), "conflicted",
        refund_reference_minimum="enforced"),
    row("ignores-refund-reference-characters", "Refunds references with a hyphen where only letters and digits count.",
        "RFD-116", loosened("originalPartnerReferenceNo", "refund", pattern=None), "conflicted",
        refund_reference_characters="alphanumeric"),
    # in general
    row("accepts-null", "Takes null for any member.", "FLD-110", _null_passes),
    row("accepts-empty", "Takes an empty text for any required member.", "FLD-110", _empty_passes),
    row("accepts-numbers-for-strings", "Takes a number wherever a string is documented.",
        "PAY-112 PAY-122 BND-116 RFD-124", _numbers_pass, "stated"),
    row("accepts-body-that-is-no-object", "Answers a body that is JSON but no object as successful.", "FLD-120",
        accepting("not-an-object")),
    row("refuses-extra-members", "Refuses a body with a member that is not documented.", "FLD-130", _closed),
    row("counts-bytes", "Counts a member's length in bytes of UTF-8.", "FLD-140",
        lambda behaviour: replace(behaviour, measure=lambda text: len(utf8(text))), "conflicted"),
    row("counts-utf16-units", "Counts a member's length in units of UTF-16.", "FLD-140",
        lambda behaviour: replace(behaviour, measure=lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2),
        "conflicted"),
    # what is correct, refused
    row("refuses-longest-payment-reference", "Allows one character less of partnerReferenceNo than is documented.",
        "PAY-150 PAY-152 PAY-154 PAY-156", _stricter("payment", "partnerReferenceNo"), "stated"),
    row("refuses-longest-refund-number", "Allows one character less of partnerRefundNo than is documented.", "RFD-150",
        _stricter("refund", "partnerRefundNo"), "stated"),
    row("refuses-longest-reason", "Allows one character less of reason than is documented.", "RFD-150",
        _stricter("refund", "reason"), "stated"),
    row("refuses-longest-customer-id", "Allows one character less of custIdMerchant than is documented.", "BND-150",
        _stricter("bind", "custIdMerchant"), "stated"),
    row("refuses-hyphen-in-reference", "Refuses a payment reference such as the page's own INV-0001.",
        "PAY-150 PAY-152 PAY-154 PAY-156", balking(_no_hyphen, "payment"), "stated"),
    row("refuses-cpan-payments", "Refuses each payment with a CPAN.", "PAY-150 PAY-152",
        balking(lambda call: not call.pays_by_token, "payment"), "stated"),
    row("refuses-tokenising-payments", "Refuses payments that are marked to be tokenised.",
        "PAY-152 FLD-130", balking(_marked("isBindAndPay", "true"), "payment")),
    row("refuses-token-payments", "Refuses each payment with a bankCardToken.", "PAY-154 PAY-156",
        balking(lambda call: call.pays_by_token, "payment"), "stated"),
    row("refuses-recurring-payments", "Refuses payments that are marked as recurring.",
        "PAY-156 FLD-130", balking(_marked("paymentType", "recurring"), "payment")),
    row("refuses-dh-bindings", "Refuses each binding under CHANNEL-ID DH.", "BND-150",
        balking(lambda call: call.header("CHANNEL-ID") == "DH", "bind"), "stated"),
    row("refuses-h2h-bindings", "Refuses each binding under CHANNEL-ID H2H.", "BND-152",
        balking(lambda call: call.header("CHANNEL-ID") == "H2H", "bind"), "stated"),
    row("refuses-bindings-without-channel", "Needs CHANNEL-ID on a binding.", "BND-154",
        balking(lambda call: not call.header("CHANNEL-ID"), "bind", case="02"), "stated"),
    row("refuses-unbinding", "Refuses each unbinding.", "UNB-150", balking(lambda _: True, "unbind"), "stated"),
    row("refuses-refunds", "Refuses each refund.", "RFD-150", balking(lambda _: True, "refund"), "stated"),
)  # fmt: skip
