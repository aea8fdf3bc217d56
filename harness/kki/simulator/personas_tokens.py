"""Wrong about tokens: their use, and the two endpoints that give them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from kki.model.http import Response
from kki.simulator import token_requests
from kki.simulator.behaviour import Behaviour, Step
from kki.simulator.call import Call
from kki.simulator.checks import is_signed
from kki.simulator.outcomes import Answer, Effect, Refusal, Success
from kki.simulator.persona import (
    SYMMETRIC,
    TOKENS,
    Change,
    Persona,
    absent_header,
    absent_member,
    area,
    both,
    dressing,
    lifting,
    loosened,
    off_limits,
    telling,
    without,
)
from kki.simulator.server import encoded
from kki.simulator.world import Token, put
from kki.snap import timestamps, tokens
from kki.snap.canonical import Malformed

row = area("tokens")


# --- in use ---------------------------------------------------------------------------------------------


def _issued(call: Call) -> Token | None:
    return call.world.b2b_tokens.get(call.b2b_token)


def _expired(call: Call) -> bool:
    issued = _issued(call)
    return call.b2b_token in call.world.old_tokens or (issued is not None and issued.expires <= call.now)


def _claims_to_be_good(call: Call) -> bool:
    claims = tokens.peek(call.b2b_token)
    return claims is not None and claims.client_id == call.header("X-PARTNER-ID") and claims.expires > call.now


def _anothers(call: Call) -> bool:
    issued = _issued(call)
    return issued is not None and issued.expires > call.now and issued.client_id != call.header("X-PARTNER-ID")


def _last_word(call: Call) -> str:
    return call.header("Authorization").rpartition(" ")[2]


def _signed_with_last_word(call: Call) -> bool:
    return is_signed(call, token=_last_word(call))


def _known_behind_any_scheme(call: Call) -> bool:
    issued = call.world.b2b_tokens.get(_last_word(call))
    return issued is not None and issued.expires > call.now and issued.client_id == call.header("X-PARTNER-ID")


def _on_its_first_use(call: Call) -> Refusal | None:
    """Counts in the world's marks, which only personas read."""
    uses = call.world.marks.get(call.b2b_token, 0)
    put(call.world.marks, call.b2b_token, uses + 1)
    return Refusal(cause="b2b-token", status=401, case="01") if uses == 0 else None


def _forgetful(behaviour: Behaviour) -> Behaviour:
    return behaviour.adding(Step("first-use", _on_its_first_use), before="timestamp-fresh", at=SYMMETRIC)


# --- token requests -------------------------------------------------------------------------------------


def _one_token_alive(call: Call) -> Refusal | None:
    alive = any(token.expires > call.now for token in call.world.b2b_tokens.values())
    return Refusal(cause="no-reason", status=401, case="00") if alive else None


def _grudging(behaviour: Behaviour) -> Behaviour:
    return behaviour.adding(Step("one-token", _one_token_alive), before="members", at=("b2b",))


def _refuses_refreshing(call: Call) -> Refusal | None:
    refreshing = token_requests.code_name(call) == "refreshToken"
    return Refusal(cause="no-reason", status=401, case="00") if refreshing else None


def _never_refreshing(behaviour: Behaviour) -> Behaviour:
    return behaviour.adding(Step("refreshing", _refuses_refreshing), before="code", at=("b2b2c",))


def _malformed(call: Call) -> bool:
    return isinstance(timestamps.parse(call.header("X-TIMESTAMP")), Malformed)


def _by(grant: str) -> Any:
    return lambda call: token_requests.code_name(call) == grant


def _by_neither(call: Call) -> bool:
    """A grant that is none of the two documented ones."""
    return call.members.get("grantType") not in ("authorization_code", "refresh_token")


def _longer(operation: str, table: str) -> Change:
    """The token of this endpoint over 2048 characters, and accepted like that afterwards."""

    def change(behaviour: Behaviour) -> Behaviour:
        act = behaviour.acts[operation]

        def longer(call: Call) -> Success | Refusal:
            done = act(call)
            if isinstance(done, Refusal):
                return done
            token = str(done.members["accessToken"]).ljust(2049, "x")
            good = Token(client_id=call.partner.client_id, expires=call.now + call.behaviour.token_lifetime)
            keep = Effect("token", lambda world: put(getattr(world, table), token, good))
            return replace(done, members={**done.members, "accessToken": token}, effects=(*done.effects, keep))

        return replace(behaviour, acts={**behaviour.acts, operation: longer})

    return change


