"""What a request refers to: ids used before, cards bound or not, payments made or not, refunds done already."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

from kki.model.verdict import Broken, Finding, Holds, Judgement, NotApplicable, Unknown
from kki.rules.faults import (
    ANY_REFUSAL,
    FORMAT,
    NOBODY,
    Cases,
    Detection,
    Fault,
    Force,
    cases,
    detector,
    fits,
)
from kki.rules.habits import asks_again_after_loss
from kki.rules.registry import SYMMETRIC, Scene, rule
from kki.rules.trail import Turn, Uses, turn_of
from kki.rules.view import ABSENT, Standing
from kki.rules.words import length, masked, shown

EXTERNAL, REFERENCE = "header X-EXTERNAL-ID", "body /partnerReferenceNo"
ORIGINAL, REFUND_NO = "body /originalPartnerReferenceNo", "body /partnerRefundNo"
UNKNOWN_CARD = cases("404/11", "403/18")
NO_CARD = UNKNOWN_CARD | cases("404/03", "404/09", "403/15")
WRONG_OTP = cases("404/15", "403/11", "403/12")
NO_PAYMENT = cases("404/01", "404/00", "404/18", "405/01")


def _promised(scene: Scene, value: str, fitting: Cases, missing: str) -> Detection:
    """What the profile promises to exist may be used up or mistyped, until the server has accepted it once."""
    if value not in scene.trail.proven and scene.view.reply.case in fitting:
        return Unknown(missing)
    return ()


@detector(
    client="KKI-HDR-040", server="KKI-HDR-140", reason="KKI-RSN-170", fitting=cases("409/00"), operations=SYMMETRIC
)
def external_id_is_new(scene: Scene) -> Detection:
    """X-EXTERNAL-ID is not used twice on one day."""
    view = scene.view
    if not view.header("X-EXTERNAL-ID"):
        return None
    used = scene.trail.used(view)
    if used is None or not used.turns:
        return ()
    first = used.accepted_before(view.exchange.sent_at)
    # Only what was accepted must be remembered: a server need not note the id of a request that it could not trust.
    force = Force.MUST_REFUSE if first else Force.MAY_REFUSE
    earlier = first or used.turns[-1]
    actual = f"the one of exchange {earlier.exchange}"
    mine = turn_of(view)
    # "In the same day": at midnight the client's day, which its own X-TIMESTAMP tells, may be another than Jakarta's.
    another_day = bool(mine.day and earlier.day) and mine.day != earlier.day
    client = NOBODY if another_day or asks_again_after_loss(view, scene.trail) else ""
    force = Force.MAY_REFUSE if another_day else force
    expected = "one not used before on this day"
    fault = Fault(
        where=EXTERNAL, expected=expected, actual=actual, force=force, client=client, acted=_acted(scene, used.turns)
    )
    return (fault,)


def _acted(scene: Scene, earlier: list[Turn]) -> str:
    """What shows that a refused replay was carried out all the same: the number of a success that nobody saw before."""
    number, known = turn_of(scene.view).number, {turn.number for turn in earlier if turn.number}
    if not scene.view.reply.replayed or not number or not known or number in known:
        return ""
    return f"HTTP 409 around another success than the earlier one, {shown(number)}"


@detector(
    client="KKI-STA-010", server="KKI-STA-120", reason="KKI-RSN-180", fitting=cases("409/01", "404/18"),
    operations=("payment",),
)  # fmt: skip
def payment_reference_is_new(scene: Scene) -> Detection:
    """partnerReferenceNo is new for each payment."""
    view = scene.view
    reference = view.text("partnerReferenceNo")
    if reference is None:
        return None
    uses = scene.trail.payments.get(reference)
    if uses is None or not uses.turns:
        return ()
    first = uses.accepted_before(view.exchange.sent_at)
    expected = "one under which no payment was made before"
    if first is None:
        # Asked again after a refusal or a lost reply: what a client should do, and a server may still say no to.
        actual = f"the one of exchange {uses.turns[-1].exchange}, which had not succeeded by then"
        return (
            Fault(
                where=REFERENCE, expected=expected, actual=actual, force=Force.MAY_REFUSE, client=NOBODY, server=NOBODY
            ),
        )
    actual = f"the one of the payment in exchange {first.exchange}"
    # The very same charge once more is a question, to one whose process died before it read the reply for example.
    client = NOBODY if first.body == turn_of(view).body else ""
    fault = Fault(where=REFERENCE, expected=expected, actual=actual, client=client)
    if scene.knowledge.choice("duplicate-reference") == "refused":
        return (fault,)
    return (
        Fault(where=REFERENCE, expected=expected, actual=actual, force=Force.MAY_REFUSE, client=NOBODY, server=NOBODY),
    )


@detector(fitting=cases("409/01", "404/18"), operations=("bind",))
def binding_reference_is_new(scene: Scene) -> Detection:
    """partnerReferenceNo of a binding is new: a server may hold it to that as it does a payment's."""
    earlier = scene.trail.bindings.get(scene.view.text("partnerReferenceNo") or "")
    if earlier is None:
        return ()
    actual = f"the one of exchange {earlier}"
    return (Fault(where=REFERENCE, expected="a new one", actual=actual, force=Force.MAY_REFUSE, client=NOBODY),)


