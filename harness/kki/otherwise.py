"""What another choice of an open reading makes of an exchange: no rule knows of it, and grading goes by what it finds.

Pure, as the judge: it has the judge look again, under other knowledge, and remembers which choices the server refuted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kki.model.requirement import Party, Standing
from kki.model.verdict import Broken, Judgement, Unknown
from kki.rules.faults import DETECTORS
from kki.rules.registry import RULES, Scene
from kki.rules.view import look

if TYPE_CHECKING:
    from kki.judge import Judge

PROMISES = frozenset(rule.id for rule in RULES if rule.name.startswith("acceptance."))
REMEMBERING = frozenset(rule.id for rule in RULES if rule.name.startswith(("behaviour.", "habits.")) or rule.at_end)
MANNERS = frozenset({"null-members", "member-types", "enumeration-case", "json-dialect", "length-unit"})
"""Readings on which any row may rest, whether it names them or not."""
SIGNED = ("signature-encoding", "body-canonical-form")
Pair = tuple[str, str]
"""A reading, and a choice of it."""

ALWAYS = frozenset(
    reading[0] for reading in (*(each.reading for each in DETECTORS), *(each.reading for each in RULES)) if reading
)
"""Readings by which whole rules and detectors are chosen, before any exchange is looked at."""

ENOUGH = 2  # times that a row was broken under every choice: from then on it need not be asked again
TRIES = 2  # accepted requests of one operation by which other choices are ruled out


class Asked(dict[str, str]):
    """The operator's choices, with a note of the readings that somebody asked for: no other bears on what came out."""

    def __init__(self, chosen: Mapping[str, str]) -> None:
        super().__init__(chosen)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


class Otherwise:
    """The same exchange under another choice of each reading that the profile leaves open.

    What one choice permits is no violation; what none permits is one, even of a conflicted row. And a refusal that
    another choice explains leaves a promise open, until the server accepts what that choice would have it refuse.
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.pairs = tuple(
            (name, choice.id)
            for name, reading in judge.knowledge.contract.readings.items()
            for choice in reading.choices
            if name not in judge.knowledge.readings and choice.id != reading.default
        )
        self.excluded: set[Pair] = set()
        self._judges: dict[Pair, Judge] = {}
        self._sure: Counter[str] = Counter()
        self._accepted: Counter[str] = Counter()
        self._seen: dict[Pair, tuple[Scene, dict[str, Judgement]]] = {}  # of the exchange that is weighed
        self._names: frozenset[str] = frozenset()  # its broken rows
        self._bearing: tuple[Pair, ...] = ()  # on it: pairs of readings that its judgement asked for
        self._open: list[tuple[str, str, Broken, tuple[Pair, ...]]] = []

    def weigh(self, scene: Scene, rows: dict[str, Judgement], asked: Collection[str]) -> None:
        """Each broken row of this exchange, by what other choices make of it. `asked`: readings it was judged by."""
        self._bearing = tuple(pair for pair in self.pairs if pair[0] in asked or pair[0] in ALWAYS)
        broken = {name: each for name, each in rows.items() if isinstance(each, Broken) and name not in REMEMBERING}
        self._seen, self._names = {}, frozenset(broken)
        for name, judgement in broken.items():
            rows[name] = self._weighed(scene, name, judgement)
        name, view = scene.view.name, scene.view
        if view.accepted and not scene.found.faults and self._accepted[name] < TRIES:
            self._accepted[name] += 1
            left = [pair for pair in self._bearing if pair not in self.excluded]
            self.excluded |= {pair for pair in left if self._under(pair, scene)[0].found.faults}

    def reconsidered(self) -> list[tuple[str, str, Broken]]:
        """Row, exchange and judgement of what was left open for choices that turned out not to be the server's."""
        return [
            (name, exchange, replace(judgement, permitted=""))
            for name, exchange, judgement, pairs in self._open
            if self.excluded.issuperset(pairs)
        ]

    def _weighed(self, scene: Scene, name: str, judgement: Broken) -> Judgement:
        row = self.judge.knowledge.contract.requirements[name]
        if name in PROMISES or row.area == "RSN":
            pairs = self._explaining(scene)
            named = next((pair for pair in pairs if pair[0] in row.readings), None)
            if named is not None:  # the row is about that reading: broken, as far as that counts
                return Broken(judgement.findings, "=".join(named))
            if pairs:
                self._open.append((name, scene.view.exchange.id, judgement, pairs))
                reading, choice = pairs[0]
                secret = "; or the client secret is another" if reading in SIGNED else ""
                said = f"how the target reads {reading}: under {choice} it is right; pin it under [readings]{secret}"
                return Unknown(said)
        if row.party is Party.CLIENT and row.standing is not Standing.CONFLICTED:
            return judgement  # to a merchant the page's own word is enough; what it leaves open, its rows say
        return Broken(judgement.findings, self._permitted(scene, name, row.readings))

    def _permitted(self, scene: Scene, name: str, readings: Iterable[str]) -> str:
        if self._sure[name] >= ENOUGH:
            return ""
        mine = [pair for pair in self._bearing if pair[0] in readings or pair[0] in MANNERS]
        for pair in mine:
            if not isinstance(self._under(pair, scene)[1].get(name), Broken):
                return "=".join(pair)
        self._sure[name] += 1
        return ""

    def _explaining(self, scene: Scene) -> tuple[Pair, ...]:
        """The choices under which this request has a fault, besides those it has anyhow, that fits its refusal."""
        case = scene.view.reply.case
        if case is None:
            return ()
        left = [pair for pair in self._bearing if pair not in self.excluded]
        known = scene.found.faults
        return tuple(
            pair for pair in left
            if any(fault.fits(case) for fault in self._under(pair, scene)[0].found.faults if fault not in known)
        )  # fmt: skip

    def _under(self, pair: Pair, scene: Scene) -> tuple[Scene, dict[str, Judgement]]:
        """The exchange under this choice: its faults, and the judgements of the rows that are broken without it."""
        if pair not in self._seen:
            mine = self.judge.knowledge
            knowledge = replace(mine, readings={**mine.readings, pair[0]: pair[1]})
            if pair not in self._judges:
                self._judges[pair] = type(self.judge)(knowledge, self.judge.shapes)
            other = self._judges[pair]
            other.knowledge = knowledge
            rules = [rule for rule in other.rules if rule.id in self._names]
            found, sheet = other.judged(look(scene.view.exchange, knowledge), scene.trail, rules)
            self._seen[pair] = found, sheet.rows
        return self._seen[pair]
