"""What a client does after a refusal, a lost reply, a redirect: rules over what comes next.

An exchange counts as coming next only if it was sent after the other was answered. A client has several threads and
machines: what was on its way when another learned of a refusal is held against nobody, but the same request again is.
"""

from __future__ import annotations

from datetime import timedelta

from kki.model.verdict import Broken, Finding, Holds, Judgement, NotApplicable, Unknown
from kki.rules.habits import (
    After,
    Charge,
    Habits,
    asks_again_after_loss,
    charge_of,
    errand,
    habits,
    same_order,
    sameness,
)
from kki.rules.knowledge import Knowledge
from kki.rules.registry import SYMMETRIC, Scene, rule, rule_at_end
from kki.rules.trail import Trail, external_key
from kki.rules.view import View, digest

ON_ITS_WAY = timedelta(seconds=1)  # what was sent within it may have been made before the other was answered
SOON = timedelta(seconds=10)  # within which an identical charge under a new reference is the same order again
BY_ITSELF = timedelta(seconds=15)  # within which no customer has decided to try again
BY_A_CUSTOMER = timedelta(seconds=60)  # after which one may have
AN_HOUR = timedelta(hours=1)
SAME_ORDER = timedelta(days=1)  # beyond, the same members are another order: a subscription's next month
ROUNDING = timedelta(milliseconds=50)  # of times in a recording
_ORDERS = "a member of the body that tells one order from another with the same card"


def _follows(view: View, after: After | None) -> bool:
    return after is not None and view.exchange.sent_at >= after.at


def _later(view: View, after: After) -> timedelta:
    return view.exchange.sent_at - after.at


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
        if after.same != sameness(view) and _later(view, after) < ON_ITS_WAY:
            return None
        actual = f"the token that was refused in exchange {after.exchange}"
        return _broken("header Authorization", "a new B2B token", actual)
    return Holds() if any(_follows(view, one) for one in mine.refused_tokens.values()) else None


@rule("KKI-BEH-012", operations=("payment", "refund"))
def refused_customer_token_is_replaced(scene: Scene) -> Judgement | None:
    """After a refusal for an invalid customer token the client does not send that token again."""
    mine, view = habits(scene.trail), scene.view
    after = mine.refused_customers.get(view.customer_token or "")
    if after is None:
        return Holds() if any(_follows(view, one) for one in mine.refused_customers.values()) else None
    if not _follows(view, after) or (after.same != sameness(view) and _later(view, after) < ON_ITS_WAY):
        return None
    actual = f"the token that was refused in exchange {after.exchange}"
    return _broken("header Authorization-customer", "a new customer token", actual)


@rule("KKI-BEH-020", operations=SYMMETRIC)
def repeated_request_is_made_anew(scene: Scene) -> Judgement | None:
    """A request sent again bears a new X-EXTERNAL-ID, a fresh X-TIMESTAMP and its own signature."""
    view = scene.view
    earlier = habits(scene.trail).sent.get(sameness(view))
    if earlier is None or view.exchange.sent_at < earlier.sent_at:
        return None
    if asks_again_after_loss(view, scene.trail):
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
    charge, mine = charge_of(scene.view), habits(scene.trail)
    if charge is None:
        return None
    pending = mine.unsettled.get(charge.reference) or mine.unsettled.get(mine.orders.get(charge.order, ""))
    if pending is None or pending[0] != requirement or pending[1].charge is None:
        return None
    return _of_the_pending(scene, charge, pending[1], pending[1].charge)


def _of_the_pending(scene: Scene, charge: Charge, after: After, before: Charge) -> Judgement | None:
    view = scene.view
    if charge.reference == before.reference:
        return Holds()
    if not _follows(view, after) or _later(view, after) > SAME_ORDER:
        return None
    if same_order(habits(scene.trail), before, charge) is None:
        return Unknown(_ORDERS)
    expected = f"the reference of exchange {after.exchange}, of which nobody knows what became"
    return _broken("body /partnerReferenceNo", expected, "a new one: the customer may be charged twice")


