"""Drives DOKU's Python SDK, as published, against KKI_BASE_URL and prints one JSON line for each step. Never a secret.

    python drive.py [STEP...]          without arguments: every step, in the order below

The SDK does not know KKI: its payment has neither `otp` nor `bankCardToken`, and takes seven channels of its own. For
the KKI payments its controller signs and sends a body of ours; everything else goes through its public class.
Runs in an environment of its own (requirements.txt): it imports nothing of ours.
"""

# ruff: noqa: T201 - it prints for a living
from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from doku_python_library.src.commons.config import _Development
from doku_python_library.src.controller.direct_debit_controller import DirectDebitController
from doku_python_library.src.model.direct_debit.account_unbinding_additional_info_request import (
    AccountUnbindingAdditionalInfoRequest,
)
from doku_python_library.src.model.direct_debit.bank_card_data import BankCardData
from doku_python_library.src.model.direct_debit.card_registration_additional_info import CardRegistrationAdditionalInfo
from doku_python_library.src.model.direct_debit.card_registration_request import CardRegistrationRequest
from doku_python_library.src.model.direct_debit.card_unbinding_request import CardUnbindingRequest
from doku_python_library.src.model.direct_debit.payment_additional_info_request import PaymentAdditionalInfoRequest
from doku_python_library.src.model.direct_debit.payment_request import PaymentRequest
from doku_python_library.src.model.direct_debit.refund_additional_info import RefundAdditionalInfo
from doku_python_library.src.model.direct_debit.refund_request import RefundRequest
from doku_python_library.src.model.va.total_amount import TotalAmount
from doku_python_library.src.snap import DokuSNAP

ENV = os.environ
SECRET = ENV.get("KKI_CLIENT_SECRET", "")
CARD_TOKENS = ENV.get("KKI_CARD_TOKENS", "").split(",")
IP_ADDRESS = ENV.get("KKI_IP_ADDRESS", "192.168.1.1")
AMOUNT = TotalAmount("10000.00", "IDR")
RETURN_URLS = {"success_payment_url": "https://shop.example/yes", "failed_payment_url": "https://shop.example/no"}


class KkiPayment:
    """What the SDK's controller asks of a payment: a body, and a channel for its header checks."""

    def __init__(self, members: dict[str, Any], info: dict[str, Any] | None = None) -> None:
        self.additional_info = PaymentAdditionalInfoRequest(channel="KARTU_KREDIT_INDONESIA")
        self.reference = secrets.token_hex(16)  # 32 characters: fits a payment and its refund
        self._body = {"partnerReferenceNo": self.reference, **members, "additionalInfo": info or {}}

    def create_request_body(self) -> dict[str, Any]:
        return self._body


