"""What was bound, paid and refunded before decides what is allowed next."""

from __future__ import annotations

from typing import Any

import pytest

from kki.drafting.bounds import NEAR
from kki.drafting.drafts import Draft, a_payment, a_refund, an_unbinding

from .probes import probe

pytestmark = pytest.mark.level("quick")


@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-STA-120", "KKI-RSN-180", "KKI-RSP-280")
def test_a_reference_is_charged_once(server):
    first = server.a("payment")
    server.send(first)
    server.send(server.a("payment").having(partnerReferenceNo=first.json["partnerReferenceNo"]))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        probe(
            first,
            second,
            id=f"{first} then {second}",
            operation="payment",
            exercises=["KKI-STA-120"],
            level="quick" if (first, second) == ("token", "token") else "standard",
        )
        for first, second in (("token", "token"), ("cpan-tokenise", "token-recurring"), ("token", "cpan-tokenise"))
    ],
)
def test_a_reference_is_charged_once_whatever_it_is_paid_with(server, first, second):
    server.bound_token()
    earlier = server.a_payment(first)
    server.send(earlier)
    server.send(server.a_payment(second).having(partnerReferenceNo=earlier.json["partnerReferenceNo"]))


@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-STA-130", "KKI-RSN-190")
@pytest.mark.parametrize("variant", ["token", "token-recurring"])
def test_an_unknown_card_token_does_not_pay(server, variant):
    server.send(a_payment(server.kit(card_token="ffffffffffffffffffffffffffffffff"), variant))


def nearly(value: str, change: str) -> str:
    """The value, changed a little. Skips where this change makes no difference to it."""
    other = NEAR[change](value)
    if other == value:
        pytest.skip("undecided: the value has no letters, so that case cannot be tried on it")
    return other


def near(**levels: str) -> list[Any]:
    """A parameter for each change, `_` for a blank, with the level from which on it is tried."""
    return [pytest.param(name.replace("_", " "), marks=pytest.mark.level(level)) for name, level in levels.items()]


@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-STA-130")
@pytest.mark.parametrize(
    "change",
    near(
        shortened="quick",
        in_other_case="quick",
        with_another_beginning="standard",
        with_a_blank_behind="standard",
        with_an_apostrophe_behind="standard",
    ),
)
def test_a_card_token_pays_as_it_is_or_not_at_all(server, change):
    server.send(a_payment(server.kit(card_token=nearly(server.bound_token(), change)), "token"))


@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-STA-132")
@pytest.mark.parametrize(
    ("variant", "change"), [("cpan", "with another end"), ("cpan-tokenise", "with another beginning")]
)
def test_an_unknown_cpan_does_not_pay(server, variant, change):
    server.need("cpan")
    server.send(server.a_payment(variant).having(chargeToken=nearly(server.test_data.cpan, change)))


@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-STA-140", "KKI-RSN-200")
@pytest.mark.parametrize(
    ("variant", "change"), [("cpan", "with another end"), ("cpan-tokenise", "with another beginning")]
)
def test_a_wrong_otp_does_not_pay(server, variant, change):
    server.need("otp")
    server.send(server.a_payment(variant).having(otp=nearly(server.test_data.otp, change)))


@pytest.mark.operation("refund")
@pytest.mark.exercises("KKI-STA-150")
@pytest.mark.parametrize(
    "change",
    near(
        with_another_end="standard",
        in_other_case="standard",
        with_a_blank_behind="standard",
        with_an_apostrophe_behind="standard",
    ),
)
def test_a_refund_names_its_payment_as_it_is(server, change):
    server.send(a_refund(server.kit(), nearly(server.refundable(), change)))


@pytest.mark.operation("unbind")
@pytest.mark.exercises("KKI-STA-190")
@pytest.mark.parametrize(
    "change",
    near(
        shortened="standard",
        in_other_case="standard",
        with_another_beginning="standard",
        with_a_blank_behind="standard",
        in_Base64="quick",
    ),
)
def test_a_token_is_unbound_as_it_is_or_not_at_all(server, change):
    """Page, section 3: tokenId is the raw value, without any decoding."""
    server.send(an_unbinding(server.kit(), nearly(server.token_at_risk(), change)))


@pytest.mark.operation("refund")
@pytest.mark.exercises("KKI-STA-150", "KKI-RSN-210")
def test_a_payment_that_never_was_is_not_refunded(server):
    kit = server.kit()
    server.send(a_refund(kit, kit.reference))


