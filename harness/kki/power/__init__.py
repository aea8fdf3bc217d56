"""The suite's own power, measured: every persona at every level, every permissible variant, correct servers by seed.

A persona is caught when a requirement that it declares is found broken; rightly so, since it declares what it breaks.
The table of what was measured is `power/table.py`, the program `power/__main__.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from kki.edges import contract as contracts
from kki.edges import preflight, settings
from kki.edges.listener import serve_simulator
from kki.engine import run_suites
from kki.model.contract import Contract
from kki.model.profile import Limits, Profile
from kki.model.requirement import Party
from kki.model.verdict import Grade, Outcome
from kki.run import Conductor
from kki.simulator.behaviour import Behaviour
from kki.simulator.correct import CORRECT

Row = dict[str, Any]
SEEDS = 20
LEVELS = ("quick", "standard")
TIMEOUT = 15.0  # seconds: under any load long enough for a server that answers
HANGS = 1.0  # where a persona declares that it does not answer: each such request costs the whole of it
NO_ANSWER = "KKI-ROB-320"
TASKS_PER_PROCESS = 40
SUCCESSES = frozenset({
    "KKI-PAY-150", "KKI-PAY-154", "KKI-BND-150", "KKI-BND-152", "KKI-RFD-150", "KKI-UNB-150", "KKI-TOK-160",
    "KKI-TOK-162",
})  # fmt: skip
"""Rows that a success of each operation exercises: in its reply most of what is wrong with replies can be seen."""
FALLS = frozenset({"KKI-ROB-310", NO_ANSWER, "KKI-ROB-330"})
RUBBISH = frozenset({"KKI-FLD-120", *(f"KKI-ROB-{number}" for number in range(210, 300, 10))})
"""Rows of the cases on which a server may fall over: that it does no case can name."""


def table_path() -> Path:
    return contracts.data_root() / "power.json"


# --- one trial ------------------------------------------------------------------------------------


@cache
def _built_in() -> Profile:
    """One pair of keys a process: making them takes longer than many a trial."""
    return settings.built_in_profile(contracts.load())


def _plan(readings: Mapping[str, str], timeout: float) -> Profile:
    limits = Limits(timeout_s=timeout, unbinding_settles_s=0.5)
    return replace(_built_in(), readings=dict(readings), limits=limits)


def trial(
    behaviour: Behaviour,
    readings: Mapping[str, str],
    level: str,
    seed: int,
    only: Iterable[str] = (),
    timeout: float = TIMEOUT,
) -> Row:
    """A server of this behaviour tried at this level: what was broken, in how many requests."""
    contract = contracts.load()
    plan = _plan(readings, timeout)
    with serve_simulator(plan, contract, behaviour) as url:
        return tried(plan, contract, url, level, seed, only)


def tried(plan: Profile, contract: Contract, url: str, level: str, seed: int, only: Iterable[str] = ()) -> Row:
    """A server at this address, tried at this level; `only`: by the cases that exercise these requirements."""
    conductor = Conductor(
        profile=replace(plan, base_url=url), contract=contract, base_url=url, level=level, seed=seed, only=only
    )
    problems = preflight.problems(conductor.preflight())
    if not problems:
        run_suites(conductor, 1)
    run = conductor.run()
    mine = [row for row in run.requirements if row.party is Party.SERVER]
    return {
        "broken": sorted(row.id for row in mine if row.outcome is Outcome.BROKEN),
        "violations": sorted(row.id for row in mine if row.grade is Grade.VIOLATION),
        "undecided": sorted(row.id for row in mine if row.outcome is Outcome.UNKNOWN),
        "faulty": sorted(row.id for row in run.requirements if row.outcome is Outcome.FAULTY),
        "faults": list(conductor.faults), "refused to start": problems, "overall": run.overall.value,
        "requests": run.exchange_count,
    }  # fmt: skip


def persona_row(name: str, level: str, seed: int, *, narrowly: bool = False) -> Row:
    """`narrowly`: only by the cases that exercise what the persona declares, and by one success of each operation."""
    from kki.simulator.personas import PERSONAS

    persona = PERSONAS[name]
    rubbish = RUBBISH if persona.caught_by <= FALLS else frozenset[str]()
    only = persona.caught_by | SUCCESSES | rubbish if narrowly else frozenset[str]()
    timeout = HANGS if NO_ANSWER in persona.caught_by else TIMEOUT
    row = trial(persona.change(CORRECT), persona.readings, level, seed, only, timeout)
    by = sorted(persona.caught_by.intersection(row["broken"]))
    return {"name": name, "level": level, "caught": bool(by) or bool(row["refused to start"]), "by": by, **row}


def confirmed(name: str, level: str = "quick", seed: int = 1) -> Row:
    """Whether this level catches this persona: asked narrowly first, and in full only where that does not catch it."""
    row = persona_row(name, level, seed, narrowly=True)
    return {**(row if row["caught"] else persona_row(name, level, seed)), "narrowly": row["caught"]}


def _measured(name: str, level: str, seed: int) -> Row:
    """In full, and whether the narrow way would have been enough."""
    narrow = persona_row(name, level, seed, narrowly=True)
    return {**persona_row(name, level, seed), "narrowly": narrow["caught"]}


def _variant(name: str, level: str, seed: int) -> Row:
    from kki.simulator.variants import VARIANTS

    variant = VARIANTS[name]
    return {"name": name, "level": level, **trial(variant.change(CORRECT), variant.readings, level, seed)}


def _correct(name: str, level: str, seed: int) -> Row:
    return {"name": name, "level": level, "seed": seed, **trial(CORRECT, {}, level, seed)}


_KINDS: Mapping[str, Callable[[str, str, int], Row]] = {
    "persona": _measured, "new": confirmed, "variant": _variant, "correct": _correct,
}  # fmt: skip


Job = tuple[str, str, str, int]  # kind, name, level, seed


def run_job(job: Job) -> tuple[Job, Row]:
    """At the top of a module, so that a process of its own finds it."""
    kind, name, level, seed = job
    return job, _KINDS[kind](name, level, seed)
