"""Right about the first kind of a request and wrong about another: a check that was forgotten on one way through."""

from __future__ import annotations

from dataclasses import replace

from kki.simulator.call import Call
from kki.simulator.outcomes import Success
from kki.simulator.persona import Persona, When, area, lifting

_signature, _tokens, _headers = area("signature"), area("tokens"), area("headers")
_cards, _state = area("card-data"), area("state")

_SIGNED = "SIG-110 SIG-120 SIG-130 SIG-150"
_TOKEN = "TOK-140 TOK-142 TOK-144 TOK-146 TOK-148"


def _told(call: Call, name: str) -> str:
    info = call.members.get("additionalInfo")
    return str(info.get(name, "")) if isinstance(info, dict) else ""


def _by_token(call: Call) -> bool:
    return call.name == "payment" and call.pays_by_token


def _recurring(call: Call) -> bool:
    return _by_token(call) and _told(call, "paymentType") == "RECURRING"


def _tokenising(call: Call) -> bool:
    return call.name == "payment" and not call.pays_by_token and _told(call, "isBindAndPay") == "true"


def _under(channel: str, *operations: str) -> When:
    return lambda call: call.name in operations and call.header("CHANNEL-ID") == channel


def _names_external_id(call: Call) -> bool:
    return call.name == "refund" and "originalExternalId" in call.members


def _dh_is_left(call: Call, success: Success) -> Success:
    return replace(success, effects=()) if call.name == "unbind" and not _h2h_unbinding(call) else success


_h2h, _no_channel = _under("H2H", "bind"), _under("", "bind")
_h2h_unbinding = _under("H2H", "unbind")
_KINDS: tuple[tuple[str, str, When], ...] = (
    ("by-token", "a payment with a token", _by_token),
    ("when-recurring", "a recurring payment", _recurring),
    ("when-tokenising", "a payment that tokenises", _tokenising),
    ("under-h2h", "a binding under H2H", _h2h),
    ("without-channel", "a binding without CHANNEL-ID", _no_channel),
)

ALL: tuple[Persona, ...] = (
    *(_signature(f"forgets-signature-{name}", f"Does not verify X-SIGNATURE of {kind}.", _SIGNED,
                 lifting(when, "signature"), "stated") for name, kind, when in _KINDS),
    _signature("forgets-signature-of-h2h-unbindings", "Does not verify X-SIGNATURE of an unbinding under H2H.", _SIGNED,
               lifting(_h2h_unbinding, "signature"), "stated"),
    _signature("forgets-signature-of-refunds-with-id",
               "Does not verify X-SIGNATURE of a refund that names originalExternalId.", _SIGNED,
               lifting(_names_external_id, "signature"), "stated"),
    *(_tokens(f"forgets-b2b-token-{name}", f"Does not look at the B2B token of {kind}.", _TOKEN,
              lifting(when, "b2b-token")) for name, kind, when in _KINDS),
    *(_tokens(f"forgets-customer-token-{name}", f"Does not look at the customer token of {kind}.", "TOK-150 TOK-152",
              lifting(when, "customer-token")) for name, kind, when in _KINDS[:3]),
    *(_headers(f"forgets-external-id-{name}", f"Does not remember the X-EXTERNAL-ID of {kind}.", "HDR-140",
               lifting(when, "external-id")) for name, kind, when in _KINDS),
    *(_headers(f"forgets-time-{name}", f"Takes {kind} of any day.", "HDR-118",
               lifting(when, "timestamp-fresh")) for name, kind, when in (_KINDS[0], _KINDS[3])),
    _state("unbinds-under-h2h-alone", "Answers an unbinding under DH as successful and leaves the card bound.",
           "STA-180", lambda behaviour: behaviour.doing(_dh_is_left), "conflicted"),
    _cards("forgets-card-data-under-h2h", "Never opens cardData under H2H.", "CRD-110 CRD-114 CRD-120",
           lifting(_h2h, "card-data"), "stated"),
    _state("forgets-otp-when-tokenising", "Takes any OTP for a payment that tokenises.", "STA-140",
           lifting(_tokenising, "otp")),
    _state("forgets-cpan-when-tokenising", "Takes any CPAN for a payment that tokenises.", "STA-132",
           lifting(_tokenising, "cpan")),
    _state("forgets-card-token-when-recurring", "Takes any bankCardToken for a recurring payment.", "STA-130",
           lifting(_recurring, "card-token")),
    _state("forgets-reference-when-recurring", "Takes a paid partnerReferenceNo for a recurring payment.", "STA-120",
           lifting(_recurring, "reference")),
    _state("forgets-reference-when-tokenising", "Takes a paid partnerReferenceNo for a payment that tokenises.",
           "STA-120", lifting(_tokenising, "reference")),
)  # fmt: skip
