"""Fields beyond what a schema can say: carried but without a value, and what a payment has to name."""

from __future__ import annotations

from dataclasses import replace

from kki.model.contract import FieldFact
from kki.rules.faults import MANDATORY, NOBODY, Detection, Fault, Force, cases, detector
from kki.rules.registry import EVERY, Scene
from kki.rules.view import ABSENT


@detector(client="KKI-FLD-010", server="KKI-FLD-110", reason="KKI-RSN-140", fitting=MANDATORY, operations=EVERY)
def required_members_have_values(scene: Scene) -> Detection:
    """Required members carry a value, neither null nor empty."""
    operation, members = scene.view.operation, scene.view.body.members
    if operation is None or members is None:
        return None
    variant = operation.variant(scene.view.variant or "")
    required = [fact for fact in variant.fields if fact.required] if variant else []
    return tuple(
        _empty(scene, fact, members[fact.name])
        for fact in required
        if fact.name in members and members[fact.name] in (None, "")
    )


def _empty(scene: Scene, fact: FieldFact, value: object) -> Fault:
    token = cases("400/00", "401/00") if not scene.view.symmetric else frozenset()
    fault = Fault(
        where=f"body /{fact.name}", expected="a value", actual="null" if value is None else "an empty text",
        fitting=MANDATORY | token, field=fact.name,
    )  # fmt: skip
    tag = fact.tag_for("required")
    if tag is None or scene.knowledge.in_force(tag.reading):
        return fault
    # Under the reading chosen it is not required at all: refusing an empty one is then a matter of taste.
    return replace(fault, force=Force.MAY_REFUSE, client=NOBODY, server=NOBODY, reason=NOBODY)


@detector(client="KKI-PAY-014", server="KKI-PAY-114", reason="KKI-RSN-140", fitting=MANDATORY, operations=("payment",))
def payment_names_its_source(scene: Scene) -> Detection:
    """A payment names what is charged: a chargeToken with its otp, or a bankCardToken."""
    if scene.view.body.members is None:
        return None
    if scene.view.member("chargeToken") is not ABSENT or scene.view.member("bankCardToken") is not ABSENT:
        return ()
    expected = "a chargeToken with its otp, or a bankCardToken, in the body"
    return (Fault(where="body", expected=expected, actual="without either", field="chargeToken"),)


@detector(fitting=cases("400/02"), operations=("payment",))
def other_shape_is_whole(scene: Scene) -> Detection:
    """A payment that may be meant as one of the other shape lacks nothing of that either.

    Nothing tells the two shapes apart but the members that are there (contradiction 2): a server may take a body with
    both, or one whose own member is of no use, for a payment of the other kind, and miss what that needs.
    """
    view = scene.view
    if view.body.members is None:
        return None
    by_token = view.variant == "token"
    mine, theirs = ("bankCardToken", "chargeToken") if by_token else ("chargeToken", "bankCardToken")
    if view.member(theirs) is ABSENT and (view.text(mine) is not None or view.member(mine) is ABSENT):
        return ()
    lacking = [name for name in (("chargeToken", "otp") if by_token else ("bankCardToken",)) if not view.text(name)]
    return tuple(
        Fault(
            where=f"body /{name}", expected="a value, in a payment of the other kind", actual="none",
            force=Force.MAY_REFUSE, client=NOBODY, server=NOBODY, reason=NOBODY, field=name,
        )
        for name in lacking
    )  # fmt: skip
