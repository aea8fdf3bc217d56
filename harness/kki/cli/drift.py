"""`kki drift`: the documentation page against our contract, or one version of it against another."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kki.cli.exits import Exit
from kki.cli.options import terminal_options
from kki.cli.terminal import DETAILED, Terminal
from kki.edges.errors import ConfigurationError

if TYPE_CHECKING:
    from kki.drift.model import Change, Page


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two things compared. `known`: its bytes are the very text that was transcribed."""

    called: str
    source: str
    page: Page
    known: bool = False


@click.command()
@click.argument("pages", nargs=-1, required=True, metavar="[OLD] PAGE")
@terminal_options
def drift(terminal: Terminal, pages: tuple[str, ...]) -> int:
    """Say what changed in DOKU's page: names, limits, required, patterns, examples, paths, headers, words.

    With one PAGE, that page against our OpenAPI document: what the transcription lacks or states otherwise. With OLD
    and PAGE, one version of it against the other. A page is a file, or - for standard input: its text as a browser
    copies it, its Markdown (its address with .md at the end), or an OpenAPI document in JSON.

    Each difference comes with the requirements and compiled cases that it touches. Exit 1: there are differences.

    \b
    Examples:
      kki drift host-to-host.md
      kki drift host-to-host-2026-05.txt host-to-host.txt --format json
    """
    if len(pages) > 2:
        raise ConfigurationError([f"Expected one page or two, but got {len(pages)}."])
    old, new = _sides(pages)
    changes = _touched(old.page, new.page)
    if terminal.json:
        terminal.document(_document(old, new, changes))
    _show(terminal, old, new, changes)
    return Exit.DOES_NOT_CONFORM if changes else Exit.CONFORMS


def _sides(pages: Sequence[str]) -> tuple[_Side, _Side]:
    if list(pages).count("-") > 1:
        raise ConfigurationError(["Expected standard input for one of the pages at most, but got - twice."])
    problems: list[str] = []
    read = [_read(source, called, problems) for source, called in zip(reversed(pages), ("new", "old"), strict=False)]
    if problems:
        raise ConfigurationError(list(reversed(problems)))
    new = next(side for side in read if side is not None)
    old = read[1] if len(read) > 1 else None
    return (old, new) if old is not None else (_contract(), _renamed(new))


def _renamed(side: _Side) -> _Side:
    return _Side("page", side.source, side.page, side.known)


def _contract() -> _Side:
    from kki.drift.openapi import transcription
    from kki.edges import contract as contracts
    from kki.edges.settings import contract_root

    root = contract_root() or contracts.data_root()
    return _Side("contract", str(root / "kki.openapi.yaml"), transcription(contracts.document(root)))


def _read(source: str, called: str, problems: list[str]) -> _Side | None:
    from kki.drift.model import UnreadableError
    from kki.drift.read import read

    name = "standard input" if source == "-" else source
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return _Side(called, name, read(data), _is_transcribed(data))
    except FileNotFoundError:
        problems.append(f"{name}: expected a file, but there is none.")
    except OSError as failure:
        problems.append(f"{name}: expected a readable file, but got: {failure.strerror}.")
    except UnreadableError as failure:
        problems.append(f"{name}: {failure}")
    return None


def _is_transcribed(data: bytes) -> bool:
    """Whether these are the bytes whose digest stands in sources.toml."""
    from kki.edges import contract as contracts
    from kki.edges import datafiles
    from kki.edges.settings import contract_root

    rows = datafiles.read((contract_root() or contracts.data_root()) / "sources.toml")["document"]
    return "sha256:" + hashlib.sha256(data).hexdigest() in {row.get("digest") for row in rows}


def _touched(old: Page, new: Page) -> list[Change]:
    from kki import fuzz
    from kki.drift.compare import differences
    from kki.drift.touch import Touched
    from kki.edges.contract import load
    from kki.edges.settings import contract_root

    found = differences(old, new)
    return Touched(load(contract_root()), fuzz.cases_for(contract_root())).all(found) if found else []


def _document(old: _Side, new: _Side, changes: Sequence[Change]) -> dict[str, Any]:
    from kki.drift.words import as_json, page_as_json

    sides = {
        name: {"source": side.source, **page_as_json(side.page), "as_transcribed": side.known}
        for name, side in (("old", old), ("new", new))
    }
    touched = {
        "requirements": sorted({row for change in changes for row in change.rows}),
        "cases": sorted({case for change in changes for case in change.cases}),
    }
    wording = old.page.form == new.page.form
    return {**sides, "wording_compared": wording, "differences": [*map(as_json, changes)], "touched": touched}


def _show(terminal: Terminal, old: _Side, new: _Side, changes: Sequence[Change]) -> None:
    from kki.drift.words import lines, where

    for side in (old, new):
        terminal.say(f"{side.called.capitalize()}: {side.source}, {_size(side)}.")
    if old.page.form != new.page.form:
        terminal.say("Not compared: descriptions and other wording, since the two are not of one form.", style="dim")
    last = ""
    for change in changes:
        if where(change) != last:
            last = where(change)
            terminal.say()
            terminal.say(last, style="bold")
        for line in lines(change, (old.called, new.called), every=terminal.verbosity >= DETAILED):
            terminal.say(line)
    terminal.say()
    terminal.say(_verdict(changes), style="yellow" if changes else "green")


def _size(side: _Side) -> str:
    known = ", the very text that was transcribed" if side.known else ""
    return f"{_count(len(side.page.requests), 'request')} with {_count(side.page.count, 'field')}{known}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _verdict(changes: Sequence[Change]) -> str:
    if not changes:
        return "No difference."
    rows = {row for change in changes for row in change.rows}
    cases = {case for change in changes for case in change.cases}
    touched = f"{_count(len(rows), 'requirement')} and {_count(len(cases), 'compiled case')}"
    return f"{_count(len(changes), 'difference')}, touching {touched}."
