"""`kki`: finds the command, runs it, and turns every ending into an exit code and a sentence."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import itertools
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper

import click

import kki
from kki.cli.exits import Exit
from kki.cli.terminal import OutputClosed, Terminal
from kki.edges import entropy
from kki.edges.errors import ConfigurationError
from kki.edges.nearest import did_you_mean
from kki.redaction import Redactor


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is, so that it is imported only when it is called."""

    module: str
    attribute: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "check": Entry("kki.cli.check", "check", "Put a server on trial; without a target, the embedded simulator."),
    "certify": Entry("kki.cli.certify", "certify", "Play DOKU and put a merchant's client on trial."),
    "judge": Entry("kki.cli.judge", "judge", "Put both parties of recorded traffic on trial."),
    "simulate": Entry("kki.cli.simulate", "simulate", "Run the simulator alone, correct or wrong in one named way."),
    "relay": Entry("kki.cli.relay", "relay", "Forward to a real server and judge what passes by."),
    "diagnose": Entry("kki.cli.diagnose", "diagnose", "Find the construction error behind a wrong signature."),
    "sign": Entry("kki.cli.byhand", "sign", "Sign a request by hand, every step shown."),
    "verify": Entry("kki.cli.byhand", "verify", "Verify a signature by hand; says what differs first."),
    "seal": Entry("kki.cli.byhand", "seal", "Seal card data by hand."),
    "open": Entry("kki.cli.byhand", "open_", "Open card data by hand; says which container it was."),
    "code": Entry("kki.cli.byhand", "code", "Read a seven-digit response code."),
    "doctor": Entry("kki.cli.doctor", "doctor", "Preflight: profile, keys, clock, reachability, tokens."),
    "catalogue": Entry("kki.cli.catalogue", "catalogue", "List every requirement and how it is judged."),
    "replay": Entry("kki.cli.replay", "replay", "Send one recorded exchange again, signed afresh."),
    "compare": Entry("kki.cli.compare", "compare", "Compare two runs: newly broken, newly fixed, changed."),
    "drift": Entry("kki.cli.drift", "drift", "Compare the documentation page with the contract, or with an older one."),
    "report": Entry("kki.cli.report", "report", "Render a finished run again."),
    "attest": Entry("kki.cli.attest", "attest", "Sign a finished run, or verify such a signature offline."),
}


class Commands(click.Group):
    """A group over COMMANDS. A command is listed as soon as its module exists."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return [name for name, entry in COMMANDS.items() if importlib.util.find_spec(entry.module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        entry = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(entry.module), entry.attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"Expected {entry.attribute} of {entry.module} to be a command, but got {command!r}.")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-"):
            ctx.fail(f'Expected a command, but got "{args[0]}".{did_you_mean(args[0], names)}')
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 conforms, 1 does not conform, 2 the operator must act, 3 our own fault, 4 incomplete.",
)
@click.version_option(kki.__version__, prog_name="kki")
def cli() -> None:
    """Does a server, or a merchant's client, speak DOKU's SNAP "Kartu Kredit Indonesia" API correctly?

    \b
    Examples:
      kki check                                      try the embedded simulator
      kki check --profile sandbox.toml --level quick try your server
      kki COMMAND --help                             what a command does, with an example
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run `kki` with these arguments (default: the process's) and return the exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us: as if it went to /dev/null
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a narrow encoding must not end a run
    terminal = Terminal()
    given = list(sys.argv[1:] if argv is None else argv)
    terminal.json = "--format=json" in given or ("--format", "json") in itertools.pairwise(given)
    try:
        code = cli.main(given, "kki", standalone_mode=False, obj=terminal)
        sys.stdout.flush()
    except Exception as error:
        return _ended_by(error, terminal)
    return code if isinstance(code, int) else Exit.CONFORMS


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}


def _no_room(error: OSError, terminal: Terminal) -> None:
    """The disk, or what standard output goes to, takes no more."""
    where = error.filename or "standard output, or the run's folder"
    with suppress(OSError, OutputClosed):
        terminal.problem(f"{where}: expected room to write, but got: {error.strerror}.")
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except (OSError, ValueError, AttributeError):
            setattr(sys, name, None)  # the interpreter would try to flush it once more


def _ended_by(error: Exception, terminal: Terminal) -> int:
    match error:
        case ConfigurationError():
            for problem in error.problems:
                terminal.problem(problem)
            _document_problems(terminal, Exit.OPERATOR, error.problems)
            return Exit.OPERATOR
        case click.ClickException():
            error.show()
            _document_problems(terminal, Exit.OPERATOR, [error.format_message()])
            return Exit.OPERATOR
        case click.Abort():
            terminal.problem("Interrupted. What was recorded by now is on disk, and is partial.")
            return Exit.INTERRUPTED
        case OutputClosed() | BrokenPipeError():
            sys.stdout = None  # the interpreter would try to flush it once more
            return Exit.READER_GONE
        case OSError() if error.errno in _NO_ROOM:
            _no_room(error, terminal)
            return Exit.OPERATOR
        case _:
            terminal.problem(
                "The harness itself failed. This is our fault and says nothing about the party on trial. "
                "Please report it with the lines below; secrets are hidden in them."
            )
            if terminal.redactor is None:
                terminal.redactor = Redactor(salt=entropy.iv())
            terminal.problem("".join(traceback.format_exception(error)).rstrip())
            _document_problems(terminal, Exit.HARNESS, ["The harness itself failed; see standard error."])
            return Exit.HARNESS


def _document_problems(terminal: Terminal, code: int, problems: Sequence[str]) -> None:
    """Under --format json a script gets its one document whatever happens."""
    if terminal.json and not terminal.documented:
        terminal.document({"exit_code": int(code), "problems": [terminal.clean(problem) for problem in problems]})


if __name__ == "__main__":
    sys.exit(main())
