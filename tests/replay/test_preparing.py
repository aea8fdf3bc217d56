"""From a redacted record back to a request: what is filled in, what is made afresh, what stays."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kki import replaying
from kki.drafting import drafts, mutations
from kki.drafting.drafts import Draft, Kit, signed
from kki.edges import settings
from kki.edges.client import finished
from kki.edges.contract import load
from kki.model.exchange import Exchange, Record
from kki.model.http import Request, Response
from kki.model.profile import Profile
from kki.redaction import Redactor, redactor_for
from kki.replaying import Means
from kki.snap import carddata, signature
from kki.snap.canonical import Malformed

THEN = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 8, 30, 15, 250000, tzinfo=UTC)
CONTRACT = load()
PROFILE = settings.built_in_profile(CONTRACT)


def kit(profile: Profile = PROFILE, **changes: Any) -> Kit:
    values: dict[str, Any] = {
        "contract": CONTRACT,
        "credentials": profile.credentials,
        "test_data": profile.test_data,
        "timestamp": "2026-06-01T10:00:00+07:00",
        "external_id": "123456789012345678",
        "reference": "0123456789abcdef" * 2,
        "refund_no": "0123456789ab",
        "iv": bytes(range(16)),
        "b2b_token": "eyJhbGciOiJSUzI1NiJ9.old-b2b-token.sig",
        "customer_token": "old-customer-token-0001",
        "card_token": profile.test_data.bank_card_tokens[0],
    }
    return Kit(**{**values, **changes})


@pytest.fixture
def redactor() -> Redactor:
    return redactor_for(PROFILE, salt=b"salt")


def recorded(draft: Draft, redactor: Redactor, **changes: Any) -> Record:
    """What a run's evidence holds of this draft."""
    request = finished(replace(draft.request, origin="http://127.0.0.1:1"), draft, PROFILE.credentials)
    exchange = Exchange(id="x1", request=request, response=Response(status=200, body=b"{}"), sent_at=THEN)
    return redactor.record(Record(exchange=exchange, made_by="case", mutations=draft.mutations, **changes))


def means(redactor: Redactor, **changes: Any) -> Means:
    digits, letters = itertools.count(1), itertools.count(0xA)
    values: dict[str, Any] = {
        "profile": PROFILE,
        "contract": CONTRACT,
        "now": NOW,
        "kit": kit(iv=bytes(range(1, 17))),
        "digits": lambda n: str(next(digits)) * n,
        "letters": lambda n: f"{next(letters):x}" * n,
        "pseudonyms": redactor.pseudonyms(),
        "provenance": {
            redactor.pseudonym("bearer", kit().b2b_token): "b2b",
            redactor.pseudonym("bearer", kit().customer_token): "customer",
        },
        "tokens": {"b2b": "new-b2b-token", "customer": "new-customer-token"},
    }
    return Means(**{**values, **changes})


def again(draft: Draft, redactor: Redactor, **changes: Any) -> Request:
    """Recorded, redacted, prepared and signed."""
    done = replaying.prepared(recorded(draft, redactor), means(redactor, **changes)).draft
    return finished(done.request, done, PROFILE.credentials)


def right_signature(request: Request) -> str:
    found = signature.sign(
        method=request.method,
        target=request.target,
        body=request.body,
        token=(request.headers.get("Authorization") or "").removeprefix("Bearer "),
        timestamp=request.headers.get("X-TIMESTAMP") or "",
        client_secret=PROFILE.credentials.client_secret or "",
    )
    assert not isinstance(found, Malformed)
    return found.signature


def test_a_payment_comes_back_whole_fresh_and_signed(redactor: Redactor) -> None:
    record = recorded(drafts.a_payment(kit()), redactor)
    hidden = record.exchange.request.body.decode() + str(record.exchange.request.headers)
    assert "12345678" not in json.loads(record.exchange.request.body)["otp"]
    assert "9360001609987000000" not in hidden
    assert "old-b2b-token" not in hidden
    request = again(drafts.a_payment(kit()), redactor)
    assert json.loads(request.body) == {
        "partnerReferenceNo": "a" * 32, "chargeToken": "9360001609987000000", "otp": "12345678",
    }  # fmt: skip
    assert request.headers.get("Authorization") == "Bearer new-b2b-token"
    assert request.headers.get("Authorization-customer") == "Bearer new-customer-token"
    assert request.headers.get("X-EXTERNAL-ID") == "1" * 18
    assert request.headers.get("X-TIMESTAMP") == "2026-11-24T15:30:15+07:00"
    assert request.headers.get("X-SIGNATURE") == right_signature(request)


