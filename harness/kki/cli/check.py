"""`kki check`: puts a server on trial. Without a target, the embedded simulator."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from kki import gate
from kki.cli import gating, options
from kki.cli.exits import Exit
from kki.cli.terminal import Steps, Terminal
from kki.edges import contract as contracts
from kki.edges import entropy, folders, preflight, settings
from kki.edges.baselines import read_baseline
from kki.edges.ci import announced
from kki.edges.errors import ConfigurationError
from kki.edges.journal import Journal, read_journal
from kki.edges.selection import chosen_requirements
from kki.gate import Baseline
from kki.model.contract import Contract
from kki.model.profile import Profile
from kki.model.requirement import Party
from kki.model.run import Run, as_json
from kki.report.figures import undecided_musts
from kki.report.summary import summary_lines, violation_lines

if TYPE_CHECKING:
    from kki.run import Conductor


MOST_NAMED = 40  # undecided requirements that the terminal names


@click.command()
@options.profile_option
@options.base_url_option
@options.output_option
@options.level_option
@options.only_option
@options.seed_option
@options.workers_option
@options.run_time_option
@click.option(
    "--resume", type=options.FilePath(path_type=Path), metavar="DIR",
    help="Go on with a run that did not come to its end, with its level, seed and selection.",
)
@click.option(
    "--trust-secret", is_flag=True, help="Go on even if the target refuses every signature made with client_secret."
)  # fmt: skip
@options.baseline_option
@options.lang_option
@options.terminal_options
def check(
    terminal: Terminal,
    *,
    profile: Path | None,
    base_url: str | None,
    output: Path | None,
    level: str,
    only: tuple[str, ...],
    seed: int | None,
    workers: int,
    timeout: float | None,
    resume: Path | None,
    trust_secret: bool,
    baseline: Path | None,
    lang: str,
) -> int:
    """Put a server on trial, and say with evidence whether it speaks the KKI API correctly.

    \b
    Without --base-url and without a target in the profile it starts the embedded simulator and tries that.
    The exit code is the verdict: 0 conforms, 1 does not, 4 incomplete; 2: you must mend something first.

    \b
    Examples:
      kki check
      kki check --profile sandbox.toml --level quick
      kki check --base-url http://127.0.0.1:8080 --profile local.toml --only SIG --only KKI-TOK-142
      kki check --profile sandbox.toml --level thorough --timeout 1800
      kki check --profile sandbox.toml --resume reports/latest
    """
    root = settings.contract_root()
    contract = contracts.load(root)
    earlier = _gone_on_with(resume) if resume else None
    plan = options.chosen_profile(terminal, contract, profile=profile, base_url=base_url)
    # What the run that is gone on with has chosen is ids, of an area's client rows too.
    wanted = frozenset(earlier.head.only) if earlier else chosen_requirements(contract, only, (Party.SERVER,))
    known = read_baseline(baseline, contract) if baseline else None
    with ExitStack() as within:
        within.enter_context(_stopped_like_ctrl_c())
        url, plan, target = within.enter_context(_target(plan, contract, terminal))
        from kki.run import Conductor

        begun = entropy.now()
        given = resume.resolve() if resume else output
        folder = within.enter_context(
            folders.run_folder(given, target, begun, redactor=terminal.redactor, resumed=earlier is not None)
        )
        conductor = Conductor(
            profile=plan,
            contract=contract,
            base_url=url,
            level=earlier.head.level if earlier else level,
            only=wanted,
            seed=earlier.head.seed if earlier else entropy.seed() if seed is None else seed,
            contract_root=root,
            workers=workers,
            target=target,
            output=folder,
            ends=None if timeout is None else begun + timedelta(seconds=timeout),
            earlier=earlier,
            trust_secret=trust_secret,
        )
        return _tried(terminal, conductor, workers, known, lang)


def _gone_on_with(folder: Path) -> Journal:
    """The journal of the run in this folder. ConfigurationError where an option would make it another run."""
    chosen = [name for name in ("level", "seed", "only", "output") if _is_given(name)]
    if chosen:
        names = ", ".join(f"--{name}" for name in chosen)
        raise ConfigurationError([f"--resume {folder}: expected that run's own {names}, so leave out what you gave."])
    return read_journal(folder)


def _is_given(option: str) -> bool:
    source = click.get_current_context().get_parameter_source(option)
    return source is not None and source is not ParameterSource.DEFAULT


@contextmanager
def _target(plan: Profile, contract: Contract, terminal: Terminal) -> Iterator[tuple[str, Profile, str]]:
    """(URL, profile, how the run names its target): the operator's, or the embedded simulator while this lasts."""
    if plan.base_url is not None:
        yield plan.base_url, plan, plan.base_url
        return
    from kki.edges.listener import serve_simulator

    plan = settings.filled(plan, settings.built_in_profile(contract))
    options.conceal(terminal, plan)
    terminal.note("No target was given: trying the embedded simulator, a correct one, on loopback.")
    with serve_simulator(plan, contract) as url:
        yield url, replace(plan, base_url=url), "embedded simulator"


@contextmanager
def _stopped_like_ctrl_c() -> Iterator[None]:
    """SIGTERM, as CI systems send it, ends the run as Ctrl-C does: with a report on what was tried by then."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tried(terminal: Terminal, conductor: Conductor, workers: int, known: Baseline | None, lang: str) -> int:
    try:
        problems = preflight.problems(conductor.preflight())
    except KeyboardInterrupt:
        conductor.abandon()
        raise
    if problems:
        conductor.abandon()
        raise ConfigurationError(problems)
    for check_ in conductor.checks:
        if not check_.ok:
            terminal.note(f"{check_.name}: {check_.says}; {check_.fix}.")
    _run_pytest(terminal, conductor, workers)
    run = conductor.run()
    result = gate.apply(known, run, entropy.now().date(), set(conductor.situations.values())) if known else None
    run = conductor.close(lang, result.run if result else run)
    if terminal.json:
        terminal.document(as_json(run))
    else:
        _say(terminal, conductor, run)
    if conductor.output is not None:
        for line in announced(run, conductor.output, os.environ):
            terminal.say(line)
    code = conductor.exit_code(run)
    if result is None or code in (Exit.HARNESS, Exit.INTERRUPTED):
        return code
    gating.say(terminal, result)
    return gating.exit_of(result)


def _run_pytest(terminal: Terminal, conductor: Conductor, workers: int) -> None:
    from kki.engine import run_suites

    with terminal.progress(0) as steps:
        conductor.progress = _shown(steps)
        run_suites(conductor, workers)


def _shown(steps: Steps) -> Callable[[Conductor], None]:
    def show(conductor: Conductor) -> None:
        steps.total = max(conductor.count_planned, 1)
        done = len(conductor.cases)
        if done > steps.done:
            steps.done = done - 1
            steps.step(conductor.cases[-1].area)

    return show


def _say(terminal: Terminal, conductor: Conductor, run: Run) -> None:
    for line in (*summary_lines(run, width=terminal.width), "", *violation_lines(run)):
        terminal.say(line)
    for row in undecided_musts(run)[:MOST_NAMED]:
        terminal.say(f"undecided: {row.id} {row.says} ({row.missing or row.outcome.value})")
    for note in run.notes:
        terminal.say(note, style="dim")
    terminal.say(f"Report: {(conductor.output or Path()) / 'report.html'}")
