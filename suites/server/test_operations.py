"""Correct requests: each operation and variant succeeds, and says so in the documented form."""

from __future__ import annotations

import pytest

from kki.drafting.drafts import a_binding, a_payment, a_refund

from .probes import probe

VARIANTS = {
    "cpan": ("KKI-PAY-150", "KKI-SEC-220"),
    "cpan-tokenise": ("KKI-PAY-152",),
    "token": ("KKI-PAY-154",),
    "token-recurring": ("KKI-PAY-156",),
}
CHANNELS = {
    "DH": ("KKI-BND-150", "KKI-BND-216", "KKI-SEC-230"),
    "H2H": ("KKI-BND-152", "KKI-BND-218"),
    "": ("KKI-BND-154",),
}


@pytest.mark.parametrize(
    "variant",
    [probe(name, id=name, operation="payment", exercises=rows, level="quick") for name, rows in VARIANTS.items()],
)
def test_a_correct_payment_succeeds(server, variant):
    if variant.startswith("cpan"):
        server.need("cpan", "otp")
        server.send(a_payment(server.kit(), variant))
    else:
        server.send(a_payment(server.kit(card_token=server.bound_token()), variant))


@pytest.mark.parametrize(
    "channel",
    [
        probe(name, id=name or "absent", operation="bind", exercises=rows, level="quick")
        for name, rows in CHANNELS.items()
    ],
)
def test_a_correct_binding_succeeds(server, channel):
    server.need("card")
    server.send(a_binding(server.kit(), channel or None))


@pytest.mark.level("quick")
@pytest.mark.operation("refund")
@pytest.mark.exercises("KKI-RFD-150")
def test_a_correct_refund_succeeds(server):
    server.send(server.a("refund", to_succeed=True))


@pytest.mark.level("quick")
@pytest.mark.operation("refund")
@pytest.mark.exercises("KKI-RFD-150")
def test_a_refund_that_names_the_external_id_succeeds(server):
    payment = server.a("payment")
    server.send(payment)
    original, external = payment.json["partnerReferenceNo"], payment.request.headers.get("X-EXTERNAL-ID")
    server.send(a_refund(server.kit(), original, external_id=external))