def test_references_stay_where_that_is_asked_for(redactor: Redactor) -> None:
    request = again(drafts.a_payment(kit()), redactor, same_references=True)
    assert json.loads(request.body)["partnerReferenceNo"] == kit().reference


def test_a_reference_that_the_case_chose_stays(redactor: Redactor) -> None:
    request = again(drafts.a_payment(kit()).having(partnerReferenceNo="a" * 65), redactor)
    assert json.loads(request.body)["partnerReferenceNo"] == "a" * 65


def test_several_of_one_case_share_what_they_shared(redactor: Redactor) -> None:
    mine = means(redactor)
    payment = replaying.prepared(recorded(drafts.a_payment(kit()), redactor), mine).draft
    refund = replaying.prepared(recorded(drafts.a_refund(kit(), kit().reference), redactor), mine).draft
    assert refund.json["originalPartnerReferenceNo"] == payment.json["partnerReferenceNo"] != kit().reference
    assert refund.request.headers.get("X-EXTERNAL-ID") == payment.request.headers.get("X-EXTERNAL-ID")


def test_the_journey_follows_the_external_id(redactor: Redactor) -> None:
    body = json.loads(again(drafts.a_binding(kit()), redactor).body)
    assert body["journeyId"] == "journey-" + "1" * 18
    opened = carddata.open_sealed(
        body["cardData"],
        shared_key=PROFILE.credentials.shared_key or "",
        container=carddata.Container.CIPHERTEXT_IV,
    )
    assert isinstance(opened, bytes)
    assert json.loads(opened) == PROFILE.test_data.card


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2026-06-01T10:00:00+07:00", "2026-11-24T15:30:15+07:00"),
        ("2026-06-01T03:00:00.000Z", "2026-11-24T08:30:15.250Z"),
        ("2026-06-01T03:00:00Z", "2026-11-24T08:30:15Z"),
        ("2026-06-01T03:00:00.1-00:00", "2026-11-24T08:30:15.2-00:00"),
        ("2026-05-30T10:00:00+07:00", "2026-11-22T15:30:15+07:00"),  # two days old then, and two days old now
        ("2026-06-03T10:00:00+07:00", "2026-11-26T15:30:15+07:00"),
        ("2026-06-01T10:00:09+07:00", "2026-11-24T15:30:15+07:00"),  # a few seconds are no intention
        ("2026-13-01T10:00:00+07:00", "2026-13-01T10:00:00+07:00"),
        ("yesterday", "yesterday"),
    ],
)
def test_time_keeps_its_form_and_its_distance(redactor: Redactor, old: str, new: str) -> None:
    request = again(drafts.a_payment(kit()).with_header("X-TIMESTAMP", old), redactor)
    assert request.headers.get("X-TIMESTAMP") == new


@pytest.mark.parametrize(
    ("old", "new"), [("ext-bind-20260526-00001", "ext-bind-11111111-11111"), ("0", "1"), ("abc", "abc"), ("", "")]
)
def test_an_external_id_keeps_its_form(redactor: Redactor, old: str, new: str) -> None:
    request = again(drafts.an_unbinding(kit()).with_header("X-EXTERNAL-ID", old), redactor)
    assert request.headers.get("X-EXTERNAL-ID") == new


MAKE = {
    "payment": lambda: drafts.a_payment(kit()),
    "bind": lambda: drafts.a_binding(kit()),
    "unbind": lambda: drafts.an_unbinding(kit()),
    "refund": lambda: drafts.a_refund(kit(), "f" * 32),
    "b2b": lambda: drafts.a_b2b_token_request(kit()),
    "b2b2c": lambda: drafts.a_b2b2c_token_request(kit()),
}


