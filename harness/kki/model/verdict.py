"""What a rule may answer, and what grading makes of it. A rule never chooses severity."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kki.model.requirement import Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    where: str  # "header X-SIGNATURE", "body /otp", "reply /responseCode", "status"
    expected: str
    actual: str
    diagnosis: str = ""


@dataclass(frozen=True, slots=True)
class Holds:
    reading: str | None = None  # "signature-encoding=hex": which defensible reading matched


@dataclass(frozen=True, slots=True)
class Broken:
    """`permitted`: "reading=choice" under which this were right; "" if under none; None where nobody looked."""

    findings: tuple[Finding, ...]
    permitted: str | None = None

    def __post_init__(self) -> None:
        if not self.findings:
            raise ValueError("Expected at least one finding in Broken, but got none.")


@dataclass(frozen=True, slots=True)
class Unknown:
    missing: str  # "the client secret, without which no signature can be computed"


@dataclass(frozen=True, slots=True)
class NotApplicable:
    pass


@dataclass(frozen=True, slots=True)
class Faulty:
    """The rule itself failed. Says nothing about the party on trial."""

    trace: str


Judgement = Holds | Broken | Unknown | NotApplicable | Faulty


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    requirement: str
    exchange: str  # id of the exchange, or "" for a judgement over the whole trail
    party: Party
    judgement: Judgement


class Outcome(Enum):
    """Of one requirement over a whole run; strongest first."""

    FAULTY = "faulty"
    BROKEN = "broken"
    HOLDS = "holds"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"
    NOT_EXERCISED = "not-exercised"


class Grade(Enum):
    PASS = "pass"
    VIOLATION = "violation"
    WARNING = "warning"
    NOTE = "note"
    NONE = "none"


class Overall(Enum):
    CONFORMS = "conforms"
    DOES_NOT_CONFORM = "does-not-conform"
    INCOMPLETE = "incomplete"
