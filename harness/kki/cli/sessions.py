"""What `certify`, `judge` and `relay` share: the stage on which a session is held, and how its verdict is told."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import click

from kki import gate
from kki.certify.command import NOT_STARTED, Child
from kki.certify.progress import State
from kki.certify.session import Session, written
from kki.cli import gating
from kki.cli.exits import Exit
from kki.cli.options import SECONDS, Address
from kki.cli.terminal import Terminal
from kki.comparison import placed
from kki.edges import entropy, store
from kki.edges.errors import ConfigurationError
from kki.edges.listener import Running
from kki.edges.pages import LOOK_S, serve_pages
from kki.gate import Baseline
from kki.grading import situation
from kki.model.run import Run, as_json

LOOK_FOR_END_S = 0.05
QUIET_S = 1.0  # without a request after the last step, and the session is over
DRAIN_S = 60.0  # that the judge may take for what it has not yet dealt with
MOST_NAMED = 40  # undecided requirements that the terminal names

live_option = click.option(
    "--live", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT",
    help='Where the live page is served; "off": nowhere.',
)  # fmt: skip
session_timeout_option = click.option(
    "--timeout", type=SECONDS, metavar="SECONDS",
    help="How long the session lasts at most.  [default: no limit]",
)  # fmt: skip


def live_address(value: str) -> Address | None:
    """None for "off". ConfigurationError for anything else that is no HOST:PORT."""
    if value == "off":
        return None
    host, _, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ConfigurationError([f'--live: expected HOST:PORT such as "127.0.0.1:8090", or "off", but got "{value}".'])
    return host, int(port)


@dataclass(slots=True)
class Stop:
    """Set by Ctrl-C or SIGTERM."""

    event: threading.Event = field(default_factory=threading.Event)

    def heed(self, _number: int, _frame: FrameType | None) -> None:
        self.event.set()


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Ctrl-C and SIGTERM end the session in order, as long as this lasts."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.heed) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def pages(session: Session, live: Address | None, terminal: Terminal) -> Iterator[str | None]:
    """The live page's address, while this lasts."""
    if live is None:
        yield None
        return
    running = serve_pages(session.board, *live)
    terminal.note(f"live page   {running.url}/")
    try:
        yield running.url
    finally:
        if session.board.over:
            time.sleep(3 * LOOK_S)  # whoever looks on gets to see the verdict
        running.stop()


def told(terminal: Terminal) -> Callable[[Session], None]:
    """Called after each exchange: says what is new, a line each."""
    seen: set[str] = set()
    states: dict[str, State] = {}

    def say(session: Session) -> None:
        for row in tuple(session.board.broken()):
            if row.id not in seen and row.grade in ("violation", "warning"):
                seen.add(row.id)
                terminal.note(f"{row.grade}: {row.id} in {row.exchange}: {row.says}")
                if row.diagnosis:
                    terminal.note(f"  {row.diagnosis}")
        progress = session.progress
        for name, place in progress.places.items() if progress else ():
            if progress and place.state is not states.get(name, State.OPEN):
                states[name] = place.state
                if place.state is not State.UNDER_WAY:
                    count = f"{progress.done} of {len(progress.asked)}"
                    terminal.note(f"{count}: {place.step.title}, {place.state.value}")

    return say


@dataclass(frozen=True, slots=True)
class Ended:
    """`why`: "complete", "command", "timeout" or "stopped"."""

    why: str
    code: int | None = None


def wait(session: Session, child: Child | None, stop: Stop, timeout: float | None) -> Ended:
    """Until the client ends, or the checklist is complete, or the time is up, or somebody stops it."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while not stop.event.wait(LOOK_FOR_END_S):
        if child is not None and child.code is not None:
            return Ended("command", child.code)
        if child is None and session.complete.is_set() and _is_quiet(session, stop):
            return Ended("complete")
        if deadline is not None and time.monotonic() >= deadline:
            return Ended("timeout")
    return Ended("stopped")


def _is_quiet(session: Session, stop: Stop) -> bool:
    session.changed.clear()
    stop.event.wait(QUIET_S)
    return not session.changed.is_set()


def close(session: Session, running: Running, ended: Ended, child: Child | None) -> tuple[Run, bool]:
    """(the run, whether it was cut short): Ctrl-C is how a session without a command ends, and no interruption."""
    if child is not None:
        child.stop()
    session.drain(DRAIN_S)
    running.stop()
    session.faults += [f"the listener: {fault}" for fault in running.faults]
    if ended.code in NOT_STARTED and session.exchange_count == 0:
        session.finish(interrupted=True)
        problem = f"--command: expected a command that runs, but it ended with exit code {ended.code}."
        raise ConfigurationError([problem])
    interrupted = ended.why == "stopped" and child is not None
    run = session.finish(interrupted=interrupted, notes=tuple(_notes(ended)))
    return run, interrupted


def _notes(ended: Ended) -> Iterator[str]:
    if ended.why == "timeout":
        yield "The session ended at --timeout."
    if ended.code:
        yield f"The command ended with exit code {ended.code}."


def report(terminal: Terminal, session: Session, run: Run, output: Path, lang: str, known: Baseline | None) -> int:
    """Writes the folder, tells people or scripts the verdict, and returns the exit code."""
    situations = {record.exchange.id: situation(record, run.operations) for record in store.evidence(output)}
    run = placed(run, situations)
    gated = gate.apply(known, run, entropy.now().date(), set(situations.values())) if known else None
    run = gated.run if gated else run
    written(run, output, lang=lang)
    if terminal.json:
        terminal.document(as_json(run))
    else:
        _say(terminal, session, run, output)
    code = session.exit_code(run)
    if gated is None or code == Exit.HARNESS:
        return code
    gating.say(terminal, gated)
    code = gating.exit_of(gated)
    return Exit.INCOMPLETE if code == Exit.CONFORMS and run.not_tried else code


def _say(terminal: Terminal, session: Session, run: Run, output: Path) -> None:
    from kki.report.summary import summary_lines, violation_lines

    for line in summary_lines(run, width=terminal.width, said=session.sentence(run)):
        terminal.say(line)
    for note in run.notes:
        terminal.say(note, style="dim")
    for line in violation_lines(run):
        terminal.say(line)
    _say_missing(terminal, run)
    terminal.say(f"Report: {output / 'report.html'}")


def _say_missing(terminal: Terminal, run: Run) -> None:
    if run.not_tried:
        terminal.say("Missing steps, and how to bring them about:")
        for row in run.not_tried:
            terminal.say(f"  {row.what}")
            terminal.say(f"    {row.why}", style="dim")
    open_rows = undecided_rows(run)
    if open_rows:
        terminal.say("Requirements that nobody could decide:")
        for name, says, missing in open_rows[:MOST_NAMED]:
            terminal.say(f"  {name} {says}" + (f" Missing: {missing}." if missing else ""))
        if len(open_rows) > MOST_NAMED:
            terminal.say(f"  … and {len(open_rows) - MOST_NAMED} more: see report.html")


def undecided_rows(run: Run) -> Sequence[tuple[str, str, str]]:
    """(id, sentence, what is missing) of each MUST in scope that is open."""
    from kki.report.figures import undecided_musts

    return [(row.id, row.says, row.missing) for row in undecided_musts(run)]