def _never_asked(trail: Trail, requirement: str) -> Judgement | None:
    mine = habits(trail)
    waiting = (each for reference, each in mine.unsettled.items() if reference not in mine.asked_about)
    open_ones = [after for name, after in waiting if name == requirement]
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
    mine, view = habits(scene.trail), scene.view
    last, after = mine.told_to_wait, _told_to_wait(mine, view)
    if last is None or not view.in_api:
        return None
    if after is not None and _later(view, after) + ROUNDING < after.wait:
        expected = f"at least {after.wait.total_seconds():g} s after the reply of exchange {after.exchange}"
        return _broken("time of sending", expected, f"{_later(view, after).total_seconds():.2f} s after it")
    return Holds() if _follows(view, last) and _later(view, last) + ROUNDING >= last.wait else None


def _told_to_wait(mine: Habits, view: View) -> After | None:
    """What told this very request to wait, or its errand under another number: other threads were not told."""
    charge, after = charge_of(view), mine.busy.get(sameness(view)) or mine.busy.get(errand(view))
    if after is not None and after.same != sameness(view) and after.charge is not None:
        after = after if charge is not None and same_order(mine, after.charge, charge) else None
    return after if _follows(view, after) else None


@rule("KKI-BEH-060", operations=("payment",))
def declined_charge_is_left_alone(scene: Scene) -> Judgement | None:
    """After a refusal by the business rules the client does not send the same charge again by itself."""
    charge, mine = charge_of(scene.view), habits(scene.trail)
    if charge is None:
        return None
    case = scene.view.reply.case
    known = scene.knowledge.contract.cases.get(case) if case else None
    scene.view.cache["declined"] = known is not None and known.status == 403 and known.category == "B"
    after = mine.declined.get(charge.reference)
    if after is None:
        return _declined_order(scene, charge)
    if not _follows(scene.view, after):
        return None
    return _repeated(scene.view, charge, after, f"another charge, since exchange {after.exchange} declined this one")


def _declined_order(scene: Scene, charge: Charge) -> Judgement | None:
    """Under another reference it is the same charge all the same, where the body tells the order."""
    mine, view = habits(scene.trail), scene.view
    after = mine.declined_orders.get(charge.order)
    if after is not None and after.charge is not None and _follows(view, after):
        same = same_order(mine, after.charge, charge) and charge.otp == after.charge.otp
        if same and _later(view, after) <= BY_ITSELF:
            expected = f"no further charge for the order that exchange {after.exchange} declined"
            return _broken("body /partnerReferenceNo", expected, "the same charge under a new one")
    return Holds() if any(_follows(view, one) for one in mine.declined.values()) else None


def _repeated(view: View, charge: Charge, after: After, expected: str) -> Judgement:
    """The same charge under the same reference: by itself, or because a customer asked for it?"""
    gap = _later(view, after)
    if (after.charge is not None and charge.instrument != after.charge.instrument) or gap > BY_A_CUSTOMER:
        return Holds()
    if gap > BY_ITSELF:
        seconds = f"{gap.total_seconds():.0f} s"
        return Unknown(f"whether a customer asked for this, {seconds} after exchange {after.exchange}")
    return _broken("body /partnerReferenceNo", expected, f"the same again after {gap.total_seconds():.1f} s")


@rule("KKI-BEH-070", operations=("payment",))
def wrong_otp_is_not_repeated(scene: Scene) -> Judgement | None:
    """After a wrong OTP the client does not send the same OTP again."""
    charge, view, mine = charge_of(scene.view), scene.view, habits(scene.trail)
    wrong = mine.wrong_otps.get(charge.instrument, []) if charge else []
    before = [after for after in wrong if _follows(view, after)]
    if charge is None or not before:
        return None
    again = [after for after in before if after.charge is not None and charge.otp == after.charge.otp]
    if not again:
        return Holds()
    after = again[-1]
    if after.charge is None or not same_order(mine, after.charge, charge) or _later(view, after) > BY_ITSELF:
        return None  # another order, or typed once more by a customer
    return _broken("body /otp", f"another than in exchange {after.exchange}", "the same again")