@detector(fitting=NO_CARD | WRONG_OTP, operations=("payment",))
def one_instrument(scene: Scene) -> Detection:
    """A payment names one thing to charge: of a card token and a CPAN in one body a server may take either.

    Nothing says which comes first (contradiction 2), so that a refusal of the other one explains itself.
    """
    view = scene.view
    other = [name for name in ("chargeToken", "otp") if view.member(name) is not ABSENT]
    if view.variant != "token" or not other or not _refused_as(scene, NO_CARD | WRONG_OTP):
        return ()
    actual = f"beside a {other[0]}, which another reading takes for what pays"
    return (Fault(where=f"body /{other[0]}", expected="not there", actual=actual, force=Force.MAY_REFUSE),)


def _refused_as(scene: Scene, fitting: Cases) -> bool:
    case = scene.view.reply.case
    return case is not None and fits(fitting, case)


@detector(
    client="KKI-STA-020", server=("KKI-STA-130", "KKI-STA-180", "KKI-STA-190", "KKI-STA-192"), reason="KKI-RSN-190",
    fitting=UNKNOWN_CARD, operations=("payment", "unbind"),
)  # fmt: skip
def card_token_is_bound(scene: Scene) -> Detection:
    """A payment or unbinding uses a bankCardToken that DOKU issued and that is still bound."""
    view, trail = scene.view, scene.trail
    member = "tokenId" if view.name == "unbind" else "bankCardToken"
    token = view.text(member)
    if token is None:
        return None
    where = f"body /{member}"
    gone = trail.unbound.get(token)
    if gone is not None and not gone.before(view.exchange.sent_at):
        return (_meanwhile(where, gone),)
    if gone is not None:
        return _after_unbinding(scene, where, gone.exchange, gone.answered_at or gone.sent_at)
    promised = token in scene.knowledge.test_data.bank_card_tokens
    if (promised or token in trail.bound) and _may_have_gone_along(scene):
        return (_ended_with_another(where, next(iter(trail.unbound.values()))),)
    if token in trail.bound:
        return ()
    if promised:
        missing = "a bound card: the target does not know this one of bank_card_tokens"
        return _promised(scene, token, UNKNOWN_CARD, missing)
    if masked(token):
        return Unknown("the card token, which was hidden when the recording was made")
    if not (scene.knowledge.complete and (trail.bound or scene.knowledge.test_data.bank_card_tokens)):
        return scene.knowledge.unseen("test_data.bank_card_tokens, or the binding that gave this token")
    server = "KKI-STA-190" if view.name == "unbind" else "KKI-STA-130"
    actual = f"a text of {length(token)} that was never issued"
    return (Fault(where=where, expected="the token of a bound card", actual=actual, server=server, field=member),)


def _may_have_gone_along(scene: Scene) -> bool:
    """Page, section 3, flow: an unbinding marks all active tokens of the card, and which those are nothing tells."""
    if not scene.trail.unbound or not _refused_as(scene, UNKNOWN_CARD):
        return False
    return scene.knowledge.choice("unbinding-reach") == "tokens-of-the-card"


def _ended_with_another(where: str, gone: Turn) -> Fault:
    actual = f"one that may be of the card that exchange {gone.exchange} unbound"
    return Fault(
        where=where, expected="the token of a bound card", actual=actual, force=Force.MAY_REFUSE, client=NOBODY,
        server=NOBODY, reason=NOBODY,
    )  # fmt: skip


