"""The catalogue of personas: servers that are wrong in one way each, with the requirements that must catch them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from kki.simulator import (
    personas_carddata,
    personas_envelope,
    personas_fields,
    personas_headers,
    personas_kinds,
    personas_memory,
    personas_partial,
    personas_platforms,
    personas_readers,
    personas_reasons,
    personas_robustness,
    personas_signature,
    personas_state,
    personas_success,
    personas_tokens,
)
from kki.simulator.persona import Persona

__all__ = ["PERSONAS", "Persona", "UnknownName", "all_personas", "by_name", "named", "persona"]


class UnknownName(ValueError):  # noqa: N818  # named for what is unknown; an error only at the edge
    """No persona or variant is called that. The message is a sentence with the nearest match."""


def by_name(rows: Iterable[Persona]) -> Mapping[str, Persona]:
    """The rows under their names, in order. ValueError where two share one."""
    found: dict[str, Persona] = {}
    for row in rows:
        if row.name in found:
            raise ValueError(f"Expected each name once, but {row.name} stands twice.")
        found[row.name] = row
    return MappingProxyType(found)


def named(rows: Mapping[str, Persona], name: str, noun: str) -> Persona:
    """The row of this name. UnknownName, with the nearest match, where there is none."""
    if name in rows:
        return rows[name]
    near = get_close_matches(name, rows, n=1)
    hint = f' Did you mean "{near[0]}"?' if near else ""
    raise UnknownName(f'expected the name of a {noun} (--list-{noun}s names them), but got "{name}".{hint}')


PERSONAS: Mapping[str, Persona] = by_name(
    (
        *personas_signature.ALL,
        *personas_tokens.ALL,
        *personas_headers.ALL,
        *personas_fields.ALL,
        *personas_carddata.ALL,
        *personas_envelope.ALL,
        *personas_reasons.ALL,
        *personas_success.ALL,
        *personas_state.ALL,
        *personas_robustness.ALL,
        *personas_kinds.ALL,
        *personas_partial.ALL,
        *personas_memory.ALL,
        *personas_readers.ALL,
        *personas_platforms.ALL,
    )
)


def all_personas() -> tuple[Persona, ...]:
    return tuple(PERSONAS.values())


def persona(name: str) -> Persona:
    """The persona of this name; UnknownName where there is none."""
    return named(PERSONAS, name, "persona")
