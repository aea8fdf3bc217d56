"""Two pages side by side: every field, every limit, every sentence that one has otherwise than the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from kki.drift.model import Change, Field, Page, Request
from kki.drift.prose import bare

# What is compared of a field, and how a change of it is called. Wording counts between two versions of one page only.
_FACTS = (
    ("type", "type"), ("required", "required"), ("in_words", "required, in words"), ("min_length", "minLength"),
    ("max_length", "maxLength"), ("alphabet", "alphabet"), ("pattern", "pattern"), ("enum", "enum"),
    ("default", "default"), ("example", "example"),
)  # fmt: skip
_WORDING = (("kind", "kind"), ("description", "description"))
_ALIKE = 0.8  # of two names: from here on one may be the other's new spelling
_SEEN = 200  # characters of a name or title that are compared
_TELLING = 6  # characters of an example that is no accident when two fields have it
_RELATED = 0.3  # of two titles at one path
_SHARED = 0.6  # of the fields of two requests: from here on one may be the other under a new path


@dataclass(frozen=True, slots=True)
class _Pair:
    old: Request
    new: Request


def differences(old: Page, new: Page) -> list[Change]:
    """Everything that differs, in the order of the pages; the same in several requests of one path stands once."""
    wording = old.form == new.form
    pairs, gone, come = _paired(old.requests, new.requests)
    found = [change for pair in pairs for change in _of_request(pair, wording)]
    found += [_whole(request, "gone") for request in gone]
    found += [_whole(request, "new") for request in come]
    if wording:
        found += _prose(old, new)
    return _joined(found)


# --- requests ---------------------------------------------------------------------------------------------


def _paired(old: Sequence[Request], new: Sequence[Request]) -> tuple[list[_Pair], list[Request], list[Request]]:
    """Which request is which: by path and title, by path, by title, by section and fields, whichever comes first."""
    rest, come = list(old), list(new)
    pairs: list[_Pair] = []
    for score in (_same, _same_path, _same_title, _same_fields):
        candidates = sorted(
            ((score(one, other), -number, one, other) for one in rest for number, other in enumerate(come)),
            key=lambda row: row[:2], reverse=True,
        )  # fmt: skip
        for likeness, _, one, other in candidates:
            if likeness > 0 and one in rest and other in come:
                pairs.append(_Pair(one, other))
                rest.remove(one)
                come.remove(other)
    return sorted(pairs, key=lambda pair: new.index(pair.new)), rest, come


def _same(one: Request, other: Request) -> float:
    return float((one.path, one.method, one.title) == (other.path, other.method, other.title))


def _same_path(one: Request, other: Request) -> float:
    if (one.path, one.method) != (other.path, other.method) or not one.path:
        return 0
    return max(_RELATED, likeness(one.title, other.title))


def _same_title(one: Request, other: Request) -> float:
    return likeness(one.title, other.title) if likeness(one.title, other.title) >= _ALIKE else 0


def _same_fields(one: Request, other: Request) -> float:
    """Within one section, under another path and another title."""
    mine, theirs = ({(found.place, found.name) for found in request.fields} for request in (one, other))
    shared = len(mine & theirs) / max(1, len(mine | theirs))
    return shared if one.section == other.section and shared >= _SHARED else 0


def likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:_SEEN].lower(), other[:_SEEN].lower(), autojunk=False).ratio()


def _whole(request: Request, kind: str) -> Change:
    said = f"{request.method} {request.path or 'without a path'}, {len(request.fields)} fields"
    return replace(
        _change(request, kind, "request"), old=said if kind == "gone" else "", new=said if kind == "new" else ""
    )


def _change(request: Request, kind: str, keyword: str, place: str = "", name: str = "") -> Change:
    return Change(
        kind=kind, keyword=keyword, section=request.section, requests=(request.title,), path=request.path,
        place=place, name=name,
    )  # fmt: skip


def _of_request(pair: _Pair, wording: bool) -> Iterator[Change]:
    old, new = pair.old, pair.new
    facts = [("path", old.path, new.path), ("method", old.method, new.method)]
    facts += [("status", ", ".join(old.statuses), ", ".join(new.statuses))] if old.statuses and new.statuses else []
    facts += [("title", old.title, new.title), ("section", old.section, new.section)] if wording else []
    for keyword, was, now in facts:
        if was != now:
            yield replace(_change(new, "changed", keyword), old=was, new=now)
    yield from _of_fields(pair, wording)
    if wording:
        for was, now in _lines(old.text, new.text):
            yield replace(_change(new, "changed", "wording"), old=was, new=now)


# --- fields -----------------------------------------------------------------------------------------------


def _of_fields(pair: _Pair, wording: bool) -> Iterator[Change]:
    old = {(one.place, one.name): one for one in pair.old.fields}
    new = {(one.place, one.name): one for one in pair.new.fields}
    gone = [one for key, one in old.items() if key not in new]
    come = [one for key, one in new.items() if key not in old]
    for one, other in _renamed(gone, come):
        gone.remove(one)
        come.remove(other)
        yield _rename(pair.new, one, other)
        yield from _of_field(pair.new, one, other, wording)
    for key, one in old.items():
        if key in new:
            yield from _of_field(pair.new, one, new[key], wording)
    for one in gone:
        yield replace(_change(pair.new, "gone", "field", one.place, one.name), old=summary(one))
    for one in come:
        yield replace(_change(pair.new, "new", "field", one.place, one.name), new=summary(one))


def _rename(request: Request, old: Field, new: Field) -> Change:
    if old.name == new.name:
        return replace(_change(request, "moved", "place", old.place, old.name), old=old.place, new=new.place)
    return replace(_change(request, "renamed", "name", old.place, old.name), old=old.name, new=new.name)


def _renamed(gone: Sequence[Field], come: Sequence[Field]) -> list[tuple[Field, Field]]:
    """Those that vanished here and came up there, each at most once, the most alike first."""
    scored = [(_succession(one, other), one, other) for one in gone for other in come]
    pairs: list[tuple[Field, Field]] = []
    for score, one, other in sorted(scored, key=lambda row: row[0], reverse=True):
        taken = any(one is old or other is new for old, new in pairs)
        if score > 0 and not taken:
            pairs.append((one, other))
    return pairs


def _succession(old: Field, new: Field) -> float:
    if old.name == new.name:
        return 2 if "reply" not in (old.place, new.place) else 0  # a request's member is not the reply's
    if old.place != new.place:
        return 0
    names = likeness(old.name, new.name)
    same = old.example is not None and old.example == new.example and old.type == new.type
    same = same and (old.description == new.description or len(old.example or "") >= _TELLING)
    return names + same if names >= _ALIKE or same else 0


def _of_field(request: Request, old: Field, new: Field, wording: bool) -> Iterator[Change]:
    for attribute, keyword in (*_FACTS, *(_WORDING if wording else ())):
        was, now = getattr(old, attribute), getattr(new, attribute)
        if was != now and (keyword != "description" or bare(was) != bare(now)):
            change = _change(request, "changed", keyword, old.place, old.name)
            yield replace(change, old=spoken(was), new=spoken(now))


def spoken(value: object) -> str:
    """A fact as people read it; "" where nothing is stated."""
    match value:
        case None:
            return ""
        case bool():
            return "required" if value else "optional"
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def summary(one: Field) -> str:
    """A field in one line: "string, required, at most 32 characters"."""
    parts = [one.type, spoken(one.required)]
    parts += [f"at least {one.min_length} characters"] if one.min_length is not None else []
    parts += [f"at most {one.max_length} characters"] if one.max_length is not None else []
    parts += [f"of the form {one.pattern}"] if one.pattern else []
    parts += [f"one of {', '.join(one.enum)}"] if one.enum else []
    return ", ".join(part for part in (*parts, one.alphabet) if part)


# --- wording ----------------------------------------------------------------------------------------------


def _prose(old: Page, new: Page) -> Iterator[Change]:
    for section in dict.fromkeys((*old.prose, *new.prose)):
        for was, now in _lines(old.prose.get(section, ()), new.prose.get(section, ())):
            yield Change(kind="changed", keyword="prose", section=section, old=was, new=now)


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield " ".join(old[i:j]), " ".join(new[k:m])


def _joined(changes: Sequence[Change]) -> list[Change]:
    """The four payment requests share their fields: what changed in each of them alike is one change."""
    found: dict[Change, list[str]] = {}
    for change in changes:
        titles = found.setdefault(replace(change, requests=()), [])
        titles += [title for title in change.requests if title not in titles]
    return [replace(change, requests=tuple(titles)) for change, titles in found.items()]
