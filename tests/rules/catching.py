"""Which case of the suite catches a persona, in memory: `python -m tests.rules.catching [PERSONA …]` adds what lacks.

caught.json has, for each persona that test_personas.py and test_platforms.py leave out, a part of the suite and the
title of the first case of it that shows the persona by itself; no title where it takes all of a part, and no part where
it takes the whole suite.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from kki.model.verdict import Outcome
from kki.simulator.correct import CORRECT
from kki.simulator.persona import Persona
from kki.simulator.personas import PERSONAS

from .stage import Stage, broken
from .test_personas import SAMPLE
from .test_platforms import CASES
from .whole import MODULES, case_titles, results, tried

CAUGHT = Path(__file__).with_name("caught.json")


def is_caught(persona: Persona, part: str, title: str) -> bool:
    """Whether these cases find a row broken that the persona declares."""
    return shows(persona, met(persona, part, title))


def met(persona: Persona, part: str, title: str) -> Stage:
    """Such a server, after the case of this title; no title: after all cases of this part, or of all parts."""
    stage = Stage(persona.change(CORRECT), **persona.readings)
    tried(stage, (part,) if part else MODULES, named=title, whole=bool(title))
    return stage


def shows(persona: Persona, stage: Stage) -> bool:
    # What a reading permits is a warning, what is a MAY a note: the row is broken all the same.
    found = {row.id for row in results(stage).values() if row.outcome is Outcome.BROKEN}
    return bool(found & persona.caught_by)


def suspects(persona: Persona) -> Iterator[tuple[str, str]]:
    """(part, title) of the cases of a whole run after which a declared row had been found broken."""
    for part in MODULES:
        stage = Stage(persona.change(CORRECT), **persona.readings)
        for title in case_titles(part):
            before = len(stage.verdicts)
            tried(stage, (part,), named=title, whole=True)
            if broken(stage.verdicts[before:]) & persona.caught_by:
                yield part, title


def catching_case(persona: Persona) -> tuple[str, str] | None:
    for part, title in suspects(persona):
        if is_caught(persona, part, title):
            return part, title
    return next(((part, "") for part in (*MODULES, "") if is_caught(persona, part, "")), None)


def main() -> int:
    rows: dict[str, list[str]] = json.loads(CAUGHT.read_text("utf-8")) if CAUGHT.is_file() else {}
    elsewhere = {each.name for each in SAMPLE} | set(CASES) | set(rows)
    for name in sys.argv[1:] or [name for name in PERSONAS if name not in elsewhere]:
        found = catching_case(PERSONAS[name])
        print(name, found, flush=True)  # noqa: T201  # a script for a terminal
        if found:
            rows[name] = list(found)
            CAUGHT.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
