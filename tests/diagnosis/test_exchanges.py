"""The diagnosis of whole exchanges: what certify, judge and `kki diagnose` call."""

from __future__ import annotations

import json

import pytest
from tests.diagnosis import wrong_cards as cards
from tests.diagnosis import wrong_clients as clients

from kki.diagnosis.exchanges import diagnose_card_data, diagnose_request
from kki.diagnosis.results import Outcome, as_json
from kki.edges.contract import load
from kki.model.contract import Contract
from kki.model.http import Request
from kki.model.profile import Credentials, TestData

BIND = "/direct-debit/core/v1/registration-card-bind"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


@pytest.fixture(scope="module")
def credentials() -> Credentials:
    return Credentials(
        client_id=clients.CLIENT, client_secret=clients.SECRET, shared_key=clients.SHARED,
        private_key=clients.private_pem(1), public_key=clients.public_pem(),
    )  # fmt: skip


def test_right_exchanges_need_no_diagnosis(contract: Contract, credentials: Credentials) -> None:
    for request in (*clients.right_requests(), clients.token_right()):
        assert diagnose_request(request, credentials, contract) is None
    unsigned = clients.Client().request().without_header("X-SIGNATURE")
    assert diagnose_request(unsigned, credentials, contract) is None


def test_a_wrong_one_is_explained(contract: Contract, credentials: Credentials) -> None:
    found = diagnose_request(clients.Client(method="post").request(), credentials, contract)
    assert found is not None
    assert found.best is not None
    assert found.best.names == ("method-lower-case",)
    assert found.says.startswith("The method was signed in lower case. Sign the method in upper case")
    assert json.loads(json.dumps(as_json(found)))["candidates"][0]["constructions"] == ["method-lower-case"]


def test_tokens_seen_before_are_tried(contract: Contract, credentials: Credentials) -> None:
    request = clients.Client(token="tok-of-yesterday").request()
    blind = diagnose_request(request, credentials, contract)
    assert blind is not None
    assert blind.outcome is Outcome.UNNAMED
    found = diagnose_request(request, credentials, contract, tokens_seen=("tok-of-yesterday", clients.TOKEN))
    assert found is not None
    assert found.best is not None
    assert found.best.names == ("earlier-token",)


def test_test_data_gives_the_customer_token(contract: Contract, credentials: Credentials) -> None:
    request = clients.Client(token="cust-from-the-profile").request().without_header("Authorization-customer")
    data = TestData(customer_token="cust-from-the-profile")
    found = diagnose_request(request, credentials, contract, test_data=data)
    assert found is not None
    assert found.best is not None
    assert found.best.names == ("customer-token",)


def test_a_token_request_is_told_by_its_path_or_its_headers(contract: Contract, credentials: Credentials) -> None:
    wrong = next(one for one in clients.WRONG if one.name == "token: client id and time swapped").request()
    for target in (clients.B2B, "/some/other/token/path"):
        request = Request(method="POST", target=target, headers=wrong.headers, body=wrong.body)
        found = diagnose_request(request, credentials, contract)
        assert found is not None
        assert found.subject == "token signature"
        assert found.best is not None
        assert (found.best.names, found.requirements) == (("swapped",), ("KKI-TOK-016",))


def test_the_profiles_own_key_that_is_not_registered(contract: Contract, credentials: Credentials) -> None:
    wrong = next(one for one in clients.WRONG if one.name.startswith("token: the key of another"))
    found = diagnose_request(wrong.request(), credentials, contract)
    assert found is not None
    assert found.best is not None
    assert found.best.names == ("rsa-other-key",)


def test_readings_are_heeded(contract: Contract, credentials: Credentials) -> None:
    hexed = clients.Client(written=bytes.hex).request()
    assert diagnose_request(hexed, credentials, contract) is not None
    assert diagnose_request(hexed, credentials, contract, readings={"signature-encoding": "hex"}) is None


def test_without_the_secret_it_says_so(contract: Contract) -> None:
    found = diagnose_request(clients.Client().request(), Credentials(), contract)
    assert found is not None
    assert (found.outcome, found.missing) == (Outcome.UNDECIDED, "the client secret")
    assert "Cannot be decided without the client secret." in found.says


@pytest.mark.parametrize("reference", ["env:SECRET_OF_OURS", "file:/etc/kki/secret"])
def test_a_reference_that_was_not_resolved(reference: str, contract: Contract, credentials: Credentials) -> None:
    request = clients.Client(mac=lambda text: clients.hmac_512(text, reference)).request()
    blind = diagnose_request(request, credentials, contract)
    assert blind is not None
    assert blind.outcome is Outcome.UNNAMED
    found = diagnose_request(request, credentials, contract, references=(reference,))
    assert found is not None
    assert found.best is not None
    assert found.best.names == ("key-placeholder",)
    assert reference in found.says


def binding(text: object) -> Request:
    return Request(method="POST", target=BIND, body=json.dumps({"cardData": text, "custIdMerchant": "c1"}).encode())


def test_card_data_of_a_binding(contract: Contract, credentials: Credentials) -> None:
    assert diagnose_card_data(binding(cards.barred(cards.cbc())), credentials, contract) is None
    found = diagnose_card_data(binding(cards.salted()), credentials, contract)
    assert found is not None
    assert found.requirements == ("KKI-CRD-012",)
    salted = {"card-data-container": "salted"}
    assert diagnose_card_data(binding(cards.salted()), credentials, contract, readings=salted) is None
    again = diagnose_card_data(
        binding(cards.barred(cards.cbc())), credentials, contract,
        cards_seen=(cards.barred(cards.cbc(cards.compact({**cards.CARD, "expiryDate": "1130"}))),),
    )  # fmt: skip
    assert again is not None
    assert again.requirements == ("KKI-CRD-016",)


@pytest.mark.parametrize("container", ["ciphertext|iv", "salted"])
def test_the_very_card_data_sent_again_reuses_no_vector(
    container: str, contract: Contract, credentials: Credentials
) -> None:
    text = dict(cards.RIGHT)[container]
    readings = {"card-data-container": container}
    assert diagnose_card_data(binding(text), credentials, contract, readings=readings, cards_seen=(text, text)) is None


@pytest.mark.parametrize("text", [None, 5, "", {"a": 1}])
def test_what_is_no_card_data_is_left_alone(text: object, contract: Contract, credentials: Credentials) -> None:
    assert diagnose_card_data(binding(text), credentials, contract) is None
    other = Request(method="POST", target=clients.REFUND, body=b'{"cardData":"x"}')
    assert diagnose_card_data(other, credentials, contract) is None
    assert diagnose_card_data(Request(method="POST", target=BIND, body=b"{"), credentials, contract) is None