@pytest.mark.operation("refund")
@pytest.mark.exercises("KKI-STA-152")
def test_a_refused_payment_is_not_refunded(server):
    server.need("otp")
    refused = server.a("payment").having(otp="00000000" if server.test_data.otp != "00000000" else "11111111")
    server.send(refused)
    server.send(a_refund(server.kit(), refused.json["partnerReferenceNo"]))


def refused_payments(server) -> dict[str, Draft]:
    """Payments that are refused for their content, each at another step of their way."""
    used = server.first("bind").request.headers.get("X-EXTERNAL-ID")
    return {
        "unknown CPAN": server.a("payment").having(chargeToken=NEAR["with another end"](server.test_data.cpan)),
        "unknown card": a_payment(server.kit(card_token=server.NO_CARD), "token"),
        "otp too long": server.a("payment").having(otp=f"{server.test_data.otp}0"),
        "used X-EXTERNAL-ID": server.a("payment").with_header("X-EXTERNAL-ID", used),
    }


@pytest.mark.level("standard")
@pytest.mark.operation("refund")
@pytest.mark.exercises("KKI-STA-152")
@pytest.mark.parametrize("cause", ["unknown CPAN", "unknown card", "otp too long", "used X-EXTERNAL-ID"])
def test_a_payment_that_was_refused_for_its_content_was_not_made(server, cause):
    server.need("cpan", "otp", "card")
    payment = refused_payments(server)[cause]
    server.send(payment)
    server.send(a_refund(server.kit(), payment.json["partnerReferenceNo"]))


@pytest.mark.operation("refund")
@pytest.mark.exercises("KKI-RFD-150")
@pytest.mark.parametrize(
    "variant",
    [
        pytest.param("cpan-tokenise", marks=pytest.mark.level("standard")),
        pytest.param("token-recurring", marks=pytest.mark.level("quick")),
    ],
)
def test_a_payment_of_each_kind_is_refunded(server, variant):
    payment = server.a_payment(variant)
    server.send(payment)
    server.send(a_refund(server.kit(), payment.json["partnerReferenceNo"]))


UNTRUSTED = ("signed with another secret", "B2B token of rubbish", "customer token of rubbish")


@pytest.mark.level("standard")
@pytest.mark.operation("refund")
@pytest.mark.exercises("KKI-STA-152")
@pytest.mark.parametrize("spoiling", UNTRUSTED)
def test_a_payment_that_was_not_trusted_was_not_made(server, spoiling):
    """What was refused must not have happened all the same: its refund tells."""
    payment = server.a("payment")
    server.send(payment, spoiling)
    server.send(a_refund(server.kit(), payment.json["partnerReferenceNo"]))


@pytest.mark.operation("refund")
@pytest.mark.exercises("KKI-RFD-150")
def test_a_refund_that_was_not_trusted_was_not_made(server):
    original, number = server.paid(), server.kit().refund_no
    for spoiling in UNTRUSTED:
        server.send(a_refund(server.kit(), original).having(partnerRefundNo=number), spoiling)
    used = server.first("bind").request.headers.get("X-EXTERNAL-ID")
    server.send(a_refund(server.kit(), original).having(partnerRefundNo=number).with_header("X-EXTERNAL-ID", used))
    server.send(a_refund(server.kit(), original).having(partnerRefundNo=number))


# Once an unbinding was accepted, another card may have gone along with it (reading unbinding-reach): these come before.


@pytest.mark.early
@pytest.mark.level("quick")
@pytest.mark.operation("unbind")
@pytest.mark.exercises("KKI-PAY-154")
def test_an_unbinding_that_was_not_trusted_was_not_made(server):
    token = server.token_at_risk()
    for spoiling in UNTRUSTED[:2]:
        server.send(an_unbinding(server.kit(), token), spoiling)
    server.send(a_payment(server.kit(card_token=token), "token"))


@pytest.mark.early
@pytest.mark.level("standard")
@pytest.mark.operation("unbind")
@pytest.mark.exercises("KKI-PAY-154")
def test_an_unbinding_under_a_used_external_id_was_not_made(server):
    token = server.token_at_risk()
    used = server.first("bind").request.headers.get("X-EXTERNAL-ID")
    server.send(an_unbinding(server.kit(), token).with_header("X-EXTERNAL-ID", used))
    server.send(a_payment(server.kit(card_token=token), "token"))


