"""The troubles of the checklist as a layer over the correct simulator: everything else it does as it always does.

A trouble meets only a request that is right in every other way: signed, with a good token, and under a new
X-EXTERNAL-ID. So a merchant learns of its mistakes first, and of the trouble afterwards.
"""

from __future__ import annotations

from dataclasses import replace

from kki.certify.checklist import Checklist, Step
from kki.model.http import Headers, Response
from kki.simulator import checks
from kki.simulator.behaviour import Behaviour
from kki.simulator.behaviour import Step as Check
from kki.simulator.business import reference
from kki.simulator.call import Call
from kki.simulator.correct import CORRECT
from kki.simulator.otp_page import Issued, otp_page
from kki.simulator.outcomes import Answer, Drop, Hang, Refusal, Result, Slow, Success
from kki.simulator.server import encoded
from kki.simulator.world import Payment, put

STATUS_PATH = "/orders/v1.0/debit/status"  # DOKU, check status; outside this contract, and yet the way to ask
_MORE = {"loyalty": {"points": 12, "tiers": ["gold", None]}, "issuerNote": None, "settled": True}
_CAUSE = "scenario "


def staged(
    checklist: Checklist,
    *,
    own_cpan: str | None = None,
    issued: Issued = lambda _: None,
    behaviour: Behaviour = CORRECT,
) -> Behaviour:
    """The behaviour with the checklist's troubles in it. `own_cpan`: the profile's, which brings none.

    `issued` is told of each bankCardToken that the OTP page gives away.
    """

    def meet(call: Call) -> Step | None:
        return checklist.met_by(call.name, call.members, own_cpan)

    check = Check("scenario", lambda call: _refused(call, meet(call)))
    staged_on = replace(behaviour, guards=(otp_page(issued), status_question))
    return (
        staged_on.adding(check, before="reference", at=("payment",))
        .each(lambda steps: (*steps, check), "bind")
        .doing(lambda call, success: _with_more(success, meet(call)))
        .dressing(lambda call, reply: _with_wait(reply, meet(call)))
        .writing(lambda call, reply, response: _sent(call, reply, response, meet(call)))
    )


def _refused(call: Call, step: Step | None) -> Refusal | None:
    trouble = step.answer if step else None
    if step is None or trouble is None or trouble.kind != "refusal" or (trouble.once and not _first(call, step)):
        return None
    if trouble.ends_token:
        call.world.b2b_tokens.pop(call.b2b_token, None)
    if (trouble.status, trouble.case) == (409, "01"):
        _paid_already(call)
    return Refusal(cause=_CAUSE + step.id, status=trouble.status, case=trouble.case)


def _paid_already(call: Call) -> None:
    """What counts as a duplicate was paid: whoever asks for its status, or refunds it, must find it so."""
    name = call.text("partnerReferenceNo")
    if name and name not in call.world.payments:
        put(call.world.payments, name, Payment(reference_no=reference(call), external_id=call.external_id))


def _first(call: Call, step: Step) -> bool:
    """Whether this reference meets this trouble for the first time; from now on it does not."""
    key = f"{_CAUSE}{step.id} {call.text('partnerReferenceNo')}"
    if key in call.world.marks:
        return False
    put(call.world.marks, key, 1)
    return True


def _with_more(success: Success, step: Step | None) -> Success:
    if step is None or step.answer is None or step.answer.kind != "extra":
        return success
    return replace(success, members={**success.members, **_MORE})


def _with_wait(reply: Answer, step: Step | None) -> Answer:
    wait = step.answer.retry_after if step and step.answer else 0
    if not wait or not reply.cause.startswith(_CAUSE):
        return reply
    return replace(reply, headers=(*reply.headers, ("Retry-After", str(wait))))


def _sent(call: Call, reply: Answer, response: Response, step: Step | None) -> Result:
    """Only what was carried out can be lost on its way."""
    trouble = step.answer if step else None
    if step is None or trouble is None or not reply.accepted:
        return response
    if trouble.kind == "slow":
        return Slow(response, trouble.seconds)
    if trouble.kind in ("silence", "close") and _first(call, step):
        return Hang() if trouble.kind == "silence" else Drop()
    return response


# --- the status question ---------------------------------------------------------------------------------------------


def status_question(call: Call) -> Result | None:
    """DOKU, check status: what became of a payment. Signed as the operations are; None where this is no such question.

    Status values: 00 success, 06 failed, 07 not found (national standard).
    """
    if call.request.path != STATUS_PATH or call.request.method != "POST":
        return None
    if checks.b2b_token_is_valid(call) is not None:
        return _told(401, "01", "Invalid Token (B2B)")
    if not checks.is_signed(call):
        return _told(401, "00", "Unauthorized. Invalid signature")
    original = call.text("originalPartnerReferenceNo")
    payment = call.world.payments.get(original)
    known = ("00", "Success") if payment and payment.succeeded else ("06", "Failed")
    status, says = known if payment else ("07", "Not found")
    members = {
        "originalPartnerReferenceNo": original,
        "originalReferenceNo": payment.reference_no if payment else "",
        "serviceCode": "54",
        "latestTransactionStatus": status,
        "transactionStatusDesc": says,
    }
    return _told(200, "00", "Successful", members)


def _told(status: int, case: str, message: str, members: dict[str, str] | None = None) -> Response:
    body = {"responseCode": f"{status}55{case}", "responseMessage": message, **(members or {})}
    return Response(status=status, headers=Headers.of([("Content-Type", "application/json")]), body=encoded(body))