@pytest.mark.parametrize("mutation", mutations.ALL, ids=lambda each: each.name)
def test_every_way_to_spoil_a_request_comes_back(redactor: Redactor, mutation: mutations.Mutation) -> None:
    """Judged by the form of what is sent: names and number of header lines, and whether the signature is right."""
    draft = mutation(MAKE[mutation.operations[0]]())
    before = finished(draft.request, draft, PROFILE.credentials)
    ready = replaying.prepared(recorded(draft, redactor), means(redactor)).draft
    after = finished(ready.request, ready, PROFILE.credentials)
    assert [name for name, _ in after.headers.pairs] == [name for name, _ in before.headers.pairs]
    assert (after.method, ready.mutations, ready.exact) == (before.method, draft.mutations, draft.exact)
    plain = Draft(operation="", request=after.without_header("X-SIGNATURE"), plan=replaying._plan(
        after, next((op for op in CONTRACT.operations.values() if op.path == after.path), None), means(redactor)
    ))  # fmt: skip
    old_plain = replace(plain, request=before.without_header("X-SIGNATURE"))
    right = signed(plain.request, plain.plan, PROFILE.credentials).headers.get("X-SIGNATURE")
    was_right = signed(old_plain.request, old_plain.plan, PROFILE.credentials).headers.get("X-SIGNATURE")
    assert (after.headers.get("X-SIGNATURE") == right) is (before.headers.get("X-SIGNATURE") == was_right)
    unlike = ("body value changed after signing", "members reordered after signing", "body in UTF-16")  # unreadable
    if mutation.name not in unlike:
        made_up = "Code" in mutation.name or "refresh" in mutation.name  # by the case, and gone
        assert len(after.body) == pytest.approx(len(before.body), abs=600 if made_up else 0)


def test_a_spoiled_card_is_spoiled_alike(redactor: Redactor) -> None:
    record = replace(recorded(drafts.a_binding(kit()), redactor), made_by="t.py::t[plain-JSON]")
    ready = replaying.prepared(record, means(redactor))
    assert json.loads(ready.draft.json["cardData"]) == PROFILE.test_data.card
    assert 'cardData is made anew, spoiled as before: "plain JSON"' in ready.said


def test_a_value_that_is_gone_is_stood_in_for_and_named(redactor: Redactor) -> None:
    record = recorded(drafts.a_payment(kit()).having(otp="99887766554"), redactor)
    record = replace(record, made_by="t.py::t[payment-cpan-otp-11-characters]")
    ready = replaying.prepared(record, means(redactor))
    assert ready.draft.json["otp"] == "0" * 11
    hidden = redactor.pseudonym("otp", "99887766554")
    assert (ready.lost, ready.said) == ((hidden,), (f"{hidden} is in no profile: 11 digits stands in for it",))


def test_a_hidden_number_is_a_number_again(redactor: Redactor) -> None:
    record = recorded(drafts.a_payment(kit()).having(otp=12345678), redactor)
    assert b'"otp":"' in record.exchange.request.body  # hidden, and therefore quoted
    record = replace(record, made_by="t.py::t[payment-cpan-otp-number]")
    assert replaying.prepared(record, means(redactor)).draft.json["otp"] == 12345678


def test_a_strangers_recording_is_signed_too(redactor: Redactor) -> None:
    request = drafts.a_payment(kit()).request
    lines = (("Host", "old.example"), ("Content-Length", "3"), ("Connection", "keep-alive"))
    request = replace(request, headers=replace(request.headers, pairs=(*lines, *request.headers.pairs)))
    record = Record(exchange=Exchange(id="1", request=request, sent_at=THEN), made_by="HAR entry")
    ready = replaying.prepared(record, means(redactor)).draft
    sent = finished(ready.request, ready, PROFILE.credentials)
    assert {"host", "content-length", "connection"}.isdisjoint(name.lower() for name, _ in sent.headers.pairs)
    assert sent.headers.get("X-SIGNATURE") == right_signature(sent)


def test_an_unknown_spoiling_is_said(redactor: Redactor) -> None:
    record = replace(recorded(drafts.a_payment(kit()), redactor), mutations=("of another version",))
    assert '"of another version" is a way to spoil' in replaying.prepared(record, means(redactor)).said[0]


def test_the_profile_is_looked_up_by_key() -> None:
    data = PROFILE.test_data
    assert replaying.value_at(PROFILE, "test_data.bank_card_tokens[1]") == data.bank_card_tokens[1]
    assert replaying.value_at(PROFILE, "test_data.card.expiryDate") == "1230"
    assert replaying.value_at(PROFILE, "credentials.client_secret") == PROFILE.credentials.client_secret
    for key in ("test_data.bank_card_tokens[999]", "test_data.nothing", "nothing.at_all", "test_data.card.none", ""):
        assert replaying.value_at(PROFILE, key) is None


