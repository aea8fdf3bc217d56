"""What a client does after a refusal, a lost reply, a redirect: rules over what comes next.

An exchange counts as coming next only if it was sent after the other was answered. KKI's bodies name no order and no
amount, so that "the same charge" has to be told by what they do have: the instrument, the OTP and all other members.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kki.model.verdict import Broken, Finding, Holds, Judgement, Unknown
from kki.rules.knowledge import Knowledge
from kki.rules.registry import SYMMETRIC, Scene, rule, rule_at_end
from kki.rules.trail import Trail
from kki.rules.view import Standing, View, digest, fingerprint

SOON = timedelta(seconds=10)  # within which an identical charge under a new reference is the same order again
BY_ITSELF = timedelta(seconds=60)  # within which no customer has decided to try again
SHORTEST_WAIT = timedelta(seconds=1)  # after 429 without Retry-After
SLOW = timedelta(seconds=3)
_BUSINESS = frozenset({"02", "03", "05", "07", "08", "09", "14", "15", "16", "18", "19", "20", "23"})  # of 403


@dataclass(frozen=True, slots=True)
class Charge:
    """A payment, as far as it can be told from others."""

    reference: str
    instrument: str
    rest: str  # everything but the reference
    order: str  # everything but the reference and the OTP, which a customer may have to type anew
    otp: str | None


@dataclass(frozen=True, slots=True)
class After:
    """Something that happened, until what comes next has been seen."""

    exchange: str
    at: datetime
    charge: Charge | None = None
    wait: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Sent:
    external: str | None
    timestamp: str | None
    signature: str | None
    sent_at: datetime
    exchange: str


@dataclass(slots=True)
class Habits:
    """The memory of the rules below. One in each trail; filled by `remember`."""

    refused_tokens: dict[str, After] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)  # by operation and body
    unsettled: dict[str, tuple[str, After]] = field(default_factory=dict)  # order → requirement, charge
    asked: set[str] = field(default_factory=set)  # requirements that a status question has met
    busy: After | None = None
    declined: dict[str, After] = field(default_factory=dict)  # by reference
    wrong_otp: dict[str, After] = field(default_factory=dict)  # by instrument
    conflicts: dict[str, After] = field(default_factory=dict)  # by X-EXTERNAL-ID
    duplicate: After | None = None
    odd: After | None = None
    after_odd: bool = False
    needless: int = 0  # B2B tokens fetched while a good one was at hand
    uses: dict[str, int] = field(default_factory=dict)  # B2B token → requests that bore it
    latest: dict[str, str] = field(default_factory=dict)  # client → its latest B2B token
    reused: bool = False
    followed: bool = False


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
    rest = {name: value for name, value in members.items() if name != "partnerReferenceNo"}
    order = {name: value for name, value in rest.items() if name != "otp"}
    return Charge(reference, fingerprint(instrument), fingerprint(rest), fingerprint(order), view.text("otp"))


# --- memory ----------------------------------------------------------------------------------------


def remember(view: View, trail: Trail) -> None:
    """To be called after judging: what this exchange obliges its client to."""
    mine = habits(trail)
    at = view.exchange.answered_at or view.exchange.sent_at
    after = After(view.exchange.id, at, charge_of(view))
    _note_status_question(view, mine)
    if not view.in_api:
        return
    _note_request(view, mine)
    case = view.reply.case
    if view.symmetric and case == (401, "01") and view.token:
        mine.refused_tokens[view.token] = after
    if view.reply.standing is Standing.BUSY and view.reply.status == 429:
        mine.busy = After(view.exchange.id, at, wait=_wait(view))
    if case == (409, "00") and view.header("X-EXTERNAL-ID"):
        mine.conflicts[view.header("X-EXTERNAL-ID") or ""] = after
    if after.charge is not None:
        _note_charge(view, mine, after, after.charge)


def _note_request(view: View, mine: Habits) -> None:
    if view.symmetric:
        headers = (view.header("X-EXTERNAL-ID"), view.header("X-TIMESTAMP"), view.header("X-SIGNATURE"))
        mine.sent[_sameness(view)] = Sent(*headers, view.exchange.sent_at, view.exchange.id)
        if view.token:
            mine.uses[view.token] = mine.uses.get(view.token, 0) + 1
            mine.reused = mine.reused or mine.uses[view.token] > 1
    elif view.name == "b2b" and view.accepted:
        token = view.reply.member("accessToken")
        if isinstance(token, str):
            mine.latest[view.header("X-CLIENT-KEY") or ""] = token
    mine.after_odd = mine.after_odd or (mine.odd is not None and view.exchange.sent_at >= mine.odd.at)


def _sameness(view: View) -> str:
    return f"{view.name} {digest(view.body)}"


def _note_charge(view: View, mine: Habits, after: After, charge: Charge) -> None:
    reply, case = view.reply, view.reply.case
    before = mine.unsettled.pop(charge.order, None)
    asked_again = before is not None and before[1].charge is not None and before[1].charge.reference == charge.reference
    lost = reply.standing is Standing.NONE and view.exchange.failure != "connection refused"
    if lost or reply.status == 504 or case == (504, "00"):
        mine.unsettled[charge.order] = ("KKI-BEH-030", after)
    elif reply.standing is Standing.FAILED or reply.status in (502, 503):
        mine.unsettled[charge.order] = ("KKI-BEH-040", after)
    if case is not None and case[0] == 403 and case[1] in _BUSINESS:
        mine.declined[charge.reference] = after
    if case == (404, "15"):
        mine.wrong_otp[charge.instrument] = after
    elif view.accepted:
        mine.wrong_otp.pop(charge.instrument, None)  # the matter is settled; what comes next is another one
    # To one who asks again, "duplicate" is the good news that the lost charge was made: the next is another order.
    mine.duplicate = after if case == (409, "01") and not asked_again else None
    if _is_odd(view):
        mine.odd, mine.after_odd = after, False


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
    """DOKU, check status: a question about a payment, outside this contract, is asking again."""
    if view.operation is None and view.exchange.request.path.endswith("/debit/status"):
        reference = view.text("originalPartnerReferenceNo")
        found = [
            key for key, (_, after) in mine.unsettled.items() if after.charge and after.charge.reference == reference
        ]
        for key in found:
            mine.asked.add(mine.unsettled.pop(key)[0])


def _follows(view: View, after: After | None) -> bool:
    return after is not None and view.exchange.sent_at >= after.at


def _broken(where: str, expected: str, actual: str) -> Broken:
    return Broken((Finding(where=where, expected=expected, actual=actual),))


# --- rules -----------------------------------------------------------------------------------------


@rule("KKI-BEH-010", operations=SYMMETRIC)
def refused_token_is_replaced(scene: Scene) -> Judgement | None:
    """After a refusal for an invalid B2B token the client fetches a new token before it sends again."""
    mine, view = habits(scene.trail), scene.view
    if not view.token:
        return None
    after = mine.refused_tokens.get(view.token)
    if after is not None and _follows(view, after):
        actual = f"the token that was refused in exchange {after.exchange}"
        return _broken("header Authorization", "a new B2B token", actual)
    return Holds() if any(_follows(view, one) for one in mine.refused_tokens.values()) else None


@rule("KKI-BEH-020", operations=SYMMETRIC)
def repeated_request_is_made_anew(scene: Scene) -> Judgement | None:
    """A request sent again bears a new X-EXTERNAL-ID, a fresh X-TIMESTAMP and its own signature."""
    view = scene.view
    earlier = habits(scene.trail).sent.get(_sameness(view))
    if earlier is None or view.exchange.sent_at < earlier.sent_at:
        return None
    expected, found = f"new, after exchange {earlier.exchange}", []
    if view.header("X-EXTERNAL-ID") and view.header("X-EXTERNAL-ID") == earlier.external:
        found.append(Finding(where="header X-EXTERNAL-ID", expected=expected, actual="the same as there"))
    later = view.exchange.sent_at - earlier.sent_at >= timedelta(seconds=2)  # X-TIMESTAMP counts whole seconds
    if later and view.header("X-TIMESTAMP") and view.header("X-TIMESTAMP") == earlier.timestamp:
        found.append(Finding(where="header X-TIMESTAMP", expected=expected, actual="the same as there"))
    signature = view.header("X-SIGNATURE")
    if signature and view.header("X-TIMESTAMP") != earlier.timestamp and signature == earlier.signature:
        found.append(Finding(where="header X-SIGNATURE", expected=expected, actual="the same as there"))
    return Broken(tuple(found)) if found else Holds()


def _asks_again(scene: Scene, requirement: str) -> Judgement | None:
    charge = charge_of(scene.view)
    pending = habits(scene.trail).unsettled.get(charge.order) if charge else None
    if charge is None or pending is None or pending[0] != requirement or not _follows(scene.view, pending[1]):
        return None
    before = pending[1].charge
    if before is None or before.reference == charge.reference:
        return Holds()
    expected = f"the reference of exchange {pending[1].exchange}, of which nobody knows what became"
    return _broken("body /partnerReferenceNo", expected, "a new one: the customer may be charged twice")


def _never_asked(trail: Trail, requirement: str) -> Judgement | None:
    open_ones = [after for name, after in habits(trail).unsettled.values() if name == requirement]
    if not open_ones:
        return None
    return Unknown(
        f"what the client does next: it sent nothing about this charge after exchange {open_ones[0].exchange}"
    )


@rule("KKI-BEH-030", operations=("payment",))
def lost_charge_is_asked_for_again(scene: Scene) -> Judgement | None:
    """After a time-out or a lost reply the client asks again under the same partnerReferenceNo."""
    return _asks_again(scene, "KKI-BEH-030")


@rule("KKI-BEH-040", operations=("payment",))
def failed_charge_is_asked_for_again(scene: Scene) -> Judgement | None:
    """After a server error the client asks again under the same partnerReferenceNo."""
    return _asks_again(scene, "KKI-BEH-040")


@rule("KKI-BEH-050")
def client_waits_when_told(scene: Scene) -> Judgement | None:
    """After too many requests the client waits before it sends again."""
    after, view = habits(scene.trail).busy, scene.view
    if after is None or not view.in_api or not _follows(view, after):
        return None
    waited = view.exchange.sent_at - after.at
    if waited >= after.wait:
        return Holds()
    expected = f"at least {after.wait.total_seconds():g} s after the reply of exchange {after.exchange}"
    return _broken("time of sending", expected, f"{waited.total_seconds():.2f} s after it")


@rule("KKI-BEH-060", operations=("payment",))
def declined_charge_is_left_alone(scene: Scene) -> Judgement | None:
    """After a refusal by the business rules the client does not send the same charge again by itself."""
    charge, mine = charge_of(scene.view), habits(scene.trail)
    after = mine.declined.get(charge.reference) if charge else None
    if after is None or not _follows(scene.view, after):
        others = [one for one in mine.declined.values() if _follows(scene.view, one)]
        return Holds() if others and after is None and charge else None
    gap = scene.view.exchange.sent_at - after.at
    if gap > BY_ITSELF:
        return Holds()
    expected = f"another charge, since this one was declined in exchange {after.exchange}"
    return _broken("body /partnerReferenceNo", expected, f"the same again after {gap.total_seconds():.1f} s")


@rule("KKI-BEH-070", operations=("payment",))
def wrong_otp_is_not_repeated(scene: Scene) -> Judgement | None:
    """After a wrong OTP the client does not send the same OTP again."""
    charge = charge_of(scene.view)
    after = habits(scene.trail).wrong_otp.get(charge.instrument) if charge else None
    if charge is None or after is None or after.charge is None or not _follows(scene.view, after):
        return None
    if charge.otp != after.charge.otp:
        return Holds()
    return _broken("body /otp", f"another than in exchange {after.exchange}", "the same again")


@rule("KKI-BEH-080", operations=SYMMETRIC)
def conflicting_id_is_dropped(scene: Scene) -> Judgement | None:
    """After a conflict the client does not repeat the request under the same X-EXTERNAL-ID."""
    mine, view = habits(scene.trail), scene.view
    after = mine.conflicts.get(view.header("X-EXTERNAL-ID") or "")
    if after is not None and _follows(view, after):
        return _broken("header X-EXTERNAL-ID", "a new one", f"the one that met a conflict in exchange {after.exchange}")
    return Holds() if any(_follows(view, one) for one in mine.conflicts.values()) else None


@rule("KKI-BEH-090", operations=("payment",))
def duplicate_is_not_charged_anew(scene: Scene) -> Judgement | None:
    """After a duplicate partnerReferenceNo the client does not charge again under a new one for the same order."""
    charge, after = charge_of(scene.view), habits(scene.trail).duplicate
    if charge is None or after is None or after.charge is None or not _follows(scene.view, after):
        return None
    return _same_order(scene, charge, after, after.charge)


def _same_order(scene: Scene, charge: Charge, after: After, before: Charge) -> Judgement:
    gap = scene.view.exchange.sent_at - after.at
    if charge.reference == before.reference or charge.rest != before.rest or gap > SOON:
        return Holds()
    expected = f"no second charge for the order of exchange {after.exchange}"
    return _broken(
        "body /partnerReferenceNo", expected, f"the same charge under a new one, {gap.total_seconds():.1f} s later"
    )


@rule("KKI-BEH-100", operations=("payment",))
def odd_reply_is_taken_calmly(scene: Scene) -> Judgement | None:
    """An unknown case code, extra reply members or a slow reply do not make the client charge twice or stop."""
    code = scene.view.reply.case
    scene.view.cache["unknown case"] = code is not None and code not in scene.knowledge.contract.cases
    charge, after = charge_of(scene.view), habits(scene.trail).odd
    if charge is None or after is None or after.charge is None or not _follows(scene.view, after):
        return None
    if charge.reference == after.charge.reference:
        return _broken("body /partnerReferenceNo", "another charge", f"the one of exchange {after.exchange} again")
    return _same_order(scene, charge, after, after.charge)


@rule("KKI-BEH-110")
def redirect_is_followed_as_given(scene: Scene) -> Judgement | None:
    """Under CHANNEL-ID DH the merchant sends the customer to the redirectUrl as it was given."""
    request, redirects = scene.view.exchange.request, scene.trail.redirects
    if request.method != "GET" or not redirects:
        return None
    wanted = redirects.get(request.path)
    if wanted is None:
        folders = {path.rsplit("/", 1)[0]: target for path, target in redirects.items()}
        wanted = folders.get(request.path.rsplit("/", 1)[0]) if request.path.count("/") > 1 else None
    if wanted is None:
        return None
    habits(scene.trail).followed = True
    if request.target == wanted:
        return Holds()
    return _broken("target", "the address of redirectUrl, path and query as they were given", "another path or query")


@rule_at_end("KKI-TOK-060", operations=SYMMETRIC)
def token_is_used_again(trail: Trail, _knowledge: Knowledge) -> Judgement | None:
    """A B2B token is used again until it expires, rather than fetched for each request."""
    mine = habits(trail)
    if mine.needless >= 2:
        expected = "a token that is used until it expires"
        actual = f"{mine.needless} tokens fetched while the one before was still good and used only once"
        return _broken("token requests", expected, actual)
    return Holds() if mine.reused else None


def note_fetch(view: View, trail: Trail) -> None:
    """A B2B token request: needless if the client's latest token is good for another minute and was hardly used."""
    if view.name != "b2b":
        return
    mine, client = habits(trail), view.header("X-CLIENT-KEY") or ""
    token = mine.latest.get(client)
    issued = trail.tokens.get(token or "")
    if token is None or issued is None or issued.expires_at is None or token in mine.refused_tokens:
        return
    good = view.exchange.sent_at + timedelta(minutes=1) < issued.expires_at
    if good and mine.uses.get(token, 0) == 1:
        mine.needless += 1


def leftovers(trail: Trail) -> dict[str, Judgement]:
    """At the end: what was never seen to come."""
    mine = habits(trail)
    found: dict[str, Judgement] = {}
    for requirement in ("KKI-BEH-030", "KKI-BEH-040"):
        never = _never_asked(trail, requirement)
        if never is not None:
            found[requirement] = never
        elif requirement in mine.asked:
            found[requirement] = Holds()
    if mine.odd is not None and not mine.after_odd:
        found["KKI-BEH-100"] = Unknown(f"any request after the odd reply of exchange {mine.odd.exchange}")
    if trail.redirects and not mine.followed:
        found["KKI-BEH-110"] = Unknown("the customer's way to the redirectUrl, which nobody was seen to go")
    return found
