"""How far a merchant has come with the checklist: fed with each exchange once it is judged, in any order of steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from kki.certify.checklist import Checklist, Step
from kki.certify.scenarios import STATUS_PATH
from kki.model.verdict import Broken, Verdict
from kki.rules.view import View
from kki.simulator.otp_page import is_final

SLOW = timedelta(seconds=3)
_PAYMENTS = {"cpan": ("cpan", "cpan-tokenise"), "token": ("token", "token-recurring")}
MOST_EVIDENCE = 6  # exchanges named for one step
MOST_TOKENS = 10_000


class State(Enum):
    OPEN = "open"
    UNDER_WAY = "under way"  # the trouble was met; what follows is awaited
    DONE = "done"
    WRONG = "wrong"


@dataclass(slots=True)
class Place:
    """Where one step stands. `reference`: of the charge that met the trouble."""

    step: Step
    mandatory: bool
    state: State = State.OPEN
    exchanges: list[str] = field(default_factory=list)
    reference: str | None = None
    since: View | None = None

    def note(self, exchange: str) -> None:
        if exchange and exchange not in self.exchanges and len(self.exchanges) < MOST_EVIDENCE:
            self.exchanges.append(exchange)


class Progress:
    """`readings`: what the operator chose; `own_cpan`: the profile's, which steers nothing."""

    def __init__(
        self, checklist: Checklist, plan: Mapping[str, bool], *, markers: bool = False, own_cpan: str | None = None
    ) -> None:
        mandatory = checklist.mandatory(plan)
        self.checklist = checklist
        self.places = {step.id: Place(step, step.id in mandatory) for step in checklist}
        self._markers = markers
        self._own_cpan = own_cpan
        self._uses: dict[str, int] = {}

    # -- what is asked of it --------------------------------------------------------------------------

    @property
    def asked(self) -> list[Place]:
        return [place for place in self.places.values() if place.mandatory]

    @property
    def done(self) -> int:
        return sum(place.state is State.DONE for place in self.asked)

    @property
    def missing(self) -> list[Place]:
        return [place for place in self.asked if place.state is not State.DONE and not place.step.advised]

    @property
    def complete(self) -> bool:
        return not self.missing

    def finish(self) -> None:
        """Nothing more comes: where nothing was to follow, nothing wrong has."""
        for place in self.places.values():
            if place.state is State.UNDER_WAY and place.step.follow == "on":
                place.state = State.DONE

    # -- what it is fed with ---------------------------------------------------------------------------

    def take(self, view: View, verdicts: Iterable[Verdict]) -> None:
        """`verdicts`: of the same exchange."""
        broken = {verdict.requirement for verdict in verdicts if isinstance(verdict.judgement, Broken)}
        met = self._met(view)
        for place in self.places.values():
            if place.step.sees is not None:
                if place.state is not State.DONE and self._seen(place.step, view):
                    place.state = State.DONE
                    place.note(view.exchange.id)
            elif place.state is not State.OPEN:
                self._follow(place, view, broken)
        if met is not None:
            self._begin(self.places[met.id], view)

    def _met(self, view: View) -> Step | None:
        """The step whose trouble this exchange met, answered as it has it."""
        if not view.in_api or view.body.members is None:
            return None
        step = self.checklist.met_by(view.name, view.body.members, self._own_cpan)
        if step is None:
            natural = (each for each in self.checklist if each.meets and each.meets.natural)
            step = next((each for each in natural if each.meets and view.name in each.meets.at), None)
        return step if step is not None and _answered(step, view) else None

    def _begin(self, place: Place, view: View) -> None:
        reference = view.text("partnerReferenceNo")
        if place.state is State.DONE or (place.state is State.WRONG and place.reference == reference):
            return
        place.state, place.since, place.reference = State.UNDER_WAY, view, reference
        place.note(view.exchange.id)

    def _follow(self, place: Place, view: View, broken: set[str]) -> None:
        """What an exchange after the trouble makes of the step."""
        if not _after(place, view):
            return
        mine = view.text("partnerReferenceNo") == place.reference and place.reference is not None
        if broken.intersection(place.step.requirements) and (mine or place.state is State.UNDER_WAY):
            place.state = State.WRONG
            place.note(view.exchange.id)
        elif place.state is State.UNDER_WAY and self._survived(place, view, mine):
            place.state = State.DONE
            place.note(view.exchange.id)

    def _survived(self, place: Place, view: View, mine: bool) -> bool:
        if place.step.follow == "on":
            return view.in_api
        if view.exchange.request.path == STATUS_PATH:
            return view.text("originalPartnerReferenceNo") == place.reference and place.reference is not None
        return mine and view.in_api and (view.accepted or view.reply.case == (409, "01"))

    # -- steps that are to be done ---------------------------------------------------------------------

    def _seen(self, step: Step, view: View) -> bool:
        sight = step.sees
        if sight is None:
            return False
        if sight.habit == "otp-page":
            return is_final(view.exchange)
        if not view.accepted:
            return False
        if sight.habit == "token-reuse":
            return self._used_again(view)
        if view.name != sight.operation or (sight.channel and (view.channel or "DH") != sight.channel):
            return False
        return not sight.variant or sight.variant in self._variants(view)

    def _used_again(self, view: View) -> bool:
        if not view.symmetric or not view.token or len(self._uses) > MOST_TOKENS:
            return False
        self._uses[view.token] = self._uses.get(view.token, 0) + 1
        return self._uses[view.token] > 1

    def _variants(self, view: View) -> tuple[str, ...]:
        """Of a payment: the reading payment-variant. Without markers a body counts for both variants of its shape."""
        both = _PAYMENTS.get(view.variant or "", ())
        recurring, tokenising = view.markers
        if not self._markers or not both:
            return both
        if view.variant == "cpan" and tokenising is not None:
            return both[1:] if str(tokenising).lower() == "true" else both[:1]
        if view.variant == "token" and isinstance(recurring, str):
            return both[1:] if recurring.upper() == "RECURRING" else both[:1]
        return both


def _after(place: Place, view: View) -> bool:
    """Whether the merchant could know of the trouble when it sent this."""
    if place.since is None or view.exchange.id == place.since.exchange.id:
        return False
    known = place.since.exchange.answered_at or place.since.exchange.sent_at
    return view.exchange.sent_at >= known


def _answered(step: Step, view: View) -> bool:
    trouble, reply = step.answer, view.reply
    if trouble is None:
        return False
    match trouble.kind:
        case "refusal":
            return reply.case == (trouble.status, trouble.case)
        case "silence":
            return view.exchange.failure == "timeout"
        case "close":
            return view.exchange.failure == "connection closed"
        case "slow":
            answered = view.exchange.answered_at
            if view.exchange.failure == "timeout":  # it waits for less, and takes it for lost
                return True
            return view.accepted and answered is not None and answered - view.exchange.sent_at >= SLOW
        case _:
            return view.accepted
