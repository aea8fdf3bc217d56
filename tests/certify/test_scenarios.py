"""The troubles as a merchant meets them, on the wire of a simulator in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kki.certify.checklist import Step
from kki.certify.progress import Progress, State
from kki.certify.scenarios import STATUS_PATH, staged
from kki.edges.listener import world_of
from kki.model.exchange import Exchange
from kki.rules.view import look

from .memory import Memory
from .small_client import Answer, Kit, SmallClient, Ways
from .trial import CHECKLIST, CONTRACT, PROFILE, judged

ORDER = {"additionalInfo": {"order": "one of its own"}}
ONCE = [step for step in CHECKLIST if step.answer and step.answer.once]
LASTING = [step for step in CHECKLIST if step.answer and step.answer.kind == "refusal" and not step.answer.once]
BY_REFERENCE = [step for step in CHECKLIST if step.meets and step.meets.reference]


class Shop:
    """A merchant that has its tokens, and sends what a test tells it to."""

    def __init__(self, ways: Ways | None = None) -> None:
        behaviour = staged(CHECKLIST, own_cpan=PROFILE.test_data.cpan)
        self.memory = Memory(world_of(PROFILE, CONTRACT, behaviour, more_cpans=CHECKLIST.cpans))
        self.client = SmallClient(Kit.of(PROFILE), self.memory, ways or Ways(), {})
        self.client.good_token()
        self.client.get_customer_token()

    def charge(self, reference: str, **members: object) -> Answer:
        """One payment, one attempt."""
        lines = [("Authorization-customer", f"Bearer {self.client.customer}")]
        body = {"partnerReferenceNo": reference, "chargeToken": PROFILE.test_data.cpan, "otp": PROFILE.test_data.otp}
        return self.client.attempt("payment", {**body, **ORDER, **members}, lines, None)[0]

    def last(self) -> Exchange:
        return self.memory.exchanges[-1]

    def states(self) -> dict[str, State]:
        trial = judged(self.memory.exchanges, {})
        progress = Progress(CHECKLIST, {}, own_cpan=PROFILE.test_data.cpan)
        for exchange, verdicts in zip(trial.exchanges, trial.verdicts, strict=False):
            progress.take(look(exchange, trial.knowledge), verdicts)
        return {name: place.state for name, place in progress.places.items()}


def reference_of(step: Step) -> str:
    assert step.meets is not None
    return f"{step.meets.reference}000001" if step.meets.reference else "INV-1"


@pytest.mark.parametrize("step", BY_REFERENCE, ids=lambda step: step.id)
def test_each_trouble_is_answered_as_the_checklist_has_it(step: Step) -> None:
    shop = Shop()
    answer = shop.charge(reference_of(step))
    assert step.answer is not None
    match step.answer.kind:
        case "refusal":
            assert answer.case == f"{step.answer.status}/{step.answer.case}"
        case "silence":
            assert shop.last().failure == "timeout"
        case "close":
            assert shop.last().failure == "connection closed"
        case "slow":
            assert answer.done
            assert answer.took >= 4
        case "extra":
            assert answer.done
            assert set(answer.members) - {"responseCode", "responseMessage", "referenceNo"}


@pytest.mark.parametrize("step", BY_REFERENCE, ids=lambda step: step.id)
def test_the_cpan_of_a_trouble_brings_it_too(step: Step) -> None:
    shop = Shop()
    assert step.meets is not None
    assert step.answer is not None
    answer = shop.charge("INV-0001", chargeToken=step.meets.cpan)
    if step.answer.kind == "refusal":
        assert answer.case == f"{step.answer.status}/{step.answer.case}"
    else:
        assert shop.states()[step.id] is State.UNDER_WAY


@pytest.mark.parametrize("step", ONCE, ids=lambda step: step.id)
def test_what_happens_once_is_over_when_it_is_asked_for_again(step: Step) -> None:
    shop = Shop(Ways())
    shop.charge(reference_of(step))
    shop.client.token = "" if step.id == "expired-token" else shop.client.token
    shop.memory.sleep(5)
    again = shop.charge(reference_of(step))
    lost = step.answer is not None and step.answer.kind in ("silence", "close")
    assert again.case == ("409/01" if lost else "200/00")
    assert shop.states()[step.id] is State.DONE


@pytest.mark.parametrize("step", LASTING, ids=lambda step: step.id)
def test_a_refusal_for_good_stays_one(step: Step) -> None:
    shop = Shop()
    wrong = {"otp": "00000000"} if step.id == "wrong-otp" else {}
    first = shop.charge(reference_of(step), **wrong)
    assert shop.charge(reference_of(step), **wrong).case == first.case


def test_an_expired_token_is_gone_for_every_request() -> None:
    shop = Shop()
    assert shop.charge("EXPIREDTOKEN1").case == "401/01"
    assert shop.charge("INV-2").case == "401/01"


def test_too_many_requests_says_how_long_to_wait() -> None:
    shop = Shop()
    assert shop.charge("TOOMANYREQUESTS1").retry_after == 2


@pytest.mark.parametrize("spoiled", ["signature", "token", "member"])
def test_a_request_that_is_wrong_in_another_way_learns_of_that_first(spoiled: str) -> None:
    shop = Shop(Ways(text=lambda _: "something else") if spoiled == "signature" else Ways())
    if spoiled == "token":
        shop.client.token = "never-issued"
    more = {"otp": 12345678} if spoiled == "member" else {}
    expected = {"signature": "401/00", "token": "401/01", "member": "400/01"}[spoiled]
    assert shop.charge("INSUFFICIENTFUNDS1", **more).case == expected
    assert shop.states()["insufficient-funds"] is State.OPEN


# --- what follows ----------------------------------------------------------------------------------------


def test_another_charge_after_a_lost_one_is_wrong() -> None:
    shop = Shop()
    shop.charge("INV-1", additionalInfo={"order": "another"})
    shop.charge("NOREPLY1")
    shop.memory.sleep(5)
    shop.charge("INV-2")
    assert shop.states()["no-reply"] is State.WRONG


def test_a_later_attempt_puts_a_wrong_step_right() -> None:
    shop = Shop()
    shop.charge("NOREPLY1")
    shop.memory.sleep(5)
    shop.charge("INV-2")
    shop.charge("NOREPLY2")
    shop.memory.sleep(5)
    shop.charge("NOREPLY2")
    assert shop.states()["no-reply"] is State.DONE


def test_a_declined_charge_that_is_sent_again_at_once_is_wrong() -> None:
    shop = Shop()
    shop.charge("CARDBLOCKED1")
    shop.charge("CARDBLOCKED1")
    assert shop.states()["card-blocked"] is State.WRONG


def test_a_declined_charge_that_is_left_alone_is_done() -> None:
    shop = Shop()
    shop.charge("CARDBLOCKED1")
    assert shop.states()["card-blocked"] is State.UNDER_WAY
    shop.charge("INV-2")
    assert shop.states()["card-blocked"] is State.DONE


def test_what_wanted_nothing_more_is_done_when_the_session_ends() -> None:
    shop = Shop()
    shop.charge("CARDBLOCKED1")
    shop.charge("NOREPLY1")
    trial = judged(shop.memory.exchanges, {})
    progress = Progress(CHECKLIST, {})
    for exchange, verdicts in zip(trial.exchanges, trial.verdicts, strict=False):
        progress.take(look(exchange, trial.knowledge), verdicts)
    progress.finish()
    assert progress.places["card-blocked"].state is State.DONE
    assert progress.places["no-reply"].state is State.UNDER_WAY


# --- the status question -----------------------------------------------------------------------------------


def asked(shop: Shop, original: str, change: Callable[[str], str] = lambda text: text) -> Answer:
    """DOKU's check status, signed like an operation."""
    from .small_client import PATHS, compact

    PATHS["status"] = STATUS_PATH
    try:
        members = {"originalPartnerReferenceNo": original, "serviceCode": "54"}
        ways = Ways(text=lambda parts: change(f"{parts.method}:{STATUS_PATH}:{parts.token}:{parts.digest}:{parts.at}"))
        before, shop.client.ways = shop.client.ways, ways
        answer, _ = shop.client.attempt("status", members, [], None)
        shop.client.ways = before
    finally:
        del PATHS["status"]
    assert compact(members)
    return answer


