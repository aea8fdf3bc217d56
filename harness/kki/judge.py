"""The judge: every detector and rule on every exchange, one after the other, with the memory of those before.

Pure, and linear in the number of exchanges: the trail remembers what rules ask for, never the exchanges.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

import kki.rules
from kki.model.exchange import Exchange
from kki.model.http import Request
from kki.model.requirement import Party
from kki.model.verdict import Broken, Faulty, Holds, Judgement, NotApplicable, Unknown, Verdict
from kki.otherwise import Asked, Otherwise
from kki.rules import behaviour, habits
from kki.rules.carddata import failed_step, secret_step
from kki.rules.faults import DETECTORS, NOBODY, Detection, Detector, client_judgement, resolved, server_judgement
from kki.rules.knowledge import Knowledge
from kki.rules.registry import RULES, Rule, Scene
from kki.rules.robustness import unreadable
from kki.rules.shape import Found, Shapes
from kki.rules.trail import Trail
from kki.rules.view import View, look

T = TypeVar("T")

_STRENGTH = {Faulty: 4, Broken: 3, Unknown: 2, Holds: 1, NotApplicable: 0}
_ALL = kki.rules.__all__  # importing the package has registered them


class _Sheet:
    """The judgements of one exchange, one for each row: the strongest said of it."""

    def __init__(self) -> None:
        self.rows: dict[str, Judgement] = {}

    def note(self, requirement: str | None, judgement: Judgement | None) -> None:
        if requirement is None or requirement == NOBODY or judgement is None:
            return
        old = self.rows.get(requirement)
        if isinstance(old, Broken) and isinstance(judgement, Broken):
            self.rows[requirement] = Broken(old.findings + judgement.findings)
        elif old is None or _STRENGTH[type(judgement)] > _STRENGTH[type(old)]:
            self.rows[requirement] = judgement


class Judge:
    """`judge` each exchange in the order of sending, then `finish` once. `trail`, `view`: of the latest exchange.

    A recording may hold traffic with several servers: what one gave out means nothing at another, so each has a trail.
    """

    def __init__(self, knowledge: Knowledge, shapes: Shapes | None = None) -> None:
        self._asked = Asked(knowledge.readings)
        self.knowledge = knowledge = replace(knowledge, readings=self._asked)
        self.trail = Trail()
        self.view: View | None = None  # None where not even `look` could read it
        self._trails: dict[str, Trail] = {}
        self.shapes = shapes or Shapes(knowledge.contract)
        self._others = Otherwise(self)
        in_force = knowledge.in_force
        self.detectors = tuple(each for each in DETECTORS if in_force(each.reading))
        self.rules = tuple(each for each in RULES if each.judge is not None and in_force(each.reading))
        self.endings = tuple(each for each in RULES if each.at_end is not None and in_force(each.reading))

    def judge(self, exchange: Exchange) -> tuple[Verdict, ...]:
        """What this exchange says of client and server. Never raises: a rule that fails gives Faulty."""
        self.trail = self._trail_of(exchange)
        self._asked.names.clear()
        view = _guarded(lambda: look(exchange, self.knowledge))
        self.view = None if isinstance(view, Faulty) else view
        if isinstance(view, Faulty):
            return (Verdict(requirement="KKI-ROB-320", exchange=exchange.id, party=Party.SERVER, judgement=view),)
        self.trail.arrived(exchange.id)
        habits.note_fetch(view, self.trail)
        scene, sheet = self.judged(view, self.trail, self.rules)
        self._others.weigh(scene, sheet.rows, frozenset(self._asked.names))
        self._remember(scene)
        return self._verdicts(sheet, exchange.id)

    def expect(self, exchanges: Iterable[Exchange]) -> None:
        """These raced with each other, and are judged one after the other."""
        for exchange in exchanges:
            view = _guarded(lambda exchange=exchange: look(exchange, self.knowledge))  # type: ignore[misc]  # default binds
            if not isinstance(view, Faulty):
                self._trail_of(exchange).expect(view)

    def judged(self, view: View, trail: Trail, rules: Iterable[Rule]) -> tuple[Scene, _Sheet]:
        """This exchange by all detectors and these rules; nothing is remembered of it."""
        scene, sheet = Scene(view=view, knowledge=self.knowledge, trail=trail), _Sheet()
        self._detect(scene, sheet)
        self._shape(scene, sheet)
        for fault in scene.found.faults:
            sheet.note(fault.server, server_judgement(fault, scene.found, view.reply))
        for rule in rules:
            if not rule.operations or view.name in rule.operations:
                judging = rule.judge
                assert judging is not None  # those without are left out above
                sheet.note(rule.id, _guarded(lambda judging=judging: judging(scene)))  # type: ignore[misc]  # default binds
        return scene, sheet

    def finish(self) -> tuple[Verdict, ...]:
        """Judgements over whole trails: what came next, or never came."""
        sheet = _Sheet()
        for trail in self._trails.values() or (self.trail,):
            self._end(trail, sheet)
        late = tuple(
            Verdict(requirement=name, exchange=exchange, party=Party.SERVER, judgement=judgement)
            for name, exchange, judgement in self._others.reconsidered()
        )
        return (*self._verdicts(sheet, ""), *late)

    def _end(self, trail: Trail, sheet: _Sheet) -> None:
        for rule in self.endings:
            ending = rule.at_end
            assert ending is not None  # those without are left out above
            sheet.note(rule.id, _guarded(lambda ending=ending: ending(trail, self.knowledge)))  # type: ignore[misc]
        for requirement, judgement in behaviour.leftovers(trail).items():
            sheet.note(requirement, judgement)

    def _trail_of(self, exchange: Exchange) -> Trail:
        """Traffic that was made for a trial has one server, under whatever names; a customer's page is its server's."""
        request = exchange.request
        if self.knowledge.staged:
            return self._trails.setdefault("", self.trail)
        led = next((trail for trail in self._trails.values() if request.path in trail.redirects), None)
        return led or self._trails.setdefault(f"{request.origin.lower()} {self._partner_of(request)}", Trail())

    def _partner_of(self, request: Request) -> str:
        """References, cards and payments are a partner's own: another known one's traffic has a trail to itself."""
        named = request.headers.get("X-PARTNER-ID") or request.headers.get("X-CLIENT-KEY") or ""
        other = self.knowledge.other_partner
        return named if other is not None and named == other.client_id else ""

    def _verdicts(self, sheet: _Sheet, exchange: str) -> tuple[Verdict, ...]:
        rows = self.knowledge.contract.requirements
        return tuple(
            Verdict(requirement=name, exchange=exchange, party=rows[name].party, judgement=judgement)
            for name, judgement in sheet.rows.items()
        )

    def _detect(self, scene: Scene, sheet: _Sheet) -> None:
        found = scene.found
        for detector in self.detectors:
            if detector.operations and scene.view.name not in detector.operations:
                continue
            seen: Detection | Faulty = _guarded(lambda look=detector.look: look(scene))  # type: ignore[misc]
            if isinstance(seen, Faulty):
                for name in (detector.client, *detector.servers):
                    sheet.note(name, seen)
            elif isinstance(seen, Unknown):
                found.unknown.append((detector.fitting, seen.missing, detector.name))
                sheet.note(detector.client, seen)
            elif seen is not None:
                self._detected(scene, sheet, detector, seen)

    def _detected(self, scene: Scene, sheet: _Sheet, detector: Detector, seen: tuple[object, ...]) -> None:
        faults = tuple(resolved(fault, detector) for fault in seen)  # type: ignore[arg-type]  # Detection's own tuple
        scene.found.faults += faults
        for client in {detector.client, *(fault.client for fault in faults)}:
            if client is not None and client != NOBODY:
                sheet.note(client, client_judgement(client, faults))

    def _shape(self, scene: Scene, sheet: _Sheet) -> None:
        found = _guarded(lambda: self.shapes.of_request(scene.view, self.knowledge))
        if isinstance(found, Faulty):
            sheet.note("KKI-FLD-020", found)
        else:
            self._shaped(scene, sheet, found)
        replies = _guarded(lambda: self.shapes.of_reply(scene.view, self.knowledge))
        if isinstance(replies, Faulty):
            sheet.note("KKI-ROB-320", replies)
            return
        for name, judgement in replies.items():
            sheet.note(name, judgement)

    def _shaped(self, scene: Scene, sheet: _Sheet, found: Found) -> None:
        scene.found.faults += tuple(found.faults)
        for name in found.unknown:
            missing = f"{name}, which was hidden when the recording was made"
            scene.found.unknown.append((frozenset({(400, "*")}), missing, f"shape.{name}"))
        for name, judgement in found.clients.items():
            sheet.note(name, judgement)

    def _remember(self, scene: Scene) -> None:
        marks = ["unreadable"] if unreadable(scene.view) and scene.view.in_api else []
        marks += [] if scene.found.faults else ["sound"]
        step = failed_step(scene)
        if step is not None:
            marks.append(f"card data:{step}")
            marks += ["secret step"] if secret_step(scene) else []
        self.trail.add(scene.view, self.knowledge, marks)
        habits.remember(scene.view, self.trail)


def _guarded(run: Callable[[], T]) -> T | Faulty:
    """Whatever goes wrong in a rule is our fault, never the party's."""
    try:
        return run()
    except Exception:  # the one place where a rule's own failure becomes a verdict on us
        return Faulty(traceback.format_exc(limit=8))