def _opaque(behaviour: Behaviour) -> Behaviour:
    def issue(call: Call) -> Success | Refusal:
        token = call.fresh(48)
        lifetime = call.behaviour.token_lifetime
        good = Token(client_id=call.partner.client_id, expires=call.now + lifetime)
        members = {"accessToken": token, "tokenType": "Bearer", "expiresIn": token_requests.expires_in(call, lifetime)}
        keep = Effect("token", lambda world: put(world.b2b_tokens, token, good))
        return Success(members=members, headers=token_requests.reply_headers(call), effects=(keep,))

    return replace(behaviour, acts={**behaviour.acts, "b2b": issue})


def member(name: str, value: Any, *operations: str) -> Change:
    """This member of a successful reply given another value; `value` may be a function of the call and the old one."""

    def change(call: Call, members: dict[str, Any]) -> dict[str, Any]:
        new = value(call, members.get(name)) if callable(value) else value
        return {**members, name: new}

    return telling(change, *operations)


def lacking(name: str, *operations: str) -> Change:
    return telling(lambda _, members: {key: old for key, old in members.items() if key != name}, *operations)


def _bare(_call: Call, reply: Answer) -> Answer:
    return replace(reply, headers=())


def _codeless(call: Call, reply: Answer, response: Response) -> Response:
    if call.name not in TOKENS or not reply.accepted:
        return response
    return replace(response, body=encoded(dict(reply.members)))


def _in_the_past(call: Call, _old: Any) -> str:
    return timestamps.format_offset(call.now - timedelta(days=1))


