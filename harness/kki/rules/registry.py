"""Rules that are not faults, by id; and the scene in which all of them look at one exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kki.model.verdict import Judgement
from kki.rules.faults import Detected
from kki.rules.knowledge import Knowledge
from kki.rules.trail import Trail
from kki.rules.view import View

SYMMETRIC = ("payment", "bind", "unbind", "refund")
TOKENS = ("b2b", "b2b2c")
EVERY = (*SYMMETRIC, *TOKENS)


@dataclass(slots=True, kw_only=True)
class Scene:
    """All that a rule may look at. `found` is empty while the detectors are still at work."""

    view: View
    knowledge: Knowledge
    trail: Trail
    found: Detected = field(default_factory=Detected)
    reasons: dict[str, Judgement] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`operations` empty: any exchange. `at_end`: judges the trail when it ends."""

    id: str
    name: str
    says: str
    operations: frozenset[str]
    reading: tuple[str, str] | None
    judge: Callable[[Scene], Judgement | None] | None = None
    at_end: Callable[[Trail, Knowledge], Judgement | None] | None = None


RULES: list[Rule] = []
_Judging = Callable[[Scene], Judgement | None]
_Ending = Callable[[Trail, Knowledge], Judgement | None]


def rule(
    requirement: str, *, operations: Iterable[str] = (), reading: tuple[str, str] | None = None
) -> Callable[[_Judging], _Judging]:
    """Registers a rule on one exchange. None from it: this exchange does not decide, and says nothing.

    NotApplicable says more: nothing here could have broken the row (an optional member that is absent).
    """

    def register(judge: _Judging) -> _Judging:
        RULES.append(_rule(requirement, judge, operations, reading, judge=judge))
        return judge

    return register


def rule_at_end(
    requirement: str, *, operations: Iterable[str] = (), reading: tuple[str, str] | None = None
) -> Callable[[_Ending], _Ending]:
    """Registers a rule on the whole trail: what came next, or never came."""

    def register(judge: _Ending) -> _Ending:
        RULES.append(_rule(requirement, judge, operations, reading, at_end=judge))
        return judge

    return register


def _rule(
    requirement: str, source: Callable[..., object], operations: Iterable[str], reading: tuple[str, str] | None,
    judge: _Judging | None = None, at_end: _Ending | None = None,
) -> Rule:  # fmt: skip
    name = f"{source.__module__.rsplit('.', 1)[-1]}.{source.__name__}"
    says = (source.__doc__ or "").strip()
    return Rule(
        id=requirement, name=name, says=says, operations=frozenset(operations), reading=reading, judge=judge,
        at_end=at_end,
    )  # fmt: skip
