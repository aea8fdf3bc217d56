"""What correct merchants do, and is held against nobody: threads, restarts, customers, midnight, page-exact bodies.

Beside each, the fault that looks like it and is found all the same.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from kki.model.http import Headers, Response

from .lab import TOKEN, Lab
from .memory import START
from .small_client import aes_cbc, aes_key, compact

SOON = timedelta(milliseconds=10)
ANOTHER_CPAN = "9360001609987000103"  # the checklist's blocked card


@pytest.fixture
def lab() -> Lab:
    """With two payments behind it: their additionalInfo differs, so that it is seen to tell orders apart."""
    found = Lab()
    found.pay("BEFORE1", order="X")
    found.pay("BEFORE2", order="Y")
    return found


def answered(lab: Lab, status: int, code: str) -> None:
    """The last exchange had this reply instead."""
    body, lines = {"responseCode": code, "responseMessage": "x"}, Headers.of([("Content-Type", "application/json")])
    response = Response(status=status, headers=lines, body=compact(body))
    lab.exchanges[-1] = replace(lab.exchanges[-1], response=response)


def told_to_wait(lab: Lab) -> None:
    answered(lab, 429, "4290000")


# --- which order a payment is for ----------------------------------------------------------------------


def test_a_page_exact_body_says_nothing_of_its_order(lab: Lab) -> None:
    lab.pay("DUPLICATE1")
    lab.pay("UNKNOWNCASE1")
    lab.pay("INV0001")
    broken, undecided = lab.verdicts()
    assert broken == set()
    assert {"KKI-BEH-090", "KKI-BEH-100"} <= undecided


def test_a_member_that_is_always_the_same_tells_no_order() -> None:
    lab = Lab()
    for reference in ("DUPLICATE1", "NOREPLY1", "UNKNOWNCASE1", "CARDBLOCKED1", "INV0001", "INV0002"):
        lab.pay(reference, order="an SDK of version 1")
    broken, undecided = lab.verdicts()
    assert broken == set()
    assert {"KKI-BEH-030", "KKI-BEH-090", "KKI-BEH-100"} <= undecided


def test_a_member_that_another_order_had_too_tells_none(lab: Lab) -> None:
    lab.pay("INV0001", order="sku 7")
    lab.pay("NOREPLY1", order="sku 7")
    lab.pay("INV0003", order="sku 7")
    assert "KKI-BEH-030" not in lab.broken


def test_the_same_order_charged_anew_is_found(lab: Lab) -> None:
    lab.pay("DUPLICATE1", order="A")
    lab.pay("INV0001", order="A")
    assert lab.broken == {"KKI-BEH-090"}


def test_another_card_for_a_declined_order_is_another_charge(lab: Lab) -> None:
    lab.pay("ORDER1", card=ANOTHER_CPAN)
    lab.wait(5)
    lab.pay("ORDER1", card=TOKEN)
    assert lab.broken == set()


def test_the_same_card_for_a_declined_order_is_not(lab: Lab) -> None:
    lab.pay("CARDBLOCKED1", card=TOKEN)
    lab.wait(5)
    lab.pay("CARDBLOCKED1", card=TOKEN)
    assert lab.broken == {"KKI-BEH-060"}


def test_a_customer_who_tries_again_is_not_the_client(lab: Lab) -> None:
    lab.pay("INSUFFICIENTFUNDS1", card=TOKEN)
    lab.wait(25)
    lab.pay("INSUFFICIENTFUNDS1", card=TOKEN)
    broken, undecided = lab.verdicts()
    assert broken == set()
    assert "KKI-BEH-060" in undecided


def test_a_typing_error_may_happen_twice(lab: Lab) -> None:
    lab.pay("A1", otp="00000000", order="A")
    lab.wait(5)
    lab.pay("B1", otp="00000000", order="B")
    lab.wait(40)
    lab.pay("A1", otp="00000000", order="A")
    assert lab.broken == set()


def test_the_same_otp_sent_again_at_once_may_not(lab: Lab) -> None:
    lab.pay("A1", otp="00000000", order="A")
    lab.wait(1)
    lab.pay("A1", otp="00000000", order="A")
    assert lab.broken == {"KKI-BEH-070"}


# --- threads and processes -----------------------------------------------------------------------------


def test_what_is_on_its_way_with_a_token_when_it_is_refused(lab: Lab) -> None:
    at, old = lab.t, lab.token
    lab.pay("EXPIREDTOKEN1", at=at, order="A")
    lab.pay("INV0002", at=at + timedelta(milliseconds=25), token=old, order="B")
    assert lab.broken == set()


def test_the_refused_request_again_with_its_token(lab: Lab) -> None:
    old = lab.token
    lab.pay("EXPIREDTOKEN1", order="A")
    lab.pay("EXPIREDTOKEN1", order="A", token=old)
    assert "KKI-BEH-010" in lab.broken


def test_another_machine_was_not_told_to_wait(lab: Lab) -> None:
    at = lab.t
    lab.pay("TOOMANYREQUESTS1", at=at, order="A")
    lab.pay("INV0002", at=at + timedelta(milliseconds=30), order="B")
    lab.wait(3)
    lab.pay("TOOMANYREQUESTS1", order="A")
    assert lab.broken == set()


def test_two_threads_charge_while_a_reply_is_awaited(lab: Lab) -> None:
    at = lab.t
    lab.pay("NOREPLY01", at=at, order="A")
    lab.pay("INV0002", at=at + SOON, order="A")
    assert lab.broken == set()


def test_tokens_of_several_workers_are_used_after_the_next_was_fetched(lab: Lab) -> None:
    tokens = [lab.token, lab.renew(), lab.renew(), lab.renew()]
    for number in range(3):
        for place, token in enumerate(tokens):
            lab.pay(f"INV{number}{place}", token=token, order=f"{number} {place}")
    assert lab.broken == set()


def test_a_token_for_each_request_is_found(lab: Lab) -> None:
    for number in range(4):
        lab.pay(f"INV{number}", order=str(number))
        lab.renew()
    assert lab.broken == {"KKI-TOK-060"}


def test_a_payment_that_was_sent_before_the_unbinding(lab: Lab) -> None:
    at = lab.t
    lab.unbind(at=at + SOON, took=0.02)
    lab.pay("INV0001", card=TOKEN, at=at, took=0.5)
    assert lab.broken == set()


# --- restarts and idempotent questions -------------------------------------------------------------------


def test_a_process_that_died_before_it_read_the_reply_asks_again(lab: Lab) -> None:
    lab.pay("INV0001", order="A")
    lab.refund("INV0001", "REF1")
    lab.unbind()
    lab.wait(30)
    lab.pay("INV0001", order="A")
    lab.refund("INV0001", "REF1")
    lab.unbind()
    assert lab.broken == set()


def test_one_reference_for_two_orders_is_found(lab: Lab) -> None:
    lab.pay("INV0001", order="A")
    lab.wait(30)
    lab.pay("INV0001", order="B")
    assert lab.broken == {"KKI-STA-010"}


def test_one_number_for_two_refunds_is_found(lab: Lab) -> None:
    lab.pay("INV0001", order="A")
    lab.pay("INV0002", order="B")
    lab.refund("INV0001", "REF1")
    lab.refund("INV0002", "REF1")
    assert lab.broken == {"KKI-RFD-028"}


def test_a_lost_request_under_its_own_id_is_an_idempotent_question(lab: Lab) -> None:
    lab.pay("NOREPLY01", order="A", external="77")
    lab.pay("NOREPLY01", order="A", external="77")
    assert lab.broken == set()


def test_an_answered_request_under_its_own_id_is_not(lab: Lab) -> None:
    lab.pay("INV0001", order="A", external="77")
    lab.pay("INV0001", order="A", external="77")
    assert lab.broken == {"KKI-BEH-020", "KKI-HDR-040"}


def test_good_news_is_not_forgotten_over_a_refused_token(lab: Lab) -> None:
    lab.pay("NOREPLY02", order="A")
    lab.world.b2b_tokens.pop(lab.token)
    lab.pay("NOREPLY02", order="A")
    lab.renew()
    lab.pay("NOREPLY02", order="A")
    lab.wait(3)
    lab.pay("NEXT1", order="B")
    assert lab.broken == set()


def test_a_question_after_a_minute_does_not_forbid_other_orders_before_it(lab: Lab) -> None:
    lab.pay("GATEWAYTIMEOUT1", card=TOKEN)
    lab.wait(45)
    lab.pay("NEXT", card=TOKEN)
    lab.wait(20)
    lab.ask("GATEWAYTIMEOUT1")
    broken, undecided = lab.verdicts()
    assert broken == set()
    assert "KKI-BEH-030" in undecided


def test_a_status_question_without_an_answer_settles_nothing(lab: Lab) -> None:
    lab.pay("NOREPLY1", order="A")
    lab.wait(5)
    lab.ask("NOREPLY1")
    lab.exchanges[-1] = replace(lab.exchanges[-1], response=None, answered_at=None, failure="timeout")
    lab.wait(5)
    lab.pay("INV0001", order="A")
    assert lab.broken == {"KKI-BEH-030"}


def test_nor_does_one_that_was_refused(lab: Lab) -> None:
    lab.pay("GATEWAYTIMEOUT1", order="A")
    lab.wait(5)
    assert lab.ask("GATEWAYTIMEOUT1", token="eyJ.of-yesterday.token").response.status == 401  # type: ignore[union-attr]
    lab.wait(5)
    lab.pay("INV0001", order="A")
    assert lab.broken == {"KKI-BEH-030"}


def test_what_was_paid_by_its_status_is_not_charged_anew(lab: Lab) -> None:
    lab.pay("NOREPLY1", order="A")
    lab.wait(5)
    lab.ask("NOREPLY1")
    broken, undecided = lab.verdicts()
    assert broken == set()
    assert "KKI-BEH-030" not in undecided  # it has asked
    lab.wait(5)
    lab.pay("INV0001", order="A")
    assert lab.broken == {"KKI-BEH-030"}


def test_what_failed_by_its_status_may_be_charged_anew(lab: Lab) -> None:
    lab.pay("GATEWAYTIMEOUT1", order="A")
    lab.wait(5)
    lab.ask("GATEWAYTIMEOUT1")
    lab.wait(5)
    lab.pay("INV0001", order="A")
    assert lab.broken == set()


def test_what_was_paid_back_may_be_charged_anew(lab: Lab) -> None:
    lab.pay("NOREPLY1", order="A")
    lab.wait(5)
    lab.ask("NOREPLY1")
    lab.refund("NOREPLY1", "N1")
    lab.wait(5)
    lab.pay("INV0001", order="A")
    assert lab.broken == set()


def test_an_order_that_was_told_to_wait_waits_under_any_reference(lab: Lab) -> None:
    lab.pay("TOOMANYREQUESTS1", order="A")
    lab.wait(0.1)
    lab.pay("INV0001", order="A")
    assert lab.broken == {"KKI-BEH-050"}


def test_another_order_was_told_nothing(lab: Lab) -> None:
    lab.pay("TOOMANYREQUESTS1", order="A")
    lab.wait(0.1)
    lab.pay("INV0001", order="B")
    assert lab.broken == set()


@pytest.mark.parametrize("number", ["N1", "N2"])
def test_a_refund_that_was_told_to_wait_waits_under_any_number(lab: Lab, number: str) -> None:
    lab.refund("BEFORE1", "N1")
    told_to_wait(lab)
    lab.wait(0.1)
    lab.refund("BEFORE1", number)
    assert lab.broken == {"KKI-BEH-050"}


@pytest.mark.parametrize(
    ("told", "waited", "broken"),
    [
        ("4", 3, {"KKI-BEH-050"}), ("4", 4, set()), ("99999", 4, {"KKI-BEH-050"}),
        # Not a number of seconds, or more than a day: one second, as where nothing is said.
        ("Fri, 27 Nov 2026 10:00:00 GMT", 2, set()), ("100000", 2, set()), ("", 2, set()), ("", 0.5, {"KKI-BEH-050"}),
    ],
)  # fmt: skip
def test_it_waits_as_long_as_it_was_told(lab: Lab, told: str, waited: float, broken: set[str]) -> None:
    lab.refund("BEFORE1", "N1")
    told_to_wait(lab)
    reply = lab.exchanges[-1].response
    assert reply is not None
    lines = Headers.of([("Content-Type", "application/json"), ("Retry-After", told)])
    lab.exchanges[-1] = replace(lab.exchanges[-1], response=replace(reply, headers=lines))
    lab.wait(waited)
    lab.refund("BEFORE1", "N1")
    assert lab.broken == broken


def test_a_binding_that_was_told_to_wait_waits_however_it_is_sealed(lab: Lab) -> None:
    lab.bind(partnerReferenceNo="B1")
    told_to_wait(lab)
    lab.wait(0.1)
    lab.bind(partnerReferenceNo="B1")
    assert lab.broken == {"KKI-BEH-050"}


def test_another_refund_was_told_nothing(lab: Lab) -> None:
    lab.refund("BEFORE1", "N1")
    told_to_wait(lab)
    lab.wait(0.1)
    lab.refund("BEFORE2", "N2")
    assert lab.broken == set()


@pytest.mark.parametrize(("status", "code"), [(401, "4010701"), (401, "4010700"), (409, "4090700"), (429, "4290700")])
def test_a_refusal_of_the_request_says_nothing_of_a_lost_refund(lab: Lab, status: int, code: str) -> None:
    lab.refund("BEFORE1", "N1")
    lab.exchanges[-1] = replace(lab.exchanges[-1], response=None, answered_at=None, failure="timeout")
    lab.wait(5)
    lab.refund("BEFORE1", "N1")
    answered(lab, status, code)
    lab.renew()
    lab.wait(5)
    lab.refund("BEFORE1", "N2")
    assert lab.broken == {"KKI-BEH-120"}


def test_a_refund_that_turned_out_done_is_settled(lab: Lab) -> None:
    lab.refund("BEFORE1", "N1")
    lab.exchanges[-1] = replace(lab.exchanges[-1], response=None, answered_at=None, failure="timeout")
    lab.wait(5)
    lab.refund("BEFORE1", "N1")
    answered(lab, 404, "4040718")
    lab.wait(5)
    lab.refund("BEFORE1", "N2")
    assert lab.broken == set()


def test_two_threads_that_are_told_to_wait_both_wait(lab: Lab) -> None:
    lab.pay("TOOMANYREQUESTS1", order="A")
    lab.pay("TOOMANYREQUESTS2", order="B")
    lab.wait(0.1)
    lab.pay("TOOMANYREQUESTS1", order="A")
    assert lab.broken == {"KKI-BEH-050"}


def test_next_months_charge_is_another_order(lab: Lab) -> None:
    lab.pay("GATEWAYTIMEOUT1", card=TOKEN, order="subscription 7")
    lab.wait(30 * 86400)
    lab.renew()
    lab.pay("NEXT", card=TOKEN, order="subscription 7")
    assert "KKI-BEH-030" not in lab.broken


def test_a_duplicate_counts_as_paid(lab: Lab) -> None:
    lab.pay("DUPLICATE0001", order="A")
    lab.wait(1)
    lab.refund("DUPLICATE0001", "REF1")
    assert "KKI-RFD-026" not in lab.broken


def test_sealed_once_and_sent_twice_is_sealed_once(lab: Lab) -> None:
    first = lab.bind(partnerReferenceNo="CONFLICT-1")
    data = first.request.body.decode().split('"cardData":"')[1].split('"')[0]
    lab.bind(data=data, partnerReferenceNo="CONFLICT-1", journeyId="attempt-2")
    assert lab.broken == set()
    lab.bind(data=data, partnerReferenceNo="ANOTHER-1")
    assert lab.broken == {"KKI-CRD-016"}


# --- days ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [7, 8])
def test_a_counter_that_begins_anew_with_the_clients_own_day(zone: int) -> None:
    own = timezone(timedelta(hours=zone))
    midnight = datetime(2026, 5, 27, 0, 0, 0, tzinfo=own)
    lab = Lab(t=midnight - timedelta(seconds=60))
    lab.pay("INV0001", order="A", external="1", zone=zone)
    lab.t = midnight + timedelta(seconds=5)
    lab.renew()
    lab.pay("INV0002", order="B", external="1", zone=zone)
    assert lab.broken - {"KKI-TOK-060"} == set()


def test_a_counter_that_begins_anew_in_mid_day(lab: Lab) -> None:
    lab.pay("INV0001", order="A", external="1")
    lab.pay("INV0002", order="B", external="1")
    assert lab.broken == {"KKI-HDR-040"}


def test_yesterdays_conflict_is_over() -> None:
    lab = Lab(t=START)
    lab.pay("CONFLICT1", order="A", external="5")
    lab.pay("CONFLICT1", order="A", external="6")
    lab.wait(86400)
    lab.renew()
    lab.pay("INV0002", order="B", external="5")
    assert "KKI-BEH-080" not in lab.broken


# --- what money or secrets hang on ---------------------------------------------------------------------


def test_a_lost_charge_found_made_is_not_charged_anew(lab: Lab) -> None:
    lab.pay("NOREPLY01", order="A")
    lab.wait(2)
    lab.pay("NOREPLY01", order="A")  # 409/01: it was made
    lab.pay("INV0002", order="A")
    assert "KKI-BEH-090" in lab.broken


def test_a_declined_order_under_ever_new_references(lab: Lab) -> None:
    lab.pay("INSUFFICIENTFUNDS1", order="A")
    lab.pay("INV0002", order="A")
    assert lab.broken == {"KKI-BEH-060"}


def test_three_wrong_otps_of_which_two_are_the_same(lab: Lab) -> None:
    for otp in ("00000000", "11111111", "00000000"):
        lab.pay("A1", otp=otp, order="A")
    assert lab.broken == {"KKI-BEH-070"}


def test_a_duplicate_charged_anew_after_another_payment(lab: Lab) -> None:
    lab.pay("DUPLICATE1", order="A")
    lab.pay("INV0002", order="B")
    lab.pay("INV0003", order="A")
    assert lab.broken == {"KKI-BEH-090"}


def test_a_refused_customer_token_is_not_sent_again(lab: Lab) -> None:
    lab.world.customer_tokens.clear()
    lab.pay("INV0001", order="A")
    lab.pay("INV0001", order="A")
    assert "KKI-BEH-012" in lab.broken


def test_a_lost_refund_under_a_new_number(lab: Lab) -> None:
    lab.pay("INV0001", order="A")
    lost = lab.refund("INV0001", "REF1")
    lab.exchanges[-1] = replace(lost, response=None, answered_at=None, failure="connection closed")
    lab.refund("INV0001", "REF2")
    assert lab.broken == {"KKI-BEH-120"}


def test_a_lost_refund_under_its_own_number(lab: Lab) -> None:
    lab.pay("INV0001", order="A")
    lost = lab.refund("INV0001", "REF1")
    lab.exchanges[-1] = replace(lost, response=None, answered_at=None, failure="connection closed")
    lab.refund("INV0001", "REF1")
    lab.refund("INV0001", "REF2")
    assert lab.broken == set()


def test_one_reference_for_two_bindings(lab: Lab) -> None:
    lab.bind(partnerReferenceNo="BIND-1")
    lab.bind(partnerReferenceNo="BIND-1", journeyId="another customer")
    assert lab.broken == {"KKI-STA-012"}


def test_another_method(lab: Lab) -> None:
    sent = lab.pay("INV0001", order="A")
    lab.exchanges[-1] = replace(sent, request=replace(sent.request, method="PUT"))
    assert lab.broken == {"KKI-ROB-180"}


WRITTEN = {
    "in digits": lambda number: f"77{number}88",
    "glued": lambda number: f"CUST{number}A",
    "in groups": lambda number: " ".join(number[at : at + 4] for at in range(0, len(number), 4)),
    "percent-encoded": lambda number: f"%{ord(number[0]):x}{number[1:]}",
    "in Base64": lambda number: base64.b64encode(f"card={number}".encode()).decode(),
    "in hexadecimal": lambda number: number.encode().hex(),
}


@pytest.mark.parametrize("writing", WRITTEN)
def test_a_card_number_is_found_in_whatever_writing(lab: Lab, writing: str) -> None:
    text = WRITTEN[writing](lab.profile.test_data.cpan or "")
    lab.bind(partnerReferenceNo="BIND-1", journeyId=text)
    assert lab.broken == {"KKI-SEC-010"}


@pytest.mark.parametrize("secret", ["client_secret", "shared_key"])
def test_a_secret_is_found_behind_basic_authorization(lab: Lab, secret: str) -> None:
    held = getattr(lab.profile.credentials, secret)
    basic = base64.b64encode(f"{lab.kit.client_id}:{held}".encode()).decode()
    lab.pay("INV0001", order="A", more={"Proxy-Authorization": f"Basic {basic}"})
    assert "KKI-SEC-020" in lab.broken


def test_the_key_that_cards_are_sealed_under_is_a_secret(lab: Lab) -> None:
    lab.pay("INV0001", order=(lab.profile.credentials.shared_key or "")[:16])
    assert "KKI-SEC-020" in lab.broken


@pytest.mark.parametrize("what", ["otp", "token"])
def test_what_passes_is_not_told_elsewhere(lab: Lab, what: str) -> None:
    lab.pay("INV0001", order=f"paid with {lab.profile.test_data.otp if what == 'otp' else lab.token}")
    assert lab.broken == {"KKI-SEC-014"}


# --- card data -----------------------------------------------------------------------------------------------------


def test_another_key_whose_padding_fits_by_chance_is_another_key(lab: Lab) -> None:
    """One key in some 256: what comes out is then no wrong card, but no text at all."""
    plain, held, iv = compact(dict(lab.kit.card)), aes_key(lab.kit.shared_key), bytes(range(16))
    keys = (f"another-key-{number:04}" for number in range(20_000))
    sealed = next(data for data in (aes_cbc(plain, aes_key(key), iv) for key in keys) if _padding_fits(data, held, iv))
    lab.bind(data=f"{base64.b64encode(sealed).decode()}|{base64.b64encode(iv).decode()}")
    assert lab.broken == {"KKI-CRD-010"}


def _padding_fits(data: bytes, key: bytes, iv: bytes) -> bool:
    reader = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    plain = reader.update(data) + reader.finalize()
    return 1 <= plain[-1] <= 16 and plain.endswith(bytes([plain[-1]]) * plain[-1])


# --- recordings of more than one server -------------------------------------------------------------------


def test_what_one_server_gave_out_is_nothing_to_another() -> None:
    """The same flow at a sandbox and at the real thing: the same ids, references and numbers, and nothing wrong."""
    both = []
    for origin in ("https://api-sandbox.doku.com", "https://api.doku.com"):
        lab = Lab()
        lab.pay("INV0001", order="A", external="1")
        lab.refund("INV0001", "REF1", external="2")
        both += [replace(each, request=replace(each.request, origin=origin)) for each in lab.exchanges]
    lab.exchanges = [replace(each, id=f"y{number}") for number, each in enumerate(both)]
    assert lab.verdicts(answered=False)[0] == set()
    one = [replace(each, request=replace(each.request, origin="https://api.doku.com")) for each in lab.exchanges]
    lab.exchanges = one
    assert "KKI-HDR-040" in lab.verdicts(answered=False)[0]
