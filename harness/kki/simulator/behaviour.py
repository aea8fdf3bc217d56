"""What a simulator does, as one frozen value: the correct one is `correct.CORRECT`, a persona a small change of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from kki.model.contract import FieldFact
from kki.model.http import Response
from kki.simulator.call import Call, read_json
from kki.simulator.fields import is_empty, matches, of_type
from kki.simulator.outcomes import Answer, Refusal, Result, Success
from kki.snap.canonical import Malformed

Check = Callable[[Call], Refusal | None]
Acts = Callable[[Call], Success | Refusal]
Names = frozenset[str]

EVERYWHERE = ("payment", "bind", "unbind", "refund", "b2b", "b2b2c")


@dataclass(frozen=True, slots=True)
class Step:
    """One check under the name by which personas and variants turn it."""

    name: str
    run: Check


def _unchanged(_operation: str, fact: FieldFact) -> FieldFact:
    return fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """`steps`: by operation, in order; the first refusal ends it. `acts`: what an accepted request does and is told.

    The hooks run in order: `guards` before anything else, `refused` on each refusal, `done` on each success,
    `dressed` on each reply before it is written, `wire` on its octets.
    """

    steps: Mapping[str, tuple[Step, ...]]
    acts: Mapping[str, Acts]
    wants_customer_token: Callable[[Call], bool]
    read: Callable[[bytes], Any | Malformed] = read_json
    facts: Callable[[str, FieldFact], FieldFact] = _unchanged
    measure: Callable[[str], int] = len  # characters, not octets
    matches: Callable[[str, str], bool] = matches
    of_type: Callable[[FieldFact, Any], bool] = of_type
    is_empty: Callable[[Any], bool] = is_empty
    guards: tuple[Callable[[Call], Result | None], ...] = ()
    refused: tuple[Callable[[Call, Refusal], Refusal | Success], ...] = ()
    done: tuple[Callable[[Call, Success], Success], ...] = ()
    dressed: tuple[Callable[[Call, Answer], Answer], ...] = ()
    wire: tuple[Callable[[Call, Answer, Response], Result], ...] = ()
    race_window: Names = field(default=frozenset())  # effects of these kinds come too late for a racing request
    token_lifetime: timedelta = timedelta(seconds=900)  # DOKU, get token B2B: expiresIn 900
    customer_lifetime: timedelta = timedelta(days=15)  # ASPI, B2B2C
    tolerance: timedelta = timedelta(minutes=15)  # of X-TIMESTAMP; between what must pass and what must not

    # -- the turns of a persona --------------------------------------------------------------------

    def each(self, change: Callable[[tuple[Step, ...]], tuple[Step, ...]], *operations: str) -> Behaviour:
        """With the steps of these operations (none named: of all) changed."""
        chosen = operations or EVERYWHERE
        steps = {name: change(steps) if name in chosen else steps for name, steps in self.steps.items()}
        return replace(self, steps=steps)

    def without(self, *names: str, at: tuple[str, ...] = ()) -> Behaviour:
        """Lacking the steps of these names."""
        return self.each(lambda steps: tuple(step for step in steps if step.name not in names), *at)

    def checking(self, name: str, run: Check, *, at: tuple[str, ...] = ()) -> Behaviour:
        """With another check under this name, at its place."""
        return self.each(lambda steps: tuple(Step(name, run) if step.name == name else step for step in steps), *at)

    def lifting(self, when: Callable[[Call], bool], *names: str, at: tuple[str, ...] = ()) -> Behaviour:
        """Passing over the steps of these names for the calls for which `when` holds."""

        def change(steps: tuple[Step, ...]) -> tuple[Step, ...]:
            return tuple(Step(step.name, _unless(when, step.run)) if step.name in names else step for step in steps)

        return self.each(change, *at)

    def adding(self, step: Step, *, before: str, at: tuple[str, ...] = ()) -> Behaviour:
        """With one more check in front of another."""

        def change(steps: tuple[Step, ...]) -> tuple[Step, ...]:
            return tuple(each for old in steps for each in ((step, old) if old.name == before else (old,)))

        return self.each(change, *at)

    def refusing(self, change: Callable[[Call, Refusal], Refusal | Success]) -> Behaviour:
        return replace(self, refused=(*self.refused, change))

    def doing(self, change: Callable[[Call, Success], Success]) -> Behaviour:
        return replace(self, done=(*self.done, change))

    def dressing(self, change: Callable[[Call, Answer], Answer]) -> Behaviour:
        return replace(self, dressed=(*self.dressed, change))

    def writing(self, change: Callable[[Call, Answer, Response], Result]) -> Behaviour:
        return replace(self, wire=(*self.wire, change))

    def guarding(self, guard: Callable[[Call], Result | None]) -> Behaviour:
        return replace(self, guards=(*self.guards, guard))

    def knowing(self, amend: Callable[[str, FieldFact], FieldFact]) -> Behaviour:
        """With its own idea of the field facts."""
        facts = self.facts
        return replace(self, facts=lambda operation, fact: amend(operation, facts(operation, fact)))


def _unless(when: Callable[[Call], bool], run: Check) -> Check:
    return lambda call: None if when(call) else run(call)
