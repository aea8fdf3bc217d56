"""The suite's own power, measured: every persona at every level, every permissible variant, correct servers by seed.

`python -m kki.power --level quick --check` compares with the committed table; `--write` makes it anew.
A persona is caught when a requirement that it declares is found broken; rightly so, since it declares what it breaks.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
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
TIMEOUT = 1.0  # seconds: long on loopback, short where a persona never answers
TASKS_PER_PROCESS = 40
SUCCESSES = frozenset({
    "KKI-PAY-150", "KKI-PAY-154", "KKI-BND-150", "KKI-BND-152", "KKI-RFD-150", "KKI-UNB-150", "KKI-TOK-160",
    "KKI-TOK-162",
})  # fmt: skip
"""Rows that a success of each operation exercises: in its reply most of what is wrong with replies can be seen."""


def table_path() -> Path:
    return contracts.data_root() / "power.json"


# --- one trial ------------------------------------------------------------------------------------


@cache
def _built_in() -> Profile:
    """One pair of keys a process: making them takes longer than many a trial."""
    return settings.built_in_profile(contracts.load())


def _plan(readings: Mapping[str, str]) -> Profile:
    limits = Limits(timeout_s=TIMEOUT, unbinding_settles_s=0.5)
    return replace(_built_in(), readings=dict(readings), limits=limits)


def trial(behaviour: Behaviour, readings: Mapping[str, str], level: str, seed: int, only: Iterable[str] = ()) -> Row:
    """A server of this behaviour tried at this level: what was broken, in how many requests."""
    contract = contracts.load()
    plan = _plan(readings)
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
    only = persona.caught_by | SUCCESSES if narrowly else frozenset[str]()
    row = trial(persona.change(CORRECT), persona.readings, level, seed, only)
    by = sorted(persona.caught_by.intersection(row["broken"]))
    return {"name": name, "level": level, "caught": bool(by) or bool(row["refused to start"]), "by": by, **row}


def confirmed(name: str) -> Row:
    """Whether quick level catches this persona: asked narrowly first, and in full only where that does not catch it."""
    row = persona_row(name, "quick", 1, narrowly=True)
    return row if row["caught"] else persona_row(name, "quick", 1)


def _variant(name: str, level: str, seed: int) -> Row:
    from kki.simulator.variants import VARIANTS

    variant = VARIANTS[name]
    return {"name": name, "level": level, **trial(variant.change(CORRECT), variant.readings, level, seed)}


def _correct(name: str, level: str, seed: int) -> Row:
    return {"name": name, "level": level, "seed": seed, **trial(CORRECT, {}, level, seed)}


_KINDS: Mapping[str, Callable[[str, str, int], Row]] = {
    "persona": persona_row, "variant": _variant, "correct": _correct,
}  # fmt: skip


def _run(job: tuple[str, str, str, int]) -> tuple[str, Row]:
    kind, name, level, seed = job
    return kind, _KINDS[kind](name, level, seed)


# --- the table ------------------------------------------------------------------------------------


def jobs(levels: Sequence[str], only: Iterable[str], seeds: int) -> list[tuple[str, str, str, int]]:
    from kki.simulator.personas import PERSONAS
    from kki.simulator.variants import VARIANTS

    wanted = set(only)
    found = [("persona", name, level, 1) for level in levels for name in PERSONAS if not wanted or name in wanted]
    found += [("variant", name, level, 1) for level in levels for name in VARIANTS if not wanted or name in wanted]
    if not wanted:
        found += [("correct", "correct", level, seed) for level in levels for seed in range(1, seeds + 1)]
    return found


def measure(
    work: Sequence[tuple[str, str, str, int]], processes: int, say: Callable[[str], None]
) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {"persona": [], "variant": [], "correct": []}
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(processes, maxtasksperchild=TASKS_PER_PROCESS) as pool:
        # As they come, so that one slow persona hides nothing; the table is put in order afterwards.
        for number, (kind, row) in enumerate(pool.imap_unordered(_run, work), 1):
            rows[kind].append(row)
            said = (
                ""
                if kind != "persona"
                else f"caught by {', '.join(row['by']) or '—'}"
                if row["caught"]
                else "NOT CAUGHT"
            )
            wrong = f"  false alarm: {row['violations']}" if kind != "persona" and row["violations"] else ""
            fault = f"  FAULTY {row['faulty']} {row['faults']}" if row["faulty"] or row["faults"] else ""
            say(f"{number} of {len(work)} {row['level']} {kind} {row['name']} ({row['requests']}) {said}{wrong}{fault}")
    return rows


def table(rows: Mapping[str, Sequence[Row]], levels: Sequence[str]) -> dict[str, Any]:
    """The committed table: figures by level, a row a persona, false alarms, requirements that catch no persona."""
    from kki.simulator.personas import PERSONAS

    figures = {level: _figures([row for row in rows["persona"] if row["level"] == level]) for level in levels}
    for level in levels:
        correct = [row for kind in ("variant", "correct") for row in rows[kind] if row["level"] == level]
        figures[level]["false_alarms"] = sum(bool(row["violations"]) for row in correct)
        figures[level]["correct_runs"] = len(correct)
    personas = {
        name: {
            "area": persona.area, "standing": persona.standing, "declared": sorted(persona.caught_by),
            **{row["level"]: _cell(row)
               for row in rows["persona"] if row["name"] == name},
        }
        for name, persona in PERSONAS.items()
    }  # fmt: skip
    contract = contracts.load()
    catching = {name for row in rows["persona"] for name in row["by"]}
    idle = [
        row.id for row in contract.requirements.values()
        if row.party is Party.SERVER and row.untestable is None and row.id not in catching
    ]  # fmt: skip
    return {"figures": figures, "personas": personas, "requirements_that_catch_none": idle}


def _cell(row: Row) -> Row:
    """`as at`: the earlier level at which it was caught; this level has the same cases, and more."""
    as_at = {"as at": row["as at"]} if "as at" in row else {}
    return {"caught": row["caught"], "by": row["by"], "requests": row["requests"], **as_at}


def _figures(rows: Sequence[Row]) -> dict[str, Any]:
    from kki.simulator.personas import PERSONAS

    figures: dict[str, Any] = {"personas": len(rows), "caught": sum(row["caught"] for row in rows)}
    for standing in ("stated", "implied", "conflicted"):
        mine = [row for row in rows if PERSONAS[row["name"]].standing == standing]
        figures[standing] = {"personas": len(mine), "caught": sum(row["caught"] for row in mine)}
    return figures


def differences(old: Mapping[str, Any], new: Mapping[str, Any], levels: Sequence[str]) -> list[str]:
    """Where a new measurement differs from the committed table, at these levels; request counts are left aside."""
    found = []
    for name in sorted({*old["personas"], *new["personas"]}):
        for level in levels:
            before, after = (which["personas"].get(name, {}).get(level, {}) for which in (old, new))
            if (before.get("caught"), before.get("by")) != (after.get("caught"), after.get("by")):
                found.append(f"{name} at {level}: was caught by {before.get('by')}, is now by {after.get('by')}")
    for level in levels:
        if new["figures"][level]["false_alarms"]:
            found.append(f"{new['figures'][level]['false_alarms']} false alarms at {level}")
    return found


def by_level(levels: Sequence[str], given: argparse.Namespace) -> dict[str, list[Row]]:
    """All rows. Each level has the cases of the levels before it, so that only what escaped those is tried anew."""
    rows: dict[str, list[Row]] = {"persona": [], "variant": [], "correct": []}
    caught: dict[str, Row] = {}
    for level in levels:
        work = [job for job in jobs([level], given.only, given.seeds) if job[0] != "persona" or job[1] not in caught]
        found = measure(work, given.jobs, lambda line: print(line, flush=True))
        for kind, more in found.items():
            rows[kind] += more
        rows["persona"] += [{**row, "level": level, "as at": row["level"]} for row in caught.values()]
        caught |= {row["name"]: row for row in found["persona"] if row["caught"]}
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """0: as committed, and no persona escapes that did not before; 1: it differs."""
    parser = argparse.ArgumentParser(prog="python -m kki.power", description=__doc__)
    parser.add_argument("--level", action="append", choices=(*LEVELS, "thorough"), help="default: quick and standard")
    parser.add_argument("--only", action="append", default=[], metavar="PERSONA")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write the table")
    parser.add_argument("--check", action="store_true", help="compare with the committed table")
    given = parser.parse_args(arguments)
    levels = tuple(given.level or LEVELS)
    rows = by_level(levels, given)
    new = table(rows, levels)
    print(json.dumps(new["figures"], indent=1))
    if given.write:
        table_path().write_text(json.dumps(new, indent=1) + "\n", encoding="utf-8")
    if given.check:
        return _compare(new, levels)
    return 0


def _compare(new: Mapping[str, Any], levels: Sequence[str]) -> int:
    found = differences(json.loads(table_path().read_text(encoding="utf-8")), new, levels)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