def _meanwhile(where: str, gone: Turn) -> Fault:
    """The unbinding was under way when this was sent: either answer is right, and nobody is to blame."""
    actual = f"one whose unbinding in exchange {gone.exchange} was not answered yet"
    return Fault(
        where=where, expected="the token of a bound card", actual=actual, force=Force.MAY_REFUSE, client=NOBODY,
        server=NOBODY, reason=NOBODY, fitting=UNKNOWN_CARD | cases("404/*"),
    )  # fmt: skip


def _after_unbinding(scene: Scene, where: str, exchange: str, since: datetime) -> Detection:
    expected, actual = "the token of a card that is still bound", f"one that exchange {exchange} unbound"
    fitting = UNKNOWN_CARD | cases("404/*")
    if scene.view.name == "unbind":
        again = Fault(
            where=where, expected=expected, actual=actual, server="KKI-STA-192", force=Force.EITHER,
            fitting=ANY_REFUSAL, reason=NOBODY, client=NOBODY,
        )  # fmt: skip  # the client may ask again: its process may have died before it read the reply
        return (again,)
    reading = scene.knowledge.choice("unbound-token")
    settles = timedelta(seconds=scene.knowledge.limits.unbinding_settles_s if reading == "once-final" else 0)
    # A refusal before that shows as well that the unbinding is final.
    final = scene.view.exchange.sent_at >= since + settles or scene.view.reply.standing is Standing.REFUSED
    force = Force.MUST_REFUSE if final and reading != "not-judged" else Force.MAY_REFUSE
    return (Fault(where=where, expected=expected, actual=actual, server="KKI-STA-180", force=force, fitting=fitting),)


@detector(
    server="KKI-STA-132", reason="KKI-RSN-190", operations=("payment",),
    fitting=NO_CARD,
)  # fmt: skip
def cpan_is_known(scene: Scene) -> Detection:
    """A payment with an unknown CPAN is refused."""
    view = scene.view
    cpan = view.text("chargeToken")
    if cpan is None or view.variant != "cpan":
        return None
    if cpan in scene.trail.charge_tokens:
        return ()
    if cpan == scene.knowledge.test_data.cpan:
        return _promised(scene, cpan, NO_CARD, "a CPAN that the target knows: it does not know test_data.cpan")
    if scene.knowledge.test_data.cpan is None or not scene.knowledge.complete or masked(cpan):
        return Unknown("test_data.cpan, to know which CPAN exists")
    actual = f"one of {length(cpan)} that the profile does not name"
    return (Fault(where="body /chargeToken", expected="a CPAN that exists", actual=actual, field="chargeToken"),)


@detector(
    server="KKI-STA-140", reason="KKI-RSN-200", fitting=WRONG_OTP, operations=("payment",)
)
def otp_is_right(scene: Scene) -> Detection:
    """A payment with a wrong OTP is refused."""
    view, data = scene.view, scene.knowledge.test_data
    otp, cpan = view.text("otp"), view.text("chargeToken")
    if otp is None or cpan is None or view.variant != "cpan":
        return None
    if cpan == data.cpan and otp == data.otp:
        # KKI's OTP is a one-time token of the issuer's app: that it was good once says nothing of the next time.
        missing = "an OTP that is still good: the target refuses test_data.otp; an OTP may be good once, or be blocked"
        return Unknown(missing) if scene.view.reply.case in WRONG_OTP else ()
    if cpan != data.cpan or data.otp is None or masked(otp):
        return Unknown("test_data.otp, to know which OTP is right for this CPAN")
    return (Fault(where="body /otp", expected="the customer's OTP", actual="another", field="otp"),)


@detector(client="KKI-UNB-014", operations=("unbind",))
def token_id_is_raw(scene: Scene) -> Detection:
    """tokenId is the bankCardToken as it was issued, neither decoded nor encoded."""
    token = scene.view.text("tokenId")
    known = scene.trail.bound.keys() | set(scene.knowledge.test_data.bank_card_tokens) | scene.trail.unbound.keys()
    if token is None:
        return None
    if token in known:
        return ()
    if masked(token):
        return Unknown("the card token, which was hidden when the recording was made")
    expected = "the bankCardToken as it was issued"
    for other, how in ((_encoded(token), "Base64 of it"), (_decoded(token), "what Base64 makes of it")):
        if other is not None and other in known:
            return (
                Fault(
                    where="body /tokenId", expected=expected, actual=how, force=Force.MAY_REFUSE, fitting=ANY_REFUSAL
                ),
            )
    return None


