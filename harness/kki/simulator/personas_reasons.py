"""Refuses what has to be refused, but for another reason than it has."""

from __future__ import annotations

from dataclasses import replace

from kki.simulator.call import Call
from kki.simulator.outcomes import Answer
from kki.simulator.persona import Change, Persona, area, both, dressing, refusing

row = area("reasons")

NAMED = ("01", "02")  # cases of 400 whose message names a field


def _unnamed(call: Call, reply: Answer) -> Answer:
    if reply.accepted or reply.status != 400 or reply.case not in NAMED:
        return reply
    return replace(reply, message=call.contract.cases[400, reply.case].name.split("{")[0].strip())


def _misnamed(call: Call, reply: Answer) -> Answer:
    bare = _unnamed(call, reply)
    return reply if bare is reply else replace(bare, message=f"{bare.message} merchantId")


def everything(status: int, case: str) -> Change:
    """Each refusal with one and the same case."""
    return refusing("", status, case)


ALL: tuple[Persona, ...] = (
    row("refuses-signature-as-bad-request", "Calls a wrong signature a bad request.", "RSN-110",
        refusing("signature", 400, "00")),
    row("refuses-signature-as-invalid-token", "Calls a wrong signature an invalid token.", "RSN-110",
        refusing("signature", 401, "01")),
    row("refuses-token-as-customer-token", "Calls a wrong B2B token an invalid customer token.", "RSN-120",
        refusing("b2b-token", 401, "02")),
    row("refuses-token-as-forbidden", "Calls a wrong B2B token a feature that is not allowed.", "RSN-120",
        refusing("b2b-token", 403, "01")),
    row("refuses-customer-token-as-token", "Calls a wrong customer token an invalid B2B token.", "RSN-130",
        refusing("customer-token", 401, "01")),
    row("refuses-missing-member-as-bad-request", "Calls a missing member a bad request.", "RSN-140",
        refusing("missing-member", 400, "00")),
    row("refuses-missing-header-as-unauthorised", "Calls a missing header unauthorised.", "RSN-140",
        refusing("missing-header", 401, "00")),
    row("refuses-bad-member-as-bad-request", "Calls a member outside its limits a bad request.", "RSN-150",
        refusing("member ", 400, "00")),
    row("refuses-bad-member-as-missing", "Calls a member outside its limits missing.", "RSN-150",
        refusing("member ", 400, "02")),
    row("refuses-bad-header-as-unauthorised", "Calls a header outside its limits unauthorised.", "RSN-150",
        refusing("header ", 401, "00")),
    row("refuses-garbage-as-not-found", "Calls a body that cannot be read an unknown transaction.", "RSN-160",
        both(refusing("unreadable", 404, "01"), refusing("not-an-object", 404, "01"))),
    row("refuses-replay-as-duplicate", "Calls a reused X-EXTERNAL-ID a duplicate partnerReferenceNo.", "RSN-170",
        refusing("external-id", 409, "01")),
    row("refuses-replay-as-bad-field", "Calls a reused X-EXTERNAL-ID badly formed.", "RSN-170",
        refusing("external-id", 400, "01")),
    row("refuses-duplicate-as-conflict", "Calls a duplicate partnerReferenceNo a conflict of X-EXTERNAL-ID.", "RSN-180",
        refusing("duplicate-reference", 409, "00")),
    row("refuses-duplicate-as-bad-field", "Calls a duplicate partnerReferenceNo badly formed.", "RSN-180",
        refusing("duplicate-reference", 400, "01")),
    row("refuses-card-token-as-not-found", "Calls an unknown card token an unknown transaction.", "RSN-190",
        both(refusing("card-token", 404, "01"), refusing("token-id", 404, "01"))),
    row("refuses-cpan-as-bad-field", "Calls an unknown CPAN badly formed.", "RSN-190", refusing("cpan", 400, "01")),
    row("refuses-otp-as-card", "Calls a wrong OTP an invalid card.", "RSN-200", refusing("otp", 404, "11")),
    row("refuses-otp-as-do-not-honor", "Declines a wrong OTP without a reason.", "RSN-200", refusing("otp", 403, "05")),
    row("refuses-refund-as-card", "Calls the refund of an unknown payment an invalid card.", "RSN-210",
        refusing("original", 404, "11")),
    row("refuses-refund-as-bad-field", "Calls the refund of an unknown payment badly formed.", "RSN-210",
        refusing("original", 400, "01")),
    row("refuses-token-request-as-bad-request", "Calls a wrong RSA signature a bad request.", "RSN-220",
        refusing("token-signature", 400, "00")),
    row("refuses-client-as-not-found", "Calls an unknown client an unknown transaction.", "RSN-220",
        refusing("client", 404, "01")),
    row("refuses-card-data-as-not-found", "Calls cardData that it cannot open an unknown transaction.", "RSN-230",
        refusing("card-data", 404, "01")),
    row("refuses-partner-as-bad-request", "Calls an unknown X-PARTNER-ID a bad request.", "RSN-240",
        refusing("partner", 400, "00")),
    row("refuses-stale-as-conflict", "Calls a stale X-TIMESTAMP a conflict.", "RSN-250",
        refusing("timestamp-stale", 409, "00")),
    row("names-no-field", "Never says which field is at fault.", "RSN-260", dressing(_unnamed)),
    row("names-another-field", "Always names the same field, which is none of the request's.", "RSN-260",
        dressing(_misnamed)),
    row("refuses-everything-as-bad-request", "Has one code for whatever it refuses.",
        "RSN-110 RSN-120 RSN-130 RSN-140 RSN-150 RSN-170 RSN-180 RSN-190 RSN-200 RSN-210 RSN-220 RSN-240",
        everything(400, "00")),
    row("refuses-everything-as-unauthorised", "Calls whatever it refuses unauthorised.",
        "RSN-120 RSN-130 RSN-140 RSN-150 RSN-170 RSN-180 RSN-190 RSN-200 RSN-210", everything(401, "00")),
)  # fmt: skip
