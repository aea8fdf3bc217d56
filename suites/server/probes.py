"""From mutations and field facts to pytest parameters: which case, on which operation, at which level."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from kki.drafting.mutations import Mutation


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


def each(mutations: Sequence[Mutation], quick: str = "rotate") -> list[Any]:
    """(operation, mutation name) for every operation that a mutation fits; quick has each mutation once."""
    rows = []
    for number, mutation in enumerate(mutations):
        fits = mutation.operations
        first = quick if quick in fits else fits[number % len(fits)]
        for operation in fits:
            rows.append(
                probe(
                    operation,
                    mutation.name,
                    id=f"{operation} {mutation.name}",
                    operation=operation,
                    exercises=mutation.tries,
                    level="quick" if operation == first else "standard",
                )
            )
    return rows
