"""`--only`: what an operator named, as ids of requirements."""

from __future__ import annotations

from collections.abc import Collection

from kki.edges.errors import ConfigurationError
from kki.edges.nearest import did_you_mean
from kki.model.contract import Contract
from kki.model.requirement import Party

_WHERE = {
    Party.CLIENT: "is about the client, which `kki certify` and `kki judge` put on trial",
    Party.SERVER: "is about the server, which `kki check` and `kki judge` put on trial",
}


def chosen_requirements(
    contract: Contract, only: Collection[str], parties: Collection[Party] = tuple(Party)
) -> frozenset[str]:
    """The ids that --only names, by id or by area, in any case; none where it names none, which means all.

    ConfigurationError: a sentence for each name that fits nothing, or nothing of the parties on trial.
    """
    chosen: set[str] = set()
    problems = []
    for name in only:
        found = _named(contract, name.upper())
        chosen |= found
        if not found:
            problems.append(_nothing_named(contract, name))
        elif not any(contract.requirements[id_].party in parties for id_ in found):
            other = next(party for party in Party if party not in parties)
            problems.append(f"--only: expected what is tried here, but {name} {_WHERE[other]}.")
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
