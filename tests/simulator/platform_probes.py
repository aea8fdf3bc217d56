"""Situations on which platforms differ from what is documented, and refusals after which nothing must have happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kki.drafting.mutations import JAVA_ACCEPTS
from kki.model.http import Headers, Request
from kki.simulator.outcomes import Result

from . import probes
from .probes import Probe, paid
from .support import CARD_TOKENS, CLIENT, OTHER_PRIVATE, OTHER_SECRET, OTP, Merchant

Send = Callable[[Merchant], Result]


def _in_small_letters(request: Request) -> Request:
    return replace(request, headers=Headers.of([(name.lower(), text) for name, text in request.headers.pairs]))


def _kind_refunded(**more: Any) -> Send:
    def send(m: Merchant) -> Result:
        body = m.cpan_body(additionalInfo=more) if "isBindAndPay" in more else m.token_body(additionalInfo=more)
        m.send(m.request("payment", body))
        return m.send(probes.refund_of(m, str(body["partnerReferenceNo"])))

    return send


def _another_payments_refund(m: Merchant) -> Result:
    first = m.refund_body(paid(m))
    m.send(m.request("refund", first))
    return m.send(m.request("refund", m.refund_body(paid(m)) | {"partnerRefundNo": first["partnerRefundNo"]}))


def _refresh_as_customer(m: Merchant) -> Result:
    refresh = probes.told(m.send(m.b2b2c_request()), "refreshToken")
    return probes.headed("payment", Authorization_customer=f"Bearer {refresh}")(m)


def _two_ids(m: Merchant) -> Result:
    probes.bind({"X-EXTERNAL-ID": "9" * 35 + "1"})(m)
    return probes.bind({"X-EXTERNAL-ID": "9" * 35 + "2"})(m)


def _refunded_after(cause: str) -> Send:
    """The refund of a payment that was refused for this cause."""

    def send(m: Merchant) -> Result:
        lines: dict[str, str | None] = {"X-EXTERNAL-ID": m.number()} if cause == "conflict" else {}
        if lines:
            m.send(m.request("bind", m.bind_body(), headers=dict(lines)))
        body = _REFUSED[cause](m)
        m.send(m.request("payment", body, headers=lines))
        return m.send(probes.refund_of(m, str(body["partnerReferenceNo"])))

    return send


_REFUSED: Mapping[str, Callable[[Merchant], dict[str, Any]]] = {
    "unknown CPAN": lambda m: m.cpan_body(chargeToken="9360001609987000001"),
    "unknown card": lambda m: m.token_body(bankCardToken="never"),
    "OTP too long": lambda m: m.cpan_body(otp=f"{OTP}0"),
    "conflict": lambda m: m.cpan_body(),
}


def _after_conflict(operation: str) -> Send:
    """What follows on an unbinding or refund that was refused for a used X-EXTERNAL-ID."""

    def send(m: Merchant) -> Result:
        lines: dict[str, str | None] = {"X-EXTERNAL-ID": m.number()}
        m.send(m.request("bind", m.bind_body(), headers=dict(lines)))
        body = {"tokenId": CARD_TOKENS[0]} if operation == "unbind" else m.refund_body(paid(m))
        m.send(m.request(operation, body, headers=lines))
        return m.send(m.request("payment", m.token_body()) if operation == "unbind" else m.request("refund", body))

    return send


_HTML: dict[str, str | None] = {"Accept": JAVA_ACCEPTS}
GOOD: tuple[Probe, ...] = (
    Probe("header names in small letters", "2005400", probes.signed(after=_in_small_letters)),
    Probe("charset on a token request", "2007300",
          probes.token(headers={"Content-Type": "application/json; charset=utf-8"})),
    Probe("offset +00:00 on a refund", "2000700", probes.headed("refund", X_TIMESTAMP="2026-05-26T03:00:00+00:00")),
    Probe("external ids that differ at their end", "2000100", _two_ids),
    Probe("customer of digits", "2000100", probes.bind(custIdMerchant="0123456789")),
    Probe("refund number with hyphens", "2000700", probes.refund(partnerRefundNo="INV-REF-0001")),
    Probe("refund of a recurring payment", "2000700", _kind_refunded(paymentType="RECURRING")),
    Probe("refund of a payment that tokenises", "2000700", _kind_refunded(isBindAndPay="true")),
    Probe("payment after an unbinding under a used id", "2005400", _after_conflict("unbind")),
    Probe("refund after one under a used id", "2000700", _after_conflict("refund")),
)  # fmt: skip
REFUSED: tuple[Probe, ...] = (
    Probe("signed with another partner's secret", "4015400", probes.signed(secret=OTHER_SECRET)),
    Probe("token request by another partner's key", "4017300", probes.token(pem=OTHER_PRIVATE)),
    Probe("client in other case", "4017300", probes.token(client=CLIENT.lower())),
    Probe("grant of a customer for a partner", "4007301", probes.token(body={"grantType": "authorization_code"})),
    Probe("grant of a partner for a customer", "4007401", probes.token("b2b2c", {"grantType": "client_credentials"})),
    Probe("refresh token as customer token", "4015402", _refresh_as_customer),
    Probe("refused, with a browser's Accept", "4015402",
          probes.headed("payment", Authorization_customer="Bearer never", **_HTML)),
    Probe("time without seconds", "4005401", probes.headed("payment", X_TIMESTAMP="2026-05-26T10:00+07:00")),
    Probe("time with a zone's name", "4005401",
          probes.headed("payment", X_TIMESTAMP="2026-05-26T10:00:00+07:00[Asia/Jakarta]")),
    Probe("external id with a decimal point", "4005401", probes.headed("payment", X_EXTERNAL_ID="12.5")),
    Probe("32 characters and a blank", "4005401", probes.pay(partnerReferenceNo="R" * 32 + " ")),
    Probe("refund with a blank behind", "4040701", lambda m: m.send(probes.refund_of(m, paid(m) + " "))),
    Probe("unbinding with a blank behind", "4040511", probes.unbind(CARD_TOKENS[0] + " ")),
    Probe("unbinding with an apostrophe", "4040511", probes.unbind(CARD_TOKENS[0] + "'")),
    Probe("refund under another payment's number", "4040718", _another_payments_refund),
    *(Probe(f"refund of a payment refused for {cause}", "4040701", _refunded_after(cause)) for cause in _REFUSED),
)  # fmt: skip
OPEN: tuple[Probe, ...] = (
    Probe("NUL in a reason", "2000700", probes.refund(reason="text\0")),
)  # fmt: skip
