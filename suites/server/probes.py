"""From mutations and field facts to pytest parameters: which case, on which operation, at which level."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from kki.drafting.mutations import Mutation

# How requests of one operation come: a check that a server makes on the first kind it may have forgotten on another.
# The first stands under the operation's bare name, so that "payment" is a payment by CPAN.
KINDS = {
    "payment": ("payment", "payment token", "payment cpan-tokenise", "payment token-recurring"),
    "bind": ("bind", "bind H2H", "bind no-channel"),
    "unbind": ("unbind", "unbind H2H"),
    "refund": ("refund", "refund external-id"),
}


STANDS = "KKI-ROB-310"  # what a request that may be accepted or refused puts to the test: no server error


def operation_of(kind: str) -> str:
    return kind.partition(" ")[0]


class Spread:
    """The kinds of an operation by turns: each of many spoilings is tried on one of them, and each kind has its share.

    `start`: for tests of a few cases, so that not all of them begin with the same kind.
    """

    def __init__(self, start: int = 0) -> None:
        self._start = start
        self._counts: Counter[str] = Counter()

    def __call__(self, operation: str) -> str:
        kinds = KINDS.get(operation, (operation,))
        number = self._start + self._counts[operation]
        self._counts[operation] += 1
        return kinds[number % len(kinds)]


def spread(operations: Iterable[str], exercises: Iterable[str], quick: str, start: int) -> list[Any]:
    """One parameter an operation, each of another kind, for the tests of one check."""
    turn = Spread(start)
    return [
        probe(turn(op), id=op, operation=op, exercises=exercises, level="quick" if op == quick else "standard")
        for op in operations
    ]


def of_kinds(kinds: Iterable[str], exercises: Iterable[str], quick: str) -> list[Any]:
    """One parameter a kind of request, for the tests of one check; the kind `quick` at quick level."""
    return [
        probe(
            kind, id=kind, operation=operation_of(kind), exercises=exercises,
            level="quick" if kind == quick else "standard",
        )
        for kind in kinds
    ]  # fmt: skip


def slug(text: str) -> str:
    """An id that survives shells, file names and reports."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")


def probe(*values: Any, id: str, operation: str, exercises: Iterable[str] = (), level: str = "standard") -> Any:  # noqa: A002 - pytest's own word
    """One pytest parameter with its operation, the ids it must decide, and the level from which on it runs."""
    marks = [pytest.mark.operation(operation), pytest.mark.level(level)]
    named = sorted(exercises)
    if named:
        marks.append(pytest.mark.exercises(*named))
    return pytest.param(*values, id=slug(id), marks=marks)


def each(mutations: Sequence[Mutation], quick: str = "rotate", share: int = 6) -> list[Any]:
    """(kind of request, mutation name) for every operation that a mutation fits; quick has each mutation once.

    `quick`: on which operation; "rotate": on one after the other; "none": from standard level on.
    `share`: on how many operations standard level tries a mutation, by turns; the others are for thorough.
    """
    rows, turn, later = [], Spread(), Spread()
    for number, mutation in enumerate(mutations):
        fits = mutation.operations
        first = quick if quick in fits else fits[number % len(fits)]
        step = max(1, len(fits) // share)
        chosen = {first, *(fits[(number + step * at) % len(fits)] for at in range(share))}
        for operation in fits:
            usual = operation in chosen
            rows.append(
                probe(
                    (turn if usual else later)(operation),
                    mutation.name,
                    id=f"{operation} {mutation.name}",
                    operation=operation,
                    exercises=mutation.tries or {STANDS},
                    level="quick" if operation == first and quick != "none" else "standard" if usual else "thorough",
                )
            )
    return rows