@pytest.mark.operation("refund")
def test_a_payment_with_a_short_reference_is_refunded(server):
    """The page's own examples look like this, and break its own minimum (readings refund-reference-…)."""
    payment = server.a("payment")
    payment = payment.having(partnerReferenceNo=f"INV-{payment.json['partnerReferenceNo'][:8]}")
    server.send(payment)
    server.send(a_refund(server.kit(), payment.json["partnerReferenceNo"]))


@pytest.mark.operation("refund")
@pytest.mark.exercises("KKI-STA-160")
def test_the_same_refund_is_made_once(server):
    refund = server.a("refund", to_succeed=True)
    server.send(refund)
    kit = server.kit()
    again = a_refund(kit, refund.json["originalPartnerReferenceNo"]).having(
        partnerRefundNo=refund.json["partnerRefundNo"]
    )
    server.send(again)
    kit = server.kit()
    server.send(again.having(reason="For another reason").with_header("X-EXTERNAL-ID", kit.external_id))
    # For another payment under this number: refused, or made, but not answered with the first one's refund.
    server.send(a_refund(server.kit(), server.refundable()).having(partnerRefundNo=refund.json["partnerRefundNo"]))


@pytest.mark.level("standard")
@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-STA-120")
def test_a_reference_that_was_refunded_is_not_charged_again(server):
    refund = server.a("refund", to_succeed=True)
    server.send(refund)
    server.send(server.a("payment").having(partnerReferenceNo=refund.json["originalPartnerReferenceNo"]))


@pytest.mark.operation("refund")
def test_a_further_refund_is_answered_in_an_orderly_way(server):
    refund = server.a("refund", to_succeed=True)
    server.send(refund)
    server.send(a_refund(server.kit(), refund.json["originalPartnerReferenceNo"]))


@pytest.mark.operation("unbind")
@pytest.mark.exercises("KKI-STA-190")
def test_an_unknown_token_is_not_unbound(server):
    server.send(an_unbinding(server.kit(), server.NO_CARD))


@pytest.mark.operation("unbind")
@pytest.mark.exercises("KKI-UNB-150", "KKI-UNB-218", "KKI-STA-180")
def test_a_card_is_unbound_for_good(server):
    """Unbinding is asynchronous: the payment is tried again until it is refused, or until the profile's time is up."""
    token = server.token_to_unbind(keep=0)
    paid = a_payment(server.kit(card_token=token), "token")
    accepted = server.send(paid).response
    server.send(an_unbinding(server.kit(), token).with_header("CHANNEL-ID", "H2H"))
    server.pay_until_refused(token)
    server.send(an_unbinding(server.kit(), token))
    if accepted is not None and accepted.status == 200:  # what was paid before can be paid back
        server.send(a_refund(server.kit(), paid.json["partnerReferenceNo"]))


@pytest.mark.operation("unbind")
@pytest.mark.exercises("KKI-UNB-150")
def test_a_card_is_unbound_under_direct_hosting(server):
    token = server.token_to_unbind(keep=0)
    server.send(an_unbinding(server.kit(), token))
    server.pay_until_refused(token)


@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-STA-200")
def test_of_two_requests_racing_with_one_external_id_one_is_accepted(server):
    for _ in server.until_decided("KKI-STA-200"):
        first, second = server.a("payment"), server.a("payment")
        server.race(first, second.with_header("X-EXTERNAL-ID", first.request.headers.get("X-EXTERNAL-ID")))


@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-STA-210")
def test_of_two_payments_racing_with_one_reference_one_is_accepted(server):
    for _ in server.until_decided("KKI-STA-210"):
        first, second = server.a("payment"), server.a("payment")
        server.race(first, second.having(partnerReferenceNo=first.json["partnerReferenceNo"]))


@pytest.mark.operation("refund")
def test_of_two_refunds_racing_with_one_number_one_is_made(server):
    refund = server.a("refund", to_succeed=True)
    again = a_refund(server.kit(), refund.json["originalPartnerReferenceNo"])
    server.race(refund, again.having(partnerRefundNo=refund.json["partnerRefundNo"]))


@pytest.mark.operation("payment")
@pytest.mark.exercises("KKI-STA-220")
def test_two_payments_have_different_references(server):
    server.send(server.a("payment"))
    server.send(server.a("payment"))


@pytest.mark.operation("refund")
@pytest.mark.exercises("KKI-STA-230")
def test_two_refunds_have_different_numbers(server):
    server.send(server.a("refund", to_succeed=True))
    server.send(server.a("refund", to_succeed=True))
