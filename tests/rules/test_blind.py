"""Where a rule once looked away, or accused the wrong one: each situation by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kki.drafting.drafts import Draft, a_payment, a_refund
from kki.judge import Judge
from kki.model.exchange import Exchange
from kki.model.http import Response
from kki.model.requirement import Party
from kki.model.verdict import Broken, Holds, Verdict
from kki.snap import timestamps

from .stage import Stage, broken, held


def answered(exchange: Exchange, status: int, body: bytes, name: str) -> Exchange:
    assert exchange.response is not None
    return replace(exchange, id=name, response=replace(exchange.response, status=status, body=body))


def refused(exchange: Exchange, code: str, name: str) -> Exchange:
    body = f'{{"responseCode":"{code}","responseMessage":"Conflict. Duplicate partnerReferenceNo"}}'.encode()
    return answered(exchange, int(code[:3]), body, name)


def server(verdicts: tuple[Verdict, ...]) -> set[str]:
    return broken(verdicts, Party.SERVER)


@pytest.mark.parametrize("shared", ["X-EXTERNAL-ID", "partnerReferenceNo"])
def test_of_two_that_race_a_server_may_refuse_both(shared: str) -> None:
    stage = Stage()
    kit = stage.session.kit()
    other = stage.session.kit()
    same = {"external_id": kit.external_id} if shared == "X-EXTERNAL-ID" else {"reference": kit.reference}
    kits = (kit, replace(other, **same))
    sent = [stage.client.send(a_payment(each), "raw") for each in kits]
    ends = sent[1].answered_at
    code = "4095400" if shared == "X-EXTERNAL-ID" else "4095401"
    both = [refused(each, code, f"r{number}") for number, each in enumerate(sent)]
    racers = [replace(each, sent_at=sent[0].sent_at, answered_at=ends) for each in both]
    judge = Judge(stage.judge.knowledge)
    for each in stage.exchanges:
        judge.judge(each)
    judge.expect(racers)
    for each in racers:
        assert not server(judge.judge(each))


@pytest.mark.parametrize(("shared", "row"), [("X-EXTERNAL-ID", "KKI-STA-200"), ("partnerReferenceNo", "KKI-STA-210")])
@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (True, True)])
def test_of_two_that_race_one_is_accepted(shared: str, row: str, first: bool, second: bool) -> None:
    """Whichever it is that is judged first."""
    stage = Stage()
    kit = stage.session.kit()
    same = {"external_id": kit.external_id} if shared == "X-EXTERNAL-ID" else {"reference": kit.reference}
    good = stage.client.send(a_payment(kit), "good")
    other = stage.client.send(a_payment(replace(stage.session.kit(), **same)), "other")
    code = "4095400" if shared == "X-EXTERNAL-ID" else "4095401"
    racers = [
        replace(each, id=name, response=good.response, sent_at=good.sent_at, answered_at=other.answered_at)
        for name, each in (("a", good), ("b", other))
    ]
    racers = [each if taken else refused(each, code, each.id)
              for each, taken in zip(racers, (first, second), strict=True)]  # fmt: skip
    judge = Judge(stage.judge.knowledge)
    for each in stage.exchanges:
        judge.judge(each)
    judge.expect(racers)
    verdicts = [verdict for each in racers for verdict in judge.judge(each)]
    said = [each.judgement for each in verdicts if each.requirement == row]
    assert len(said) == 2
    assert any(isinstance(each, Broken) for each in said) is (first and second)
    assert all(isinstance(each, Holds | Broken) for each in said)


def test_a_conflict_around_a_new_success_is_a_second_success() -> None:
    stage = Stage()
    draft = stage.a("payment")
    first, _ = stage.send(draft)
    assert first.response is not None
    again = stage.client.send(draft, "again")
    told = answered(again, 409, first.response.body, "told")
    assert "KKI-HDR-140" not in server(stage.judge.judge(told))
    acted = answered(again, 409, first.response.body.replace(b"REF-KKI-", b"REF-NEW-"), "acted")
    assert "KKI-HDR-140" in server(stage.judge.judge(acted))


def test_two_refunds_that_race_under_one_number_are_one() -> None:
    stage = Stage()
    original = stage.paid()
    kit = stage.session.kit()
    drafts = [a_refund(each, original) for each in (kit, replace(stage.session.kit(), refund_no=kit.refund_no))]
    first = stage.client.send(drafts[0], "f")
    assert first.response is not None
    second = stage.client.send(drafts[1], "g")
    second = replace(second, sent_at=first.sent_at, response=first.response)
    stage.judge.judge(first)
    assert "KKI-STA-160" in held(stage.judge.judge(second), Party.SERVER)
    body = first.response.body.replace(b'"REFUND-', b'"REFUND-Z')
    third = stage.client.send(a_refund(replace(stage.session.kit(), refund_no=kit.refund_no), original), "h")
    third = replace(third, sent_at=first.sent_at, response=replace(first.response, body=body))
    assert "KKI-STA-160" in server(stage.judge.judge(third))


def as_the_other(stage: Stage) -> Draft:
    other = stage.plan.other_partner
    assert other is not None
    return stage.a("payment").with_header("X-PARTNER-ID", other.client_id or "")


def test_another_known_partners_name_on_our_token_is_a_wrong_one() -> None:
    stage = Stage()
    exchange, verdicts = stage.send(as_the_other(stage))
    assert exchange.response is not None
    assert exchange.response.status == 401
    assert not server(verdicts)
    good, _ = stage.send(stage.a("payment"))
    assert isinstance(good.response, Response)
    taken = replace(stage.client.send(as_the_other(stage), "t"), response=good.response)
    assert "KKI-HDR-126" in server(stage.judge.judge(taken))


@pytest.mark.parametrize(("minutes", "wrong"), [(4, False), (14, False), (60, True), (-180, True)])
def test_a_clock_that_is_hours_off_is_told(minutes: int, wrong: bool) -> None:
    stage = Stage()
    moment = timestamps.format_offset(stage.client.now() + timedelta(minutes=minutes))
    for operation, row in (("payment", "KKI-HDR-018"), ("b2b", "KKI-TOK-024")):
        _, verdicts = stage.send(stage.a(operation).with_header("X-TIMESTAMP", moment))
        assert not server(verdicts)
        said = next(each.judgement for each in verdicts if each.requirement == row)
        assert isinstance(said, Broken) is wrong
        if isinstance(said, Broken):
            assert said.permitted == "timestamp-window=none"


def test_the_customers_page_disturbs_no_api() -> None:
    """A form is posted to it, which is no JSON; the next request of the API need not be answered any better for it."""
    stage = Stage()
    page = replace(stage.client.send(stage.a("payment"), "page"), id="page")
    request = replace(page.request, target="/direct-debit/kki/binding/S1", body=b"otp=12345678")
    stage.judge.judge(replace(page, request=request))
    assert stage.judge.trail.disturbed_by is None


def test_a_customer_token_that_expired_is_refused() -> None:
    stage = Stage()
    draft = stage.a("payment")
    stage.wait(16 * 24 * 3600)
    stage.session.fetch_b2b()
    late = a_payment(replace(stage.session.kit(), customer_token=stage.session.tokens.customer))
    _, verdicts = stage.send(late)
    assert "KKI-TOK-150" in held(verdicts, Party.SERVER)
    assert draft.operation == "payment"


def test_members_that_the_target_needs_are_in_each_payment_and_refund() -> None:
    stage = Stage()
    data = replace(
        stage.plan.test_data,
        payment_members={"amount": {"value": "1.00"}, "additionalInfo": {"channel": "KKI"}, "partnerReferenceNo": "no"},
        refund_members={"refundAmount": {"value": "1.00"}},
    )
    kit = replace(stage.session.kit(), test_data=data)
    marks = {"cpan": {}, "cpan-tokenise": {"isBindAndPay": "true"}, "token-recurring": {"paymentType": "RECURRING"}}
    for variant, info in marks.items():
        body = a_payment(kit, variant).json
        assert body["amount"] == {"value": "1.00"}
        assert body["additionalInfo"] == {"channel": "KKI", **info}
        assert body["partnerReferenceNo"] == kit.reference
    assert a_refund(kit, "INV").json["refundAmount"] == {"value": "1.00"}


@pytest.mark.parametrize("code", ["5035400", "5045400", "5005402"])
def test_trouble_behind_the_server_leaves_a_promise_open(code: str) -> None:
    stage = Stage()
    exchange = stage.client.send(stage.a("payment"), "t")
    names = {"5045400": "Timeout", "5005402": "External Server Error"}
    body = f'{{"responseCode":"{code}","responseMessage":"{names.get(code, "Service Unavailable")}"}}'.encode()
    assert not server(stage.judge.judge(answered(exchange, int(code[:3]), body, "t")))
    general = b'{"responseCode":"5005400","responseMessage":"General Error"}'
    assert "KKI-ROB-310" in server(stage.judge.judge(answered(exchange, 500, general, "u")))


def test_a_text_with_the_end_of_a_text_in_it_may_be_refused() -> None:
    stage = Stage()
    draft = stage.a("bind").having(journeyId="a\u0000b")
    exchange = stage.client.send(draft, "t")
    body = b'{"responseCode":"4000101","responseMessage":"Invalid Field Format journeyId"}'
    assert not server(stage.judge.judge(answered(exchange, 400, body, "t")))
