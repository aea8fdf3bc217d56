"""The committed table: what catches each persona at each level, false alarms, requirements that catch no persona."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kki.edges import contract as contracts
from kki.model.requirement import Party
from kki.power import Row, table_path

Table = dict[str, Any]
STANDINGS = ("stated", "implied", "conflicted")


def read() -> Table:
    found: Table = json.loads(table_path().read_text(encoding="utf-8"))
    return found


def write(table: Table) -> None:
    table_path().write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def table(rows: Mapping[str, Sequence[Row]], levels: Sequence[str]) -> Table:
    """From the rows of a whole measurement."""
    found = {"figures": {}, "personas": _personas(rows["persona"]), "requirements_that_catch_none": []}
    return with_correct(found, rows, levels)


def with_correct(old: Table, rows: Mapping[str, Sequence[Row]], levels: Sequence[str]) -> Table:
    """The old table with what was said of correct servers at these levels."""
    correct = {
        level: [row for kind in ("variant", "correct") for row in rows[kind] if row["level"] == level]
        for level in levels
    }
    figures = {
        level: {"false_alarms": sum(bool(row["violations"]) for row in runs), "correct_runs": len(runs)}
        for level, runs in correct.items()
    }
    return _summed({**old, "figures": {**old["figures"], **figures}}, levels)


def amended(old: Table, rows: Iterable[Row], levels: Sequence[str]) -> Table:
    """The old table with these personas' rows, and without the personas that there are no more."""
    from kki.simulator.personas import PERSONAS

    fresh = _personas(rows)
    personas = {name: fresh.get(name) or old["personas"][name] for name in PERSONAS}
    return _summed({**old, "personas": personas}, levels)


def stale(old: Table, levels: Sequence[str]) -> list[str]:
    """The personas of which the table says nothing, or what is no longer so."""
    from kki.simulator.personas import PERSONAS

    known = old["personas"]
    return [
        name for name, persona in PERSONAS.items()
        if name not in known or known[name]["declared"] != sorted(persona.caught_by)
        or known[name]["standing"] != persona.standing or any(level not in known[name] for level in levels)
    ]  # fmt: skip


def _personas(rows: Iterable[Row]) -> dict[str, Row]:
    from kki.simulator.personas import PERSONAS

    found: dict[str, Row] = {}
    for row in rows:
        persona = PERSONAS[row["name"]]
        start = {"area": persona.area, "standing": persona.standing, "declared": sorted(persona.caught_by)}
        found.setdefault(row["name"], start)[row["level"]] = _cell(row)
        if row["level"] == "quick":
            found[row["name"]]["narrowly"] = row["narrowly"]
    return {name: found[name] for name in PERSONAS if name in found}


def _cell(row: Row) -> Row:
    """`as at`: the earlier level at which it was caught; this level has the same cases, and more."""
    as_at = {"as at": row["as at"]} if "as at" in row else {}
    return {"caught": row["caught"], "by": row["by"], "requests": row["requests"], **as_at}


def _summed(found: Table, levels: Sequence[str]) -> Table:
    """With the figures that follow from the personas' rows."""
    personas = found["personas"].values()
    figures = {
        level: {
            **_counts([each for each in personas if level in each], level),
            "false_alarms": found["figures"][level]["false_alarms"],
            "correct_runs": found["figures"][level]["correct_runs"],
        }
        for level in levels
    }
    catching = {name for each in personas for level in levels for name in each.get(level, {}).get("by", ())}
    idle = [
        row.id for row in contracts.load().requirements.values()
        if row.party is Party.SERVER and row.untestable is None and row.id not in catching
    ]  # fmt: skip
    return {**found, "figures": {**found["figures"], **figures}, "requirements_that_catch_none": idle}


def _counts(personas: Sequence[Row], level: str) -> dict[str, Any]:
    def count(mine: Sequence[Row]) -> dict[str, int]:
        return {"personas": len(mine), "caught": sum(each[level]["caught"] for each in mine)}

    by_standing = {name: count([each for each in personas if each["standing"] == name]) for name in STANDINGS}
    return {**count(personas), **by_standing}


def differences(old: Table, new: Table, levels: Sequence[str]) -> list[str]:
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
