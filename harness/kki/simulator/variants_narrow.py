"""Permissible variants that take less than all that is correct: data good once, limits, business rules, own choices.

Each is a correct server that some promise of the profile, or some reading of the page, does not fit. A trial of one may
stay incomplete; a violation may not appear. They declare no reading: nobody told the judge how they read the page.
"""

from __future__ import annotations

from dataclasses import replace

from kki.simulator import checks
from kki.simulator.behaviour import Behaviour, Step
from kki.simulator.call import Call
from kki.simulator.outcomes import Effect, Refusal, Success
from kki.simulator.persona import Change, Persona, area
from kki.simulator.server import encoded
from kki.simulator.world import Bound, World, put

_row = area("variant")
_OTPS = 3  # wrong ones in a row after which no OTP counts any more
_A_DAY = 6  # payments that the limit lets through


def row(name: str, says: str, change: Change) -> Persona:
    return _row(name, says, "", change)


def also(*operations: str, kind: str, key: str) -> Change:
    """Counts in the world's marks each success of these operations, under this key."""

    def counted(call: Call, success: Success) -> Success:
        if call.name not in operations:
            return success
        return replace(success, effects=(*success.effects, Effect(kind, lambda world: _count(world, key))))

    return lambda behaviour: behaviour.doing(counted)


def _count(world: World, key: str) -> None:
    put(world.marks, key, world.marks.get(key, 0) + 1)


# --- data that are good once --------------------------------------------------------------------------


def _last_token_alone(call: Call, success: Success) -> Success:
    """A new token takes the place of the client's earlier ones."""
    tables = {"b2b": ("b2b_tokens",), "b2b2c": ("customer_tokens", "refresh_tokens")}.get(call.name, ())

    def forget(world: World) -> None:
        for table in tables:
            rows = getattr(world, table)
            mine = [name for name, token in rows.items() if token.client_id == call.partner.client_id]
            for name in mine[:-1]:
                del rows[name]

    return replace(success, effects=(*success.effects, Effect("token-replaced", forget))) if tables else success


def _code_was_spent(call: Call) -> Refusal | None:
    """An authCode serves once: those that the profile names were used in an earlier run."""
    if not call.text("authCode"):
        return None
    return Refusal(cause="code", status=401, case="00", detail="authCode was used")


def _otp_once(behaviour: Behaviour) -> Behaviour:
    def spent(call: Call) -> Refusal | None:
        if call.pays_by_token or not call.world.marks.get("otp spent"):
            return None
        return Refusal(cause="otp", status=404, case="15")

    def spends(call: Call, success: Success) -> Success:
        if call.name != "payment" or call.pays_by_token:
            return success
        return replace(success, effects=(*success.effects, Effect("otp", lambda world: _count(world, "otp spent"))))

    return behaviour.adding(Step("otp-once", spent), before="otp", at=("payment",)).doing(spends)


def _otp_lock(behaviour: Behaviour) -> Behaviour:
    """After a few wrong ones no OTP is taken: 403/11, OTP Blocked."""

    def wrong(call: Call, refusal: Refusal) -> Refusal:
        if refusal.cause == "otp":
            _count(call.world, "wrong otps")
        return refusal

    def locked(call: Call) -> Refusal | None:
        if call.pays_by_token or call.world.marks.get("wrong otps", 0) < _OTPS:
            return None
        return Refusal(cause="otp-locked", status=403, case="11")

    return behaviour.refusing(wrong).adding(Step("otp-locked", locked), before="otp", at=("payment",))


# --- business ------------------------------------------------------------------------------------------


def _limited(behaviour: Behaviour) -> Behaviour:
    """So many payments a day: 403/04, Activity Count Limit Exceeded."""

    def over(call: Call) -> Refusal | None:
        return Refusal(cause="limit", status=403, case="04") if call.world.marks.get("paid", 0) >= _A_DAY else None

    counting = also("payment", kind="limit", key="paid")
    return counting(behaviour.adding(Step("limit", over), before="card-token", at=("payment",)))


def _no_refunds(behaviour: Behaviour) -> Behaviour:
    """405/01: not possible at this time, of any payment."""
    return behaviour.adding(
        Step("closed", lambda _: Refusal(cause="closed", status=405, case="01")), before="refund-new", at=("refund",)
    )


def _no_such_card(behaviour: Behaviour) -> Behaviour:
    """404/11: the card opens, and the network does not know it."""
    return behaviour.adding(
        Step("network", lambda _: Refusal(cause="network", status=404, case="11")), before="external-id", at=("bind",)
    )


def _not_registered(behaviour: Behaviour) -> Behaviour:
    """404/05: this merchant is not registered for card registration."""
    return behaviour.adding(
        Step("registered", lambda _: Refusal(cause="merchant", status=404, case="05")), before="card-data", at=("bind",)
    )


def _not_agreed(behaviour: Behaviour) -> Behaviour:
    """403/01 under H2H, 403/06 where a payment recurs: neither was agreed with this merchant."""

    def refuse(call: Call) -> Refusal | None:
        if call.header("CHANNEL-ID") == "H2H":
            return Refusal(cause="channel", status=403, case="01", detail="H2H")
        recurs = call.name == "payment" and b"RECURRING" in call.request.body
        return Refusal(cause="recurring", status=403, case="06", detail="Recurring") if recurs else None

    return behaviour.adding(Step("agreed", refuse), before="external-id")


def _all_of_the_card(call: Call, success: Success) -> Success:
    """Page, section 3, flow: all active tokens of the card; the profile's are of one."""

    def end(world: World) -> None:
        world.cards.update(dict.fromkeys(world.cards, Bound.UNBOUND))

    if call.name != "unbind":
        return success
    return replace(success, effects=(*success.effects, Effect("unbinding", end)))


def _reserialised(call: Call) -> Refusal | None:
    """The body digest over what a serialiser makes of the parsed body (contradiction 17)."""
    body = encoded(call.body) if isinstance(call.body, dict) else call.request.body
    return None if checks.is_signed(call, body=body) else checks.unauthorised("signature", "Invalid signature")


ALL: tuple[Persona, ...] = (
    row("last-token-alone", "Lets a new token take the place of the client's earlier ones.",
        lambda behaviour: behaviour.doing(_last_token_alone)),
    row("auth-codes-spent", "Knows the profile's authCode as one that was spent.",
        lambda behaviour: behaviour.adding(Step("code-once", _code_was_spent), before="code", at=("b2b2c",))),
    row("otp-good-once", "Takes an OTP for one payment.", _otp_once),
    row("otp-lock", "Takes no OTP any more after a few wrong ones.", _otp_lock),
    row("payments-a-day", "Lets a few payments a day through.", _limited),
    row("no-refunds-today", "Refuses each refund as not possible at this time.", _no_refunds),
    row("digests-what-it-parsed", "Takes the body's digest over what it writes of the parsed body.",
        lambda behaviour: behaviour.checking("signature", _reserialised)),
    row("not-registered-for-binding", "Refuses each binding: the merchant is not registered for it.", _not_registered),
    row("not-agreed", "Refuses H2H and recurring payments as features that were not agreed.", _not_agreed),
    row("unbinds-all-tokens-of-the-card", "Ends with a token all others of its card, of which the profile's are.",
        lambda behaviour: behaviour.doing(_all_of_the_card)),
    row("card-unknown-to-the-network", "Does not know the profile's card.", _no_such_card),
)  # fmt: skip
