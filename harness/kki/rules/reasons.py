"""Why a request was refused: the case code has to fit a fault that the request has."""

from __future__ import annotations

from kki.model.verdict import Broken, Finding, Holds, Judgement
from kki.rules.faults import Force, reason_judgements
from kki.rules.registry import Scene, rule
from kki.rules.view import Standing
from kki.rules.words import shown


def _reason(scene: Scene, requirement: str) -> Judgement | None:
    if scene.reasons is None:
        usual = (scene.view.name, scene.view.reply.case) in scene.trail.declined
        scene.reasons = reason_judgements(scene.found, scene.view.reply, usual=usual)
    return scene.reasons.get(requirement)


@rule("KKI-RSN-110")
def signature_fault_is_unauthorised(scene: Scene) -> Judgement | None:
    """A wrong or missing signature is refused as unauthorised."""
    return _reason(scene, "KKI-RSN-110")


@rule("KKI-RSN-120")
def b2b_token_fault_is_an_invalid_token(scene: Scene) -> Judgement | None:
    """A B2B token that is wrong, expired or missing is refused as an invalid or missing token."""
    return _reason(scene, "KKI-RSN-120")


@rule("KKI-RSN-130")
def customer_token_fault_is_an_invalid_customer_token(scene: Scene) -> Judgement | None:
    """A customer token that is wrong or missing is refused as an invalid or missing customer token."""
    return _reason(scene, "KKI-RSN-130")


@rule("KKI-RSN-140")
def absence_is_an_invalid_mandatory_field(scene: Scene) -> Judgement | None:
    """A missing, null or empty required member or header is refused as an invalid mandatory field or field format."""
    return _reason(scene, "KKI-RSN-140")


@rule("KKI-RSN-150")
def bad_form_is_an_invalid_field_format(scene: Scene) -> Judgement | None:
    """A value outside its limits, form or type is refused as an invalid field format."""
    return _reason(scene, "KKI-RSN-150")


@rule("KKI-RSN-160")
def unreadable_body_is_a_bad_request(scene: Scene) -> Judgement | None:
    """A body that is not readable is refused as a bad request."""
    return _reason(scene, "KKI-RSN-160")


@rule("KKI-RSN-170")
def reused_id_is_a_conflict(scene: Scene) -> Judgement | None:
    """A reused X-EXTERNAL-ID is refused as a conflict."""
    return _reason(scene, "KKI-RSN-170")


@rule("KKI-RSN-180")
def duplicate_reference_is_named(scene: Scene) -> Judgement | None:
    """A duplicate partnerReferenceNo is refused as such."""
    return _reason(scene, "KKI-RSN-180")


@rule("KKI-RSN-190")
def unknown_card_is_an_invalid_card(scene: Scene) -> Judgement | None:
    """An unknown or unbound card token is refused as an invalid card."""
    return _reason(scene, "KKI-RSN-190")


@rule("KKI-RSN-200")
def wrong_otp_is_named(scene: Scene) -> Judgement | None:
    """A wrong OTP is refused as such."""
    return _reason(scene, "KKI-RSN-200")


@rule("KKI-RSN-210")
def unknown_payment_is_not_found(scene: Scene) -> Judgement | None:
    """A refund of an unknown payment is refused as transaction not found."""
    return _reason(scene, "KKI-RSN-210")


@rule("KKI-RSN-220")
def bad_token_request_is_unauthorised(scene: Scene) -> Judgement | None:
    """A token request with a bad signature or from an unknown client is refused as unauthorised."""
    return _reason(scene, "KKI-RSN-220")


@rule("KKI-RSN-230")
def card_data_fault_is_an_invalid_field_or_card(scene: Scene) -> Judgement | None:
    """cardData that cannot be opened is refused as an invalid field or card."""
    return _reason(scene, "KKI-RSN-230")


@rule("KKI-RSN-240")
def unknown_partner_is_unauthorised_or_not_found(scene: Scene) -> Judgement | None:
    """An unknown or foreign X-PARTNER-ID is refused as unauthorised or partner not found."""
    return _reason(scene, "KKI-RSN-240")


@rule("KKI-RSN-250")
def stale_timestamp_is_unauthorised_or_a_field(scene: Scene) -> Judgement | None:
    """A stale X-TIMESTAMP is refused as unauthorised or as an invalid field."""
    return _reason(scene, "KKI-RSN-250")


@rule("KKI-RSN-260")
def refusal_names_the_field(scene: Scene) -> Judgement | None:
    """A refusal names the field that is at fault, where case 400/01 or 400/02 is given."""
    reply = scene.view.reply
    if reply.standing is not Standing.REFUSED or reply.case not in ((400, "01"), (400, "02")):
        return None
    faults = [fault for fault in scene.found.faults if fault.fits(reply.case)]
    fields = {fault.field for fault in faults}
    sure = any(fault.force is Force.MUST_REFUSE for fault in faults)
    if not sure or "" in fields or not isinstance(reply.message, str):
        return None
    if any(field.lower() in reply.message.lower() for field in fields):
        return Holds()
    expected = f"a message that names {' or '.join(sorted(fields))}"
    return Broken((Finding(where="reply /responseMessage", expected=expected, actual=shown(reply.message)),))
