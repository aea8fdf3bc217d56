"""What a documentation page states, field by field, and one difference between two such statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class UnreadableError(ValueError):
    """A text in which no field table can be found; the message is a sentence for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One row of a field table. Lengths are in characters; None and "" mean that nothing is stated."""

    place: str  # one of PLACES; of a reply other than 200 with its status: "reply 202"
    name: str  # nested members with dots: "amount.value", "lineItems[].price"
    type: str = "string"
    required: bool | None = None
    in_words: str = ""  # what the description says of it: "Optional" beside the label Required, for one
    min_length: int | None = None
    max_length: int | None = None
    alphabet: str = ""  # "numeric" or "alphanumeric", where only words say so
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    default: str | None = None
    example: str | None = None
    kind: str = ""  # what else stands behind the type: "utc timestamp"
    description: str = ""
    line: int = 0  # of the page, from 1; 0 where there are no lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One printed request; a page may print several for one path."""

    title: str
    method: str  # upper case
    path: str  # "" where the page gives none
    section: str = ""  # "1. Payment"
    fields: tuple[Field, ...] = ()
    statuses: tuple[str, ...] = ()
    text: tuple[str, ...] = ()  # its prose, above the fields, by lines
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`form`: "text", "markdown", or "contract" for our own transcription, whose wording is not the page's."""

    form: str
    requests: tuple[Request, ...] = ()
    prose: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # section → lines outside of requests

    @property
    def count(self) -> int:
        return sum(len(one.fields) for one in self.requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference. `kind`: "new", "gone", "renamed", "moved", or "changed"; `keyword`: of what.

    Of a request as a whole, `place` and `name` are empty; of a section's prose, `requests` is empty too.
    """

    kind: str
    keyword: str  # "request", "field", "maxLength", "required", "path", "prose", …
    section: str
    requests: tuple[str, ...] = ()  # titles
    path: str = ""
    place: str = ""
    name: str = ""
    old: str = ""
    new: str = ""
    rows: tuple[str, ...] = ()  # ledger ids that it touches
    cases: tuple[str, ...] = ()  # compiled cases that it touches
