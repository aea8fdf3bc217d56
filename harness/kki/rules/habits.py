"""What an exchange obliges its client to: the memory behind the rules of `behaviour`.

KKI's bodies name no order and no amount (contradiction 3), so that "the same charge" has to be told by what else stands
in them. That may tell nothing: a body as the page has it has nothing else, and a member that is always the same, such
as an SDK's name, is no order's.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from kki.rules.trail import Trail, external_key
from kki.rules.view import ABSENT, Standing, View, digest, fingerprint

SHORTEST_WAIT = timedelta(seconds=1)  # after 429 without Retry-After
SLOW = timedelta(seconds=3)
_NOT_CHARGED = frozenset({"04", "05", "06", "07"})  # national status values: refunded, cancelled, failed, not found
VARIED = 2  # values, from which on other members are seen to vary
MOST_WRONG = 8  # wrong OTPs of one instrument that are remembered
_NO_EXTRAS = frozenset({"partnerReferenceNo", "bankCardToken", "chargeToken", "otp"})


@dataclass(frozen=True, slots=True)
class Charge:
    """A payment, as far as it can be told from others. `otp`: a customer may have to type it anew."""

    reference: str
    instrument: str
    extras: str  # everything but the reference, the instrument and the OTP; "" where there is nothing else
    otp: str | None

    @property
    def order(self) -> str:
        return f"{self.instrument} {self.extras}"


@dataclass(frozen=True, slots=True)
class After:
    """Something that happened, until what comes next has been seen. `at`: when the client knew of it."""

    exchange: str
    at: datetime
    charge: Charge | None = None
    wait: timedelta = timedelta(0)
    same: str = ""  # `sameness` of the request that met it


@dataclass(frozen=True, slots=True)
class Sent:
    external: str | None
    timestamp: str | None
    signature: str | None
    sent_at: datetime
    exchange: str
    lost: bool  # no reply came


@dataclass(slots=True)
class Habits:
    """One in each trail; filled by `remember`."""

    refused_tokens: dict[str, After] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)  # by sameness
    unsettled: dict[str, tuple[str, After]] = field(default_factory=dict)  # reference → requirement, charge
    orders: dict[str, str] = field(default_factory=dict)  # order → reference of the last of them that is unsettled
    extras: set[str] = field(default_factory=set)  # the first few values seen
    paid_for: dict[str, str] = field(default_factory=dict)  # extras → reference of the first that was accepted
    asked: set[str] = field(default_factory=set)  # requirements that a status question has met
    asked_about: set[str] = field(default_factory=set)  # references that stay unsettled after such a question
    busy: dict[str, After] = field(default_factory=dict)  # told to wait, by sameness and by errand
    told_to_wait: After | None = None  # the last of them
    refused_customers: dict[str, After] = field(default_factory=dict)  # customer tokens
    declined: dict[str, After] = field(default_factory=dict)  # by reference
    declined_orders: dict[str, After] = field(default_factory=dict)  # by order
    wrong_otps: dict[str, list[After]] = field(default_factory=dict)  # by instrument
    lost_refunds: dict[str, tuple[str, After]] = field(default_factory=dict)  # original → number, exchange
    bindings: dict[str, tuple[str, str]] = field(default_factory=dict)  # reference → exchange, body's digest
    conflicts: dict[tuple[str, str, str], After] = field(default_factory=dict)  # by partner, X-EXTERNAL-ID and day
    duplicates: dict[str, After] = field(default_factory=dict)  # by order
    odd: After | None = None
    after_odd: bool = False
    uses: dict[str, int] = field(default_factory=dict)  # B2B token → requests that bore it
    latest: dict[str, str] = field(default_factory=dict)  # client → its latest B2B token
    replaced: set[str] = field(default_factory=set)  # B2B tokens that were good when another was fetched
    reused: bool = False
    followed: bool = False
    visited: set[str] = field(default_factory=set)  # redirectUrls that were opened as they were given


def habits(trail: Trail) -> Habits:
    if trail.habits is None:
        trail.habits = Habits()
    found: Habits = trail.habits
    return found


def charge_of(view: View) -> Charge | None:
    reference, members = view.text("partnerReferenceNo"), view.body.members
    if view.name != "payment" or reference is None or members is None:
        return None
    instrument = members.get("bankCardToken", members.get("chargeToken"))
    extras = {name: value for name, value in members.items() if name not in _NO_EXTRAS}
    return Charge(reference, fingerprint(instrument), fingerprint(extras) if extras else "", view.text("otp"))


def same_order(mine: Habits, before: Charge, now: Charge) -> bool | None:
    """None where nothing in the bodies tells: there is nothing else, it never varies, or another order had it too."""
    if before.reference == now.reference:
        return True
    if before.order != now.order:
        return False
    another = mine.paid_for.get(now.extras) not in (None, before.reference, now.reference)
    return None if not now.extras or another or len(mine.extras) < VARIED else True


def sameness(view: View) -> str:
    """Equal for the same operation with the same body, whatever its headers."""
    return f"{view.name} {digest(view.body)}"


def errand(view: View) -> str:
    """What the request is about, whatever number it bears and however its card data is sealed this time."""
    charge = charge_of(view)
    if charge is not None:
        return charge.order
    about = view.text({"refund": "originalPartnerReferenceNo", "bind": "partnerReferenceNo"}.get(view.name, ""))
    return f"{view.name} {about}" if about else sameness(view)


def asks_again_after_loss(view: View, trail: Trail) -> bool:
    """The same request under the same X-EXTERNAL-ID, of which no reply came: an idempotent question.

    The page calls the id "used for idempotency" (2. Binding); DOKU answers such a request with the earlier body.
    """
    earlier = habits(trail).sent.get(sameness(view))
    return earlier is not None and earlier.lost and earlier.external == view.header("X-EXTERNAL-ID")


def note_fetch(view: View, trail: Trail) -> None:
    """A B2B token request, before it is answered: the client's latest token may be good for another minute."""
    if view.name != "b2b":
        return
    mine, client = habits(trail), view.header("X-CLIENT-KEY") or ""
    token = mine.latest.get(client)
    issued = trail.tokens.get(token or "")
    if token is None or issued is None or issued.expires_at is None or token in mine.refused_tokens:
        return
    if view.exchange.sent_at + timedelta(minutes=1) < issued.expires_at:
        mine.replaced.add(token)


