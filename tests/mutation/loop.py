"""A pytest plugin that tries mutants one after the other, each in a fork of a process that has collected all tests.

mutmut starts pytest anew for each mutant, which takes longer than the test that tells it. Here a child only runs the
tests that reach the mutated function, until one fails or so many seconds of tests are used up: first those that told
other mutants of the function or of its module, then those on a persona or merchant that breaks a row of that module,
then one of each test function in turn; those that take least first.
Import-time code is as it was before the fork.

KKI_MUTANTS: a JSON file with the names. KKI_OUTCOMES: a file to which a JSON line is added for each: name, what became
of it ("killed", "timeout", "survived", or "survived in time" where tests were left over), and the test that told it.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import signal
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from tests.certify.merchants import MERCHANTS

from kki.rules.faults import DETECTORS
from kki.rules.registry import RULES
from kki.simulator.personas import PERSONAS

CHILDREN = 2
BUDGET = float(os.environ.get("KKI_MUTANT_SECONDS", "120"))  # of tests, as long as they took when nothing was mutated
PATIENCE = 8  # times as long, before a mutant is taken not to end
FORGET = ("kki.rules", "kki.snap")
LONG = 3.0  # seconds, beyond which a test comes last
MOST_TOLD = 40  # tests that come first since they told others
NEW = 0.05  # seconds for a test of which nobody knows how long it takes
SURVIVED, KILLED, LEFT_OVER = 0, 1, 2
SAID = {SURVIVED: "survived", KILLED: "killed", LEFT_OVER: "survived in time"}


class Stats:
    def __init__(self) -> None:
        told = json.loads(Path("mutmut-stats.json").read_text("utf-8"))
        self.took: dict[str, float] = told["duration_by_test"]
        self.wrong = wrong_ones()
        self.told: dict[str, Counter[str]] = defaultdict(Counter)
        self.reach: dict[str, set[str]] = {
            name: set(tests) for name, tests in told["tests_by_mangled_function_name"].items()
        }

    def tests_for(self, mutant: str, items: Sequence[pytest.Item]) -> list[pytest.Item]:
        """Those that reach it, and those that were not there when that was measured."""
        reached = self.reach.get(function_of(mutant), set())
        mine = [item for item in items if item.nodeid in reached or item.nodeid not in self.took]
        mine.sort(key=lambda item: (self.seconds(item) > LONG, self.seconds(item)))
        about = [item for item in mine if module_of(mutant) in self.wrong.get(name_in(item), ())]
        unknown = [item for item in mine if item.nodeid not in self.took]
        groups: dict[str, list[pytest.Item]] = defaultdict(list)
        for item in mine:
            groups[item.nodeid.partition("[")[0]].append(item)
        in_turn = [item for turn in zip_longest(*groups.values()) for item in turn if item is not None]
        by_id = {item.nodeid: item for item in mine}
        told = chain(*(self.told[each].most_common(MOST_TOLD) for each in (function_of(mutant), module_of(mutant))))
        first = {name: by_id[name] for name, _ in told if name in by_id}
        first |= {item.nodeid: item for item in chain(unknown, about) if item.nodeid not in first}
        return [*first.values(), *(item for item in in_turn if item.nodeid not in first)]

    def seconds(self, item: pytest.Item) -> float:
        return self.took.get(item.nodeid, NEW)


def wrong_ones() -> dict[str, frozenset[str]]:
    """The modules of the rules that find this persona, or this merchant, wrong."""
    rows: dict[str, set[str]] = defaultdict(set)
    for rule in RULES:
        rows[rule.id].add(rule.name.partition(".")[0])
    for each in DETECTORS:
        for row in (each.client, *each.servers, each.reason):
            rows[row or ""].add(each.name.partition(".")[0])
    broken = {name: persona.caught_by for name, persona in PERSONAS.items()}
    broken |= {merchant.name: merchant.breaks for merchant in MERCHANTS}
    modules = {name: {module for row in found for module in rows[row]} for name, found in broken.items()}
    return {name: frozenset(f"kki.rules.{module}" for module in found) for name, found in modules.items()}


def name_in(item: pytest.Item) -> str:
    return getattr(getattr(item, "callspec", None), "id", "")


def function_of(mutant: str) -> str:
    return mutant.rpartition("__mutmut_")[0]


def module_of(mutant: str) -> str:
    return mutant.rpartition(".")[0]


def fails(item: pytest.Item) -> bool:
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def forget() -> None:
    """What was remembered before the fork would keep a mutant behind it from being called."""
    for each in gc.get_objects():
        if isinstance(each, functools._lru_cache_wrapper) and str(each.__module__).startswith(FORGET):
            each.cache_clear()


def tried(mutant: str, tests: Sequence[pytest.Item], stats: Stats, say: int) -> int:
    """In the child. `say`: where the name of the test that tells it is written to."""
    os.environ["MUTANT_UNDER_TEST"] = mutant
    forget()
    used = 0.0
    for item in tests:
        if used > BUDGET:
            return LEFT_OVER
        used += stats.seconds(item)
        if fails(item):
            os.write(say, item.nodeid.encode())
            return KILLED
    return SURVIVED


def pytest_runtestloop(session: pytest.Session) -> bool:
    stats = Stats()
    os.environ["MUTANT_UNDER_TEST"] = ""
    warm = {item.path: item for item in sorted(session.items, key=stats.seconds, reverse=True)}
    broken = [item.nodeid for item in warm.values() if fails(item)]
    if broken:
        raise pytest.UsageError(f"expected tests that pass where nothing is mutated, but these do not: {broken}")
    running: dict[int, tuple[str, int]] = {}
    for mutant in json.loads(Path(os.environ["KKI_MUTANTS"]).read_text("utf-8")):
        while len(running) >= CHILDREN:
            reap(running, stats)
        tests = stats.tests_for(mutant, session.items)
        hear, say = os.pipe()
        child = os.fork()
        if child == 0:
            signal.alarm(int(PATIENCE * min(BUDGET, sum(map(stats.seconds, tests))) + 30))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os._exit(tried(mutant, tests, stats, say))
        os.close(say)
        running[child] = mutant, hear
    while running:
        reap(running, stats)
    return True


def reap(running: dict[int, tuple[str, int]], stats: Stats) -> None:
    child, status = os.wait()
    mutant, hear = running.pop(child)
    with os.fdopen(hear, "rb") as pipe:
        test = pipe.read().decode()
    if test:
        stats.told[function_of(mutant)][test] += 1
        stats.told[module_of(mutant)][test] += 1
    outcome = "timeout" if os.WIFSIGNALED(status) else SAID.get(os.WEXITSTATUS(status), "killed")
    with open(os.environ["KKI_OUTCOMES"], "a", encoding="utf-8") as lines:
        lines.write(json.dumps([mutant, outcome, test]) + "\n")
