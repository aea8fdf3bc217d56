# ruff: noqa: ARG005 - a hook is handed everything, and most look at one thing
"""Members of the body: merchants that get them wrong in one way each."""

from __future__ import annotations

import secrets

from . import small_client as right
from .faulty import on, shelf, where
from .small_client import b64, compact

MERCHANTS, merchant = shelf("field")

LABEL = {"required-or-optional": "label"}
merchant(
    "pay-no-reference",
    "Pays without partnerReferenceNo.",
    "PAY-010",
    pins=LABEL,
    members=on("payment", partnerReferenceNo=None),
)
merchant(
    "pay-reference-long",
    "Pays with a partnerReferenceNo of 33 characters.",
    "PAY-012",
    members=on("payment", partnerReferenceNo=lambda old: str(old).ljust(33, "0")),
)
merchant(
    "pay-nothing-named",
    "Pays without naming what is charged.",
    "PAY-014",
    members=on("payment", chargeToken=None, bankCardToken=None, otp=None),
)
merchant("pay-no-otp", "Pays by CPAN without otp.", "PAY-016", pins=LABEL, members=where("chargeToken", otp=None))
merchant(
    "pay-card-token-long",
    "Pays with a bankCardToken of 65 characters.",
    "PAY-018",
    "STA-020",
    members=where("bankCardToken", bankCardToken=lambda old: str(old).ljust(65, "0")),
)
merchant(
    "pay-cpan-long",
    "Pays with a chargeToken of 21 characters.",
    "PAY-020",
    members=where("chargeToken", chargeToken=lambda old: str(old).ljust(21, "0")),
)
merchant(
    "pay-otp-six", "Pays with an otp of 6 digits.", "PAY-022", members=where("chargeToken", otp=lambda old: old[:6])
)
merchant("pay-otp-number", "Sends otp as a number.", "PAY-022", members=where("chargeToken", otp=int))
merchant(
    "pay-reference-number",
    "Sends partnerReferenceNo as a number.",
    "PAY-012",
    members=on("payment", partnerReferenceNo=lambda old: int.from_bytes(str(old).encode()[-3:], "big")),
)
merchant(
    "pay-cpan-null",
    "Pays by CPAN with chargeToken null.",
    "FLD-010",
    "PAY-020",
    members=where("chargeToken", chargeToken=lambda old: None),
)
merchant(
    "pay-card-token-empty",
    "Pays with an empty bankCardToken.",
    "FLD-010",
    members=where("bankCardToken", bankCardToken=""),
)
merchant(
    "refund-no-original",
    "Refunds without originalPartnerReferenceNo.",
    "RFD-010",
    members=on("refund", originalPartnerReferenceNo=None),
)
merchant(
    "refund-original-long",
    "Refunds with an originalPartnerReferenceNo of 65 characters.",
    "RFD-012",
    "RFD-026",
    refunded=lambda paid: paid.ljust(65, "0"),
)
merchant(
    "refund-external-id-long",
    "Refunds with an originalExternalId of 37 characters.",
    "RFD-018",
    members=on("refund", originalExternalId="4" * 37),
)
merchant("refund-reason-long", "Gives a reason of 256 characters.", "RFD-020", members=on("refund", reason="x" * 256))
merchant("refund-no-number", "Refunds without partnerRefundNo.", "RFD-022", members=on("refund", partnerRefundNo=None))
merchant(
    "refund-number-long",
    "Refunds with a partnerRefundNo of 13 characters.",
    "RFD-024",
    refund_number=lambda count: secrets.token_hex(7)[:13],
)
merchant("refund-unpaid", "Refunds what nobody paid.", "RFD-026", refunded=lambda paid: right.reference("", 0))
merchant(
    "refund-reference-short",
    "Refunds under a reference of 20 characters.",
    "RFD-014",
    pins={"refund-reference-minimum": "enforced"},
    reference=lambda begin, count: right.reference(begin, count)[:20],
)
merchant(
    "refund-reference-hyphen",
    "Refunds under a reference with a hyphen.",
    "RFD-016",
    pins={"refund-reference-characters": "alphanumeric"},
    reference=lambda begin, count: right.reference(begin, count)[:31] + "-",
)
merchant(
    "bind-reference-long",
    "Binds with a partnerReferenceNo of 65 characters.",
    "BND-010",
    members=on("bind", partnerReferenceNo="B" * 65),
)
merchant("bind-no-card", "Binds without cardData.", "BND-012", members=on("bind", cardData=None))
merchant("bind-no-customer", "Binds without custIdMerchant.", "BND-014", members=on("bind", custIdMerchant=None))
merchant(
    "bind-customer-long",
    "Binds with a custIdMerchant of 65 characters.",
    "BND-016",
    members=on("bind", custIdMerchant="C" * 65),
)
merchant(
    "bind-customer-hyphen",
    "Binds with a hyphen in custIdMerchant.",
    "BND-018",
    members=on("bind", custIdMerchant="CUST-0001"),
)
merchant("bind-journey-number", "Sends journeyId as a number.", "BND-020", members=on("bind", journeyId=17))
merchant("bind-phone-number", "Sends phoneNo as a number.", "BND-022", members=on("bind", phoneNo=6281234567890))
merchant("unbind-no-token", "Unbinds without tokenId.", "UNB-010", members=on("unbind", tokenId=None))
merchant(
    "unbind-token-list", "Unbinds with a list of tokens.", "UNB-012", members=on("unbind", tokenId=lambda old: [old])
)
merchant(
    "unbind-token-encoded",
    "Unbinds with the token in Base64.",
    "STA-020",
    "UNB-014",
    members=on("unbind", tokenId=lambda old: b64(str(old).encode())),
)
merchant(
    "unbind-token-unknown",
    "Unbinds a card that was never bound.",
    "STA-020",
    members=on("unbind", tokenId="never-issued-0001"),
)
merchant(
    "card-token-unknown",
    "Pays with a card token that was never issued.",
    "STA-020",
    members=where("bankCardToken", bankCardToken="never-issued-0001"),
)
merchant("card-token-unbound", "Pays with a card token that it has unbound.", "STA-020", uses_unbound=True)
merchant("body-list", "Wraps the body in a list.", "FLD-020", written=lambda operation, members: compact([members]))
merchant(
    "body-member-twice",
    "Sends a member twice.",
    "FLD-050",
    written=lambda operation, members: compact(members)[:-1] + b',"channel":"a","channel":"b"}',
)
merchant(
    "body-trailing-comma",
    "Ends the body with a comma too many.",
    "FLD-060",
    written=lambda operation, members: compact(members)[:-1] + b",}",
)
merchant(
    "body-latin-1",
    "Sends the body in ISO 8859-1.",
    "FLD-060",
    written=lambda operation, members: compact(members).decode().encode("latin-1"),
)
