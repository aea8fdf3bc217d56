"""Bodies made by chance from the contract's shapes: valid ones, and ones that Schemathesis has spoiled somewhere.

Headers are not generated: they are the client's own (pinned), as most of them are only right or wrong for one moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kki.edges import contract as contracts
from kki.edges import datafiles
from kki.fuzz.documents import raw_operation
from kki.fuzz.shapes import filled, grants, in_force, line

DRAWS = 4  # tries for each body that is wanted: some are drawn twice, some are none


@dataclass(frozen=True, slots=True)
class GeneratedBody:
    """`spoiled`: the members that break the shape; "" stands for the whole. Empty: the body is valid."""

    body: Any
    spoiled: frozenset[str]


def generated_bodies(
    contract_root: Path | None, operation: str, variant: str, *, valid: bool, count: int, seed: int
) -> list[GeneratedBody]:
    """`count` distinct bodies (fewer, if there are no more); the same for the same contract and seed.

    KeyError where the operation has no such variant.
    """
    found: dict[str, GeneratedBody] = {}
    for each in _drawn(contract_root, operation, variant, valid, count, seed):
        if bool(each.spoiled) is not valid:
            found.setdefault(line(each.body), each)
    return list(found.values())[:count]


def _drawn(
    contract_root: Path | None, operation: str, variant: str, valid: bool, count: int, seed: int
) -> Iterator[GeneratedBody]:
    from schemathesis import GenerationMode

    mode = GenerationMode.POSITIVE if valid else GenerationMode.NEGATIVE
    contract = contracts.load(contract_root)
    place = contract.operations[operation]
    one = place.variant(variant)
    if one is None:
        raise KeyError(f"{operation} has no variant {variant!r}")
    shapes = [filled(shape) for shape in grants(in_force(one, contract, {}))]
    for number, shape in enumerate(shapes):
        strategy = raw_operation(place, shape, headers=()).as_strategy(generation_mode=mode)
        wanted = DRAWS * -(-count // len(shapes))
        for body in _examples(strategy, wanted, seed * len(shapes) + number):
            yield GeneratedBody(body, _spoiled(body, shape))


def _examples(strategy: Any, count: int, seed: int) -> list[Any]:
    """The JSON bodies among so many draws."""
    import hypothesis

    bodies: list[Any] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count, database=None, deadline=None, derandomize=False, phases=(hypothesis.Phase.generate,),
        suppress_health_check=list(hypothesis.HealthCheck), verbosity=hypothesis.Verbosity.quiet,
    )  # fmt: skip
    @hypothesis.given(strategy)
    def draw(case: Any) -> None:
        if isinstance(case.body, (dict, list, str, int, float, bool, type(None))):
            bodies.append(case.body)

    draw()
    return bodies


def _spoiled(body: Any, shape: dict[str, Any]) -> frozenset[str]:
    return frozenset(str(path[0]) if path else missing for path, _, missing in datafiles.broken(body, shape))
