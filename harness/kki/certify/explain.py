"""What the code did wrong, in words: the one way from a broken verdict to `kki.diagnosis`, within a budget of time.

A flood of wrong signatures must not keep the judge from its work, so that the search stops where it has taken more than
its share; the verdict stands without it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import islice

from kki.diagnosis.exchanges import card_text, diagnose_card_data, diagnose_request, material_of
from kki.diagnosis.results import Diagnosis, Outcome
from kki.diagnosis.search import diagnose
from kki.model.http import Request
from kki.model.verdict import Broken, Finding, Verdict
from kki.rules.knowledge import Knowledge
from kki.rules.trail import Trail
from kki.rules.view import View

SHARE = 0.2  # of the time that has passed
START_S = 10.0  # seconds that may be spent at once, before that share counts
PAIRS_S = 5.0  # seconds that must be left for the search among pairs
MOST_TOKENS = 20  # earlier tokens, signatures and card data that the search may try
_SIGNATURE = frozenset({"KKI-SIG-010", "KKI-SIG-020", "KKI-SIG-030", "KKI-TOK-016"})
_CARD = frozenset({"KKI-CRD-010", "KKI-CRD-012", "KKI-CRD-014", "KKI-CRD-016", "KKI-CRD-018"})


@dataclass(frozen=True, slots=True)
class Line:
    """One step of a construction, theirs beside ours. `difference`: index of the first character that differs."""

    name: str
    theirs: str
    ours: str
    difference: int | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """Not redacted: whoever shows it does that first."""

    requirements: frozenset[str]
    says: str
    lines: tuple[Line, ...] = ()
    others: tuple[str, ...] = ()  # what else would have had the same effect


@dataclass(slots=True)
class Explainer:
    knowledge: Knowledge
    clock: Callable[[], float] = time.monotonic
    spent: float = 0.0
    _began: float = field(default=0.0)
    _requests: deque[Request] = field(default_factory=lambda: deque(maxlen=MOST_TOKENS))
    _cards: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_TOKENS))

    def __post_init__(self) -> None:
        self._began = self.clock()

    def explain(self, view: View, verdicts: Iterable[Verdict], trail: Trail) -> tuple[Explained, ...]:
        """An explanation for each part that is broken and can be explained; () where all is well or time is short."""
        broken = {verdict.requirement for verdict in verdicts if isinstance(verdict.judgement, Broken)}
        found = [
            each
            for rows, search in ((_SIGNATURE, self._signature), (_CARD, self._card))
            if broken & rows and (each := self._timed(search, view, trail, broken & rows)) is not None
        ]
        self._remember(view)
        return tuple(found)

    def _remember(self, view: View) -> None:
        request = view.exchange.request
        if view.header("X-SIGNATURE"):
            self._requests.append(request)
        card = card_text(request, self.knowledge.contract)
        if card:
            self._cards.append(card)

    @property
    def left(self) -> float:
        """Seconds that may be spent now."""
        return START_S + SHARE * (self.clock() - self._began) - self.spent

    def _timed(
        self, search: Callable[[View, Trail], Diagnosis | None], view: View, trail: Trail, rows: set[str]
    ) -> Explained | None:
        if self.left <= 0:
            return None
        began = self.clock()
        try:
            diagnosis = search(view, trail)
        finally:
            self.spent += self.clock() - began
        return None if diagnosis is None else _explained(diagnosis, frozenset(rows))

    # -- the two searches ----------------------------------------------------------------------------

    def _signature(self, view: View, trail: Trail) -> Diagnosis | None:
        """Of an operation or of a token request."""
        newest = list(islice(reversed(trail.tokens), MOST_TOKENS))
        return diagnose_request(
            view.exchange.request, self.knowledge.credentials, self.knowledge.contract,
            readings=self.knowledge.readings, test_data=self.knowledge.test_data, tokens_seen=newest[::-1],
            requests_seen=tuple(self._requests), pairs=self.left > PAIRS_S,
        )  # fmt: skip

    def _card(self, view: View, _trail: Trail) -> Diagnosis | None:
        return diagnose_card_data(
            view.exchange.request, self.knowledge.credentials, self.knowledge.contract,
            readings=self.knowledge.readings, cards_seen=tuple(self._cards),
        )  # fmt: skip


def _explained(diagnosis: Diagnosis, rows: frozenset[str]) -> Explained | None:
    if diagnosis.outcome in (Outcome.CORRECT, Outcome.UNDECIDED):
        return None
    best = diagnosis.best
    if best is None:
        return Explained(rows, diagnosis.says)
    lines = tuple(Line(step.name, step.theirs, step.ours, step.difference) for step in best.steps)
    others = tuple(each.says for each in diagnosis.candidates[1:4])
    return Explained(rows, diagnosis.says, lines, (*others, *best.also))


def with_diagnosis(verdict: Verdict, explanations: Iterable[Explained]) -> Verdict:
    """The verdict with the explanation in those of its findings that have none."""
    judgement = verdict.judgement
    if not isinstance(judgement, Broken):
        return verdict
    says = " ".join(each.says for each in explanations if verdict.requirement in each.requirements)
    if not says:
        return verdict
    findings = tuple(_saying(finding, says) for finding in judgement.findings)
    return replace(verdict, judgement=Broken(findings))


def _saying(finding: Finding, says: str) -> Finding:
    if finding.where not in ("header X-SIGNATURE", "body /cardData"):
        return finding
    return replace(finding, diagnosis=says)


def right_steps(view: View, knowledge: Knowledge) -> tuple[tuple[str, str], ...]:
    """The signature of this request step by step, as it should be; () where that cannot be said."""
    if not view.in_api or view.header("X-SIGNATURE") is None:
        return ()
    request, held = view.exchange.request, knowledge.credentials
    material = material_of(request, held, knowledge.contract, readings=knowledge.readings)
    return diagnose(material, token_request=not view.symmetric, pairs=False).steps
