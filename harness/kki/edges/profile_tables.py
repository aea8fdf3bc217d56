"""Reading TOML tables key by key: each reader takes what it finds right and notes what it finds wrong.

A table knows which keys it was asked for, so that whatever else stands in it is unknown: there is no second list of
keys to keep in step.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import cast

from kki.edges.nearest import did_you_mean
from kki.edges.references import Unresolved, resolved


@dataclass(slots=True, kw_only=True)
class Notes:
    """Where a document comes from, what its references may lead to, and every problem found so far."""

    source: str
    env: Mapping[str, str]
    folder: Path
    problems: list[str] = field(default_factory=list)

    def say(self, problem: str) -> None:
        """A problem of the document itself."""
        self.add(f"{self.source}: {problem}")

    def add(self, problem: str) -> None:
        sentence = problem if problem.endswith(("?", ".")) else problem + "."
        if sentence not in self.problems:  # a key may be read twice, for its form and for its value
            self.problems.append(sentence)


class Table:
    """One TOML table. Every reader returns None (or the default) for a missing key and for a wrong value."""

    def __init__(self, heading: str, rows: Mapping[str, object], notes: Notes) -> None:
        self.heading = heading
        self.notes = notes
        self._rows = rows
        self._asked: dict[str, None] = {}  # in the order of asking, which is the order of the documentation

    def place(self, key: str) -> str:
        return f"{self.heading} {key}" if self.heading else f"[{key}]"

    def has(self, key: str) -> bool:
        return key in self._rows

    def names(self) -> Collection[str]:
        return self._rows.keys()

    def wrong(self, key: str, expected: str, actual: str, hint: str = "") -> None:
        self.notes.say(f"{self.place(key)}: {expected}, but got {actual}.{hint}")

    def unknown(self, key: str, known: Collection[str], kind: str) -> None:
        got = f"an unknown {kind}.{did_you_mean(key, known)}"
        self.notes.say(f"{self._named(key, known)}: expected one of {', '.join(known)}, but got {got}")

    def finish(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._rows:
            if key not in self._asked:
                self.unknown(key, tuple(self._asked), "key" if self.heading else "table")

    def _named(self, key: str, known: Collection[str]) -> str:
        """The place of an unknown key; one that looks like no name of ours is not shown."""
        sound = re.fullmatch(r"[A-Za-z][A-Za-z_-]{0,40}", key) or did_you_mean(key, known)
        return self.place(key) if sound else self.place(f"(a key of {len(key)} characters)")

    def table(self, key: str) -> Table:
        return Table(f"[{key}]", self._mapping(key, "expected a table") or {}, self.notes)

    def tables(self, key: str) -> list[Table]:
        rows = self._take(key)
        if rows is None:
            return []
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self.wrong(key, f"expected tables, each headed [[{key}]]", _kind(rows))
            return []
        return [Table(f"[[{key}]] {number}", row, self.notes) for number, row in enumerate(rows, 1)]

    def text(self, key: str, *, secret: bool = False) -> str | None:
        """The text as written, references not followed."""
        value = self._take(key)
        return None if value is None else self._text(key, value, secret=secret)

    def needed(self, key: str) -> str | None:
        """As `text`, and a missing key is a problem too."""
        value = self.text(key, secret=True)
        if not self.has(key):
            self.notes.say(f"{self.place(key)}: expected text, but the key is missing")
        return value

    def value(self, key: str, *, lines: bool = False) -> str | None:
        """The text behind a reference, or the literal; of several lines only where `lines`. Shown in no message."""
        written = self.text(key, secret=True)
        return None if written is None else self._resolved(key, written, lines=lines)

    def values(self, key: str) -> tuple[str, ...]:
        rows = self._take(key)
        if rows is None:
            return ()
        if not isinstance(rows, list):
            self.wrong(key, "expected a list of texts", _kind(rows))
            return ()
        found = [self._followed(key, row) for row in rows]
        return tuple(value for value in found if value is not None)

    def values_by_name(self, key: str) -> dict[str, str] | None:
        rows = self._mapping(key, 'expected a table of texts such as { bankCardNo = "…" }')
        if rows is None:
            return None
        found = {name: self._followed(f"{key}.{name}", row) for name, row in rows.items()}
        return {name: value for name, value in found.items() if value is not None}

    def members(self, key: str) -> dict[str, object] | None:
        """Members of a JSON object, written in TOML: what JSON has no word for is a problem."""
        rows = self._mapping(key, 'expected a table such as { amount = { value = "10000.00", currency = "IDR" } }')
        wrong = next((name for name, value in (rows or {}).items() if not _in_json(value)), None)
        if wrong is not None:
            self.wrong(f"{key}.{wrong}", "expected what JSON can hold", "a date, a time or no number")
            return None
        return rows

    def flag(self, key: str) -> bool:
        value = self._take(key)
        if isinstance(value, bool):
            return value
        if value is not None:
            self.wrong(key, "expected true or false", _shown(value))
        return False

    def number(self, key: str, default: float, bound: str, *, least: float) -> float:
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
            self.wrong(key, f"expected a number {bound}", _shown(value))
            return default
        return float(value)

    def whole(self, key: str, default: int) -> int:
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self.wrong(key, "expected a whole number of at least 1", _shown(value))
            return default
        return value

    def day(self, key: str) -> date | None:
        value = self._take(key)
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        got = "nothing" if value is None else _shown(value)
        self.wrong(key, "expected a day without quotes such as 2027-01-31", got)
        return None

    def _take(self, key: str) -> object | None:
        self._asked[key] = None
        return self._rows.get(key)

    def _mapping(self, key: str, expected: str) -> dict[str, object] | None:
        value = self._take(key)
        if value is None or isinstance(value, dict):
            return cast("dict[str, object] | None", value)
        self.wrong(key, expected, _kind(value))
        return None

    def _followed(self, key: str, value: object) -> str | None:
        written = self._text(key, value, secret=True)
        return None if written is None else self._resolved(key, written)

    def _text(self, key: str, value: object, *, secret: bool) -> str | None:
        if not isinstance(value, str):
            self.wrong(key, "expected text in quotes", _kind(value) if secret else _shown(value))
            return None
        if not value.strip():
            self.wrong(key, "expected text", "none between the quotes")
            return None
        return value

    def _resolved(self, key: str, written: str, *, lines: bool = False) -> str | None:
        value = resolved(written, env=self.notes.env, folder=self.notes.folder)
        if isinstance(value, Unresolved):
            self.notes.say(f"{self.place(key)}: {value.why}")
            return None
        if not lines and not value.isprintable():
            self.wrong(key, "expected one line of text", "line breaks or control characters in it")
            return None
        return value


def _in_json(value: object) -> bool:
    if isinstance(value, dict):
        return all(_in_json(each) for each in value.values())
    if isinstance(value, list):
        return all(_in_json(each) for each in value)
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def _kind(value: object) -> str:
    """What a value is, without the value: it may be a secret."""
    if isinstance(value, bool):
        return "true or false"
    kinds = {int: "a whole number", float: "a number", str: "text", list: "a list", dict: "a table"}
    return kinds.get(type(value), "a date or time")


def _shown(value: object) -> str:
    if isinstance(value, list | dict):
        return _kind(value)
    if isinstance(value, str):
        return quoted(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else _kind(value)


_PLAIN = re.compile(r"[A-Za-z]{1,12}|[0-9]{1,3}(\.[0-9]{1,3})?|[0-9]{4}-[0-9]{2}-[0-9]{2}")


def quoted(text: str, near: Collection[str] = ()) -> str:
    """A text in a sentence, where it is a plain word, a small number, a day, or nearly one of `near`.

    Any other may be a secret that stands in a wrong place, and no other place tells that it is one.
    """
    if _PLAIN.fullmatch(text) or did_you_mean(text, near):
        return f'"{text}"'
    return f"a text of {len(text)} characters"
