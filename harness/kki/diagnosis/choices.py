"""A construction is one choice for each ingredient: the right one, or a named wrong one."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
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
    """`shown`: the text for people where the value is a secret or long. `paired`: tried in pairs as well."""

    value: T
    deviation: Deviation | None = None
    shown: str | None = None
    paired: bool = True


def wrong(name: str, value: T, detail: str = "", *, shown: str | None = None, paired: bool = True) -> Choice[T]:
    """The wrong choice of this name; `detail` fills the gap in its sentence."""
    named = NAMES.get(name) or CARD_NAMES[name]
    deviation = Deviation(
        name=name,
        ingredient=named.ingredient,
        did=named.did.replace("{}", detail),
        fix=named.fix,
        rank=named.rank,
        requirement=_requirement(name, named.ingredient),
        detail=detail,
    )
    return Choice(value, deviation, shown, paired)


def named(name: str, detail: str = "") -> Deviation:
    """The deviation alone, for searches that need no choice of values."""
    deviation = wrong(name, None, detail).deviation
    assert deviation is not None
    return deviation


# The other forms that readings.toml knows of the body; any other wrong body is another text altogether.
_BODY_FORMS = ("body-not-minified", "reserialised")


def _requirement(name: str, ingredient: Ingredient) -> str:
    if name in CARD_NAMES:
        return CARD_REQUIREMENTS.get(name) or ("KKI-CRD-014" if ingredient is Ingredient.PAYLOAD else "KKI-CRD-010")
    if ingredient is Ingredient.ENCODING:
        return "KKI-SIG-020"
    return "KKI-SIG-030" if name in _BODY_FORMS else "KKI-SIG-010"


def distinct(
    right: Choice[T], others: Iterable[Choice[T]], effect: Callable[[T], Hashable] = lambda value: value
) -> tuple[Choice[T], ...]:
    """The right choice first, then each other effect once, by its commonest name, with the names that it shares.

    What has the right one's effect on this request is no mistake here and is left out: nobody can be blamed for not
    escaping what needs no escape.
    """
    merged: dict[Hashable, Choice[T]] = {}
    shared: dict[Hashable, set[str]] = {}
    for choice in (right, *others):
        key = effect(choice.value)
        held = merged.setdefault(key, choice)
        if choice.deviation is None or held.deviation is None:
            continue
        shared.setdefault(key, set()).add(choice.deviation.name)
        best = choice if choice.deviation.rank < held.deviation.rank else held
        merged[key] = best if best.paired or held is choice else replace(best, paired=held.paired or choice.paired)
    return tuple(_with_alike(choice, shared.get(key, set())) for key, choice in merged.items())


def _with_alike(choice: Choice[T], names: set[str]) -> Choice[T]:
    if choice.deviation is None or len(names) < 2:
        return choice
    alike = tuple(sorted(names - {choice.deviation.name}))
    return replace(choice, deviation=replace(choice.deviation, alike=alike))


def shortened(secret: str) -> str:
    """At most the first four characters, and never more than a third: enough to tell, too few to use."""
    return f"{secret[: min(4, len(secret) // 3)]}…" if secret else ""
