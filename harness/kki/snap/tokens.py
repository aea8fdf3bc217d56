"""Bearer values and B2B access tokens. The only door to `joserfc`.

DOKU's B2B token is a JWT, RS256, whose payload holds exp, iss and clientId (the example on the token page).
The B2B2C token is opaque.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from kki.snap import crypto
from kki.snap.canonical import Malformed
from kki.snap.encoding import json_object

_TOKEN68 = r"[A-Za-z0-9\-._~+/]+=*"  # RFC 9110 section 11.2
_BEARER = re.compile(f"Bearer ({_TOKEN68})")
_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")  # RFC 7515 section 7.1, three parts and none empty
_ALGORITHM = "RS256"
# A foreign token may carry header members of its own; they change nothing.
_REGISTRY = JWSRegistry(algorithms=[_ALGORITHM], strict_check_header=False)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a B2B token says. `expires`: the moment from which it is no longer good (exp); `nonce`: jti, if any."""

    issuer: str
    client_id: str
    expires: datetime
    nonce: str | None = None


def bearer(value: str) -> str | Malformed:
    """The token of an Authorization value: `Bearer`, exact in case, one blank, a token68 (RFC 6750 section 2.1)."""
    match = _BEARER.fullmatch(value)
    if match is not None:
        return match[1]
    if not value.startswith("Bearer "):
        return Malformed("scheme", "Expected 'Bearer ' in exactly this form in front of the token.", 0)
    return Malformed("token", "Expected one token of letters, digits and -._~+/ after 'Bearer '.", len("Bearer "))


def bearer_lenient(value: str) -> str:
    """The token, whatever the case of the scheme; the value itself where there is no scheme. Total.

    Most SDKs send Authorization-customer without a scheme, while the page's example has one (contradiction 46).
    """
    bare = value.strip()
    scheme, _, rest = bare.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else bare


def issue_b2b(
    *,
    client_id: str,
    issued_at: datetime,
    private_key_pem: str,
    nonce: str,
    lifetime_s: int = 900,
    issuer: str = "DOKU",
) -> str | Malformed:
    """A B2B access token: JWT, RS256, good until `lifetime_s` seconds after `issued_at` (aware, to the second).

    `nonce` becomes jti, so that two tokens of one second differ. Malformed("key") for a key that is not usable.
    """
    key = crypto.private_key(private_key_pem)
    if isinstance(key, Malformed):
        return key
    expires = (issued_at - _EPOCH) // timedelta(seconds=1) + lifetime_s
    claims = {"exp": expires, "iss": issuer, "clientId": client_id, "jti": nonce}
    return jwt.encode({"alg": _ALGORITHM}, claims, RSAKey.import_key(key), registry=_REGISTRY)


def read_b2b(token: str, public_key_pem: str) -> Claims | Malformed:
    """What a token says, once its RS256 signature has been checked; whether it has expired is for the caller to say.

    Malformed("key"), ("form"), ("algorithm") for anything but RS256 — no `none`, and no HS256 with our public key as
    its secret — ("signature") or ("claims").
    """
    key = crypto.public_key(public_key_pem)
    if isinstance(key, Malformed):
        return key
    fault = _header_fault(token)
    if fault is not None:
        return fault
    try:
        jwt.decode(token, RSAKey.import_key(key), registry=_REGISTRY)
    except (JoseError, ValueError, TypeError, RecursionError):
        return Malformed("signature", "Expected a token that verifies under this key, but it does not.")
    return _claims(token)


def peek(token: str) -> Claims | None:
    """What a token claims, unverified; None where it is no JWT of the expected payload. For diagnosis only."""
    claims = _claims(token)
    return None if isinstance(claims, Malformed) else claims


def _header_fault(token: str) -> Malformed | None:
    header = _part(token, 0)
    if isinstance(header, Malformed):
        return header
    # "crit" may redefine what the signature covers (RFC 7797); no DOKU token has one.
    if header.get("alg") != _ALGORITHM or "crit" in header:
        return Malformed("algorithm", f"Expected a token signed with {_ALGORITHM} and no critical extensions.")
    return None


def _part(token: str, index: int) -> dict[str, object] | Malformed:
    """Header (0) or payload (1) of a compact JWS as a JSON object; Malformed("form")."""
    if _JWS.fullmatch(token) is None:
        return _not_a_jws()
    part = token.split(".")[index]
    try:
        octets = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))  # RFC 7515 section 2: without padding
    except ValueError:
        return _not_a_jws()
    return json_object(octets, "form")


def _not_a_jws() -> Malformed:
    return Malformed("form", "Expected a JWT: three parts of Base64url, joined by dots.")


def _claims(token: str) -> Claims | Malformed:
    payload = _part(token, 1)
    if isinstance(payload, Malformed):
        return payload
    issuer, client_id, nonce = payload.get("iss"), payload.get("clientId"), payload.get("jti")
    expires = _moment(payload.get("exp"))
    if not isinstance(issuer, str) or not isinstance(client_id, str) or expires is None:
        return Malformed("claims", "Expected iss and clientId as strings and exp as whole seconds since 1970.")
    return Claims(issuer=issuer, client_id=client_id, expires=expires, nonce=nonce if isinstance(nonce, str) else None)


def _moment(seconds: object) -> datetime | None:
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return None
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