class Driver:
    """The steps. Each returns the SDK's reply and the reference by which the request can be found again."""

    def __init__(self) -> None:
        self.paid = ""
        self.snap = DokuSNAP(
            private_key=Path(ENV["KKI_PRIVATE_KEY"]).read_text("utf-8"),
            client_id=ENV["KKI_CLIENT_ID"],
            is_production=False,
            public_key="",
            issuer="",
            secret_key=SECRET,
            merchant_public_key="",
        )

    def _pay(self, members: dict[str, Any], info: dict[str, Any] | None = None) -> tuple[Any, str]:
        request = KkiPayment(members, info)
        reply = DirectDebitController.do_payment_process(
            request=request,
            secret_key=SECRET,
            client_id=ENV["KKI_CLIENT_ID"],
            ip_address=IP_ADDRESS,
            token_b2b=self.snap.token,
            token_b2b2c=self.snap.token_b2b2c,
            is_production=False,
        )
        self.paid = self.paid or request.reference
        return reply, request.reference

    def token(self) -> tuple[Any, str]:
        return self.snap.get_token(), ""

    def payment_before_customer_token(self) -> tuple[Any, str]:
        """The public payment promises to fetch the customer token by itself."""
        return self._public("DIRECT_DEBIT_BRI_SNAP")

    def customer_token(self) -> tuple[Any, str]:
        return self.snap.get_token_b2b2c(ENV["KKI_AUTH_CODE"]), ""

    def payment_cpan(self) -> tuple[Any, str]:
        return self._pay({"chargeToken": ENV["KKI_CPAN"], "otp": ENV["KKI_OTP"]})

    def payment_cpan_tokenise(self) -> tuple[Any, str]:
        return self._pay({"chargeToken": ENV["KKI_CPAN"], "otp": ENV["KKI_OTP"]}, {"isBindAndPay": "true"})

    def payment_token(self) -> tuple[Any, str]:
        return self._pay({"bankCardToken": CARD_TOKENS[0]})

    def payment_recurring(self) -> tuple[Any, str]:
        return self._pay({"bankCardToken": CARD_TOKENS[0]}, {"paymentType": "RECURRING"})

    def payment_awkward_text(self) -> tuple[Any, str]:
        return self._pay({"bankCardToken": CARD_TOKENS[0]}, {"note": 'café <dana> & 50% "a/b"  two blanks é'})

    def _public(self, channel: str) -> tuple[Any, str]:
        info = PaymentAdditionalInfoRequest(channel=channel, **RETURN_URLS)
        request = PaymentRequest(secrets.token_hex(16), AMOUNT, info, charge_token=ENV["KKI_CPAN"])
        return self.snap.do_payment(request, IP_ADDRESS, ENV["KKI_AUTH_CODE"]), request.partner_reference_no

    def payment_public(self) -> tuple[Any, str]:
        return self._public("DIRECT_DEBIT_BRI_SNAP")

    def payment_public_kki(self) -> tuple[Any, str]:
        return self._public("KARTU_KREDIT_INDONESIA")

    def _bind(self, card: BankCardData | str) -> tuple[Any, str]:
        info = CardRegistrationAdditionalInfo(
            "DIRECT_DEBIT_BRI_SNAP", "https://shop.example/yes", "https://shop.example/no"
        )
        request = CardRegistrationRequest(card, "C" + secrets.token_hex(8), info, "6281234567890")
        return self.snap.do_card_registration(request, "DH"), request.cust_id_merchant

    def bind(self) -> tuple[Any, str]:
        """Sealed by the SDK, under the key that it signs with."""
        return self._bind(BankCardData(ENV["KKI_CPAN"], "D", "1230"))

    def bind_shared_key(self) -> tuple[Any, str]:
        """Sealed by the SDK too, but under the shared key."""
        return self._bind(DokuSNAP.encrypt_card(BankCardData(ENV["KKI_CPAN"], "D", "1230"), ENV["KKI_SHARED_KEY"]))

    def refund(self) -> tuple[Any, str]:
        number = secrets.token_hex(6)  # 12 characters, the page's maximum
        info = RefundAdditionalInfo("DIRECT_DEBIT_MANDIRI_SNAP")  # the one channel without limits of its own
        request = RefundRequest(self.paid, AMOUNT, number, info, reason="Request by Customer")
        return self.snap.do_refund(request, IP_ADDRESS, ENV["KKI_AUTH_CODE"], None), number

    def refund_with_external_id(self) -> tuple[Any, str]:
        """The same with originalExternalId, which the SDK otherwise sends as null."""
        number = secrets.token_hex(6)
        info = RefundAdditionalInfo("DIRECT_DEBIT_MANDIRI_SNAP")
        request = RefundRequest(self.paid, AMOUNT, number, info, "418075533589", "Request by Customer")
        return self.snap.do_refund(request, IP_ADDRESS, ENV["KKI_AUTH_CODE"], None), number

    def unbind(self) -> tuple[Any, str]:
        info = AccountUnbindingAdditionalInfoRequest("DIRECT_DEBIT_BRI_SNAP")
        return self.snap.do_card_unbinding(CardUnbindingRequest(CARD_TOKENS[-1], info), IP_ADDRESS), ""


STEPS: dict[str, Callable[[Driver], tuple[Any, str]]] = {
    name.replace("_", "-"): method
    for name, method in vars(Driver).items()
    if not name.startswith("_") and callable(method)
}


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """The SDK prints when something fails: none of that may get out."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def run(name: str, driver: Driver) -> dict[str, Any]:
    try:
        with silence():
            reply, reference = STEPS[name](driver)
    except Exception as error:  # the controller raises what the public class would turn into a code of its own
        return {"step": name, "code": None, "message": None, "reference": "", "error": type(error).__name__}
    return {"step": name, "code": reply.response_code, "message": reply.response_message, "reference": reference}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        print(f"Unknown step: {', '.join(unknown)}. There are: {', '.join(STEPS)}.", file=sys.stderr)
        return 2
    if urlsplit(ENV["KKI_BASE_URL"]).hostname not in ("127.0.0.1", "localhost", "::1"):
        print("KKI_BASE_URL: expected an address on loopback.", file=sys.stderr)
        return 2
    _Development.BASE_URL = ENV["KKI_BASE_URL"]
    with silence():
        driver = Driver()
    for name in names or STEPS:
        print(json.dumps(run(name, driver)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
