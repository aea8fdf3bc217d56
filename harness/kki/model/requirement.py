"""One row of the ledger, and the readings of what the documents leave open."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Standing(Enum):
    """How well the text supports the row: the page says so; other sources do; sources disagree."""

    STATED = "stated"
    IMPLIED = "implied"
    CONFLICTED = "conflicted"


class Party(Enum):
    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    document: str  # a key of sources.toml
    section: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    id: str  # "KKI-SIG-010": area and number, with gaps; never re-used
    says: str  # one sentence, true when all is well
    level: Level
    standing: Standing
    party: Party
    source: Source
    readings: tuple[str, ...] = ()
    untestable: str | None = None

    @property
    def area(self) -> str:
        return self.id.split("-")[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    id: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One open question. Either `choices` with a `default`, or `without_consequence` says why none is needed."""

    id: str
    question: str
    contradictions: tuple[int, ...]
    choices: tuple[Choice, ...] = ()
    default: str | None = None
    without_consequence: str | None = None