def test_tokens_are_told_apart_by_who_got_them(redactor: Redactor) -> None:
    def reply(name: str, client: str, path: str, members: dict[str, str]) -> Record:
        request = Request(method="POST", target=path).with_header("X-CLIENT-KEY", client)
        response = Response(status=200, body=json.dumps(members, ensure_ascii=False).encode())
        return Record(exchange=Exchange(id=name, request=request, response=response, sent_at=THEN), made_by="")

    b2b, b2b2c = (CONTRACT.operations[name].path for name in ("b2b", "b2b2c"))
    records = [
        reply("1", "me", b2b, {"accessToken": "‹bearer:000001›"}),
        reply("2", "other", b2b, {"accessToken": "‹bearer:000002›"}),
        reply("3", "me", b2b2c, {"accessToken": "‹bearer:000003›", "refreshToken": "‹refresh-token:000004›"}),
        reply("4", "me", b2b, {"accessToken": "in clear"}),
    ]
    assert replaying.provenance(records, CONTRACT, "other") == {
        "‹bearer:000001›": "b2b",
        "‹bearer:000002›": "other",
        "‹bearer:000003›": "customer",
        "‹refresh-token:000004›": "refresh",
    }


# --- verbatim -----------------------------------------------------------------------------------


def test_verbatim_puts_the_very_octets_back(redactor: Redactor) -> None:
    draft = drafts.a_payment(kit())
    sent = finished(draft.request, draft, PROFILE.credentials)
    given = {"b2b": kit().b2b_token, "customer": kit().customer_token}
    done, problems = replaying.verbatim(recorded(draft, redactor), means(redactor, tokens=given))
    assert problems == []
    assert (done.request.body, done.request.target) == (sent.body, sent.target)
    assert done.request.headers == sent.headers
    assert done.plan.kind == "none"


def test_verbatim_says_what_is_gone(redactor: Redactor) -> None:
    _, problems = replaying.verbatim(recorded(drafts.a_binding(kit()), redactor), means(redactor, tokens={}))
    text = "\n".join(problems)
    assert "‹bearer:" in text
    assert "‹card-data:" in text
    assert "X-SIGNATURE was shortened and cannot be computed again" in text
    wrong = means(redactor, tokens={"b2b": "another", "customer": kit().customer_token})
    _, problems = replaying.verbatim(recorded(drafts.a_payment(kit()), redactor), wrong)
    assert problems == [
        "X-SIGNATURE was shortened and cannot be computed again: the case spoiled it, or a token is gone"
    ]


# --- side by side, and what goes before ---------------------------------------------------------


def exchange(status: int | None, body: bytes = b"{}") -> Exchange:
    reply = None if status is None else Response(status=status, body=body)
    return Exchange(id="x", request=Request(method="POST", target="/"), response=reply, sent_at=THEN, failure="timeout")


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (exchange(200, b'{"responseCode":"2005400","a":1}'), exchange(200, b'{"responseCode":"2005400","b":1}'), True),
        (exchange(200, b'{"responseCode":"2005400"}'), exchange(200, b'{"responseCode":"2005401"}'), False),
        (exchange(200), exchange(201), False),
        (exchange(200), exchange(None), False),
        (exchange(None), exchange(None), True),
        (exchange(500, b"<html>"), exchange(500, b"\xff"), True),
    ],
)
def test_status_and_code_decide_whether_the_same_came(old: Exchange, new: Exchange, same: bool) -> None:
    assert replaying.alike(replaying.side_by_side(old, new)) is same


def test_what_goes_before() -> None:
    def record(name: str, body: bytes = b"{}", status: int = 200) -> Record:
        request = Request(method="POST", target="/", body=body)
        response = Response(status=status)
        return Record(exchange=Exchange(id=name, request=request, response=response, sent_at=THEN), made_by="")

    refund = record("x9.3", b'{"originalPartnerReferenceNo":"r1"}')
    records = [
        record("x2", b'{"partnerReferenceNo":"r1"}', 400),
        record("x3", b'{"partnerReferenceNo":"r1"}'),
        record("x4", b'{"partnerReferenceNo":"r2"}'),
        record("x9"),
        record("x9.2"),
        refund,
        record("x9.4"),
    ]
    assert [each.exchange.id for each in replaying.before(refund, records)] == ["x3", "x9", "x9.2"]
    assert replaying.before(records[3], records) == []


def test_the_distance_of_times_is_what_counts() -> None:
    assert timedelta(seconds=30) == replaying._ORDINARY
