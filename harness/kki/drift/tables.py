"""The page as Markdown: OpenAPI blocks in fences, as the site serves them, or tables with bars, as older pages have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kki.drift.lines import plain
from kki.drift.model import Field, Page, Request, UnreadableError
from kki.drift.openapi import requests_of
from kki.drift.prose import beside_type, completed, spaced, values

_FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*(\w*)")
_HEADING = re.compile(r"^(#{1,6})\s+(.*)$")
_SECTION = re.compile(r"^\d+\.\s+\S")
_PATH = re.compile(r"(?:^|[\s|`(.])(/[a-z][\w-]*(?:/[\w.{}-]+)+)")
_METHOD = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE)\b")
_PLACES = (("header", "header"), ("respons", "reply"), ("reply", "reply"), ("body", "body"), ("request", "body"))
_COLUMNS = {
    "name": ("parameter", "field", "name", "header", "key"), "type": ("type", "data type"),
    "required": ("mandatory", "required", "m/o/c", "m/o", "m/c"), "length": ("length", "size", "max length"),
    "pattern": ("pattern", "regex"), "description": ("description", "remark", "remarks", "note"),
    "example": ("example", "sample", "value"), "default": ("default",), "enum": ("possible values", "values", "enum"),
}  # fmt: skip
_YES = frozenset({"yes", "y", "m", "mandatory", "required", "true", "✓", "✅", "✔"})


@dataclass(slots=True)
class _Reader:
    """Goes through the lines once; knows section, title, place and path."""

    requests: list[Request] = field(default_factory=list)
    prose: dict[str, list[str]] = field(default_factory=dict)
    section: str = ""
    title: str = ""
    place: str = ""
    path: str = ""
    method: str = "POST"

    def heading(self, text: str) -> None:
        place = _place(text)
        if _SECTION.match(text):
            self.section, self.title, self.place, self.path = text, text, "", ""
        elif place:
            self.place = place
        else:
            self.title, self.place = text, ""

    def said(self, text: str) -> None:
        place = _place(text) if len(text) < 40 and text.rstrip(":").lower() not in ("request", "response") else ""
        path, method = _PATH.search(f" {text}"), _METHOD.search(text)
        if place and not path:
            self.place = place
        self.path = path[1] if path else self.path
        self.method = method[1] if method else self.method
        if not place and not path:
            self.prose.setdefault(self.section, []).append(text)

    def table(self, rows: list[list[str]], line: int) -> None:
        columns = _columns(rows[0])
        if "name" not in columns or not {"type", "required", "length"} & set(columns):
            for row in rows:
                self.said(" | ".join(row))
            return
        place = self.place or "body"
        found = tuple(_field(row, columns, place, line + 2 + number) for number, row in enumerate(rows[1:]))
        self._add(Request(title=self.title, method=self.method, path=self.path, section=self.section, line=line), found)

    def _add(self, request: Request, fields: tuple[Field, ...]) -> None:
        """To the request of this title, whose headers, body and reply stand in tables of their own."""
        last = self.requests[-1] if self.requests else None
        if last is not None and (last.title, last.section) == (request.title, request.section):
            self.requests[-1] = replace(last, fields=last.fields + fields, path=last.path or request.path)
        else:
            self.requests.append(replace(request, fields=fields))

    def fence(self, text: str, line: int) -> None:
        if '"openapi"' not in text and '"swagger"' not in text:
            return
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as failure:
            raise UnreadableError(f"line {line}: expected JSON in the OpenAPI block, but got: {failure}.") from None
        if isinstance(document, Mapping):
            self.requests += requests_of(document, title=self.title, section=self.section, line=line)


def read(text: str) -> Page:
    """Every request in fences and tables. UnreadableError: a fence with an OpenAPI block that is no JSON."""
    reader = _Reader()
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        raw = lines[number]
        fence, heading = _FENCE.match(raw), _HEADING.match(raw.strip())
        taken = 1
        if fence:
            inner = list(_until(lines[number + 1 :], fence[1]))
            reader.fence("\n".join(inner), number + 1)
            taken = len(inner) + 2
        elif _bars(raw) and number + 1 < len(lines) and _rule(lines[number + 1]):
            rows = list(_rows(lines[number:]))
            reader.table([rows[0], *rows[2:]], number + 1)
            taken = len(rows)
        elif heading:
            reader.heading(plain(raw))
        elif plain(raw).removeprefix(">").strip():
            reader.said(plain(raw).removeprefix(">").strip())
        number += taken
    prose = {name: tuple(map(spaced, said)) for name, said in reader.prose.items() if said}
    return Page(form="markdown", requests=tuple(one for one in reader.requests if one.fields), prose=prose)


def _place(text: str) -> str:
    words = text.lower()
    return next((place for word, place in _PLACES if word in words and len(words.split()) <= 4), "")


def _until(lines: list[str], mark: str) -> Iterator[str]:
    for line in lines:
        if line.strip().startswith(mark):
            return
        yield line


def _bars(line: str) -> bool:
    return line.strip().startswith("|")


def _rule(line: str) -> bool:
    return _bars(line) and not line.strip().strip("|-: ").replace("|", "").replace("-", "").replace(":", "").strip()


def _rows(lines: list[str]) -> Iterator[list[str]]:
    for line in lines:
        if not _bars(line):
            return
        cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
        yield [plain(cell.replace("\\|", "|")) for cell in cells]


def _columns(header: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, title in enumerate(header):
        for column, names in _COLUMNS.items():
            if title.lower().rstrip("*") in names and column not in found:
                found[column] = number
    return found


def _field(row: list[str], columns: Mapping[str, int], place: str, line: int) -> Field:
    cell: dict[str, str] = {name: row[at] if at < len(row) else "" for name, at in columns.items()}
    name = cell["name"].rstrip("*").removesuffix("(*)").strip()
    starred = cell["name"].strip() != name
    least, most = _length(cell.get("length", ""))
    marked: dict[str, Any] = {key: cell[key] or None for key in ("pattern", "default", "example") if key in cell}
    found = Field(
        place=place, name=name, required=starred or cell.get("required", "").lower() in _YES, line=line,
        enum=values(cell.get("enum", "")), **marked,
    )  # fmt: skip
    kind, _, more = cell.get("type", "string").partition("·")
    found = beside_type(replace(found, type=kind.strip().lower() or "string"), more)
    if least is not None or most is not None:
        found = replace(found, min_length=least, max_length=most)
    return completed(found, cell.get("description", "").splitlines())


def _length(text: str) -> tuple[int | None, int | None]:
    """ "8", "max 32" and "≤ 32" are most; "1-7" and "1..7" are both."""
    numbers = [int(one) for one in re.findall(r"\d+", text)]
    if len(numbers) >= 2:
        return numbers[0], numbers[1]
    if not numbers:
        return None, None
    return (numbers[0], None) if text.lower().lstrip().startswith(("min", "≥", ">")) else (None, numbers[0])
