"""A persona: the correct simulator but for one deviation. What the persona modules share to say it shortly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kki.model.contract import FieldFact
from kki.simulator.behaviour import Behaviour, Step
from kki.simulator.call import Call
from kki.simulator.fields import in_force, of_type
from kki.simulator.outcomes import Answer, Refusal, Success

SYMMETRIC = ("payment", "bind", "unbind", "refund")
TOKENS = ("b2b", "b2b2c")

Change = Callable[[Behaviour], Behaviour]
When = Callable[[Call], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """`caught_by`: ledger ids of which at least one must break. `readings`: the deviation is one only under these.

    `standing`: how well the documents support the strongest of those rows. A permissible variant has no `caught_by`.
    """

    name: str
    says: str
    area: str
    caught_by: frozenset[str]
    standing: str = "implied"
    change: Change
    readings: Mapping[str, str] = field(default_factory=dict)


def ids(numbers: str) -> frozenset[str]:
    """`ids("SIG-110 TOK-140")`."""
    return frozenset(f"KKI-{number}" for number in numbers.split())


def area(name: str) -> Callable[..., Persona]:
    """Writes the rows of one area: name, what it does, ledger ids, change; standing and readings where they matter."""

    def row(
        persona: str, says: str, caught_by: str, change: Change, standing: str = "implied", **readings: str
    ) -> Persona:
        pinned = {reading.replace("_", "-"): choice for reading, choice in readings.items()}
        caught = ids(caught_by)
        return Persona(
            name=persona, says=says, area=name, caught_by=caught, change=change, standing=standing, readings=pinned
        )

    return row


# --- changes ------------------------------------------------------------------------------------------


def knowing(amend: Callable[[FieldFact], FieldFact], name: str, *operations: str) -> Change:
    """Another idea of one header or member of these operations (none named: of all)."""

    def amended(operation: str, fact: FieldFact) -> FieldFact:
        mine = fact.name.lower() == name.lower() and (not operations or operation in operations)
        return amend(fact) if mine else fact

    return lambda behaviour: behaviour.knowing(amended)


def loosened(name: str, *operations: str, **limits: Any) -> Change:
    """The field's limits replaced: `max_length=None`, `required=False`, `type="any"`, …"""
    return knowing(lambda fact: replace(fact, **limits), name, *operations)


def both(*changes: Change) -> Change:
    def change(behaviour: Behaviour) -> Behaviour:
        for each in changes:
            behaviour = each(behaviour)
        return behaviour

    return change


def lifting(when: When, *steps: str, at: tuple[str, ...] = ()) -> Change:
    return lambda behaviour: behaviour.lifting(when, *steps, at=at)


def without(*steps: str, at: tuple[str, ...] = ()) -> Change:
    return lambda behaviour: behaviour.without(*steps, at=at)


def refusing(cause: str, status: int, case: str, *operations: str) -> Change:
    """This cause (or each that begins so) refused with another case. The message follows the case."""

    def change(call: Call, refusal: Refusal) -> Refusal:
        mine = refusal.cause.startswith(cause) and (not operations or call.name in operations)
        return replace(refusal, status=status, case=case) if mine else refusal

    return lambda behaviour: behaviour.refusing(change)


def accepting(cause: str, when: When = lambda _: True) -> Change:
    """This cause answered as a success without any effect."""

    def change(call: Call, refusal: Refusal) -> Refusal | Success:
        return Success() if refusal.cause == cause and when(call) else refusal

    return lambda behaviour: behaviour.refusing(change)


def dressing(change: Callable[[Call, Answer], Answer]) -> Change:
    return lambda behaviour: behaviour.dressing(change)


def telling(change: Callable[[Call, dict[str, Any]], dict[str, Any]], *operations: str) -> Change:
    """The members of a successful reply changed."""

    def dressed(call: Call, reply: Answer) -> Answer:
        if not reply.accepted or (operations and call.name not in operations):
            return reply
        return replace(reply, members=change(call, dict(reply.members)))

    return dressing(dressed)


def balking(when: When, *operations: str, before: str = "external-id", status: int = 400, case: str = "00") -> Change:
    """A correct request of this kind refused, just before it would touch the state."""
    step = Step("refuses-the-correct", lambda call: _no(status, case) if when(call) else None)
    return lambda behaviour: behaviour.adding(step, before=before, at=operations)


def _no(status: int, case: str) -> Refusal:
    return Refusal(cause="no-reason", status=status, case=case)


# --- conditions ----------------------------------------------------------------------------------------


def absent_header(name: str) -> When:
    return lambda call: not call.header(name)


def absent_member(name: str) -> When:
    return lambda call: name not in call.members


def off_limits(operation: str, name: str) -> When:
    """The member is there and breaks what the Contract, unamended, says of it."""

    def when(call: Call) -> bool:
        facts = call.variant.fields if call.variant and call.name == operation else ()
        fact = next((each for each in facts if each.name == name), None)
        return fact is not None and name in call.members and _true_fault(call, fact, call.members[name])

    return when


def long_header(name: str) -> When:
    """The header is longer than the Contract, unamended, allows."""

    def when(call: Call) -> bool:
        fact = call.operation.header(name) if call.operation else None
        return fact is not None and fact.max_length is not None and len(call.header(name)) > fact.max_length

    return when


def _true_fault(call: Call, fact: FieldFact, value: Any) -> bool:
    if not of_type(fact, value) or not isinstance(value, str):
        return not isinstance(value, str)
    # A minimum that no reading puts into force is none: a reference of 8 characters is within the limits.
    least = fact.min_length if in_force(call, fact, "minLength") else None
    return (least is not None and len(value) < least) or (fact.max_length is not None and len(value) > fact.max_length)
