"""The live page of a merchant's trial: what is seen so far, as HTML. A door to Jinja2, beside `report/html.py`.

Plain values in, pages out; every text is a stranger's until it is escaped. Redaction has happened before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kki.report import templating
from kki.report.escape import readable, shortened

MOST_BODY = 8192  # octets of a body
MOST_VALUE = 2000  # characters of anything else
MOST_ROWS = 100  # exchanges on the first page
AROUND = 400  # characters of a long text that are shown on either side of the first difference


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """`state`: "open", "under way", "done", "wrong"."""

    id: str
    title: str
    kind: str
    state: str
    mandatory: bool
    how: str
    expects: str = ""
    exchanges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow:
    """A requirement that is broken. `grade`: "violation", "warning", "note"."""

    id: str
    says: str
    grade: str
    where: str = ""
    expected: str = ""
    actual: str = ""
    diagnosis: str = ""
    exchange: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRow:
    """`worst`: the worst grade found in it, "" for none."""

    id: str
    seq: int
    at: str
    method: str
    target: str
    operation: str
    reply: str
    took: str = ""
    worst: str = ""
    found: tuple[str, ...] = ()  # ids of the rows that it breaks
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """`verdict`: one sentence once the session has ended, "" before."""

    title: str
    use: str
    url: str
    client_id: str
    started: str
    done: int
    asked: int
    counts: tuple[tuple[str, str, int], ...]  # (style, word, number)
    steps: tuple[StepRow, ...]
    found: tuple[FoundRow, ...]
    exchanges: tuple[ExchangeRow, ...]
    seq: int
    verdict: str = ""
    outcome: str = "listening"  # or "conforms", "does-not-conform", "incomplete"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One step of the signature; `difference`: index of the first character that differs, None for none."""

    name: str
    theirs: str
    ours: str
    difference: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangePage:
    row: ExchangeRow
    origin: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: bytes
    reply_headers: tuple[tuple[str, str], ...] = ()
    reply_body: bytes = b""
    found: tuple[FoundRow, ...] = ()
    holds: tuple[tuple[str, str], ...] = ()  # (id, says)
    unknown: tuple[tuple[str, str], ...] = ()  # (id, what is missing)
    steps: tuple[Compared, ...] = ()
    heading: str = "The signature, step by step"
    explained: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    cut: bool = False
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Fragments:
    """What changes on the first page while one looks at it."""

    summary: str
    checklist: str
    found: str
    rows: Sequence[str] = field(default_factory=tuple)


def overview_page(view: Overview) -> str:
    return _environment().get_template("live.html.jinja").render(v=view, most=MOST_ROWS)


def exchange_page(page: ExchangePage) -> str:
    return _environment().get_template("live_exchange.html.jinja").render(p=page)


def missing_page(what: str) -> str:
    return _environment().get_template("live_missing.html.jinja").render(what=what)


def fragments(view: Overview, rows: Sequence[ExchangeRow]) -> Fragments:
    """`rows`: those that are new, oldest first."""
    parts: Any = _environment().get_template("live_parts.jinja").module
    return Fragments(
        summary=str(parts.summary(view)),
        checklist=str(parts.checklist(view)),
        found=str(parts.found(view)),
        rows=tuple(str(parts.row(each)) for each in rows),
    )


def asset(name: str) -> tuple[str, str] | None:
    """(content type, text) of the style sheet and the script; None for any other name."""
    types = {"live.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8"}
    return (types[name], templating.text(name)) if name in types else None


# --- what the templates ask for --------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _environment() -> templating.Environment:
    environment = templating.environment()
    environment.filters.update(short=_short, body=_body, split=split)
    return environment


def _short(text: str, most: int = MOST_VALUE) -> str:
    return shortened(text, most)


def _body(octets: bytes) -> str:
    return readable(octets[:MOST_BODY])


def split(text: str, at: int | None) -> tuple[str, str, str]:
    """Before the first difference, the differing character, the rest; a long text is cut around it."""
    if at is None:
        return shortened(text, 2 * AROUND), "", ""
    before, mark, rest = text[:at], text[at : at + 1], text[at + 1 :]
    if len(before) > AROUND:
        before = "…" + before[-AROUND:]
    return before, mark or "⟨end⟩", shortened(rest, AROUND)
