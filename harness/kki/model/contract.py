"""The contract as frozen values: what `openapi/` says, read once at the edge. Limits stand there and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kki.model.requirement import Reading, Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """Which requirement a node's schema keywords stand for, by party on trial.

    `keywords`: "required" and JSON Schema keywords. `reading`: (reading id, choice id) under which alone the
    keywords are in force; None: always. `rule`: judged by a rule function under that id, so shape passes it by.
    """

    keywords: frozenset[str]
    client: str | None = None
    server: str | None = None
    reading: tuple[str, str] | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFact:
    """One row of the page's field tables. Lengths are in characters."""

    name: str
    place: str  # "header" | "body" | "reply" | "reply header"
    type: str
    required: bool
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    enum: tuple[str, ...] = ()
    default: str | None = None
    example: Any = None
    tags: tuple[Tag, ...] = ()

    def tag_for(self, keyword: str) -> Tag | None:
        return next((tag for tag in self.tags if keyword in tag.keywords), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One shape of the request body. `schema` is self-contained JSON Schema 2020-12."""

    name: str  # "cpan" | "cpan-tokenise" | "token" | "token-recurring" | "default"
    title: str
    fields: tuple[FieldFact, ...]
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    name: str  # "payment" | "bind" | "unbind" | "refund" | "b2b" | "b2b2c"
    title: str
    method: str
    path: str
    service: str  # two digits, as the page prints it
    service_readings: Mapping[str, str] = field(default_factory=dict)  # choice id → service code
    service_reading: str | None = None  # the reading that chooses, if any
    symmetric: bool = True  # False: the token endpoints, signed with RSA
    headers: tuple[FieldFact, ...] = ()
    variants: tuple[Variant, ...] = ()
    reply: tuple[FieldFact, ...] = ()
    reply_schema: Mapping[str, Any] = field(default_factory=dict)
    section: str = ""  # of the page

    def header(self, name: str) -> FieldFact | None:
        return next((fact for fact in self.headers if fact.name.lower() == name.lower()), None)

    def variant(self, name: str) -> Variant | None:
        return next((variant for variant in self.variants if variant.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeCase:
    status: int
    case: str
    name: str
    category: str  # "S" system, "M" message, "B" business, "" success


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One quoted source. Public addresses only."""

    key: str
    title: str
    url: str
    seen: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """One file of the ledger: what its rows are about, in a sentence and in a word or two."""

    title: str
    short: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    digest: str  # "sha256:…" over the OpenAPI document, ledger and readings
    operations: Mapping[str, Operation]
    cases: Mapping[tuple[int, str], CodeCase]
    services: Mapping[str, str]
    requirements: Mapping[str, Requirement]
    readings: Mapping[str, Reading]
    documents: Mapping[str, Document]
    areas: Mapping[str, Area] = field(default_factory=dict)  # by the letters in ids, in the order of these

    def operation_at(self, path: str) -> Operation | None:
        """The operation that lives at this request path (no query), or None."""
        return next((op for op in self.operations.values() if op.path == path), None)

    def choice(self, reading: str, chosen: Mapping[str, str]) -> str:
        """The choice in force for a reading: the profile's, else the default. KeyError for an unknown id."""
        row = self.readings[reading]
        return chosen.get(reading) or row.default or ""
