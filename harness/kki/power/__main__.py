"""`python -m kki.power --level quick --check` compares with the committed table; `--write` makes it anew.

`--only-new` fills in what the table does not know yet: personas that are new, or declare other requirements.
`--correct` measures the other half anew: what is said of correct servers, the permissible variants among them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from kki import power
from kki.power import Job, Row, run_job, table

SEEDS = power.SEEDS
LEVELS = power.LEVELS
Rows = dict[str, list[Row]]


class Journal:
    """Rows as they came, a line each: a measurement that was cut short goes on where it stopped."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path and path.is_file() else []
        self.rows: dict[Job, Row] = {tuple(job): row for job, row in map(json.loads, lines)}

    def keep(self, job: Job, row: Row) -> None:
        self.rows[job] = row
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([job, row]) + "\n")


def jobs(level: str, only: Iterable[str], seeds: int) -> list[Job]:
    from kki.simulator.personas import PERSONAS
    from kki.simulator.variants import VARIANTS

    wanted = set(only)
    found: list[Job] = [("persona", name, level, 1) for name in PERSONAS if not wanted or name in wanted]
    found += [("variant", name, level, 1) for name in VARIANTS if not wanted or name in wanted]
    if not wanted:
        found += [("correct", "correct", level, seed) for seed in range(1, seeds + 1)]
    return found


def measure(work: Sequence[Job], processes: int, journal: Journal) -> Rows:
    """Each job's row: from the journal, or tried now."""
    todo = [job for job in work if job not in journal.rows]
    for number, (job, row) in enumerate(_done(todo, processes), 1):
        journal.keep(job, row)
        print(f"{number} of {len(todo)} {_said(job, row)}", flush=True)
    found: Rows = {"persona": [], "new": [], "variant": [], "correct": []}
    for job in work:
        found[job[0]].append(journal.rows[job])
    return found


def _done(todo: Sequence[Job], processes: int) -> Iterator[tuple[Job, Row]]:
    """As they come, so that one slow persona hides nothing; the table is put in order afterwards."""
    if todo:
        spawn = multiprocessing.get_context("spawn")
        with spawn.Pool(processes, maxtasksperchild=power.TASKS_PER_PROCESS) as pool:
            yield from pool.imap_unordered(run_job, todo)


def _said(job: Job, row: Row) -> str:
    kind, name, level, _ = job
    tried = kind in ("persona", "new")
    said = f"caught by {', '.join(row['by']) or '—'}" if row.get("caught") else "NOT CAUGHT" if tried else ""
    wrong = f"  false alarm: {row['violations']}" if not tried and row["violations"] else ""
    fault = f"  FAULTY {row['faulty']} {row['faults']}" if row["faulty"] or row["faults"] else ""
    return f"{level} {kind} {name} ({row['requests']}) {said}{wrong}{fault}"


def by_level(levels: Sequence[str], given: argparse.Namespace, journal: Journal) -> Rows:
    """All rows. Each level has the cases of the levels before it, so that only what escaped those is tried anew."""
    rows: Rows = {"persona": [], "variant": [], "correct": []}
    caught: dict[str, Row] = {}
    for level in levels:
        work = [job for job in jobs(level, given.only, given.seeds) if job[0] != "persona" or job[1] not in caught]
        found = measure(work, given.jobs, journal)
        for kind in rows:
            rows[kind] += found[kind]
        rows["persona"] += [{**row, "level": level, "as at": row["level"]} for row in caught.values()]
        caught |= {row["name"]: row for row in found["persona"] if row["caught"]}
    return rows


def only_new(levels: Sequence[str], given: argparse.Namespace, journal: Journal) -> table.Table:
    """The committed table, and what it lacks: asked narrowly where that is enough."""
    old = table.read()
    names = given.only or table.stale(old, levels)
    rows: list[Row] = []
    caught: dict[str, Row] = {}
    for level in levels:
        found = measure([("new", name, level, 1) for name in names if name not in caught], given.jobs, journal)["new"]
        rows += [*found, *({**row, "level": level, "as at": row["level"]} for row in caught.values())]
        caught |= {row["name"]: row for row in found if row["caught"]}
    return table.amended(old, rows, levels)


def correct(levels: Sequence[str], given: argparse.Namespace, journal: Journal) -> table.Table:
    """The committed table, with what is said of correct servers now."""
    rows: Rows = {"variant": [], "correct": []}
    for level in levels:
        found = measure([job for job in jobs(level, (), given.seeds) if job[0] != "persona"], given.jobs, journal)
        for kind in rows:
            rows[kind] += found[kind]
    return table.with_correct(table.read(), rows, levels)


def main(arguments: Sequence[str] | None = None) -> int:
    """0: as committed, and no persona escapes that did not before; 1: it differs."""
    parser = argparse.ArgumentParser(prog="python -m kki.power", description=__doc__)
    parser.add_argument("--level", action="append", choices=(*LEVELS, "thorough"), help="default: quick and standard")
    parser.add_argument("--only", action="append", default=[], metavar="PERSONA")
    parser.add_argument("--only-new", action="store_true", help="fill in what the table lacks, or what --only names")
    parser.add_argument("--correct", action="store_true", help="measure only what is said of correct servers")
    parser.add_argument("--journal", type=Path, metavar="FILE", help="keep rows there, and go on with them")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write the table")
    parser.add_argument("--check", action="store_true", help="compare with the committed table")
    given = parser.parse_args(arguments)
    levels = tuple(given.level or LEVELS)
    journal = Journal(given.journal)
    if given.only_new or given.correct:
        new = (only_new if given.only_new else correct)(levels, given, journal)
    else:
        new = table.table(by_level(levels, given, journal), levels)
    print(json.dumps(new["figures"], indent=1))
    escaped = [name for name, row in new["personas"].items() if not row.get(levels[-1], {}).get("caught")]
    print(f"escaped at {levels[-1]}: {', '.join(escaped) or 'none'}")
    if given.write or given.only_new or given.correct:
        table.write(new)
    return _compare(new, levels) if given.check else 0


def _compare(new: table.Table, levels: Sequence[str]) -> int:
    found = table.differences(table.read(), new, levels)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
