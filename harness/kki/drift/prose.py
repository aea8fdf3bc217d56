"""Facts that a page hides in words: limits, alphabet, what a description says against the label beside it."""

from __future__ import annotations

import re
from dataclasses import replace

from kki.drift.model import Field

_LEAST = re.compile(r"\bmin(?:imum)?(?: length)?\s*[:=]\s*(\d+)", re.IGNORECASE)
_MOST = re.compile(r"\bmax(?:imum)?(?: length)?\s*[:=]\s*(\d+)", re.IGNORECASE)
_IN_WORDS = re.compile(r"\|\s*(Mandatory|Required|Optional|Conditional)\b", re.IGNORECASE)
_ALPHANUMERIC = re.compile(r"\balpha-?\s?numeric\b\.?", re.IGNORECASE)
_NUMERIC = re.compile(r"\bnumeric string\b\.?|\|\s*numeric\b", re.IGNORECASE)
_BULLET = re.compile(r"^\s*[•*-]\s+`?([A-Za-z0-9_-]+)`?\s*(?:\(|:|$)")
_STATED = re.compile(r"^(?:min|max)(?:imum)?(?: length)?\s*[:=]\s*\d+$|^enum$", re.IGNORECASE)


def completed(found: Field, lines: list[str]) -> Field:
    """The field with what its description's lines say; what a keyword states already stays as it is."""
    text = " ".join(line.strip() for line in lines)
    in_words = _IN_WORDS.search(text)
    return replace(
        found,
        description=spaced(text),
        min_length=found.min_length if found.min_length is not None else _number(_LEAST, text),
        max_length=found.max_length if found.max_length is not None else _number(_MOST, text),
        in_words=in_words[1].capitalize() if in_words else "",
        alphabet=found.alphabet or alphabet(text),
        enum=found.enum or _listed(found, lines),
    )


def beside_type(found: Field, kind: str) -> Field:
    """The field with what stands behind its type: "max: 32", "enum", "utc timestamp", with dots between them."""
    parts = [part.strip() for part in kind.split("·") if part.strip()]
    return replace(
        found,
        min_length=_number(_LEAST, kind),
        max_length=_number(_MOST, kind),
        kind=" · ".join(part for part in parts if not _STATED.match(part)) if "enum" not in parts else "enum",
    )


def alphabet(text: str) -> str:
    if _ALPHANUMERIC.search(text):
        return "alphanumeric"
    return "numeric" if _NUMERIC.search(text) else ""


def bare(text: str) -> str:
    """A description without the facts that are compared for themselves."""
    for fact in (_LEAST, _MOST, _IN_WORDS, _ALPHANUMERIC, _NUMERIC):
        text = fact.sub("", text)
    return spaced(text.replace("|", " "))


def values(text: str) -> tuple[str, ...]:
    """The values in "Possible values: DH, H2H", in backticks or not."""
    return tuple(re.findall(r"[A-Za-z0-9_.-]+", text))


def spaced(text: str) -> str:
    """With single blanks, so that how lines are broken is no difference."""
    return " ".join(text.split())


def _listed(found: Field, lines: list[str]) -> tuple[str, ...]:
    """The names of a list in the description, where the page says "enum" and leaves the values to it."""
    if found.kind != "enum":
        return ()
    return tuple(match[1] for line in lines if (match := _BULLET.match(line)))


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    return int(match[1]) if match else None
