"""npm doku-nodejs-library 1.0.52. What it does is in domain facts 6.2 to 6.4: found here, not assumed."""

from __future__ import annotations

import json

import pytest

from .support import SDK, Session, driven, node_command

BY_CHANCE = {"KKI-HDR-040"}  # its X-EXTERNAL-ID is the time in milliseconds: two calls may share one


@pytest.fixture(scope="module")
def in_utc(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return driven(node_command(), tmp_path_factory.mktemp("node"), TZ="UTC")


@pytest.fixture(scope="module")
def in_jakarta(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return driven(node_command(), tmp_path_factory.mktemp("node"), TZ="Asia/Jakarta")


def test_the_lock_names_the_version_that_this_file_speaks_of() -> None:
    lock = json.loads((SDK / "node" / "package-lock.json").read_text("utf-8"))
    assert lock["packages"]["node_modules/doku-nodejs-library"]["version"] == "1.0.52"


def test_the_simulator_gives_it_tokens_and_accepts_its_signed_payments(in_jakarta: Session) -> None:
    expected = {
        "token": "2007300", "customer-token": "2007400", "payment-cpan": "2005400", "payment-cpan-tokenise": "2005400",
        "payment-token": "2005400", "payment-recurring": "2005400", "payment-awkward-text": "2005400",
        "bind-shared-key": "2000100", "refund": "2000700", "unbind": "2000500",
    }  # fmt: skip
    assert {name: code for name, code in in_jakarta.codes().items() if name in expected} == expected


def test_what_its_public_interface_knows_of_kki(in_jakarta: Session) -> None:
    """Without an otp it is refused by the server, with one or for KKI's channel by itself."""
    codes = in_jakarta.codes()
    assert codes["payment-public"] == "4005402"
    assert codes["payment-public-otp"] == codes["payment-public-kki"] == "5005400"
    assert codes["bind"] == "4000101"  # sealed under the secret key


def test_in_jakarta_only_its_card_key_and_the_missing_otp_are_found(in_jakarta: Session) -> None:
    """Signature, digest, body, headers and times are right, and nothing is flagged about them."""
    assert in_jakarta.broken.keys() - BY_CHANCE == {"KKI-CRD-010", "KKI-PAY-016"}
    assert len(in_jakarta.broken["KKI-CRD-010"]) == len(in_jakarta.broken["KKI-PAY-016"]) == 1


def test_on_a_host_in_utc_its_timestamps_end_in_minus_zero(in_utc: Session) -> None:
    stamps = {each.request.headers.get("X-TIMESTAMP") or "" for each in in_utc.exchanges}
    assert {stamp[-6:] for stamp in stamps} == {"-00:00"}
    assert in_utc.broken.keys() - BY_CHANCE == {"KKI-CRD-010", "KKI-PAY-016", "KKI-HDR-012", "KKI-TOK-022"}


def test_its_wire_traits_are_as_known(in_jakarta: Session) -> None:
    payments = in_jakarta.sent("/payment-host-to-host")
    assert all((each.request.headers.get("X-EXTERNAL-ID") or "").isdigit() for each in payments)
    customer = [each.request.headers.get("Authorization-customer") or "" for each in payments]
    assert customer
    assert not any(value.startswith("Bearer ") for value in customer)
    assert [each.request.headers.get("CHANNEL-ID") for each in in_jakarta.sent("-card-bind")] == ["DH", "DH"]
    assert all("CHANNEL-ID" not in each.request.headers for each in payments)


def test_it_prints_secrets_and_the_driver_does_not(in_jakarta: Session) -> None:
    console = in_jakarta.steps["console"]
    assert console["with_secrets"] == 1
    assert not [secret for secret in in_jakarta.secrets if secret in in_jakarta.output]


def test_the_simulator_keeps_to_the_contract(in_jakarta: Session) -> None:
    assert in_jakarta.server_broken == frozenset()