def test_a_status_question_tells_what_became_of_a_lost_charge() -> None:
    shop = Shop()
    shop.charge("NOREPLY1")
    shop.memory.sleep(5)
    answer = asked(shop, "NOREPLY1")
    assert answer.case == "200/00"
    assert answer.members["latestTransactionStatus"] == "00"
    assert shop.states()["no-reply"] is State.DONE


@pytest.mark.parametrize(("reference", "status"), [("CARDBLOCKED1", "06"), ("never-sent", "07")])
def test_a_status_question_tells_of_a_charge_that_was_not_made(reference: str, status: str) -> None:
    shop = Shop()
    shop.charge("CARDBLOCKED1")
    assert asked(shop, reference).members["latestTransactionStatus"] == status


def test_a_status_question_has_to_be_signed() -> None:
    shop = Shop()
    assert asked(shop, "INV-1", lambda text: text + "?").case == "401/00"


def test_after_a_status_question_a_lost_charge_is_settled() -> None:
    """The requirement holds, although nothing was asked for again."""
    shop = Shop()
    shop.charge("NOREPLY1")
    shop.memory.sleep(5)
    asked(shop, "NOREPLY1")
    trial = judged(shop.memory.exchanges, {})
    assert trial.tally.outcome("KKI-BEH-030").value == "holds"
