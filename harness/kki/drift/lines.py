"""The page as text, the way a browser copies it: a title, the method, tables of fields, the path at the foot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from kki.drift.model import Field, Page, Request
from kki.drift.prose import beside_type, completed, spaced, values

_METHOD = re.compile(r"^(get|post|put|patch|delete)(?:\s+(/\S+))?$", re.IGNORECASE)
_SECTION = re.compile(r"^\d+\.\s+\S")
_FIELD = re.compile(
    r"^(?P<name>[A-Za-z_][\w.-]*?)\s?"
    r"(?P<type>string|number|integer|boolean|object|array|any|all of|any of|one of)(?P<many>\[\])?"
    r"(?:\s*·\s*(?P<kind>.*?))?(?P<label>Required|Optional|required|optional)$"
)
_MARK = re.compile(r"(Default|Example|Pattern|Possible values):\s?")
_PLACES = {
    "authorizations": "security", "header parameters": "header", "headers": "header", "query parameters": "query",
    "path parameters": "path", "body": "body", "request body": "body",
}  # fmt: skip
_MEDIA = re.compile(r"^application/(?:[\w.-]+\+)?json$")
_STATUS = re.compile(r"^[1-5]\d\d$")
_LONGEST = 500  # characters of a field's line: its name, type and limits
_PATH_ROW = re.compile(r"^\.*(/[\w./{}-]+)$")


@dataclass(slots=True)
class _Open:
    """A request whose foot was not reached yet."""

    title: str
    method: str
    section: str
    line: int
    place: str = ""
    status: str = ""
    fields: list[Field] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def closed(self, path: str) -> Request:
        return Request(
            title=self.title, method=self.method, path=path, section=self.section, fields=tuple(self.fields),
            statuses=tuple(dict.fromkeys(self.statuses)), text=tuple(self.text), line=self.line,
        )  # fmt: skip


class _Reader:
    """Goes through the lines once; knows the request and the field that it is in."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.prose: dict[str, list[str]] = {}
        self.section = ""
        self.section_path = ""  # "Path" above the samples; the foot of a request says it better
        self.last = ""  # the line before, which may turn out to be a title
        self.open: _Open | None = None
        self.field: Field | None = None
        self.lines: list[str] = []  # of the field's description

    def read(self, number: int, raw: str, following: str) -> None:
        text = plain(raw)
        if not text or text.startswith("Last updated"):
            return
        method = None if self.last.lower() == "http method" else _METHOD.match(text)
        if method:
            self._method(number, method, following)
        elif self.open is None:
            self._outside(text, raw)
        elif not self._place(text):
            self._inside(number, text, raw)
        self.last = text

    def finish(self) -> None:
        self._end_field()
        if self.open is not None:
            self._close(self.section_path)

    def _method(self, number: int, method: re.Match[str], following: str) -> None:
        self._end_field()
        path = method[2] or (following if following.startswith("/") else "")
        if self.open is not None and (path or self.open.fields):
            if path:
                self.open.method = method[1].upper()
                self._close(path)
                return
            self._close(self.section_path)
        if path and method[2] is None:
            return  # a foot without a request
        self.open = _Open(self.last, method[1].upper(), self.section, number)
        if method[2]:
            self.section_path = method[2]
        self._forget_title()

    def _forget_title(self) -> None:
        """The title was taken for prose, one line ago."""
        said = self.prose.get(self.section, [])
        if said and said[-1] == self.last:
            said.pop()

    def _close(self, path: str) -> None:
        assert self.open is not None  # its callers look
        self.requests.append(self.open.closed(path))
        self.open = None

    def _outside(self, text: str, raw: str) -> None:
        row = _PATH_ROW.match(text)
        if raw.lstrip() == raw and _SECTION.match(text):
            self.section, self.section_path = text, ""
        elif row:
            self.section_path = self.section_path or row[1]
        elif not _STATUS.match(text) and not _STATUS.match(self.last):  # a status below the foot, and its name
            self.prose.setdefault(self.section, []).append(text)

    def _place(self, text: str) -> bool:
        """Whether the line is a heading within the request."""
        request = self.open
        assert request is not None  # its caller looks
        if text.lower() in _PLACES:
            place = _PLACES[text.lower()]
        elif text.lower() == "responses":
            place, request.status = "", "?"
        elif request.status and _STATUS.match(text):
            place, request.status = "", text
            request.statuses.append(text)
        elif request.status and _MEDIA.match(text):
            place = "reply" if request.status in ("?", "200") else f"reply {request.status}"
        else:
            return False
        self._end_field()
        request.place = place
        return True

    def _inside(self, number: int, text: str, raw: str) -> None:
        request = self.open
        assert request is not None  # its caller looks
        row = _FIELD.match(text) if len(text) <= _LONGEST else None
        if row and request.place:
            self._end_field()
            self.field = _field(row, request.place, number)
        elif self.field is not None and _MARK.match(text):
            self.field = _marked(self.field, raw.strip())
        elif self.field is not None:
            self.lines.append(text if raw.lstrip() == raw else f"  {text}")
        else:
            request.text.append(text)

    def _end_field(self) -> None:
        if self.field is not None and self.open is not None:
            self.open.fields.append(completed(self.field, self.lines))
        self.field, self.lines = None, []


def read(text: str) -> Page:
    """Every request of the page. A page without any gives none: the caller says what was expected."""
    reader = _Reader()
    lines = text.splitlines()
    for number, raw in enumerate(lines, 1):
        reader.read(number, raw, next(_shown(lines[number:]), ""))
    reader.finish()
    prose = {name: tuple(map(spaced, said)) for name, said in reader.prose.items() if said}
    return Page(form="text", requests=tuple(reader.requests), prose=prose)


def plain(raw: str) -> str:
    """The line without indentation and without Markdown's marks for headings, emphasis and code."""
    text = re.sub(r"^#{1,6}\s+", "", raw.strip())
    return text.replace("**", "").replace("`", "").strip()


def _shown(lines: list[str]) -> Iterator[str]:
    return (text for line in lines if (text := plain(line)))


def _field(row: re.Match[str], place: str, number: int) -> Field:
    found = Field(
        place=place, name=row["name"], type="array" if row["many"] else row["type"],
        required=row["label"].lower() == "required", line=number,
    )  # fmt: skip
    return beside_type(found, row["kind"] or "")


def _marked(found: Field, line: str) -> Field:
    """The line below a description, where "Default: DHExample: DHPossible values:" may run together."""
    pieces = _MARK.split(line)
    for name, value in zip(pieces[1::2], pieces[2::2], strict=True):
        said = value.strip().removeprefix("`").removesuffix("`")
        match name:
            case "Default":
                found = replace(found, default=said)
            case "Example":
                found = replace(found, example=said)
            case "Pattern":
                found = replace(found, pattern=said)
            case _:
                found = replace(found, enum=values(said))
    return found
