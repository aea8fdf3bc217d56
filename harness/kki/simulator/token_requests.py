"""The two token endpoints: B2B by the client's own credentials, B2B2C for a customer by a code or a refresh token."""

from __future__ import annotations

from datetime import timedelta

from kki.simulator.call import Call
from kki.simulator.fields import missing
from kki.simulator.outcomes import Effect, Refusal, Success
from kki.simulator.world import Token, World, put
from kki.snap import timestamps, tokens
from kki.snap.canonical import Malformed

_REFRESH_LIFETIME = timedelta(days=30)  # ours; the documents give none
_KEPT = timedelta(days=1)  # how long an expired token is remembered
_SWEEP = 64  # rows looked at for expiry when a token is issued: constant work a request


def reply_headers(call: Call) -> tuple[tuple[str, str], ...]:
    """DOKU, get token, "Response headers"."""
    return (("X-CLIENT-KEY", call.partner.client_id), ("X-TIMESTAMP", timestamps.format_offset(call.now)))


def issue_b2b(call: Call) -> Success | Refusal:
    """A JWT, RS256, good for as long as expiresIn says."""
    lifetime = call.behaviour.token_lifetime
    token = tokens.issue_b2b(
        client_id=call.partner.client_id,
        issued_at=call.now,
        private_key_pem=call.setup.issuer_key,
        nonce=call.fresh(16),
        lifetime_s=int(lifetime.total_seconds()),
    )
    if isinstance(token, Malformed):
        return Refusal(cause="issuer-key", status=500, case="00")
    members = {"accessToken": token, "tokenType": "Bearer", "expiresIn": expires_in(call, lifetime)}
    row = Token(client_id=call.partner.client_id, expires=call.now + lifetime)
    return Success(members=members, headers=reply_headers(call), effects=(_issued("b2b_tokens", token, row, call),))


def expires_in(call: Call, lifetime: timedelta) -> int | str:
    seconds = int(lifetime.total_seconds())
    return str(seconds) if call.choice("expires-in-type") == "string" else seconds


def _issued(table: str, token: str, row: Token, call: Call) -> Effect:
    def apply(world: World) -> None:
        rows: dict[str, Token] = getattr(world, table)
        first = [name for name, _ in zip(rows, range(_SWEEP), strict=False)]
        for old in [name for name in first if rows[name].expires <= call.now - _KEPT]:
            del rows[old]
        put(rows, token, row)

    return Effect("token", apply)


def code_is_there(call: Call) -> Refusal | None:
    """The one that the grant needs, as a string."""
    name = code_name(call)
    value = call.members.get(name)
    if call.behaviour.is_empty(value):
        return missing(name)
    return None if isinstance(value, str) else Refusal(cause=f"member {name}", status=400, case="01", detail=name)


def code_name(call: Call) -> str:
    return "refreshToken" if call.text("grantType") == "refresh_token" else "authCode"


def code_is_known(call: Call) -> Refusal | None:
    name = code_name(call)
    if name == "refreshToken":
        row = call.world.refresh_tokens.get(call.text(name))
        known = row is not None and row.expires > call.now
    else:
        known = call.text(name) in call.setup.auth_codes or call.text(name) in call.world.auth_codes
    return None if known else Refusal(cause="code", status=401, case="00", detail=f"Unknown {name}")


def issue_b2b2c(call: Call) -> Success | Refusal:
    """Opaque tokens, and when each ends."""
    ends = call.now + call.behaviour.customer_lifetime
    later = call.now + _REFRESH_LIFETIME
    token, refresh = call.fresh(48), "R-" + call.fresh(46)
    members = {
        "accessToken": token,
        "tokenType": "Bearer",
        "accessTokenExpiryTime": timestamps.format_offset(ends),
        "refreshToken": refresh,
        "refreshTokenExpiryTime": timestamps.format_offset(later),
    }
    client = call.partner.client_id
    effects = (
        _issued("customer_tokens", token, Token(client_id=client, expires=ends), call),
        _issued("refresh_tokens", refresh, Token(client_id=client, expires=later), call),
    )
    return Success(members=members, headers=reply_headers(call), effects=effects)
