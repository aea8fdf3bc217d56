"""The options that every command spells the same way, as decorators; and what they become."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from kki.cli.terminal import Terminal
from kki.edges import entropy, settings
from kki.edges.errors import ConfigurationError
from kki.model.contract import Contract
from kki.model.profile import Profile
from kki.redaction import redactor_for

R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., object])
Address = tuple[str, int]

LEVELS = ("quick", "standard", "thorough")
MOST_SECONDS = 31_536_000  # a year


class FilePath(click.Path):
    """A path; an empty text is none, though `Path("")` is the working directory."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("expected a path, but got an empty text.", param, ctx)
        return super().convert(value, param, ctx)


def _not_empty(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise click.BadParameter("expected a text, but got an empty one.")
    return value


class _Seconds(click.FloatRange):
    """More than none, and no more than a clock can count: `inf` and `nan` are numbers to Python."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = float(super().convert(value, param, ctx))
        if not 0 < found <= MOST_SECONDS:
            self.fail(f"expected seconds, more than 0 and at most {MOST_SECONDS:_}, but got {value}.", param, ctx)
        return found


SECONDS = _Seconds(min=0, min_open=True)


def terminal_options(command: Callable[..., R]) -> Callable[..., R]:
    """--format, -q, -v, --color. The command gets its Terminal as the first argument. Innermost decorator."""

    @click.option(
        "--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True,
        help="json: one JSON document on standard output, everything for people on standard error.",
    )  # fmt: skip
    @click.option("-q", "--quiet", count=True, help="Say less.")
    @click.option("-v", "--verbose", count=True, help="Say more.")
    @click.option(
        "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True,
        help="auto heeds NO_COLOR.",
    )  # fmt: skip
    @click.pass_context
    @wraps(command)
    def with_terminal(
        ctx: click.Context, /, *, format_: str, quiet: int, verbose: int, color: str, **others: object
    ) -> R:
        terminal = ctx.ensure_object(Terminal)
        terminal.json = format_ == "json"
        terminal.color = color
        terminal.verbosity = verbose - quiet
        return command(terminal, **others)

    return with_terminal


def profile_option(command: F) -> F:
    return click.option(
        "--profile", type=FilePath(path_type=Path), metavar="FILE",
        help="The plan in TOML: target, credentials, test data.",
    )(command)  # fmt: skip


def base_url_option(command: F) -> F:
    return click.option(
        "--base-url", metavar="URL", help="The target, scheme and host; goes before the profile and KKI_BASE_URL."
    )(command)


def output_option(command: F) -> F:
    return click.option(
        "--output", type=FilePath(file_okay=False, path_type=Path), metavar="DIR",
        help="Where the run is kept.  [default: reports/<time>-<target>]",
    )(command)  # fmt: skip


def level_option(command: F) -> F:
    return click.option(
        "--level", type=click.Choice(LEVELS), default="standard", show_default=True, help="How much is tried."
    )(command)


def only_option(command: F) -> F:
    return click.option(
        "--only", multiple=True, metavar="ID-OR-AREA", help="Only these, such as KKI-SIG-010 or SIG. May be repeated."
    )(command)


def seed_option(command: F) -> F:
    return click.option("--seed", type=int, metavar="N", help="Makes a run repeatable.  [default: fresh]")(command)


def workers_option(command: F) -> F:
    return click.option(
        "-n", "--workers", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
        help="How many processes work.",
    )(command)  # fmt: skip


def baseline_option(command: F) -> F:
    return click.option(
        "--baseline", type=FilePath(path_type=Path), metavar="FILE",
        help="Known violations, in TOML: what is not listed fails, and what is listed and holds.",
    )(command)  # fmt: skip


def complete_option(command: F) -> F:
    return click.option(
        "--complete", is_flag=True,
        help="Nothing is missing: what this traffic and the profile do not show was never issued, bound or paid.",
    )(command)  # fmt: skip


def lang_option(command: F) -> F:
    return click.option(
        "--lang", type=click.Choice(["en", "id"]), default="en", show_default=True, help="Language of report.html.",
    )(command)  # fmt: skip


def timeout_option(command: F) -> F:
    return click.option(
        "--timeout", type=SECONDS, metavar="SECONDS",
        help="How long to wait for one answer; goes before the profile.",
    )(command)  # fmt: skip


def run_time_option(command: F) -> F:
    return click.option(
        "--timeout", type=SECONDS, metavar="SECONDS",
        help="How long the run may take in all; [limits] timeout_s in the profile bounds one answer.",
    )(command)  # fmt: skip


def command_option(command: F) -> F:
    return click.option(
        "--command", metavar="COMMAND", callback=_not_empty,
        help="Starts the client, with KKI_BASE_URL set, and ends when it ends.",
    )(command)  # fmt: skip


def _address(_ctx: click.Context, _param: click.Parameter, value: str) -> Address:
    """HOST:PORT; an IPv6 host stands in brackets."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:\s]+)):([0-9]{1,5})", value)
    if match is None or int(match[3]) > 65535:
        raise click.BadParameter(f'Expected HOST:PORT such as "127.0.0.1:8080", but got "{value}".')
    return match[1] or match[2], int(match[3])


def listen_option(command: F) -> F:
    return click.option(
        "--listen", callback=_address, default="127.0.0.1:0", show_default=True, metavar="HOST:PORT",
        help="Where to listen; port 0: any free one.",
    )(command)  # fmt: skip


def chosen_profile(
    terminal: Terminal, contract: Contract, *, profile: Path | None, base_url: str | None, timeout: float | None = None
) -> Profile:
    """The profile with the options over it. The terminal hides its secrets from now on. ConfigurationError as it is."""
    plan = settings.load_profile(profile, base_url=base_url, contract=contract)
    conceal(terminal, plan)
    return plan if timeout is None else replace(plan, limits=replace(plan.limits, timeout_s=timeout))


def conceal(terminal: Terminal, profile: Profile) -> None:
    """Secrets and card numbers of this profile never show, whatever goes wrong."""
    terminal.redactor = redactor_for(profile, salt=entropy.iv())


_NAME = re.compile(r"(?=.*[A-Za-z])[^\n'\"{}\[\]]{1,200}")  # anything else may be the very text, card and all


def without_scheme(token: str) -> str:
    """A token as the string to sign wants it, though it was given with its scheme, as it stands in Authorization."""
    return token[7:].strip() if token[:7].lower() == "bearer " else token


def octets(name: str, option: str) -> bytes:
    """A file's octets, or those of standard input for "-". ConfigurationError names the option."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not usable"
        what = name if _NAME.fullmatch(name) else f"a file by a name of {len(name)} characters"
        hint = " Give the text itself by standard input." if name.lstrip()[:1] in ("{", "[", '"') else ""
        problem = f'{option}: expected a file or "-", but could not read {what}: {reason}.{hint}'
        raise ConfigurationError([problem]) from None
