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
from typing import Any

from kki.model.exchange import Exchange
from kki.model.verdict import Broken, Finding, Verdict
from kki.rules.knowledge import Knowledge
from kki.rules.trail import Trail
from kki.rules.view import View

SHARE = 0.2  # of the time that has passed
START_S = 10.0  # seconds that may be spent at once, before that share counts
PAIRS_S = 5.0  # seconds that must be left for the search among pairs
MOST_TOKENS = 20  # earlier tokens and signatures that the search may try
_SIGNATURE = frozenset({"KKI-SIG-010", "KKI-SIG-020", "KKI-SIG-030"})
_TOKEN = frozenset({"KKI-TOK-016"})
_CARD = frozenset({"KKI-CRD-010", "KKI-CRD-012", "KKI-CRD-014"})


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
    _signatures: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_TOKENS))

    def __post_init__(self) -> None:
        self._began = self.clock()

    def explain(self, view: View, verdicts: Iterable[Verdict], trail: Trail) -> tuple[Explained, ...]:
        """An explanation for each part that is broken and can be explained; () where all is well or time is short."""
        broken = {verdict.requirement for verdict in verdicts if isinstance(verdict.judgement, Broken)}
        found = [
            each
            for rows, search in ((_SIGNATURE, self._signature), (_TOKEN, self._token_signature), (_CARD, self._card))
            if broken & rows and (each := self._timed(search, view, trail, rows & broken)) is not None
        ]
        signature = view.header("X-SIGNATURE")
        if signature:
            self._signatures.append(signature)
        return tuple(found)

    @property
    def left(self) -> float:
        """Seconds that may be spent now."""
        return START_S + SHARE * (self.clock() - self._began) - self.spent

    def _timed(
        self, search: Callable[[View, Trail], Any], view: View, trail: Trail, rows: frozenset[str] | set[str]
    ) -> Explained | None:
        if self.left <= 0:
            return None
        began = self.clock()
        try:
            diagnosis = search(view, trail)
        finally:
            self.spent += self.clock() - began
        return None if diagnosis is None else _explained(diagnosis, frozenset(rows))

    # -- the three searches --------------------------------------------------------------------------

    def _signature(self, view: View, trail: Trail) -> Any:
        from kki.diagnosis.search import diagnose

        return diagnose(self._material(view, trail), pairs=self.left > PAIRS_S)

    def _token_signature(self, view: View, trail: Trail) -> Any:
        from kki.diagnosis.search import diagnose

        return diagnose(self._material(view, trail), token_request=True, pairs=self.left > PAIRS_S)

    def _card(self, view: View, _trail: Trail) -> Any:
        try:
            from kki.diagnosis import card
        except ImportError:
            return None
        text = view.text("cardData")
        return None if text is None else _card_diagnosis(card, text, self.knowledge)

    def _material(self, view: View, trail: Trail) -> Any:
        from kki.diagnosis.parts import Material

        held = self.knowledge.credentials
        newest = list(islice(reversed(trail.tokens.items()), MOST_TOKENS))
        return Material(
            request=view.exchange.request,
            client_secret=held.client_secret or "",
            client_id=held.client_id or "",
            shared_key=held.shared_key or "",
            public_key=held.public_key or "",
            private_keys=tuple(key for key in (held.private_key,) if key),
            customer_token=view.customer_token or "",
            earlier_tokens=tuple(token for token, issued in newest if issued.kind == "b2b" and token != view.token),
            earlier_signatures=tuple(self._signatures),
            origin=view.exchange.request.origin,
            paths=tuple(operation.path for operation in self.knowledge.contract.operations.values()),
            body_form=self.knowledge.choice("body-canonical-form"),
            encoding=self.knowledge.choice("signature-encoding"),
        )


def _card_diagnosis(card: Any, text: str, knowledge: Knowledge) -> Any:
    return None


def _explained(diagnosis: Any, rows: frozenset[str]) -> Explained | None:
    from kki.diagnosis.results import Outcome

    if diagnosis.outcome in (Outcome.CORRECT, Outcome.UNDECIDED):
        return None
    best = diagnosis.best
    if best is None:
        ours = tuple(Line(name, "", value) for name, value in diagnosis.steps)
        return Explained(rows, diagnosis.says, ours)
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


def right_steps(exchange: Exchange, view: View, knowledge: Knowledge) -> tuple[tuple[str, str], ...]:
    """The signature of this request step by step, as it should be; () where it has none or the secret is missing."""
    from kki.diagnosis.parts import Material
    from kki.diagnosis.search import diagnose

    if not view.in_api or knowledge.credentials.client_secret is None:
        return ()
    material = Material(
        request=exchange.request,
        client_secret=knowledge.credentials.client_secret,
        public_key=knowledge.credentials.public_key or "",
        body_form=knowledge.choice("body-canonical-form"),
        encoding=knowledge.choice("signature-encoding"),
    )
    return tuple(diagnose(material, token_request=not view.symmetric, pairs=False).steps)
