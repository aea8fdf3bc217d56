"""`--baseline`: what a command does with it when a run has ended."""

from __future__ import annotations

from kki.cli.exits import Exit
from kki.cli.terminal import Terminal
from kki.gate import GateResult
from kki.model.verdict import Overall

_EXITS = {
    Overall.CONFORMS: Exit.CONFORMS,
    Overall.DOES_NOT_CONFORM: Exit.DOES_NOT_CONFORM,
    Overall.INCOMPLETE: Exit.INCOMPLETE,
}


def exit_of(result: GateResult) -> Exit:
    """The gate's exit code: 1 for anything unlisted, stale or expired; 4 for an open MUST; else 0."""
    return _EXITS[result.verdict]


def say(terminal: Terminal, result: GateResult) -> None:
    """What the gate found, a line each; what is carried is said too, however green the end."""
    for line in result.failures:
        terminal.say(line, style="red")
    for line in (*result.carried, *result.untold):
        terminal.say(line, style="yellow")
    terminal.say(_end(result), style="bold")


def _end(result: GateResult) -> str:
    if result.verdict is Overall.DOES_NOT_CONFORM:
        return "The gate is shut."
    if result.verdict is Overall.INCOMPLETE:
        return "The gate is shut: a MUST in scope was not decided."
    return "The gate is open: every violation is a known one." if result.carried else "The gate is open."
