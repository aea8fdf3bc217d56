"""A construction is one choice for each ingredient: the right one, or a named wrong one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Generic, TypeVar

from kki.diagnosis.card_names import CARD_NAMES, CARD_REQUIREMENTS
from kki.diagnosis.names import NAMES, Ingredient

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One named mistake as it shows on one request. `alike`: names that would have had the same effect here."""

    name: str
    ingredient: Ingredient
    did: str
    fix: str
    rank: int
    requirement: str
    detail: str = ""
    alike: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """`shown`: the text for people where the value is a secret or long. `paired`: tried in pairs as well.

    `second`: another mistake on the same ingredient, where only both together give the value.
    """

    value: T
    deviation: Deviation | None = None
    shown: str | None = None
    paired: bool = True
    second: Deviation | None = None

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        return tuple(deviation for deviation in (self.deviation, self.second) if deviation is not None)


def wrong(name: str, value: T, detail: str = "", *, shown: str | None = None, paired: bool = True) -> Choice[T]:
    """The wrong choice of this name; `detail` fills the gap in its sentence."""
    return Choice(value, named(name, detail), shown, paired)


def doubly(value: T, first: Deviation, second: Deviation) -> Choice[T]:
    """Two mistakes on one ingredient; never part of a pair, for three mistakes would fit too much."""
    return Choice(value, first, None, False, second)


@lru_cache(maxsize=1 << 13)  # most are made anew for each request, word for word
def named(name: str, detail: str = "") -> Deviation:
    """The deviation alone, for searches that need no choice of values."""
    row = NAMES.get(name) or CARD_NAMES[name]
    return Deviation(
        name=name,
        ingredient=row.ingredient,
        did=row.did.replace("{}", detail),
        fix=row.fix,
        rank=row.rank,
        requirement=_requirement(name, row.ingredient),
        detail=detail,
    )


# The other forms that readings.toml knows of the body; any other wrong body is another text altogether.
_BODY_FORMS = ("body-not-minified", "reserialised")


def _requirement(name: str, ingredient: Ingredient) -> str:
    if name in CARD_NAMES:
        return CARD_REQUIREMENTS.get(name) or ("KKI-CRD-014" if ingredient is Ingredient.PAYLOAD else "KKI-CRD-010")
    if ingredient is Ingredient.ENCODING:
        return "KKI-SIG-020"
    return "KKI-SIG-030" if name in _BODY_FORMS else "KKI-SIG-010"


def distinct(
    right: Choice[T], others: Iterable[Choice[T]], effect: Callable[[T], Hashable] | None = None
) -> tuple[Choice[T], ...]:
    """The right choice first, then each other effect once, by its commonest name, with the names that it shares.

    What has the right one's effect on this request is no mistake here and is left out: nobody can be blamed for not
    escaping what needs no escape. `effect` None: the value itself.
    """
    merged: dict[Hashable, Choice[T]] = {effect(right.value) if effect else right.value: right}
    shared: dict[Hashable, set[str]] = {}
    for choice in others:
        key = effect(choice.value) if effect else choice.value
        held = merged.setdefault(key, choice)
        if held is not choice and held is not right:
            shared.setdefault(key, _names(held)).update(_names(choice))
            merged[key] = _commoner(held, choice)
    for key, names in shared.items():
        merged[key] = _with_alike(merged[key], names)
    return tuple(merged.values())


def _names(choice: Choice[T]) -> set[str]:
    """A mistake that needs a second one beside it has another effect when it is alone."""
    return {choice.deviation.name} if choice.deviation is not None and choice.second is None else set()


def _commoner(held: Choice[T], other: Choice[T]) -> Choice[T]:
    """That with fewer mistakes, then with the commoner one; tried in pairs if either is."""
    best = other if _weight(other) < _weight(held) else held
    return best if best.paired or not (held.paired or other.paired) else replace(best, paired=True)


def _weight(choice: Choice[T]) -> tuple[int, int]:
    return len(choice.deviations), sum(deviation.rank for deviation in choice.deviations)


def _with_alike(choice: Choice[T], names: set[str]) -> Choice[T]:
    if choice.deviation is None or len(names) < 2:
        return choice
    alike = tuple(sorted(names - {choice.deviation.name}))
    return replace(choice, deviation=replace(choice.deviation, alike=alike))


def shortened(secret: str) -> str:
    """At most the first four characters, and never more than a third: enough to tell, too few to use."""
    return f"{secret[: min(4, len(secret) // 3)]}…" if secret else ""