def remember(view: View, trail: Trail) -> None:
    """To be called after judging: what this exchange obliges its client to."""
    mine = habits(trail)
    after = After(view.exchange.id, _known_at(view), charge_of(view), same=sameness(view) if view.in_api else "")
    _note_status_question(view, mine)
    if not view.in_api:
        return
    _note_request(view, mine)
    case = view.reply.case
    if view.symmetric and case == (401, "01") and view.token:
        mine.refused_tokens[view.token] = after
    if case in ((401, "02"), (401, "04")) and view.customer_token:
        mine.refused_customers[view.customer_token] = after
    if view.reply.standing is Standing.BUSY and view.reply.status == 429:
        mine.told_to_wait = mine.busy[after.same] = mine.busy[errand(view)] = replace(after, wait=_wait(view))
    key = external_key(view)
    if case == (409, "00") and key:
        mine.conflicts[key] = after
    if after.charge is not None:
        _note_charge(view, mine, after, after.charge)
    if view.name == "refund":
        _note_refund(view, mine, after)
    reference = view.text("partnerReferenceNo")
    if view.name == "bind" and view.accepted and reference:
        mine.bindings.setdefault(reference, (view.exchange.id, digest(view.body)))


def _known_at(view: View) -> datetime:
    """When the client can know what became of it: that no reply comes not before some time has passed without one."""
    waited = SHORTEST_WAIT if view.exchange.failure == "timeout" else timedelta(0)
    return view.exchange.answered_at or view.exchange.sent_at + waited


def _note_request(view: View, mine: Habits) -> None:
    if view.symmetric:
        headers = (view.header("X-EXTERNAL-ID"), view.header("X-TIMESTAMP"), view.header("X-SIGNATURE"))
        lost = view.reply.standing is Standing.NONE
        mine.sent[sameness(view)] = Sent(*headers, view.exchange.sent_at, view.exchange.id, lost)
        if view.token:
            mine.uses[view.token] = mine.uses.get(view.token, 0) + 1
            mine.reused = mine.reused or mine.uses[view.token] > 1
    elif view.name == "b2b" and view.accepted:
        token = view.reply.member("accessToken")
        if isinstance(token, str):
            mine.latest[view.header("X-CLIENT-KEY") or ""] = token
    mine.after_odd = mine.after_odd or (mine.odd is not None and view.exchange.sent_at >= mine.odd.at)


