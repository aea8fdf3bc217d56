"""Situations beyond `probes`: each check on the other kinds of a request, partial comparisons, lenient readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from kki.model.http import Request
from kki.simulator.outcomes import Result

from . import probes
from .probes import ALTERED, Probe, paid
from .support import CARD_TOKENS, Merchant, sealed, stamp

Lines = Mapping[str, str | None]
Make = Callable[[Merchant, Lines], Request]


def _payment(body: str, **more: Any) -> Make:
    def make(m: Merchant, lines: Lines) -> Request:
        return m.request("payment", getattr(m, body)(additionalInfo=more), headers=dict(lines))

    return make


def _binding(channel: str | None, **changes: Any) -> Make:
    return lambda m, lines: m.request("bind", m.bind_body(**changes), headers={"CHANNEL-ID": channel, **lines})


def _unbinding(m: Merchant, lines: Lines) -> Request:
    return m.request("unbind", {"tokenId": CARD_TOKENS[0]}, headers={"CHANNEL-ID": "H2H", **lines})


def _refund(m: Merchant, lines: Lines) -> Request:
    return m.request("refund", m.refund_body(paid(m), originalExternalId="1234"), headers=dict(lines))


KINDS: dict[str, tuple[str, Make]] = {
    "payment by token": ("54", _payment("token_body")),
    "recurring payment": ("54", _payment("token_body", paymentType="RECURRING")),
    "payment that tokenises": ("54", _payment("cpan_body", isBindAndPay="true")),
    "binding under H2H": ("01", _binding("H2H")),
    "binding without channel": ("01", _binding(None)),
    "unbinding under H2H": ("05", _unbinding),
    "refund with external id": ("07", _refund),
}


def _sent(make: Make, **lines: str | None) -> Callable[[Merchant], Result]:
    return lambda m: m.send(make(m, {name.replace("_", "-"): value for name, value in lines.items()}))


def _resigned(make: Make) -> Callable[[Merchant], Result]:
    return lambda m: m.send(make(m, {}).with_header("X-SIGNATURE", "A" * 86 + "=="))


def _old(make: Make) -> Callable[[Merchant], Result]:
    return lambda m: m.send(make(m, {"X-TIMESTAMP": stamp(m.now - timedelta(days=2))}))


def _again(make: Make) -> Callable[[Merchant], Result]:
    def send(m: Merchant) -> Result:
        lines = {"X-EXTERNAL-ID": m.number()}
        m.send(make(m, lines))
        return m.send(make(m, lines))

    return send


def _of_each_kind() -> list[Probe]:
    found = []
    for name, (service, make) in KINDS.items():
        found += [
            Probe(f"{name}, wrong signature", f"401{service}00", _resigned(make)),
            Probe(f"{name}, altered token", f"401{service}01", _sent(make, Authorization=f"Bearer {ALTERED}")),
            Probe(f"{name}, two days old", f"401{service}00", _old(make)),
            Probe(f"{name}, external id again", f"409{service}00", _again(make)),
        ]
        if service in ("54", "07"):
            wrong = _sent(make, Authorization_customer="Bearer never")
            found.append(Probe(f"{name}, wrong customer token", f"401{service}02", wrong))
    return found


def _paid_again(body: str, **more: Any) -> Callable[[Merchant], Result]:
    """The reference of a payment, charged again by such a request."""

    def send(m: Merchant) -> Result:
        name = paid(m)
        return m.send(m.request("payment", getattr(m, body)(additionalInfo=more, partnerReferenceNo=name)))

    return send


_TOKENISING = {"additionalInfo": {"isBindAndPay": "true"}}
_RECURRING = {"additionalInfo": {"paymentType": "RECURRING"}}

GOOD: tuple[Probe, ...] = probes.GOOD
REFUSED: tuple[Probe, ...] = (
    *probes.REFUSED,
    *_of_each_kind(),
    Probe("card data under another key, H2H", "4000101",
          _sent(_binding("H2H", cardData=sealed({"a": "b"}, shared_key="another-key-0001")))),
    Probe("wrong OTP when tokenising", "4045415", probes.pay(otp="87654321", **_TOKENISING)),
    Probe("unknown CPAN when tokenising", "4045411", probes.pay(chargeToken="9360001609987000001", **_TOKENISING)),
    Probe("unknown card token when recurring", "4045411", probes.pay_by_token(bankCardToken="never", **_RECURRING)),
    Probe("duplicate reference when recurring", "4095401", _paid_again("token_body", paymentType="RECURRING")),
    Probe("duplicate reference when tokenising", "4095401", _paid_again("cpan_body", isBindAndPay="true")),
)  # fmt: skip
OPEN: tuple[Probe, ...] = probes.OPEN
PROBES = (*GOOD, *REFUSED, *OPEN)
