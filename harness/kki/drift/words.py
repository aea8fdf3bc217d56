"""Differences as people read them, and as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kki.drift.model import Change, Page

_LONG = 100  # characters of a value on one line
_MANY = 6  # ids on one line


def as_json(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind, "keyword": change.keyword, "section": change.section, "requests": list(change.requests),
        "path": change.path, "place": change.place, "name": change.name, "old": change.old, "new": change.new,
        "requirements": list(change.rows), "cases": list(change.cases),
    }  # fmt: skip


def page_as_json(page: Page) -> dict[str, Any]:
    return {"form": page.form, "requests": len(page.requests), "fields": page.count}


def where(change: Change) -> str:
    """ "4. Refund › Request Refund …", or the section alone; how many, where it is the same in several requests."""
    if not change.requests:
        return change.section or "before the first section"
    titles = change.requests[0] if len(change.requests) == 1 else f"{len(change.requests)} requests"
    return " › ".join(part for part in (change.section, titles) if part)


def lines(change: Change, sides: tuple[str, str], *, every: bool = False) -> Iterator[str]:
    """What changed, then what it touches. `sides`: how old and new are called; `every`: all ids, however many."""
    yield _headline(change, sides)
    for side, value in zip(sides, (change.old, change.new), strict=True):
        if change.kind == "changed":
            yield f"    {side}: {_short(value, every) or '(nothing)'}"
    if len(change.requests) > 1 and every:
        yield "    in " + "; ".join(change.requests)
    touched = [*_ids("requirement", change.rows, every), *_ids("case", change.cases, every)]
    yield "    touches " + (", and ".join(touched) if touched else "no requirement and no case")


def _headline(change: Change, sides: tuple[str, str]) -> str:
    subject = f"{change.place} {change.name}" if change.name else change.keyword
    match change.kind:
        case "new":
            return f"  {subject}: only {sides[1]} has it ({change.new})"
        case "gone":
            return f"  {subject}: only {sides[0]} has it ({change.old})"
        case "renamed":
            return f"  {subject}: now called {change.new}"
        case "moved":
            return f"  {subject}: now in {change.new}"
        case _ if change.name:
            return f"  {subject}: {change.keyword}"
        case _:
            return f"  {subject}"


def _short(value: str, every: bool) -> str:
    return value if every or len(value) <= _LONG else f"{value[:_LONG]}… ({len(value)} characters)"


def _ids(what: str, ids: Sequence[str], every: bool) -> Iterator[str]:
    if not ids:
        return
    shown = ids if every or len(ids) <= _MANY else ids[:_MANY]
    more = f" and {len(ids) - len(shown)} more" if len(shown) < len(ids) else ""
    if what == "case" and not every:
        yield f"{len(ids)} compiled case{'s' if len(ids) > 1 else ''}"
    else:
        yield f"{'' if what == 'requirement' else 'the compiled cases '}{', '.join(shown)}{more}"
