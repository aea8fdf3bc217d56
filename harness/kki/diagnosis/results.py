"""What a diagnosis answers: right; named, with ranked candidates, theirs beside ours; unnamed; undecided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from kki.diagnosis.choices import Deviation
from kki.snap.signature import first_difference


class Outcome(Enum):
    """CORRECT: nothing to explain. NAMED: at least one construction makes exactly this. UNNAMED: none that is known.

    UNDECIDED: something is missing, without which nobody could tell.
    """

    CORRECT = "correct"
    NAMED = "named"
    UNNAMED = "unnamed"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the construction, theirs beside ours. `difference`: index of the first differing character."""

    name: str
    theirs: str
    ours: str

    @property
    def difference(self) -> int | None:
        return first_difference(self.theirs, self.ours)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One explanation: the deviations from the right construction that together give exactly what was sent.

    `steps` hold bodies as they are: whoever shows them redacts them first (kki.redaction.Redactor.text). Keys and
    secrets stand nowhere in here, and of a token no more than four characters.
    """

    deviations: tuple[Deviation, ...]
    steps: tuple[Step, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(deviation.name for deviation in self.deviations)

    @property
    def says(self) -> str:
        """What the code did wrong, in a sentence each."""
        return " ".join(deviation.did for deviation in self.deviations)

    @property
    def fix(self) -> str:
        return " ".join(dict.fromkeys(deviation.fix for deviation in self.deviations))

    @property
    def requirements(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(deviation.requirement for deviation in self.deviations))

    @property
    def also(self) -> tuple[str, ...]:
        """Names of other mistakes that would have had the same effect on this very request."""
        return tuple(dict.fromkeys(name for deviation in self.deviations for name in deviation.alike))

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)

    @property
    def rank(self) -> tuple[int, int, tuple[str, ...]]:
        """Fewer mistakes first, then commoner ones."""
        return len(self.deviations), sum(deviation.rank for deviation in self.deviations), self.names


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """`subject`: "signature", "token signature" or "card data". `tried`: how many constructions were compared.

    `steps`: the right construction of this request (as for Candidate.steps: redact before showing). `hints`: what the
    form of an unexplained value tells, without any claim to have found the cause. `missing`: why it is undecided.
    """

    subject: str
    outcome: Outcome
    candidates: tuple[Candidate, ...] = ()
    tried: int = 0
    steps: tuple[tuple[str, str], ...] = ()
    hints: tuple[str, ...] = ()
    missing: str = ""

    @property
    def best(self) -> Candidate | None:
        return self.candidates[0] if self.candidates else None

    @property
    def says(self) -> str:
        """The answer in one line."""
        match self.outcome:
            case Outcome.CORRECT:
                return f"The {self.subject} is right."
            case Outcome.NAMED if self.best is not None:
                return f"{self.best.says} {self.best.fix}"
            case Outcome.UNDECIDED:
                return f"Cannot be decided without {self.missing}."
            case _:
                none = f"None of {self.tried} known constructions" if self.tried else "No known construction"
                text = f"{none} gives this {self.subject}."
                return " ".join((text, *self.hints))

    @property
    def requirements(self) -> tuple[str, ...]:
        return self.best.requirements if self.best is not None else ()


def redacted(diagnosis: Diagnosis, clean: Callable[[str], str]) -> Diagnosis:
    """What may be shown: every step through `clean` (Redactor.text), control characters as escapes.

    The places of differences then are those in the texts that are shown. Sentences hold nothing to hide but what a
    client itself put into a path or a member's name; they go through `clean` as well.
    """

    def step(one: Step) -> Step:
        theirs, ours = clean(visible(one.theirs)), clean(visible(one.ours))
        if theirs == ours and one.difference is not None:
            theirs += " (another hidden value)"
        return Step(name=one.name, theirs=theirs, ours=ours)

    def deviation(one: Deviation) -> Deviation:
        return replace(one, did=clean(visible(one.did)), detail=clean(visible(one.detail)))

    candidates = tuple(
        Candidate(deviations=tuple(map(deviation, one.deviations)), steps=tuple(map(step, one.steps)))
        for one in diagnosis.candidates
    )
    steps = tuple((name, clean(visible(value))) for name, value in diagnosis.steps)
    return replace(diagnosis, candidates=candidates, steps=steps)


def visible(text: str) -> str:
    """Line ends and other control characters as escapes, or a difference in them would not show."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """For `--format json` and the live page; not redacted."""
    return {
        "subject": diagnosis.subject,
        "outcome": diagnosis.outcome.value,
        "says": diagnosis.says,
        "tried": diagnosis.tried,
        "missing": diagnosis.missing,
        "hints": list(diagnosis.hints),
        "steps": [{"step": name, "value": value} for name, value in diagnosis.steps],
        "candidates": [_candidate(candidate) for candidate in diagnosis.candidates],
    }


def _candidate(candidate: Candidate) -> Mapping[str, Any]:
    return {
        "constructions": list(candidate.names),
        "says": candidate.says,
        "fix": candidate.fix,
        "requirements": list(candidate.requirements),
        "same_effect_here": list(candidate.also),
        "steps": [
            {"step": step.name, "theirs": step.theirs, "ours": step.ours, "first_difference": step.difference}
            for step in candidate.steps
        ],
    }