def _note_charge(view: View, mine: Habits, after: After, charge: Charge) -> None:
    case = view.reply.case
    if charge.extras and len(mine.extras) < VARIED:
        mine.extras.add(charge.extras)
    if charge.extras and view.accepted:
        mine.paid_for.setdefault(charge.extras, charge.reference)
    _note_settlement(view, mine, after, charge)
    if view.cache.get("declined", False):
        mine.declined[charge.reference] = mine.declined_orders[charge.order] = after
    if case == (404, "15"):
        wrong = mine.wrong_otps.setdefault(charge.instrument, [])
        wrong.append(after)
        del wrong[:-MOST_WRONG]
    elif view.accepted:
        mine.wrong_otps.pop(charge.instrument, None)  # the matter is settled; what comes next is another one
    if case == (409, "01"):
        mine.duplicates[charge.order] = after
    if _is_odd(view):
        mine.odd, mine.after_odd = after, False


def _note_settlement(view: View, mine: Habits, after: After, charge: Charge) -> None:
    """A charge of which nobody knows what became stays so until a reply to its own reference says it."""
    reply = view.reply
    if _is_lost(view):
        mine.unsettled[charge.reference] = ("KKI-BEH-030", after)
        mine.orders[charge.order] = charge.reference
    elif reply.standing is Standing.FAILED or reply.status in (502, 503):
        mine.unsettled[charge.reference] = ("KKI-BEH-040", after)
        mine.orders[charge.order] = charge.reference
    elif _says_what_became(view):
        mine.unsettled.pop(charge.reference, None)


def _says_what_became(view: View) -> bool:
    """Unlike a refusal of the token, the signature or the X-EXTERNAL-ID, which says nothing of the first attempt."""
    case = view.reply.case
    return view.accepted or (case is not None and case[0] in (403, 404, 405)) or case == (409, "01")


def _note_refund(view: View, mine: Habits, after: After) -> None:
    """A refund of which nobody knows what became, until it is asked for again under its number."""
    original, number = view.text("originalPartnerReferenceNo"), view.text("partnerRefundNo")
    if original is None or number is None:
        return
    if view.accepted:
        mine.unsettled.pop(original, None)
    if _is_lost(view):
        mine.lost_refunds[original] = (number, after)
    elif _says_what_became(view) and mine.lost_refunds.get(original, ("",))[0] == number:
        mine.lost_refunds.pop(original, None)


def _is_lost(view: View) -> bool:
    """No reply came, though the request may have arrived; or a time-out on the way was told (504/00)."""
    reply = view.reply
    if reply.standing is Standing.NONE:
        return view.exchange.failure != "connection refused"
    return 504 in (reply.status, reply.case[0] if reply.case else 0)


def _is_odd(view: View) -> bool:
    """A success that is slow or has further members, or a code that no table holds."""
    reply, exchange = view.reply, view.exchange
    documented = {fact.name for fact in view.operation.reply} if view.operation else set()
    if view.accepted:
        slow = exchange.answered_at is not None and exchange.answered_at - exchange.sent_at >= SLOW
        return slow or bool(set(reply.members or {}) - documented)
    unknown = view.cache.get("unknown case", False)
    return bool(unknown)


def _wait(view: View) -> timedelta:
    text = (view.exchange.response.headers.get("Retry-After") if view.exchange.response else None) or ""
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return max(SHORTEST_WAIT, timedelta(seconds=seconds))


def _note_status_question(view: View, mine: Habits) -> None:
    """DOKU, check status: a question about a payment, outside this contract, is asking again.

    Only its answer settles the charge: what was paid or is under way, and what nobody told, may not be charged anew.
    """
    if view.operation is not None or not view.exchange.request.path.endswith("/debit/status"):
        return
    reference = view.text("originalPartnerReferenceNo") or ""
    pending = mine.unsettled.get(reference)
    if pending is None:
        return
    mine.asked.add(pending[0])
    mine.asked_about.add(reference)
    told = view.reply.member("latestTransactionStatus")
    if view.reply.case == (404, "01") or (view.accepted and (told is ABSENT or told in _NOT_CHARGED)):
        mine.unsettled.pop(reference)
