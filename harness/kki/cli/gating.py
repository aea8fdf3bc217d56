"""`--baseline`, and what continuous integration is told: what a command does with a run that has ended."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kki.cli.exits import Exit
from kki.cli.terminal import QUIET, Terminal
from kki.gate import Baseline, GateResult, apply
from kki.model.contract import Contract
from kki.model.run import Run
from kki.model.verdict import Overall

_EXITS = {
    Overall.CONFORMS: Exit.CONFORMS,
    Overall.DOES_NOT_CONFORM: Exit.DOES_NOT_CONFORM,
    Overall.INCOMPLETE: Exit.INCOMPLETE,
}


@dataclass(slots=True)
class Gate:
    """`applied` takes the run before it is written, so that every report shows what is carried; then `result` stands."""

    baseline: Baseline
    today: date
    result: GateResult | None = None

    @classmethod
    def of(cls, path: Path | None, contract: Contract, today: date) -> Gate | None:
        """None without a baseline. ConfigurationError before any traffic where the file is wrong."""
        if path is None:
            return None
        from kki.edges.baselines import read_baseline

        return cls(read_baseline(path, contract), today)

    def applied(self, run: Run) -> Run:
        self.result = apply(self.baseline, run, self.today)
        return self.result.run

    @property
    def exit(self) -> Exit:
        """1 for anything unlisted, stale or expired; 4 for an open MUST; else 0."""
        return _EXITS[self.result.verdict] if self.result is not None else Exit.HARNESS

    def say(self, terminal: Terminal) -> None:
        """What the gate found, a line each; what is carried is said too, however green the end."""
        if self.result is None:
            return
        for line in self.result.failures:
            terminal.say(line, style="red")
        for line in (*self.result.carried, *self.result.untold):
            terminal.say(line, style="yellow")
        terminal.say(_end(self.result), style="bold")


def _end(result: GateResult) -> str:
    if result.verdict is Overall.DOES_NOT_CONFORM:
        return "The gate is shut."
    if result.verdict is Overall.INCOMPLETE:
        return "The gate is shut: a MUST in scope was not decided."
    return "The gate is open: every violation is a known one." if result.carried else "The gate is open."


def announce(terminal: Terminal, run: Run, folder: Path | None) -> None:
    """Annotations, step summary and outputs, where CI variables ask for them; GitHub reads standard error too."""
    if folder is None:
        return
    from kki.edges.ci import announced

    for line in announced(run, folder, os.environ):
        terminal.note(line, level=QUIET)
