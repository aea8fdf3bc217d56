"""What may be done with the token of an unbound card, and from when on. Source: page, section 3; contradiction 52."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kki.drafting.drafts import a_payment, an_unbinding
from kki.model.exchange import Exchange
from kki.model.requirement import Party
from kki.model.verdict import Broken, Holds, Unknown

from .stage import Stage, broken, refused, said

LATE = "KKI-STA-180"


def payment_after(stage: Stage, seconds: float) -> tuple[Exchange, Exchange]:
    """One with a token that was unbound so long before, and its answer as if the card were still bound."""
    token = stage.session.spare_token()
    assert token is not None
    kit = replace(stage.session.kit(), card_token=token)
    _, verdicts = stage.send(a_payment(kit, "token"))
    assert not broken(verdicts)
    good = stage.exchanges[-1].response
    unbinding, _ = stage.send(an_unbinding(stage.session.kit(), token))
    assert unbinding.answered_at is not None
    stage.client.clock = unbinding.answered_at
    stage.wait(seconds)
    taken = stage.client.send(a_payment(replace(stage.session.kit(), card_token=token), "token"), "late")
    return taken, replace(taken, response=good)


@pytest.mark.parametrize(
    ("choice", "seconds", "late"),
    [
        ("once-final", 2.0, True), ("once-final", 1.9, False), ("once-final", 0.0, False), ("at-once", 0.0, True),
        ("at-once", 5.0, True), ("not-judged", 60.0, False),
    ],
)  # fmt: skip
def test_an_unbound_cards_payment_is_accepted(choice: str, seconds: float, late: bool) -> None:
    stage = Stage(unbound_token=choice)
    _, accepted = payment_after(stage, seconds)
    verdicts = stage.judge.judge(accepted)
    assert (LATE in broken(verdicts, Party.SERVER)) is late
    assert broken(verdicts, Party.CLIENT) == {"KKI-STA-020"}, "it knows what it has unbound"


@pytest.mark.parametrize("choice", ["once-final", "at-once"])
@pytest.mark.parametrize(
    ("code", "fits"), [("4045411", True), ("4045401", True), ("4005402", False), ("4015404", False)]
)
def test_an_unbound_cards_payment_is_refused(choice: str, code: str, fits: bool) -> None:
    stage = Stage(unbound_token=choice)
    taken, _ = payment_after(stage, 0.0)
    verdicts = stage.judge.judge(refused(taken, code))
    assert isinstance(said(verdicts, LATE), Holds) or not fits, "a refusal shows that the unbinding is final"
    reasons = {row for row in broken(verdicts, Party.SERVER) if row.startswith("KKI-RSN") and row != "KKI-RSN-260"}
    assert bool(reasons) is not fits


@pytest.mark.parametrize(
    ("reach", "code", "outcome"),
    [
        ("tokens-of-the-card", "4045411", None), ("tokens-of-the-card", "4005402", Broken),
        ("named-token", "4045411", Unknown), ("named-token", "4005402", Broken),
    ],
)  # fmt: skip
def test_another_token_is_refused_after_an_unbinding(reach: str, code: str, outcome: type | None) -> None:
    stage = Stage(unbinding_reach=reach)
    payment_after(stage, 0.0)
    other = stage.client.send(a_payment(stage.session.kit(), "token"), "other")
    verdicts = stage.judge.judge(refused(other, code))
    found = said(verdicts, "KKI-PAY-154")
    assert found is None if outcome is None else isinstance(found, outcome), found