@rule("KKI-BEH-080", operations=SYMMETRIC)
def conflicting_id_is_dropped(scene: Scene) -> Judgement | None:
    """After a conflict the client does not repeat the request under the same X-EXTERNAL-ID."""
    mine, view = habits(scene.trail), scene.view
    key = external_key(view)
    after = mine.conflicts.get(key) if key else None
    if after is not None and _follows(view, after):
        return _broken("header X-EXTERNAL-ID", "a new one", f"the one that met a conflict in exchange {after.exchange}")
    return Holds() if any(_follows(view, one) for one in mine.conflicts.values()) else None


@rule("KKI-BEH-090", operations=("payment",))
def duplicate_is_not_charged_anew(scene: Scene) -> Judgement | None:
    """After a duplicate partnerReferenceNo the client does not charge again under a new one for the same order."""
    charge, mine = charge_of(scene.view), habits(scene.trail)
    if charge is None or not mine.duplicates:
        return None
    after = mine.duplicates.get(charge.order)
    if after is None or after.charge is None:
        return Holds() if any(_follows(scene.view, one) for one in mine.duplicates.values()) else None
    return _same_order(scene, charge, after, after.charge) if _follows(scene.view, after) else None


def _same_order(scene: Scene, charge: Charge, after: After, before: Charge) -> Judgement:
    gap = _later(scene.view, after)
    if charge.reference == before.reference or charge.otp != before.otp or gap > AN_HOUR:
        return Holds()
    same = same_order(habits(scene.trail), before, charge)
    if same is None or (same and gap > SOON):
        return Unknown(_ORDERS)
    if not same:
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
        return _repeated(scene.view, charge, after, f"another charge than that of exchange {after.exchange}")
    return _same_order(scene, charge, after, after.charge)


@rule("KKI-BEH-120", operations=("refund",))
def lost_refund_is_asked_for_again(scene: Scene) -> Judgement | None:
    """After a time-out or a lost reply to a refund the client asks again under the same partnerRefundNo."""
    view = scene.view
    lost = habits(scene.trail).lost_refunds.get(view.text("originalPartnerReferenceNo") or "")
    number = view.text("partnerRefundNo")
    if lost is None or number is None or not _follows(view, lost[1]):
        return None
    if number == lost[0]:
        return Holds()
    expected = f"the number of exchange {lost[1].exchange}, of which nobody knows what became"
    return _broken("body /partnerRefundNo", expected, "a new one: the customer may be paid back twice")


@rule("KKI-STA-012", operations=("bind",))
def binding_reference_is_new(scene: Scene) -> Judgement | None:
    """partnerReferenceNo of a binding, where present, is new for each binding."""
    view = scene.view
    reference = view.text("partnerReferenceNo")
    if reference is None:
        return NotApplicable()
    earlier = habits(scene.trail).bindings.get(reference)
    if earlier is None or earlier[1] == digest(view.body):  # the very same once more is a question
        return Holds()
    actual = f"the one of the binding in exchange {earlier[0]}"
    return _broken("body /partnerReferenceNo", "one not used before", actual)


@rule("KKI-ROB-180")
def request_has_the_documented_method(scene: Scene) -> Judgement | None:
    """A request to an operation's path has the documented method."""
    operation, method = scene.view.operation, scene.view.exchange.request.method
    if operation is None or method in ("OPTIONS", "HEAD"):  # the transport's own business
        return None
    return Holds() if scene.view.right_method else _broken("method", operation.method, method[:20])


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
    mine = habits(scene.trail)
    mine.followed = True
    if request.target == wanted:
        mine.visited.add(wanted)
        return Holds()
    if wanted in mine.visited:
        return None  # what the page itself loads or leads to
    return _broken("target", "the address of redirectUrl, path and query as they were given", "another path or query")


@rule_at_end("KKI-TOK-060", operations=SYMMETRIC)
def token_is_used_again(trail: Trail, _knowledge: Knowledge) -> Judgement | None:
    """A B2B token is used again until it expires, rather than fetched for each request."""
    mine = habits(trail)
    needless = sum(mine.uses.get(token, 0) == 1 for token in mine.replaced)
    if needless >= 2:
        expected = "a token that is used until it expires"
        actual = f"{needless} tokens replaced while they were still good and had been used only once"
        return _broken("token requests", expected, actual)
    return Holds() if mine.reused else None


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
