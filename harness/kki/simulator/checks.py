"""The checks of a request before it touches any state, one small function each, with the case that fits its cause.

Cases: DOKU, "HTTP status and case code". Everything is refused with the first cause that is found.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta

from kki.simulator.call import Call
from kki.simulator.outcomes import Refusal
from kki.simulator.setup import MAX_BODY
from kki.snap import asymmetric, signature, timestamps
from kki.snap.canonical import Malformed, minified


def unauthorised(cause: str, why: str) -> Refusal:
    return Refusal(cause=cause, status=401, case="00", detail=why)


def path_is_known(call: Call) -> Refusal | None:
    return None if call.operation else Refusal(cause="path", status=404, case="02")


def method_is_right(call: Call) -> Refusal | None:
    operation = call.operation
    if operation is None or call.request.method == operation.method:
        return None
    return Refusal(cause="method", status=405, case="00")


def size_is_bounded(call: Call) -> Refusal | None:
    return Refusal(cause="size", status=400, case="00") if len(call.request.body) > MAX_BODY else None


def body_is_readable(call: Call) -> Refusal | None:
    if isinstance(call.body, dict):
        return None
    cause = "unreadable" if isinstance(call.body, Malformed) else "not-an-object"
    return Refusal(cause=cause, status=400, case="00")


# --- time -----------------------------------------------------------------------------------------


def timestamp_is_well_formed(call: Call) -> Refusal | None:
    """ISO 8601 with a zone; what more, is a reading (contradictions 18 to 22). The moment has to exist."""
    seen = timestamps.parse(call.header("X-TIMESTAMP"))
    plain = call.choice("timestamp-form") == "offset-only"
    if not isinstance(seen, Malformed) and not (plain and (seen.zulu or seen.milliseconds)):
        return None
    return Refusal(cause="timestamp-form", status=400, case="01", detail="X-TIMESTAMP")


def timestamp_is_fresh(call: Call) -> Refusal | None:
    """"Client's current local time": how near is a reading."""
    seen = timestamps.parse(call.header("X-TIMESTAMP"))
    window = call.choice("timestamp-window")
    if window == "none" or isinstance(seen, Malformed):
        return None
    tolerance = timedelta(minutes=5) if window == "five-minutes" else call.behaviour.tolerance
    if abs(seen.moment - call.now) <= tolerance:
        return None
    return unauthorised("timestamp-stale", "X-TIMESTAMP is not current")


# --- the partner, its signature, its tokens ---------------------------------------------------------


def partner_is_known(call: Call) -> Refusal | None:
    if call.header("X-PARTNER-ID") in call.setup.partners:
        return None
    return unauthorised("partner", "Unknown X-PARTNER-ID")


def address_is_one(call: Call) -> Refusal | None:
    """X-IP-ADDRESS, where the operation has it and the request sends it."""
    value = call.header("X-IP-ADDRESS")
    if not value or not any(fact.name.lower() == "x-ip-address" for fact in call.headers):
        return None
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return Refusal(cause="ip-address", status=400, case="01", detail="X-IP-ADDRESS")
    return None


def digested_body(call: Call) -> bytes:
    """The octets that the digest is taken over; a body that cannot be minified is digested as it came."""
    if call.choice("body-canonical-form") == "as-sent":
        return call.request.body
    thin = minified(call.request.body)
    return call.request.body if isinstance(thin, Malformed) else thin


def expected(call: Call, **other: object) -> signature.Signing:
    """The signature that this request should bear; `other` replaces an ingredient."""
    parts: dict[str, object] = {
        "method": call.request.method,
        "target": call.request.target,
        "body": digested_body(call),
        "token": call.b2b_token,
        "timestamp": call.header("X-TIMESTAMP"),
        "client_secret": call.partner.client_secret,
        **other,
    }
    return signature.sign_raw(**parts)  # type: ignore[arg-type]  # the names and types are those of sign_raw


def is_signed(call: Call, **other: object) -> bool:
    """Whether X-SIGNATURE is that signature, in the encoding in force (contradiction 16)."""
    if not call.partner.client_secret:
        return False  # a second partner of whom only the key is known
    right = expected(call, **other)
    text = right.mac.hex() if call.choice("signature-encoding") == "hex" else right.signature
    return signature.same(text, call.header("X-SIGNATURE"))


def signature_is_right(call: Call) -> Refusal | None:
    return None if is_signed(call) else unauthorised("signature", "Invalid signature")


def b2b_token_is_valid(call: Call) -> Refusal | None:
    """Issued here, to this partner, not expired; under `Bearer`, or bare where that is a reading."""
    refusal = Refusal(cause="b2b-token", status=401, case="01")
    value = call.header("Authorization")
    bare_too = call.choice("bearer-scheme") == "bare-too" and " " not in value
    if value[:7].lower() != "bearer " and not bare_too:
        return refusal
    token = call.world.b2b_tokens.get(call.b2b_token) or call.world.old_tokens.get(call.b2b_token)
    if token is None or token.expires <= call.now or token.client_id != call.header("X-PARTNER-ID"):
        return refusal
    return None


def wants_customer_token(call: Call) -> bool:
    """Whether the request needs Authorization-customer at all: none can exist at a first payment (contradiction 44)."""
    if call.name not in ("payment", "refund"):
        return False
    return call.choice("customer-token-required") == "label" or call.name == "refund" or call.pays_by_token


def customer_token_is_valid(call: Call) -> Refusal | None:
    """Where it is needed, or sent without need."""
    value = call.header("Authorization-customer")
    if call.name not in ("payment", "refund") or not value:
        return None
    has_scheme = value[:7].lower() == "bearer "
    scheme = call.choice("customer-token-scheme")
    token = call.world.customer_tokens.get(call.customer_token)
    wrong_scheme = (scheme == "bearer" and not has_scheme) or (scheme == "bare" and has_scheme)
    if token is None or token.expires <= call.now or wrong_scheme:
        return Refusal(cause="customer-token", status=401, case="02")
    return None


# --- the token endpoints -----------------------------------------------------------------------------


def client_is_known(call: Call) -> Refusal | None:
    if call.header("X-CLIENT-KEY") in call.setup.partners:
        return None
    return unauthorised("client", "Unknown client")


def token_request_is_signed(call: Call) -> Refusal | None:
    """RSA over `clientId|timestamp`. Source: DOKU, asymmetric signature."""
    right = asymmetric.verify_token_request(
        client_id=call.header("X-CLIENT-KEY"),
        timestamp=call.header("X-TIMESTAMP"),
        signature=call.header("X-SIGNATURE"),
        public_key_pem=call.partner.public_key,
    )
    return None if right is True else unauthorised("token-signature", "Invalid signature")


# --- once a day --------------------------------------------------------------------------------------


def external_id_is_new(call: Call) -> Refusal | None:
    """Per day and over all operations. An id counts as used by a request that reached this check: one that was
    refused before it (signature, token, fields) may be sent again under the same id."""
    if call.external_key not in call.world.external_ids:
        return None
    return Refusal(cause="external-id", status=409, case="00")
