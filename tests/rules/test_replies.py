"""Specimens of replies: the right one of the correct simulator, with one thing changed, breaks the rows named here.

Module by module: replies, success, secrecy, robustness, and the schemas of replies.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kki.drafting import drafts
from kki.model.exchange import Exchange
from kki.model.http import Response
from kki.model.requirement import Party
from kki.model.verdict import Holds, Unknown

from .stage import Stage, broken, profile

Change = Callable[[Response], Response]


def rows(numbers: str) -> set[str]:
    return {f"KKI-{number}" for number in numbers.split()}


def having(**members: Any) -> Change:
    return lambda reply: replace(reply, body=json.dumps(json.loads(reply.body) | members).encode())


def lacking(*names: str) -> Change:
    def change(reply: Response) -> Response:
        kept = {name: value for name, value in json.loads(reply.body).items() if name not in names}
        return replace(reply, body=json.dumps(kept).encode())

    return change


def body(octets: bytes) -> Change:
    return lambda reply: replace(reply, body=octets)


def header(name: str, value: str | None) -> Change:
    def change(reply: Response) -> Response:
        headers = reply.headers.without(name) if value is None else reply.headers.having(name, value)
        return replace(reply, headers=headers)

    return change


def status(number: int) -> Change:
    return lambda reply: replace(reply, status=number)


SECRETS = profile().test_data
REPLIES = [
    # replies
    ("payment", "a code of a number", having(responseCode=2005400), "RSP-210"),
    ("payment", "a code of six digits", having(responseCode="200540"), "RSP-210"),
    ("payment", "a code in other digits", having(responseCode="٢٠٠٥٤٠٠"), "RSP-210"),
    ("payment", "another service", having(responseCode="2009900"), "RSP-230"),
    ("payment", "another status in the code", having(responseCode="2025400"), "RSP-220 RSP-290"),
    ("payment", "a case that is in no table", having(responseCode="2005477"), "RSP-240 RSP-300"),
    ("payment", "no message", lacking("responseMessage"), "RSP-250 PAY-212"),
    ("payment", "an empty message", having(responseMessage=""), "RSP-250 RSP-290 PAY-212"),
    ("payment", "a message of 151 characters", having(responseMessage="S" * 151), "RSP-250 RSP-290 PAY-212"),
    ("payment", "a message that is no text", having(responseMessage=["Successful"]), "RSP-250 PAY-212"),
    ("payment", "a message of failure", having(responseMessage="Unauthorized. Signature"), "RSP-290"),
    ("payment", "a page's content type", header("Content-Type", "text/html"), "RSP-260"),
    ("payment", "no content type", header("Content-Type", None), "RSP-260"),
    ("payment", "a content type with a charset", header("Content-Type", "application/json; charset=utf-8"), ""),
    ("payment", "a further member", having(more={"a": [1]}), ""),
    # success
    ("payment", "no referenceNo", lacking("referenceNo"), "PAY-216"),
    ("bind", "no redirectUrl", lacking("redirectUrl"), "BND-216"),
    ("bind", "a redirectUrl that is none", having(redirectUrl="soon"), "BND-230"),
    ("bind", "a card token before the OTP", having(bankCardToken="9" * 32), "BND-224"),
    ("bind", "a chargeToken that is no text", having(chargeToken=9360), "BND-228"),
    ("refund", "another payment repeated", having(originalPartnerReferenceNo="INV-OTHER"), "RFD-214"),
    ("refund", "another refund repeated", having(partnerRefundNo="999999999999"), "RFD-220"),
    ("refund", "another reference", having(originalReferenceNo="5" * 12), "RFD-216"),
    ("refund", "a time that is none", having(refundTime="yesterday"), "RFD-222"),
    ("b2b", "a token of another type", having(tokenType="MAC"), "TOK-212"),
    ("b2b", "a token for an hour", having(expiresIn=3600), "TOK-214 TOK-216"),
    ("b2b", "seconds as digits", having(expiresIn="900"), ""),
    ("b2b", "a token that is no JWT", having(accessToken="opaque-token-0123456789"), "TOK-216"),
    ("b2b", "no token", lacking("accessToken"), "TOK-210"),
    # secrecy
    ("payment", "the card number in it", having(note=SECRETS.cpan), "SEC-210"),
    ("payment", "the OTP in it", having(note=f"otp {SECRETS.otp} accepted"), "SEC-220"),
    ("bind", "the opened card in it", having(note=dict(SECRETS.card or {})), "SEC-210 SEC-230"),
    ("payment", "a stack trace", having(note="Traceback (most recent call last)"), "SEC-250"),
    ("payment", "a query", having(note="SELECT otp FROM cards"), "SEC-250"),
    ("payment", "a file path", having(note="/usr/local/app/pay"), "SEC-250"),
]  # fmt: skip


def changed(operation: str, change: Change) -> set[str]:
    stage = Stage()
    exchange = stage.session.client.send(stage.a(operation), "x")
    assert exchange.response is not None
    return broken(list(stage.judge.judge(replace(exchange, response=change(exchange.response)))))


@pytest.mark.parametrize(
    ("operation", "change", "expected"), [pytest.param(o, c, e, id=f"{o}: {name}") for o, name, c, e in REPLIES]
)
def test_a_changed_reply_breaks_these_rows(operation: str, change: Change, expected: str) -> None:
    assert changed(operation, change) == rows(expected)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [(b"", "RSP-270"), (b"[]", "RSP-270"), (b"<html/>", "RSP-270"), (b'{"responseCode":"2005400"', "RSP-270")],
)
def test_a_body_that_is_no_object(octets: bytes, expected: str) -> None:
    assert rows(expected) <= changed("payment", body(octets))


@pytest.mark.parametrize("number", [500, 502])  # 503 and 504: tests/rules/test_blind.py
def test_a_server_error_breaks_its_row(number: int) -> None:
    reply = having(responseCode=f"{number}5400", responseMessage="General Error")
    assert "KKI-ROB-310" in changed("payment", lambda old: status(number)(reply(old)))


@pytest.mark.parametrize("failure", ["timeout", "connection closed"])
def test_silence_breaks_its_row(failure: str) -> None:
    stage = Stage()
    exchange = stage.session.client.send(stage.a("payment"), "x")
    silent = replace(exchange, response=None, answered_at=None, failure=failure)
    assert broken(list(stage.judge.judge(silent)), Party.SERVER) == {"KKI-ROB-320"}


@pytest.mark.parametrize("operation", ["payment", "refund", "bind"])
@pytest.mark.parametrize("carried_out", [True, False])
def test_a_kept_connection_that_was_closed_accuses_nobody(operation: str, carried_out: bool) -> None:
    """The same bytes go out again. If the first were carried out, a conflict is the right answer to the second."""
    stage = Stage()
    draft = stage.a(operation)
    first = stage.session.client.send(draft, "x-lost")
    again = stage.session.client.send(draft, "x") if carried_out else replace(first, id="x")
    silent = replace(first, response=None, answered_at=None, failure="kept connection closed")
    assert again.response is not None
    assert again.response.status == (409 if carried_out else 200)
    verdicts = [*stage.judge.judge(silent), *stage.judge.judge(again)]
    assert broken(verdicts, Party.SERVER) == set()
    said = [each.judgement for each in verdicts if each.requirement == "KKI-ROB-320"]
    assert [type(each) for each in said] == [Unknown, Holds]


def test_the_access_token_in_another_reply_is_a_leak() -> None:
    stage = Stage()
    assert changed_with(stage, "payment", having(note=stage.session.tokens.b2b)) == {"KKI-SEC-240"}


@pytest.mark.parametrize("name", ["client_secret", "shared_key"])
def test_a_secret_in_a_reply_is_a_leak(name: str) -> None:
    stage = Stage()
    secret = getattr(stage.plan.credentials, name)
    assert changed_with(stage, "payment", having(note=f"under {secret}")) == {"KKI-SEC-260"}


def test_the_right_signature_in_a_reply_is_a_leak_unless_it_was_sent() -> None:
    stage = Stage()
    draft = stage.a("payment")
    right = stage.session.client.send(draft, "x").request.headers.get("X-SIGNATURE")
    assert right
    wrong = stage.session.client.send(draft.with_header("X-SIGNATURE", "A" * 86 + "=="), "y")
    assert wrong.response is not None
    told = replace(wrong, response=having(expected=right)(wrong.response))
    assert "KKI-SEC-260" in broken(list(stage.judge.judge(told)))
    assert changed_with(Stage(), "payment", having(note="nothing")) == set()


def changed_with(stage: Stage, operation: str, change: Change) -> set[str]:
    exchange = stage.session.client.send(stage.a(operation), "x")
    assert exchange.response is not None
    return broken(list(stage.judge.judge(replace(exchange, response=change(exchange.response)))))


# --- sequences: what was bound, paid and refunded before ----------------------------------------------


def replay(stage: Stage) -> list[Exchange]:
    draft = stage.a("payment")
    return [stage.send(draft)[0], stage.send(draft)[0]]


def same_reference(stage: Stage) -> list[Exchange]:
    first = stage.a("payment")
    again = stage.a("payment").having(partnerReferenceNo=first.json["partnerReferenceNo"])
    return [stage.send(first)[0], stage.send(again)[0]]


def same_reference_of_another_order(stage: Stage) -> list[Exchange]:
    """The very same body is a question, asked again; with anything else in it, it is another charge."""
    first = stage.a("payment")
    again = stage.a("payment").having(partnerReferenceNo=first.json["partnerReferenceNo"], additionalInfo={"order": 2})
    return [stage.send(first)[0], stage.send(again)[0]]


def wrong_otp(stage: Stage) -> list[Exchange]:
    return [stage.send(stage.a("payment").having(otp="00000000"))[0]]


def unknown_card(stage: Stage) -> list[Exchange]:
    return [stage.send(drafts.a_payment(stage.session.kit(card_token="f" * 32), "token"))[0]]


def unknown_payment(stage: Stage) -> list[Exchange]:
    kit = stage.session.kit()
    return [stage.send(drafts.a_refund(kit, kit.reference))[0]]


def late_token(stage: Stage) -> list[Exchange]:
    kit = stage.session.kit()
    stage.wait(3600)
    later = replace(kit, timestamp=stage.session.bare_kit().timestamp)
    return [stage.send(drafts.a_payment(later))[0]]


def anothers_token(stage: Stage) -> list[Exchange]:
    other = stage.session.other_partners_token()
    return [stage.send(stage.a("payment").with_header("Authorization", f"Bearer {other}"))[0]]


def customers_token(stage: Stage) -> list[Exchange]:
    customer = stage.session.tokens.customer
    return [stage.send(stage.a("payment").with_header("Authorization", f"Bearer {customer}"))[0]]


def partners_token(stage: Stage) -> list[Exchange]:
    b2b = stage.session.tokens.b2b
    return [stage.send(stage.a("payment").with_header("Authorization-customer", f"Bearer {b2b}"))[0]]


def one_vector_twice(stage: Stage) -> list[Exchange]:
    first = stage.a("bind")
    second = stage.a("bind").having(cardData=drafts.sealed_card(replace(stage.session.kit(), iv=bytes(16))))
    third = stage.a("bind").having(cardData=second.json["cardData"])
    return [stage.send(each)[0] for each in (first, second, third)]


# sequence, client rows that its last exchange breaks, server rows that it puts to the test
SEQUENCES = [
    (replay, "HDR-040 BEH-020", "HDR-140"),
    (same_reference, "", "STA-120 RSN-180"),
    (same_reference_of_another_order, "STA-010", "STA-120 RSN-180"),
    (wrong_otp, "", "STA-140 RSN-200"),
    (unknown_card, "STA-020", "STA-130 RSN-190"),
    (unknown_payment, "RFD-026", "STA-150 RSN-210"),
    (late_token, "TOK-042", "TOK-142 RSN-120"),
    (anothers_token, "TOK-040", "TOK-146"),
    (customers_token, "TOK-048", "TOK-148"),
    (partners_token, "TOK-052", "TOK-152"),
    (one_vector_twice, "CRD-016", ""),
]


@pytest.mark.parametrize(("sequence", "client", "server"), SEQUENCES, ids=[row[0].__name__ for row in SEQUENCES])
def test_a_sequence_breaks_the_clients_rows_and_tries_the_servers(
    sequence: Callable[[Stage], list[Exchange]], client: str, server: str
) -> None:
    stage = Stage()
    last = sequence(stage)[-1]
    mine = [each for each in stage.verdicts if each.exchange == last.id]
    assert broken(mine, Party.CLIENT) == rows(client)
    assert rows(server) <= {each.requirement for each in mine}
    assert not broken(stage.verdicts, Party.SERVER)


ACCEPTED = {"responseCode": "2005400", "responseMessage": "Successful", "referenceNo": "880000000017"}
REFUSED_ROWS = [
    (wrong_otp, "STA-140"),
    (unknown_card, "STA-130"),
    (same_reference, "STA-120"),
    (late_token, "TOK-142"),
    (anothers_token, "TOK-146"),
    (customers_token, "TOK-148"),
    (partners_token, "TOK-152"),
]


@pytest.mark.parametrize(("sequence", "server"), REFUSED_ROWS, ids=[row[0].__name__ for row in REFUSED_ROWS])
def test_a_server_that_accepts_it_breaks_its_row(
    sequence: Callable[[Stage], list[Exchange]], server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage()
    judged = stage.judge.judge
    monkeypatch.setattr(stage.judge, "judge", lambda _: ())
    exchanges = sequence(stage)
    for exchange in exchanges[:-1]:
        judged(exchange)
    for record in stage.session.watched.records[:-1]:
        if record.exchange not in exchanges:
            judged(record.exchange)
    last = exchanges[-1]
    assert last.response is not None
    body_ = json.dumps(ACCEPTED).encode()
    accepted = replace(last, response=replace(last.response, status=200, body=body_))
    assert broken(list(judged(accepted)), Party.SERVER) == rows(server)
