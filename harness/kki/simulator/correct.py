"""The correct simulator: which checks each operation makes, in which order. Most other orders are defensible too."""

from __future__ import annotations

from kki.simulator import business, checks, fields, token_requests
from kki.simulator.behaviour import Behaviour, Step
from kki.simulator.otp_page import otp_page

# Form before identity, identity before content, content before state; an external id counts once all of that is right.
_FRONT = (
    Step("path", checks.path_is_known),
    Step("method", checks.method_is_right),
    Step("size", checks.size_is_bounded),
    Step("headers-once", fields.headers_stand_once),
    Step("headers-there", fields.headers_are_there),
    Step("headers", fields.headers_are_well_formed),
    Step("timestamp-form", checks.timestamp_is_well_formed),
)
_SIGNED = (
    *_FRONT,
    Step("ip-address", checks.address_is_one),
    Step("partner", checks.partner_is_known),
    Step("b2b-token", checks.b2b_token_is_valid),
    Step("timestamp-fresh", checks.timestamp_is_fresh),
    Step("readable", checks.body_is_readable),
    Step("signature", checks.signature_is_right),
    Step("customer-token", checks.customer_token_is_valid),
    Step("members", fields.members_are_well_formed),
)
_ONCE = Step("external-id", checks.external_id_is_new)
_TOKEN = (
    *_FRONT,
    Step("client", checks.client_is_known),
    Step("timestamp-fresh", checks.timestamp_is_fresh),
    Step("token-signature", checks.token_request_is_signed),
    Step("readable", checks.body_is_readable),
    Step("members", fields.members_are_well_formed),
)

CORRECT = Behaviour(
    steps={
        "": _FRONT[:1],
        "payment": (
            *_SIGNED,
            _ONCE,
            Step("reference", business.reference_is_new),
            Step("card-token", business.card_token_is_bound),
            Step("cpan", business.cpan_is_known),
            Step("otp", business.otp_is_right),
        ),
        "bind": (*_SIGNED, Step("card-data", business.card_is_sealed), _ONCE),
        "unbind": (*_SIGNED, _ONCE, Step("token-id", business.token_id_is_bound)),
        "refund": (
            *_SIGNED,
            _ONCE,
            Step("refund-new", business.refund_is_new),
            Step("original", business.original_succeeded),
        ),
        "b2b": _TOKEN,
        "b2b2c": (
            *_TOKEN,
            Step("code-there", token_requests.code_is_there),
            Step("code", token_requests.code_is_known),
        ),
    },
    acts={
        "payment": business.pay,
        "bind": business.bind,
        "unbind": business.unbind,
        "refund": business.refund,
        "b2b": token_requests.issue_b2b,
        "b2b2c": token_requests.issue_b2b2c,
    },
    wants_customer_token=checks.wants_customer_token,
    guards=(otp_page(),),
)
