# ruff: noqa: ARG005 - a hook is handed everything, and most look at one thing
"""Names used twice, secrets given away, and conduct after a refusal: merchants that get them wrong in one way each."""

from __future__ import annotations

from .faulty import shelf, where

MERCHANTS, merchant = shelf("conduct")


def where_method(operation: str) -> str:
    return "PUT" if operation == "refund" else "POST"


# --- uniqueness

merchant(
    "external-id-by-operation",
    "Counts X-EXTERNAL-ID anew for each operation.",
    "HDR-040",
    external_id=lambda operation, count: str(1000 + count - (5 if operation == "refund" else 0)),
)
merchant(
    "reference-reused",
    "Pays twice under one partnerReferenceNo.",
    "STA-010",
    reference=lambda begin, count: begin.ljust(32, "A") if begin else "INV" + str(count // 5).rjust(29, "0"),
)
merchant(
    "refund-number-reused",
    "Gives every refund the same partnerRefundNo.",
    "RFD-028",
    refund_number=lambda count: "INV-REF-0001",
)

merchant(
    "binding-reference-reused",
    "Binds twice under one partnerReferenceNo.",
    "STA-012",
    binding_reference=lambda count: "BIND-1",
)
merchant("refund-by-put", "Sends its refunds with PUT.", "ROB-180", method=where_method)

# --- secrecy

merchant(
    "card-number-in-info",
    "Repeats the card number in additionalInfo.",
    "SEC-010",
    members=where("chargeToken", note="card 9360001609987000000"),
)
merchant(
    "secret-in-header",
    "Sends its client secret along.",
    "SEC-020",
    members=lambda operation, members, kit: {**members, "secretKey": kit.client_secret},
)
merchant(
    "shared-key-in-body",
    "Sends the shared key with the card.",
    "SEC-020",
    members=lambda operation, members, kit: (
        {**members, "sharedKey": kit.shared_key} if operation == "bind" else members
    ),
)

merchant(
    "otp-in-info",
    "Repeats the OTP in additionalInfo.",
    "SEC-014",
    members=where("otp", note=lambda _: "the customer typed 12345678"),
)

# --- conduct

LOST = frozenset({"lost"})
merchant(
    "refused-token-kept",
    "Sends again with the token that was refused.",
    "BEH-010",
    meets=("expired-token",),
    renews_token=False,
)
merchant(
    "retry-same-external-id",
    "Sends again under the same X-EXTERNAL-ID.",
    "BEH-020",
    "BEH-080",
    "HDR-040",
    meets=("conflict",),
    renumbers=False,
)
merchant(
    "retry-same-everything",
    "Sends the same octets again.",
    "BEH-020",
    "BEH-080",
    "HDR-040",
    meets=("conflict",),
    renumbers=False,
    remakes=False,
)
merchant(
    "lost-charged-anew",
    "Charges under a new reference after a lost reply.",
    "BEH-030",
    meets=("closed-connection",),
    charges_anew_after=LOST,
)
merchant(
    "timeout-charged-anew",
    "Charges under a new reference after 504.",
    "BEH-030",
    meets=("gateway-timeout",),
    charges_anew_after=frozenset({"504"}),
)
merchant(
    "failure-charged-anew",
    "Charges under a new reference after 500.",
    "BEH-040",
    meets=("server-error",),
    charges_anew_after=frozenset({"500"}),
)
merchant(
    "never-waits",
    "Does not wait after 429.",
    "BEH-050",
    meets=("too-many-requests",),
    waits=0.0,
    obeys_retry_after=False,
)
merchant(
    "retry-after-ignored",
    "Waits less after 429 than it was told.",
    "BEH-050",
    meets=("too-many-requests",),
    obeys_retry_after=False,
)
merchant("insists", "Sends a declined charge again.", "BEH-060", meets=("insufficient-funds",), insists=True)
merchant("same-otp-again", "Sends a wrong OTP again.", "BEH-070", retypes_otp=False)
merchant(
    "duplicate-charged-anew",
    "Charges under a new reference after 409/01.",
    "BEH-090",
    meets=("duplicate",),
    charges_anew_after=frozenset({"409/01"}),
)
merchant(
    "odd-charged-anew",
    "Charges under a new reference after a reply that surprised it.",
    "BEH-100",
    meets=("unknown-case",),
    charges_anew_after=frozenset({"odd"}),
)
merchant(
    "odd-repeated",
    "Repeats the charge after a reply that surprised it.",
    "BEH-100",
    meets=("extra-members",),
    repeats_odd=True,
)
merchant(
    "redirect-query-added",
    "Adds a query to the redirectUrl.",
    "BEH-110",
    follows=lambda url: url + ("&" if "?" in url else "?") + "lang=id",
)
merchant("redirect-cut", "Cuts the end of the redirectUrl off.", "BEH-110", follows=lambda url: url[:-4])
