"""What people and scripts see. The only door to rich, which is loaded when a table or a bar is first asked for.

Everything for people goes through `Terminal`: to standard output, or to standard error under `--format json`, where
standard output belongs to the one JSON document. Secrets that the terminal was told of are hidden in all of it.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from kki.redaction import Redactor

WIDTH = 100  # columns where the output is no terminal
HIDDEN = "‹hidden›"
QUIET, NORMAL, DETAILED = -1, 0, 1
Align = Literal["left", "right"]
# Control characters, but for tab and line feed: a server's reply must not steer the operator's terminal.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class OutputClosed(Exception):  # noqa: N818  # no error: `head` does it
    """Nobody reads our output any more."""


class Terminal:
    """One command's output. `verbosity`: -1 quiet, 0, 1 and more for details."""

    def __init__(self) -> None:
        self.json = False
        self.documented = False  # the one document is out
        self.color = "auto"
        self.verbosity = NORMAL
        self.redactor: Redactor | None = None  # the run's own, so that its pseudonyms are the same here
        self._secrets: set[str] = set()
        self._public: re.Pattern[str] | None = None

    @property
    def width(self) -> int:
        """Columns for a summary: what the screen has, 80 at most."""
        return max(40, min(shutil.get_terminal_size((80, 24)).columns, 80))

    def conceal(self, *secrets: str | None) -> None:
        """Hide these very values in what is printed from now on; not very short ones, which would hide all."""
        self._secrets.update(secret for secret in secrets if secret and len(secret) >= 4)

    def allow(self, *values: str) -> None:
        """Show these even so: documented test values of ours, such as the CPANs that call up a scenario."""
        self._public = re.compile(f"({'|'.join(map(re.escape, values))})") if values else None

    def clean(self, text: str) -> str:
        """The text without control characters and without the secrets."""
        if self._public is not None:
            pieces = self._public.split(text)
            return "".join(piece if number % 2 else self._hidden(piece) for number, piece in enumerate(pieces))
        return self._hidden(text)

    def _hidden(self, text: str) -> str:
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        text = self.redactor.text(text) if self.redactor else text
        return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)

    def say(self, text: str = "", *, style: str | None = None, level: int = NORMAL) -> None:
        """One line for people. `style`: a colour of click's, or "bold" or "dim"; `level`: from which verbosity on."""
        if self.verbosity >= level:
            self._write(self._styled(self.clean(text), style, self._people), self._people)

    def note(self, text: str, *, level: int = NORMAL) -> None:
        """A line for people that never stands among results: to standard error."""
        if self.verbosity >= level:
            self._write(self._styled(self.clean(text), "dim", sys.stderr), sys.stderr)

    def problem(self, sentence: str) -> None:
        """To standard error, however quiet."""
        self._write(self._styled(self.clean(sentence), "red", sys.stderr), sys.stderr)

    def result(self, text: str) -> None:
        """What the command was called for, exactly as it is, on standard output."""
        self._write(text, sys.stdout)

    def document(self, value: object) -> None:
        """The one JSON document of `--format json`."""
        self.documented = True
        utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
        self._write(json.dumps(value, indent=2, ensure_ascii=not utf8, default=str), sys.stdout)

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        title: str = "",
        right: Sequence[str] = (),
        whole: Sequence[str] = (),
        level: int = NORMAL,
    ) -> None:
        """A table for people. `right`: columns of numbers; `whole`: columns that are never broken into lines."""
        if self.verbosity < level:
            return
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False, padding=(0, 1))
        for name in columns:
            justify: Align = "right" if name in right else "left"
            table.add_column(name, justify=justify, no_wrap=name in whole, overflow="fold")
        for row in rows:
            table.add_row(*(Text(self.clean(cell)) for cell in row))
        console = self._console(self._people)
        with console.capture() as drawn:
            console.print(table)
        lines = (line.rstrip() for line in drawn.get().strip("\n").splitlines())
        self._write("\n".join(lines), self._people)

    @contextmanager
    def progress(self, total: int) -> Iterator[Steps]:
        """Live progress on standard error, "37 of 412, signing"; a line now and then where that is no terminal."""
        if self.verbosity <= QUIET:
            yield Steps(total)
        elif not self._console(sys.stderr).is_terminal:
            yield SpokenSteps(total, self)
        else:
            with self._bar() as bar:
                yield DrawnSteps(total, self, bar)

    def _bar(self) -> Progress:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        count = TextColumn("{task.completed} of {task.total}, {task.description}", markup=False)
        console = self._console(sys.stderr)
        return Progress(SpinnerColumn(), BarColumn(24), count, TimeElapsedColumn(), console=console, transient=True)

    @property
    def _people(self) -> IO[str]:
        return sys.stderr if self.json else sys.stdout

    def _styled(self, text: str, style: str | None, stream: IO[str]) -> str:
        if style is None or not self._coloured(stream):
            return text
        return click.style(text, **({style: True} if style in ("bold", "dim") else {"fg": style}))

    def _coloured(self, stream: IO[str]) -> bool:
        """--color decides; on auto, NO_COLOR (https://no-color.org) and what the stream is."""
        if self.color != "auto":
            return self.color == "always"
        return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()

    def _console(self, stream: IO[str]) -> Console:
        from rich.console import Console

        coloured = self._coloured(stream)
        return Console(
            file=stream,
            width=None if stream.isatty() or os.environ.get("COLUMNS") else WIDTH,
            force_terminal=True if self.color == "always" else None,
            color_system="standard" if coloured else None,
            no_color=not coloured,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def _write(self, text: str, stream: IO[str]) -> None:
        try:
            click.echo(text, file=stream, color=True)  # what is coloured was decided before
        except BrokenPipeError:
            raise OutputClosed from None
        except OSError as error:  # Windows says EINVAL where others say EPIPE
            if error.errno in (errno.EPIPE, errno.EINVAL):
                raise OutputClosed from None
            raise


class Steps:
    """How far a run has come; `total` may be set late, when it becomes known. This one keeps quiet."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0

    def step(self, what: str) -> None:
        """One more is done; `what` is going on now."""
        self.done += 1
        self.show(what)

    def show(self, what: str) -> None:
        """Tell people, in the way of the subclass."""


class SpokenSteps(Steps):
    """Ten lines or so over the whole run, for logs."""

    def __init__(self, total: int, terminal: Terminal) -> None:
        super().__init__(total)
        self._terminal = terminal

    def show(self, what: str) -> None:
        if self.done % max(1, self.total // 10) == 0 or self.done == self.total:
            self._terminal.note(f"{self.done} of {self.total}, {what}")


class DrawnSteps(Steps):
    """A bar that moves."""

    def __init__(self, total: int, terminal: Terminal, bar: Progress) -> None:
        super().__init__(total)
        self._terminal = terminal
        self._bar = bar
        self._task: TaskID = bar.add_task("starting", total=total)

    def show(self, what: str) -> None:
        self._bar.update(self._task, completed=self.done, total=self.total, description=self._terminal.clean(what))
