"""`--only`: what an operator named, as ids of requirements."""

from __future__ import annotations

from collections.abc import Collection

from kki.edges.errors import ConfigurationError
from kki.edges.nearest import did_you_mean
from kki.model.contract import Contract


def chosen_requirements(contract: Contract, only: Collection[str]) -> frozenset[str]:
    """The ids that --only names, by id or by area, in any case; none where it names none, which means all.

    ConfigurationError: a sentence for each name that fits nothing.
    """
    chosen: set[str] = set()
    problems = []
    for name in only:
        found = _named(contract, name.upper())
        chosen |= found
        if not found:
            problems.append(_nothing_named(contract, name))
    if problems:
        raise ConfigurationError(problems)
    return frozenset(chosen)


def _named(contract: Contract, name: str) -> set[str]:
    area = name.removeprefix("KKI-")
    return {id_ for id_, row in contract.requirements.items() if name == id_ or area == row.area}


def _nothing_named(contract: Contract, name: str) -> str:
    areas = sorted({row.area for row in contract.requirements.values()})
    known = [*areas, *contract.requirements]
    return (
        f"--only: expected a requirement's id or one of the areas {', '.join(areas)}, "
        f'but got "{name}".{did_you_mean(name, known)}'
    )
