"""What a judge adds to a broken verdict in words: what earlier exchanges tell, and what they do not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from tests.diagnosis import wrong_cards as cards
from tests.diagnosis import wrong_clients as clients

from kki.certify.explain import Explainer, right_steps
from kki.edges.contract import load
from kki.model.exchange import Exchange
from kki.model.http import Request
from kki.model.profile import Credentials
from kki.model.requirement import Party
from kki.model.verdict import Broken, Finding, Verdict
from kki.rules.knowledge import Knowledge
from kki.rules.trail import Trail
from kki.rules.view import View, look

BIND = "/direct-debit/core/v1/registration-card-bind"
START = datetime(2026, 5, 26, 3, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    held = Credentials(client_id=clients.CLIENT, client_secret=clients.SECRET, shared_key=clients.SHARED)
    return Knowledge(contract=load(), credentials=held)


def seen(request: Request, knowledge: Knowledge, number: int) -> View:
    at = START + timedelta(seconds=number)
    return look(
        Exchange(
            id=f"x{number}", request=request, response=None, sent_at=at, answered_at=None, failure="timeout"
        ),
        knowledge,
    )  # fmt: skip


def explained(requests: list[Request], row: str, knowledge: Knowledge) -> list[str]:
    """What is said of each of them in turn, where this row is broken in all."""
    explainer, trail, said = Explainer(knowledge), Trail(), []
    for number, request in enumerate(requests):
        view = seen(request, knowledge, number)
        finding = Finding(where="header X-SIGNATURE", expected="the right one", actual="another")
        verdict = Verdict(
            requirement=row, exchange=view.exchange.id, party=Party.CLIENT, judgement=Broken((finding,))
        )
        found = explainer.explain(view, [verdict], trail)
        trail.add(view, knowledge)
        said.append(" ".join(each.says for each in found))
    return said


def bound(text: str) -> Request:
    client = clients.Client(path=BIND, sent=json.dumps({"cardData": text}, separators=(",", ":")))
    return client.request()


def test_a_request_tried_again_uses_no_signature_again(knowledge: Knowledge) -> None:
    client = clients.Client(mac=lambda text: clients.hmac_512(text, "of another environment"))
    again = client.request().with_header("X-EXTERNAL-ID", "418075533590")
    later = client.request().with_header("X-TIMESTAMP", "2026-05-26T10:00:09+07:00")
    said = explained([client.request(), again, later], "KKI-SIG-010", knowledge)
    assert ["of an earlier request was sent again" in text for text in said] == [False, False, True]


def test_the_same_card_data_again_uses_no_vector_again(knowledge: Knowledge) -> None:
    first = cards.member(expiryDate="3012")
    other = cards.member(expiryDate="3111")
    said = explained([bound(first), bound(first), bound(other)], "KKI-CRD-018", knowledge)
    assert ["used before" in text for text in said] == [False, False, True]
    assert all("MMYY" in text for text in said)


def test_the_right_steps_need_no_search(knowledge: Knowledge) -> None:
    steps = dict(right_steps(seen(clients.Client(method="post").request(), knowledge, 0), knowledge))
    assert steps["string to sign"].startswith(f"POST:{clients.REFUND}:")
    assert steps["signature"] == clients.Client().request().headers.get("X-SIGNATURE")
