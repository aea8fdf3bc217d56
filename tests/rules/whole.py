"""The whole server suite in memory, against one behaviour: every case once, on one stage, without pytest's machinery.

For permissible variants: what is found broken on one of them is a false alarm. A twentieth of a trial over the network.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kki.grading import Policy, Tally
from kki.model.requirement import Party
from kki.model.run import RequirementResult
from kki.model.verdict import Grade

from .stage import CONTRACT, Stage

MODULES = ("operations", "tokens", "state", "headers", "fields", "signing", "card_data", "robustness", "until_the_end")
SUITE = "server_suite_in_memory"  # under a name of its own: tests/suites may be what "suites" leads to


def _suite() -> str:
    """The suite's package, loaded from its folder."""
    if SUITE not in sys.modules:
        folder = Path(__file__).parents[2] / "suites" / "server"
        spec = importlib.util.spec_from_file_location(SUITE, folder / "__init__.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[SUITE] = package = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(package)
    return SUITE


def cases(modules: tuple[str, ...] = MODULES) -> Iterator[tuple[str, Callable[..., None], dict[str, Any], str]]:
    """(title, test function, its parameters, its level) of the suite, in its order."""
    for name in modules:
        module = importlib.import_module(f"{_suite()}.test_{name}")
        for title, function in vars(module).items():
            if title.startswith("test_") and inspect.isfunction(function):
                marks = [*getattr(function, "pytestmark", ()), *_marks_of(module)]
                yield from _combinations(f"{name}.{title}", function, marks)


def _marks_of(module: Any) -> list[Any]:
    marks = getattr(module, "pytestmark", [])
    return list(marks) if isinstance(marks, list) else [marks]


def _combinations(
    title: str, function: Callable[..., None], marks: list[Any]
) -> Iterator[tuple[str, Callable[..., None], dict[str, Any], str]]:
    own = next((mark.args[0] for mark in marks if mark.name == "level"), "standard")
    tables = [mark.args for mark in marks if mark.name == "parametrize"]
    for chosen in itertools.product(*(rows for _, rows in tables)):
        given: dict[str, Any] = {}
        level = own
        for (names, _), row in zip(tables, chosen, strict=True):
            keys = [names] if isinstance(names, str) else list(names)
            values = row.values if hasattr(row, "values") else row if len(keys) > 1 else (row,)
            given |= dict(zip(keys, values, strict=True))
            level = next((mark.args[0] for mark in getattr(row, "marks", ()) if mark.name == "level"), level)
        yield f"{title}{sorted(given.values(), key=str)}", function, given, level


def case_titles(part: str) -> list[str]:
    return [title for title, *_ in cases((part,))]


def tried(
    stage: Stage, modules: tuple[str, ...] = MODULES, quick: bool = False, named: str = "", whole: bool = False
) -> None:
    """Run the cases, or those with this in their title (`whole`: with this title); a skipped one is as if it were not
    there."""
    server = importlib.import_module(f"{_suite()}.conftest").Server(stage.session)
    node = SimpleNamespace(get_closest_marker=lambda _: SimpleNamespace(args=("quick",)))
    for title, function, given, level in cases(modules):
        if (quick and level != "quick") or (named != title if whole else named not in title):
            continue
        wanted = inspect.signature(function).parameters
        more = {"request": SimpleNamespace(node=node)} if "request" in wanted else {}
        try:
            function(server=server, **given, **more)
        except pytest.skip.Exception:
            continue


def results(stage: Stage) -> dict[str, RequirementResult]:
    """The server's rows over all that this stage has seen, graded under its readings."""
    tally = Tally(CONTRACT)
    for verdict in (*stage.verdicts, *stage.judge.finish()):
        tally.add(verdict)
    policy = Policy.of(stage.plan, CONTRACT, datetime(2026, 11, 24, tzinfo=UTC).date())
    rows = tally.results(_catalogue(), policy, parties={Party.SERVER})
    return {row.id: row for row in rows if row.in_scope}


def _catalogue() -> Any:
    from kki.catalogue import catalogue

    return catalogue(CONTRACT)


def violations(stage: Stage) -> dict[str, list[str]]:
    """Row → what was said of it, where it is a violation."""
    return {
        name: [f"{each.exchange} {each.where}: expected {each.expected}; got {each.actual}" for each in row.findings]
        for name, row in results(stage).items()
        if row.grade is Grade.VIOLATION
    }