def _encoded(token: str) -> str | None:
    """What decodes to the token has been encoded: the text behind it."""
    try:
        return base64.b64decode(token.encode("ascii"), validate=True).decode("utf-8")
    except ValueError:
        return None


def _decoded(token: str) -> str | None:
    return base64.b64encode(token.encode("utf-8", "surrogatepass")).decode("ascii")


@detector(
    client="KKI-RFD-026", server=("KKI-STA-150", "KKI-STA-152"), reason="KKI-RSN-210", fitting=NO_PAYMENT,
    operations=("refund",),
)  # fmt: skip
def refund_names_a_payment(scene: Scene) -> Detection:
    """A refund names a payment of the merchant's own that succeeded."""
    original = scene.view.text("originalPartnerReferenceNo")
    if original is None:
        return None
    uses = scene.trail.payments.get(original)
    expected = "the partnerReferenceNo of a payment that succeeded"
    if uses is not None and uses.accepted:
        if original in scene.trail.in_progress and _refused_as(scene, NO_PAYMENT):
            return Unknown("whether the payment, answered as in progress, had succeeded by then")
        return ()
    if uses is not None and _never_paid(uses) and scene.knowledge.complete:
        actual = f"that of exchange {uses.turns[-1].exchange}, which was refused"
        return (Fault(where=ORIGINAL, expected=expected, actual=actual, server="KKI-STA-152"),)
    if uses is not None:
        return Unknown("what became of the payment: a reply was lost, or says nothing, or all were not recorded")
    if masked(original):
        return Unknown("the reference, which was hidden when the recording was made")
    if not scene.knowledge.complete:
        return scene.knowledge.unseen("the payment, which is not in this recording")
    actual = f"{shown(original)}, under which nothing was paid"
    return (
        Fault(
            where=ORIGINAL, expected=expected, actual=actual, server="KKI-STA-150", field="originalPartnerReferenceNo"
        ),
    )


def _never_paid(uses: Uses) -> bool:
    """Always refused, and never because it had been paid already, or was in hand: a conflict of the only request under
    a reference is one with the X-EXTERNAL-ID of another."""
    alone = len(uses.turns) == 1
    return all(
        turn.standing is Standing.REFUSED
        and (turn.case is None or turn.case[0] != 409 or (alone and turn.case == (409, "00")))
        for turn in uses.turns
    )


@detector(fitting=NO_PAYMENT | FORMAT, operations=("refund",))
def refund_names_the_right_id(scene: Scene) -> Detection:
    """originalExternalId is the X-EXTERNAL-ID of the payment: a server that compares them may refuse another."""
    given = scene.view.text("originalExternalId")
    wanted = scene.trail.external_of.get(scene.view.text("originalPartnerReferenceNo") or "")
    if given is None or wanted is None or given == wanted or not _refused_as(scene, NO_PAYMENT | FORMAT):
        return ()
    fault = Fault(
        where="body /originalExternalId", expected="the payment's X-EXTERNAL-ID", actual="another",
        force=Force.MAY_REFUSE,
    )  # fmt: skip
    return (fault,)


@detector(client="KKI-RFD-028", fitting=ANY_REFUSAL, operations=("refund",))
def refund_number_is_new(scene: Scene) -> Detection:
    """partnerRefundNo is new for each refund."""
    name = scene.view.text("partnerRefundNo")
    if name is None:
        return None
    original = scene.trail.refund_names.get(name)
    if original is None:
        return ()
    actual = f"{shown(name)}, which named an earlier refund"
    # DOKU, case table, 404/18: the same refund again is to be read as done; so a client may ask for it again.
    client = NOBODY if original == scene.view.text("originalPartnerReferenceNo") else ""
    return (
        Fault(where=REFUND_NO, expected="one not used before", actual=actual, force=Force.MAY_REFUSE, client=client),
    )


