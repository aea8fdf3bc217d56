"""`journal.jsonl`: what a run has done so far, case by case, so that `kki check --resume` can go on from there.

The first line says what the run is; each further one is a case that ended, with what the judge said of it. All of it
is redacted before it comes here. It is removed when nothing is left to be tried.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kki.edges.errors import ConfigurationError
from kki.model.run import CaseResult

JOURNAL = "journal.jsonl"
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What must be the same when a run goes on. `nonce`: with the profile's secrets, what pseudonyms are made from."""

    level: str
    seed: int
    only: tuple[str, ...]
    target: str
    contract: str  # digest
    plan: str  # digest of the profile, without its secrets
    nonce: str
    started: str  # ISO 8601


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A case that ended. `verdicts`: as they travel between processes; `unbound`: places in bank_card_tokens."""

    case: CaseResult
    verdicts: Sequence[Sequence[Any]] = ()
    signing: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    unbound: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    head: Head
    entries: tuple[Entry, ...] = ()
    parts: int = 1  # how often the run was begun or gone on with, by now


class JournalWriter:
    """One whole line a write, as the evidence is written: a kill leaves every finished line readable."""

    def __init__(self, folder: Path, head: Head) -> None:
        self._path = folder / JOURNAL
        fresh = not self._path.exists()
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._write(asdict(head) if fresh else {"resumed": True})

    def add(self, entry: Entry) -> None:
        self._write(asdict(entry))

    def close(self, *, finished: bool) -> None:
        """`finished`: nothing is left to be tried, so nothing is left to go on with."""
        os.close(self._file)
        if finished:
            self._path.unlink(missing_ok=True)

    def _write(self, row: Plain) -> None:
        data = b"\n" * _cut(self._path) + json.dumps(row, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        while data:
            data = data[os.write(self._file, data) :]


def _cut(path: Path) -> bool:
    """Whether the last line was cut off by a kill."""
    with path.open("rb") as file:
        return file.seek(0, os.SEEK_END) > 0 and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"


def read_journal(folder: Path) -> Journal:
    """What is there, but a last line that was cut off. ConfigurationError where there is nothing to go on with."""
    path = folder / JOURNAL
    try:
        lines = path.read_bytes().splitlines()
    except OSError as failure:
        why = "there is none: the run was finished, or never begun" if not path.exists() else failure.strerror
        raise ConfigurationError([f"--resume {folder}: expected {JOURNAL} of an unfinished run, but {why}."]) from None
    rows = [row for row in map(_row, lines) if row is not None]
    try:
        head = Head(**{**rows[0], "only": tuple(rows[0]["only"])})
        entries = tuple(_entry(row) for row in rows[1:] if "case" in row)
    except (IndexError, KeyError, TypeError):
        raise ConfigurationError([f"{path}: expected what `kki check` writes, but got something else."]) from None
    return Journal(head=head, entries=entries, parts=1 + sum("resumed" in row for row in rows[1:]))


def _row(line: bytes) -> Plain | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _entry(row: Plain) -> Entry:
    case = {**row["case"], "exercises": tuple(row["case"]["exercises"]), "exchanges": tuple(row["case"]["exchanges"])}
    signing = {name: [(str(step), str(value)) for step, value in steps] for name, steps in row["signing"].items()}
    return Entry(
        case=CaseResult(**case), verdicts=row["verdicts"], signing=signing, unbound=tuple(row["unbound"]),
    )  # fmt: skip


def differences(then: Head, now: Head) -> list[str]:
    """A sentence for each thing that keeps a run from being gone on with."""
    named = {
        "target": "the target", "contract": "the contract", "plan": "the profile's target, readings, limits and waivers"
    }  # fmt: skip
    return [
        f"--resume: expected {what} of the run that is gone on with ({getattr(then, name)}), but got "
        f"{getattr(now, name)}."
        for name, what in named.items()
        if getattr(then, name) != getattr(now, name)
    ]
