"""How `kki check` starts pytest: which arguments, which plugins, and nothing of pytest's own output."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter  # no public name; only to give it a stream that nobody reads

from kki.plugin import CONDUCTOR, WORKER, Listener
from kki.run import Conductor


def suites_root() -> Path:
    """The folder of the suites: the wheel's, or the checkout's."""
    here = Path(__file__).resolve().parents[2] / "suites"
    return here if (here / "pytest.ini").is_file() else Path(str(files("kki.suites")))


def arguments(conductor: Conductor, workers: int) -> list[str]:
    root = suites_root()
    args = [
        str(root / "server"),
        "-c",
        str(root / "pytest.ini"),
        "--rootdir",
        str(root),
        "--import-mode=importlib",
        "--capture=no",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:unraisableexception",  # it collects garbage several times at the end; what it tells, nobody would read
        "--disable-plugin-autoload",
        "-p",
        "kki.plugin",
        "--kki-level",
        conductor.level,
        "--kki-seed",
        str(conductor.seed),
    ]
    if conductor.output is not None:
        args += ["--kki-output", str(conductor.output)]  # for what a suite itself has to keep
    if workers > 1:
        args += ["-p", "xdist.plugin", "-n", str(workers), "--dist", "load"]
    return args


class Scheduler:
    """Under xdist: what uses up bound tokens stays in one process, which keeps count. Everything else is shared out.

    That one part begins when all others are done: an unbinding may end every token of its card (section 3), and other
    processes would not know why theirs is refused.

    Not xdist's own groups: it marks them in the node id, which pytest 9 no longer lets it change.
    """

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # xdist has no types

        class CardsLast(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types for it
            def _split_scope(self, nodeid: str) -> str:
                if "b2b2c" in nodeid or "customer_token_request" in nodeid:
                    return "customer"  # one refresh token, good once: what one process spends no other may use
                return CARDS if "unbind" in nodeid or "test_state" in nodeid or "test_flows" in nodeid else nodeid

            def _assign_work_unit(self, node: Any) -> None:
                if CARDS in self.workqueue:
                    self.workqueue.move_to_end(CARDS)
                if next(iter(self.workqueue)) != CARDS:
                    super()._assign_work_unit(node)
                elif node is not self._last():
                    node.shutdown()  # it still ends what it has
                elif not any(self._pending_of(work) for each, work in self.assigned_work.items() if each is not node):
                    super()._assign_work_unit(node)

            def _last(self) -> Any:
                """The process that goes on when the others stop."""
                return next((each for each in self.assigned_work if not each.shutting_down), None)

            def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
                super().mark_test_complete(node, item_index, duration)
                last = self._last()
                if CARDS in self.workqueue and last not in (None, node):
                    self._reschedule(last)

        return CardsLast(config, log)


CARDS = "cards"


class Voiceless(TerminalReporter):  # type: ignore[misc]  # final in name: there is no other way to keep it quiet
    """pytest's own voice, where nobody listens. It does not look where an interruption came from: on Python 3.11 one
    may come between two lines, and pytest fails over a traceback without a line number."""

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:  # noqa: ARG002
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            super().pytest_keyboard_interrupt(pytest.ExceptionInfo.from_current())


class Seat:
    """Lets the conductor listen, and takes pytest's voice away."""

    def __init__(self, conductor: Conductor) -> None:
        self.conductor = conductor

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """After pytest's own reporter is there: ours listens, its words go nowhere."""
        config.pluginmanager.register(Listener(self.conductor), "kki-listener")
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # for the workers that xdist starts
        voice = config.pluginmanager.getplugin("terminalreporter")
        if voice is not None:
            config.pluginmanager.unregister(voice)
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # lives as long as the process
        config.pluginmanager.register(Voiceless(config, nowhere), "terminalreporter")


class Place:
    """Puts the conductor where the plugin looks for it, before the plugin looks."""

    def __init__(self, conductor: Conductor) -> None:
        self.conductor = conductor

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[CONDUCTOR] = self.conductor
        config.stash[WORKER] = self.conductor.worker


def quiet_plugins(conductor: Conductor) -> list[object]:
    return [Place(conductor), Seat(conductor), Scheduler()]


def run_suites(conductor: Conductor, workers: int) -> None:
    """Run every case against the conductor's target; what goes wrong with pytest itself is noted as our fault."""
    try:
        code = pytest.main(arguments(conductor, workers), plugins=quiet_plugins(conductor))
    except KeyboardInterrupt:  # before pytest was ready to heed it, or after
        code = pytest.ExitCode.INTERRUPTED
    if code == pytest.ExitCode.INTERRUPTED:
        conductor.interrupted = True
    elif code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        conductor.broke("pytest", f"ended with {code!r}")
    if not conductor.cases and not conductor.interrupted:
        conductor.broke("the suites", "no case was run")