@detector(server="KKI-STA-170", fitting=ANY_REFUSAL, operations=("refund",))
def refund_is_the_first(scene: Scene) -> Detection:
    """A further refund of the same payment under a new partnerRefundNo is answered in an orderly way."""
    original, name = scene.view.text("originalPartnerReferenceNo"), scene.view.text("partnerRefundNo")
    if original is None or name is None:
        return None
    earlier = scene.trail.refunded.get(original)
    if earlier is None or (original, name) in scene.trail.refunds:
        return ()
    actual = f"one refunded already in exchange {earlier.exchange}"
    fault = Fault(
        where=ORIGINAL, expected="a payment not yet refunded", actual=actual, force=Force.EITHER, client=NOBODY
    )
    return (fault,)


@rule("KKI-STA-160", operations=("refund",))
def repeated_refund_moves_no_money(scene: Scene) -> Judgement | None:
    """The same refund sent again, under a new X-EXTERNAL-ID, does not refund a second time."""
    view = scene.view
    original, name = view.text("originalPartnerReferenceNo"), view.text("partnerRefundNo")
    first = scene.trail.refunds.get((original or "", name or ""))
    if first is None:
        return None  # of two that race, the second to be judged is the repeated one
    if any(fault.where not in (REFUND_NO, ORIGINAL) for fault in scene.found.faults):
        return None
    if view.reply.standing is Standing.REFUSED:
        return Holds()
    if not view.accepted:
        return None
    number = view.reply.member("refundNo")
    if first.refund_no is None or not isinstance(number, str):
        return Unknown("refundNo in both replies, without which the two refunds cannot be told apart")
    if number == first.refund_no:
        return Holds()
    expected = f"a refusal, or the refundNo of exchange {first.turn.exchange} again"
    actual = f"accepted with another refundNo: {shown(number)} after {shown(first.refund_no)}"
    return Broken((Finding(where="reply /refundNo", expected=expected, actual=actual),))


@rule("KKI-STA-200", operations=SYMMETRIC)
def racing_ids_win_once(scene: Scene) -> Judgement | None:
    """Of two requests that race with one X-EXTERNAL-ID at most one is accepted."""
    used = scene.trail.used(scene.view)
    return _race(scene, used.turns if used else [], EXTERNAL, "X-EXTERNAL-ID")


@rule("KKI-STA-210", operations=("payment",), reading=("duplicate-reference", "refused"))
def racing_references_win_once(scene: Scene) -> Judgement | None:
    """Of two payments that race with one partnerReferenceNo at most one is accepted."""
    uses = scene.trail.payments.get(scene.view.text("partnerReferenceNo") or "")
    return _race(scene, uses.turns if uses else [], REFERENCE, "partnerReferenceNo")


def _race(scene: Scene, earlier: list[Turn], where: str, name: str) -> Judgement | None:
    mine = turn_of(scene.view)
    rivals = [turn for turn in earlier if turn.overlaps(mine)]
    if not rivals or mine.answered_at is None:
        return None
    winner = next((turn for turn in rivals if turn.accepted), None)
    if winner is None or not mine.accepted:
        return Holds() if winner or mine.accepted or mine.standing is Standing.REFUSED else None
    expected = f"at most one acceptance of two requests with one {name}"
    return Broken(
        (Finding(where=where, expected=expected, actual=f"this one and {winner.exchange} were both accepted"),)
    )


@rule("KKI-STA-220", operations=SYMMETRIC)
def reference_numbers_differ(scene: Scene) -> Judgement | None:
    """referenceNo is different for each successful operation."""
    return _unique(scene, "referenceNo", scene.trail.reference_nos)


@rule("KKI-STA-230", operations=("refund",))
def refund_numbers_differ(scene: Scene) -> Judgement | None:
    """refundNo is different for each successful refund."""
    return _unique(scene, "refundNo", scene.trail.refund_nos)


def _unique(scene: Scene, name: str, seen: dict[str, str]) -> Judgement | None:
    view = scene.view
    if not view.accepted:
        return None
    number = view.reply.member(name)
    if not isinstance(number, str) or not number:
        return NotApplicable() if number is ABSENT else None
    if any(fault.where in (EXTERNAL, REFERENCE, REFUND_NO) for fault in scene.found.faults):
        return None  # the same operation again: the same number is right
    # "DOKU Reference No": of this operation; whether two operations may share one, no document says.
    earlier = seen.get(f"{view.name} {number}")
    if earlier is None:
        return Holds()
    actual = f"{shown(number)}, the one of exchange {earlier}"
    return Broken((Finding(where=f"reply /{name}", expected="a number of its own", actual=actual),))