ALL: tuple[Persona, ...] = (
    row("ignores-b2b-token", "Never looks at the B2B token but for its presence.",
        "TOK-140 TOK-142 TOK-144 TOK-146 TOK-148", without("b2b-token")),
    row("accepts-missing-authorization", "Looks at the B2B token only where one is sent.",
        "HDR-150", both(loosened("Authorization", *SYMMETRIC, required=False),
                        lifting(absent_header("Authorization"), "b2b-token")), "stated"),
    row("accepts-any-scheme", "Takes a B2B token behind Basic or any other scheme.",
        "HDR-152", both(lifting(_known_behind_any_scheme, "b2b-token"), lifting(_signed_with_last_word, "signature")),
        "conflicted"),
    row("accepts-expired-b2b-token", "Goes on accepting a B2B token after it has expired.",
        "TOK-142", lifting(_expired, "b2b-token")),
    row("accepts-altered-b2b-token", "Believes what a B2B token says without verifying its signature.",
        "TOK-144", lifting(_claims_to_be_good, "b2b-token")),
    row("accepts-another-partners-token", "Takes a B2B token that was issued to another partner.",
        "TOK-146", lifting(_anothers, "b2b-token")),
    row("accepts-customer-token-as-b2b-token", "Takes the customer token in Authorization.",
        "TOK-148", lifting(lambda call: call.b2b_token in call.world.customer_tokens, "b2b-token")),
    row("ignores-customer-token", "Never looks at the customer token but for its presence.",
        "TOK-150 TOK-152", without("customer-token")),
    row("accepts-b2b-token-as-customer-token", "Takes the B2B token in Authorization-customer.",
        "TOK-152", lifting(lambda call: call.customer_token in call.world.b2b_tokens, "customer-token")),
    row("accepts-missing-customer-token", "Looks at the customer token only where one is sent.",
        "HDR-160", lambda behaviour: replace(behaviour, wants_customer_token=lambda _: False), "conflicted"),
    row("refuses-fresh-b2b-token", "Does not know a B2B token yet when it is used for the first time.",
        "TOK-164", _forgetful),
    # the endpoints
    row("token-request-without-client", "Needs no X-CLIENT-KEY for a token.", "TOK-110",
        both(loosened("X-CLIENT-KEY", *TOKENS, required=False), lifting(absent_header("X-CLIENT-KEY"), "client"))),
    row("token-request-without-timestamp", "Needs no X-TIMESTAMP for a token.", "TOK-112",
        both(loosened("X-TIMESTAMP", *TOKENS, required=False),
             lifting(absent_header("X-TIMESTAMP"), "timestamp-form", "timestamp-fresh", at=TOKENS))),
    row("token-request-without-signature", "Verifies the signature of a token request only where there is one.",
        "TOK-114", both(loosened("X-SIGNATURE", *TOKENS, required=False),
                        lifting(absent_header("X-SIGNATURE"), "token-signature"))),
    row("accepts-any-rsa-signature", "Gives tokens without verifying the RSA signature.", "TOK-116",
        without("token-signature")),
    row("accepts-any-client", "Gives tokens to clients that it does not know.", "TOK-120", without("client")),
    row("accepts-any-grant", "Gives a B2B token for any grantType.", "TOK-118", loosened("grantType", "b2b", enum=())),
    row("accepts-missing-grant", "Gives a B2B token without grantType.", "TOK-118",
        loosened("grantType", "b2b", required=False)),
    row("accepts-malformed-time-for-a-token", "Does not read X-TIMESTAMP of a token request.", "TOK-122",
        lifting(_malformed, "timestamp-form", at=TOKENS)),
    row("accepts-stale-time-for-a-token", "Gives tokens for a request of any day.", "TOK-124",
        without("timestamp-fresh", at=TOKENS)),
    row("accepts-any-grant-for-a-customer", "Gives a customer token for any grantType.", "TOK-130",
        both(loosened("grantType", "b2b2c", enum=()), lifting(_by_neither, "code-there", "code"))),
    row("accepts-missing-grant-for-a-customer", "Gives a customer token without grantType.", "TOK-130",
        both(loosened("grantType", "b2b2c", required=False), lifting(_by_neither, "code-there", "code"))),
    row("accepts-missing-auth-code", "Gives a customer token without authCode.", "TOK-132",
        lifting(lambda call: _by("authCode")(call) and absent_member("authCode")(call), "code-there", "code")),
    row("accepts-missing-refresh-token", "Gives a customer token without refreshToken.", "TOK-132",
        lifting(lambda call: _by("refreshToken")(call) and absent_member("refreshToken")(call), "code-there", "code")),
    row("accepts-unknown-auth-code", "Gives a customer token for any authCode.", "TOK-134",
        lifting(_by("authCode"), "code")),
    row("accepts-unknown-refresh-token", "Gives a customer token for any refreshToken.", "TOK-134",
        lifting(_by("refreshToken"), "code")),
    row("accepts-long-auth-code", "Takes an authCode over the limit without looking it up.", "TOK-136",
        both(loosened("authCode", "b2b2c", max_length=None), lifting(off_limits("b2b2c", "authCode"), "code"))),
    row("refuses-second-token", "Refuses a B2B token as long as an earlier one lives.", "TOK-160", _grudging),
    row("refuses-refreshing", "Refuses each refresh_token request.", "TOK-162", _never_refreshing),
    # their replies
    row("gives-long-b2b-token", "Gives B2B tokens of 2049 characters.", "TOK-210", _longer("b2b", "b2b_tokens")),
    row("gives-long-customer-token", "Gives customer tokens of 2049 characters.", "TOK-220",
        _longer("b2b2c", "customer_tokens")),
    row("gives-another-token-type", "Says that tokens are of the type Token.", "TOK-212",
        member("tokenType", "Token", *TOKENS)),
    row("says-longer-lifetime", "Says that B2B tokens live an hour.", "TOK-214", member("expiresIn", 3600, "b2b")),
    row("says-lifetime-in-words", "Says expiresIn in words.", "TOK-214", member("expiresIn", "15 minutes", "b2b")),
    row("hides-lifetime", "Does not say when a B2B token expires.", "TOK-214", lacking("expiresIn", "b2b")),
    row("gives-opaque-b2b-token", "Gives B2B tokens that are no JWT.", "TOK-216", _opaque),
    row("says-customer-token-expired", "Gives customer tokens whose expiry lies in the past.", "TOK-222",
        member("accessTokenExpiryTime", _in_the_past, "b2b2c")),
    row("says-expiry-in-seconds", "Says the refresh token's expiry as a number of seconds.", "TOK-222",
        member("refreshTokenExpiryTime", 2592000, "b2b2c")),
    row("gives-refresh-token-as-number", "Gives a refreshToken that is a number.", "TOK-224",
        member("refreshToken", 1234567890, "b2b2c")),
    row("forgets-token-reply-headers", "Leaves X-CLIENT-KEY and X-TIMESTAMP out of token replies.", "TOK-226",
        dressing(_bare)),
    row("forgets-code-of-a-token", "Gives tokens without responseCode and responseMessage.", "TOK-228",
        lambda behaviour: behaviour.writing(_codeless)),
)  # fmt: skip
