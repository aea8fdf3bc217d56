"""`kki report`: renders a finished run again, or what a killed one left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

import kki
from kki.cli import options
from kki.cli.exits import Exit
from kki.cli.terminal import Terminal
from kki.edges import contract as contracts
from kki.edges import folders, settings, store
from kki.edges.errors import ConfigurationError
from kki.model.run import Run
from kki.report.texts import LANGUAGES


@click.command()
@click.argument("run", type=click.Path(path_type=Path), default=folders.ROOT / folders.LATEST, metavar="[RUN]")
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of the pages.")
@click.option("--allure", is_flag=True, help="Also render allure-report/ with Allure 3, where Node is present.")
@options.output_option
@options.terminal_options
def report(terminal: Terminal, *, run: Path, lang: str, allure: bool, output: Path | None) -> int:
    """Render the run in folder RUN again: HTML, JUnit, Markdown, HAR, traceability, the functional-test sheet, Allure.

    \b
    RUN is a run's folder or its run.json; without it, reports/latest. The documents are written beside run.json,
    or to --output. A run that was killed has evidence but no run.json: what is there is rendered as partial.
    The exit code says whether rendering worked, not what the verdict was.

    \b
    Examples:
      kki report
      kki report reports/20261122T100000-sandbox.example --lang id
      kki report reports/latest --allure
    """
    folder = run.parent if run.name == store.RUN else run
    finished, problems = _run(folder)
    for problem in problems:
        terminal.note(problem)
    written = store.write_reports(folder, finished, lang=lang, into=output)
    partial = "Partial: " if finished.partial else ""
    terminal.say(f"{partial}{finished.use} of {finished.target}, {finished.overall.value}.")
    if allure:
        written += (_rendered(output or folder, lang),)
    for path in written:
        terminal.say(f"  {path}")
    if terminal.json:
        terminal.document({
            "use": finished.use, "target": finished.target, "overall": finished.overall.value,
            "partial": finished.partial, "files": [str(path) for path in written],
        })  # fmt: skip
    return Exit.CONFORMS


def _run(folder: Path) -> tuple[Run, tuple[str, ...]]:
    """The finished run, or the partial one behind the evidence that there is; and sentences on what is unreadable."""
    evidence = folder / store.EXCHANGES
    if (folder / store.RUN).is_file():
        problems = store.read_recording(evidence).problems if evidence.is_file() else ()
        return store.read_run(folder), problems
    if not evidence.is_file():
        raise ConfigurationError([
            f"{folder}: expected a run's folder, with {store.RUN} or at least {store.EXCHANGES}, but it has neither. "
            "Give the folder that `kki check`, `certify` or `judge` named at its end."
        ])
    return _partial(folder, evidence)


def _partial(folder: Path, evidence: Path) -> tuple[Run, tuple[str, ...]]:
    from kki.report.partial import partial_run

    recording = store.read_recording(evidence)
    run = partial_run(
        recording.records, contracts.load(settings.contract_root()), harness=kki.__version__,
        replay=f"kki replay {{exchange}} --run {folder}", problems=recording.problems,
    )  # fmt: skip
    return replace(run, target=run.target if run.target != "unknown" else folder.name), recording.problems


def _rendered(target: Path, lang: str) -> Path:
    from kki.edges.allure_renderer import render_allure

    return render_allure(target, lang=lang)
