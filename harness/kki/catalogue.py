"""The catalogue: how each row of the ledger is judged. It refuses to start where one is judged twice, or by nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import kki.rules
from kki.model.contract import Contract
from kki.model.requirement import Requirement
from kki.rules.faults import DETECTORS
from kki.rules.registry import RULES
from kki.rules.shape import holes, shape_rows

_ALL = kki.rules.__all__  # importing the package has registered them


class CatalogueError(ValueError):
    """Ledger, contract and rules do not fit together. `problems`: all of them, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("The catalogue does not fit the ledger:\n" + "\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`kind`: "rule" (a rule or detector), "schema", or "untestable"; `how` says it in words, `says` the rule's own."""

    requirement: Requirement | None  # None: unknown to the ledger; the catalogue then refuses
    kind: str
    how: str
    says: str = ""
    readings: tuple[tuple[str, str], ...] = ()  # (reading, choice): judged under these alone; empty: always


@dataclass(frozen=True, slots=True)
class Catalogue:
    entries: Mapping[str, Entry]

    def how_judged(self, requirement: str) -> str:
        return self.entries[requirement].how

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())


def catalogue(contract: Contract) -> Catalogue:
    """Every row with its one judge. Raises CatalogueError."""
    judges: dict[str, list[Entry]] = {}
    for name, entry in _judges(contract):
        judges.setdefault(name, []).append(entry)
    problems = [*_misfits(contract, judges), *holes(contract)]
    if problems:
        raise CatalogueError(problems)
    return Catalogue({name: judges[name][0] for name in contract.requirements})


def _judges(contract: Contract) -> Iterator[tuple[str, Entry]]:
    rows = contract.requirements
    for rule in RULES:
        yield _entry(rows, rule.id, "rule", f"rule {rule.name}", rule.says, (rule.reading,))
    for detector in DETECTORS:
        for name in (detector.client, *detector.servers):
            if name is not None:
                yield _entry(rows, name, "rule", f"rule {detector.name}", detector.says, (detector.reading,))
    for name, places in shape_rows(contract).items():
        first, more = places[0][0], len({where for where, _ in places}) - 1
        how = f"schema tag {first}" + (f" (and {more} more)" if more else "")
        yield _entry(rows, name, "schema", how, "", [tag.reading for _, tag in places])
    for row in rows.values():
        if row.untestable is not None:
            yield _entry(rows, row.id, "untestable", f"untestable: {row.untestable}", "", ())


def _entry(
    rows: Mapping[str, Requirement], name: str, kind: str, how: str, says: str,
    readings: Iterable[tuple[str, str] | None],
) -> tuple[str, Entry]:  # fmt: skip
    found = tuple(readings)
    only = tuple(sorted({each for each in found if each is not None})) if None not in found else ()
    return name, Entry(requirement=rows.get(name), kind=kind, how=how, says=says, readings=only)


def _misfits(contract: Contract, judges: Mapping[str, list[Entry]]) -> Iterator[str]:
    for name in contract.requirements:
        found = judges.get(name, [])
        if not found:
            yield f"{name}: expected one rule, one schema tag or an untestable reason, but nothing judges it."
        elif len(found) > 1:
            yield f"{name}: expected one judge but got {len(found)}: {'; '.join(entry.how for entry in found)}."
    for name in sorted(set(judges) - set(contract.requirements)):
        yield f"{name}: judged by {judges[name][0].how}, but the ledger has no such row."
