"""The correct simulator: what it answers to each situation, and what an accepted request brings about."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.simulator.more_probes import PROBES
from tests.simulator.probes import Probe, merchant_of
from tests.simulator.support import (
    CARD_TOKENS,
    CONTRACT,
    CPAN,
    EXPIRED,
    NOW,
    OTHER_CLIENT,
    OTHER_PRIVATE,
    OTP,
    PROFILE,
    ROOT,
    Merchant,
    a_merchant,
    a_world,
    code,
    reply,
    sealed,
)

from kki.model.http import Request
from kki.model.profile import Credentials
from kki.simulator.correct import CORRECT
from kki.simulator.setup import setup_from
from kki.simulator.world import World


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_each_situation_has_its_code(probe: Probe) -> None:
    merchant = merchant_of()
    answer = probe.send(merchant)
    assert code(answer) == probe.code  # type: ignore[arg-type]  # `code` fails on anything that is no reply


def test_a_payment_names_its_reference_and_no_two_share_it() -> None:
    merchant = a_merchant()
    first, second = reply(merchant.pay()), reply(merchant.pay())
    assert first.keys() == {"responseCode", "responseMessage", "referenceNo"}
    assert first["referenceNo"] != second["referenceNo"]


def test_a_refund_echoes_what_it_is_for() -> None:
    merchant = a_merchant()
    body = merchant.cpan_body()
    number = reply(merchant.pay(body))["referenceNo"]
    request = merchant.refund_body(body["partnerReferenceNo"])
    told = reply(merchant.ask(merchant.request("refund", request)))
    assert told["originalPartnerReferenceNo"] == body["partnerReferenceNo"]
    assert told["originalReferenceNo"] == number
    assert told["partnerRefundNo"] == request["partnerRefundNo"]
    assert told["refundTime"] == "2026-05-26T10:00:00+07:00"


def test_a_redirect_url_comes_under_dh_and_without_a_channel_alone() -> None:
    merchant = a_merchant()
    redirected = [
        "redirectUrl" in reply(merchant.bind(headers={"CHANNEL-ID": channel})) for channel in ("DH", None, "H2H")
    ]
    assert redirected == [True, True, False]


def test_an_auth_code_of_a_binding_is_good_for_a_customer_token() -> None:
    merchant = a_merchant()
    info = reply(merchant.bind(headers={"CHANNEL-ID": "H2H"}))["additionalInfo"]
    told = reply(
        merchant.ask(merchant.b2b2c_request({"grantType": "authorization_code", "authCode": info["authCode"]}))
    )
    merchant.customer = told["accessToken"]
    assert code(merchant.pay()) == "2005400"


def test_a_token_lives_fifteen_minutes() -> None:
    merchant = a_merchant()
    told = reply(merchant.ask(merchant.b2b_request()))
    assert (told["expiresIn"], told["tokenType"]) == (900, "Bearer")
    merchant.b2b = told["accessToken"]
    merchant.now = NOW + timedelta(seconds=899)
    assert code(merchant.pay()) == "2005400"
    merchant.now = NOW + timedelta(seconds=901)
    assert code(merchant.pay()) == "4015401"


def test_an_external_id_is_free_again_the_next_day() -> None:
    merchant = a_merchant()
    lines: dict[str, str | None] = {"X-EXTERNAL-ID": "4711"}
    assert code(merchant.pay(headers=lines)) == "2005400"
    assert code(merchant.pay(headers=lines)) == "4095400"
    merchant.now, merchant.b2b = NOW + timedelta(days=1), ""
    assert code(merchant.pay(headers=lines)) == "2005400"


def test_a_request_refused_before_its_content_counts_does_not_use_up_its_id() -> None:
    merchant = a_merchant()
    lines: dict[str, str | None] = {"X-EXTERNAL-ID": "4711"}
    assert code(merchant.pay(headers=lines, sign={"secret": "wrong"})) == "4015400"
    assert code(merchant.pay(headers=lines)) == "2005400"


def test_an_unbinding_is_pending_and_then_final() -> None:
    merchant = a_merchant()
    merchant.unbind()
    assert merchant.world.cards[CARD_TOKENS[0]].value == "pending"
    assert code(merchant.pay(merchant.token_body())) == "4045411"
    assert merchant.world.cards[CARD_TOKENS[0]].value == "unbound"


def test_every_failure_of_card_data_is_answered_alike() -> None:
    merchant = a_merchant()
    spoiled = ("x", "x|y", sealed(b"{}"), sealed(b"no json"), sealed(b"[]", shared_key="other"), sealed(b"")[:-4])
    answers = {merchant.bind(merchant.bind_body(cardData=card)) for card in spoiled}
    assert len(answers) == 1


def test_no_reply_repeats_a_secret() -> None:
    merchant = a_merchant()
    body = merchant.cpan_body(otp="00000001")
    for answer in (
        merchant.pay(),
        merchant.pay(body),
        merchant.bind(),
        merchant.bind(merchant.bind_body(cardData="x" * 40)),
    ):
        text = answer.body.decode() + str(answer.headers.pairs)
        assert not [secret for secret in (CPAN, OTP, "00000001", merchant.b2b, "x" * 40) if secret in text]


# --- the setup -------------------------------------------------------------------------------------


def _other(merchant: Merchant, token: str) -> Request:
    return merchant.request("payment", merchant.cpan_body(), headers={"Authorization": f"Bearer {token}"})


def test_the_other_partner_of_the_profile_gets_tokens_of_its_own() -> None:
    merchant = a_merchant()
    told = reply(merchant.ask(merchant.b2b_request(client=OTHER_CLIENT, pem=OTHER_PRIVATE)))
    assert told["responseCode"] == "2007300"
    assert code(merchant.ask(_other(merchant, told["accessToken"]))) == "4015401"


def test_the_other_partner_pays_under_its_own_secret() -> None:
    other = Credentials(
        client_id=OTHER_CLIENT, client_secret="another-secret", shared_key="s", private_key=OTHER_PRIVATE
    )
    setup = setup_from(replace(PROFILE, other_partner=other), CONTRACT, issuer_key=OTHER_PRIVATE)
    merchant = Merchant(World(setup, CORRECT))
    merchant.b2b = reply(merchant.ask(merchant.b2b_request(client=OTHER_CLIENT, pem=OTHER_PRIVATE)))["accessToken"]
    lines: dict[str, str | None] = {"X-PARTNER-ID": OTHER_CLIENT}
    assert code(merchant.pay(headers=lines, sign={"secret": "another-secret"})) == "2005400"
    assert code(merchant.pay(headers=lines)) == "4015400"


def test_the_expired_token_of_the_profile_is_refused_as_one() -> None:
    merchant = a_merchant()
    assert code(merchant.pay(headers={"Authorization": f"Bearer {EXPIRED}"})) == "4015401"


def test_missing_credentials_are_named() -> None:
    with pytest.raises(ValueError, match=r"credentials\.client_secret, credentials\.shared_key"):
        setup_from(
            replace(PROFILE, credentials=Credentials(client_id="x", private_key=OTHER_PRIVATE)), CONTRACT, issuer_key=""
        )


# --- the OTP page -----------------------------------------------------------------------------------


def _redirected(merchant: Merchant) -> str:
    url = reply(merchant.bind(headers={"CHANNEL-ID": "DH"}))["redirectUrl"]
    assert url.startswith("http://localhost:1/")
    return str(urlsplit(url).path)


def test_the_page_at_the_redirect_url_is_one_small_form() -> None:
    merchant = a_merchant()
    page = merchant.ask(Request(method="GET", target=_redirected(merchant)))
    text = page.body.decode()
    assert page.status == 200
    assert (page.headers.get("Content-Type") or "").startswith("text/html")
    assert text.count("<form") == 1
    assert 'name="otp"' in text
    assert "://" not in text  # no outside resources
    assert "<script" not in text


def test_a_wrong_otp_leaves_the_binding_open_and_the_right_one_ends_it() -> None:
    merchant = a_merchant()
    path = _redirected(merchant)
    bound = set(merchant.world.cards)
    wrong = merchant.ask(Request(method="POST", target=path, body=b"otp=00000000%3Cscript%3E"))
    assert wrong.status >= 400
    assert b"<script" not in wrong.body
    assert set(merchant.world.cards) == bound
    right = merchant.ask(Request(method="POST", target=path, body=f"otp={OTP}".encode()))
    (token,) = set(merchant.world.cards) - bound
    assert right.status == 200
    assert code(merchant.pay(merchant.token_body(bankCardToken=token))) == "2005400"


def test_a_session_is_good_for_one_binding() -> None:
    merchant = a_merchant()
    path = _redirected(merchant)
    typed = Request(method="POST", target=path, body=f"otp={OTP}".encode())
    merchant.ask(typed)
    cards = dict(merchant.world.cards)
    assert merchant.ask(typed).status == 404
    assert merchant.world.cards == cards


# --- apart from the rules -----------------------------------------------------------------------------


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_the_simulator_shares_no_code_with_the_rules() -> None:
    files = list((ROOT / "harness" / "kki" / "simulator").glob("*.py"))
    assert len(files) > 15
    siblings = ("kki.rules", "kki.judge", "kki.drafting", "kki.diagnosis")
    assert not [(file.name, name) for file in files for name in _imports(file) if name.startswith(siblings)]


def test_worlds_share_nothing() -> None:
    one, two = a_world(), a_world()
    one.cards.clear()
    assert two.cards
