"""PyPI doku_python_library 1.1.72."""

from __future__ import annotations

import pytest

from .support import SDK, Session, driven, python_command


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return driven(python_command(), tmp_path_factory.mktemp("python"))


def test_the_requirements_name_the_version_that_this_file_speaks_of() -> None:
    assert "doku_python_library==1.1.72" in (SDK / "python" / "requirements.txt").read_text("utf-8").splitlines()


def test_the_simulator_gives_it_tokens_and_accepts_its_signed_payments(session: Session) -> None:
    """Its bodies are spaced on the wire and signed compact: the white space falls away when the digest is taken."""
    expected = {
        "token": "2007300", "customer-token": "2007400", "payment-cpan": "2005400", "payment-cpan-tokenise": "2005400",
        "payment-token": "2005400", "payment-recurring": "2005400", "payment-awkward-text": "2005400",
        "refund-with-external-id": "2000700",
    }  # fmt: skip
    assert {name: code for name, code in session.codes().items() if name in expected} == expected
    assert all(b'": "' in each.request.body for each in session.sent("/payment-host-to-host"))


def test_what_the_simulator_refuses(session: Session) -> None:
    """Z instead of an offset on binding and unbinding; null for a member that may only be left out."""
    codes = session.codes()
    assert codes["bind"] == codes["bind-shared-key"] == "4000101"
    assert codes["unbind"] == "4000501"
    assert codes["refund"] == "4000701"
    assert codes["payment-public"] == "4005402"
    assert codes["payment-public-kki"] == "5005400"  # by itself, before anything is sent


def test_its_traits_are_found_and_nothing_else(session: Session) -> None:
    assert {name: len(where) for name, where in session.broken.items()} == {
        "KKI-HDR-014": 3,  # Z on two bindings and an unbinding
        "KKI-CRD-010": 1,  # sealed under the secret key
        "KKI-RFD-018": 1,  # originalExternalId: null
        "KKI-PAY-016": 1,  # its payment has no otp
        "KKI-TOK-060": 1,  # a token for almost every call
    }


def test_its_customer_token_comes_without_bearer(session: Session) -> None:
    values = [
        each.request.headers.get("Authorization-customer") or "" for each in session.sent("/payment-host-to-host")
    ]
    assert values
    assert not any(value.startswith("Bearer ") for value in values)


def test_nothing_secret_gets_out(session: Session) -> None:
    assert not [secret for secret in session.secrets if secret in session.output]


def test_the_simulator_keeps_to_the_contract(session: Session) -> None:
    assert session.server_broken == frozenset()
