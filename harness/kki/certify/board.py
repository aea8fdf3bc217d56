"""What the live page shows, kept while a session goes on: bounded, redacted, and safe to read from another thread."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import RLock

from kki.certify.explain import Explained, right_steps
from kki.certify.progress import Progress
from kki.model.contract import Contract
from kki.model.exchange import Record
from kki.model.requirement import Party
from kki.model.verdict import Broken, Grade, Holds, Judgement, Unknown, Verdict
from kki.redaction import Redactor
from kki.report import live
from kki.report.figures import reply_in_short
from kki.rules.knowledge import Knowledge
from kki.rules.view import View

MOST_KEPT = 1000  # exchanges that have a page of their own
MOST_FOUND = 200  # requirements on the page, far more than a client can break
BIGGEST = 64 * 1024  # octets of a body up to which the raw exchange is kept for its signature's steps
_GRADES = (Grade.VIOLATION, Grade.WARNING, Grade.NOTE)
_WORDS = {"violation": "violations", "warning": "warnings", "note": "notes"}


@dataclass(slots=True)
class Entry:
    """One exchange. `record` is redacted; `view` is not, and serves the signature's steps alone."""

    row: live.ExchangeRow
    record: Record
    found: tuple[live.FoundRow, ...]
    holds: tuple[str, ...]
    unknown: tuple[tuple[str, str], ...]
    explained: tuple[Explained, ...]
    view: View | None


@dataclass(slots=True, kw_only=True)
class Board:
    """`lock` guards all of it, and the redactor with it."""

    contract: Contract
    knowledge: Knowledge
    redactor: Redactor
    grade: Callable[[str, Judgement], Grade]
    progress: Progress | None
    title: str
    use: str
    started: str
    parties: frozenset[Party]
    client_id: str = ""
    url: str = ""
    lock: RLock = field(default_factory=RLock)
    version: int = 0
    seq: int = 0
    verdict: str = ""
    outcome: str = "listening"
    notes: tuple[str, ...] = ()
    over: bool = False
    _entries: OrderedDict[str, Entry] = field(default_factory=OrderedDict)
    _found: dict[str, live.FoundRow] = field(default_factory=dict)
    _spared: set[str] = field(default_factory=set)  # exchanges that keep their page

    # -- what it is told ------------------------------------------------------------------------------

    def add(
        self,
        view: View,
        record: Record,
        verdicts: Sequence[Verdict],
        explained: tuple[Explained, ...],
        steps: Sequence[str],
    ) -> None:
        """`verdicts` and `record` are redacted, and of the parties on trial."""
        with self.lock:
            self.seq += 1
            found = tuple(self._found_row(verdict) for verdict in verdicts if self._counts(verdict))
            row = self._row(view, record, found, tuple(steps))
            small = len(view.exchange.request.body) <= BIGGEST
            self._entries[record.exchange.id] = Entry(
                row=row,
                record=_trimmed(record),
                found=found,
                holds=tuple(each.requirement for each in verdicts if isinstance(each.judgement, Holds)),
                unknown=tuple(_lacking(verdicts)),
                explained=explained,
                view=view if small else None,
            )
            if found and len(self._spared) < MOST_KEPT // 4:
                self._spared.add(record.exchange.id)
            self.note(found)
            self._forget()

    def note(self, found: Sequence[live.FoundRow]) -> None:
        """Count what is broken; the first finding of each row is shown."""
        for each in found:
            old = self._found.get(each.id)
            if old is not None:
                self._found[each.id] = replace(old, times=old.times + 1)
            elif len(self._found) < MOST_FOUND:
                self._found[each.id] = each
        self.version += 1

    def end(self, verdict: str, outcome: str, verdicts: Sequence[Verdict], notes: Sequence[str]) -> None:
        """The last word. `verdicts`: those over the whole session."""
        with self.lock:
            self.note(tuple(self._found_row(each) for each in verdicts if self._counts(each)))
            self.verdict, self.outcome, self.notes, self.over = verdict, outcome, tuple(notes), True
            self.version += 1

    def broken(self) -> list[live.FoundRow]:
        """The requirements that are broken so far, with the first finding of each."""
        with self.lock:
            return list(self._found.values())

    def _counts(self, verdict: Verdict) -> bool:
        """Whether it is broken, and in scope."""
        judgement = verdict.judgement
        return isinstance(judgement, Broken) and self.grade(verdict.requirement, judgement) is not Grade.NONE

    def _found_row(self, verdict: Verdict) -> live.FoundRow:
        judgement = verdict.judgement
        first = judgement.findings[0] if isinstance(judgement, Broken) else None
        return live.FoundRow(
            id=verdict.requirement,
            says=self.contract.requirements[verdict.requirement].says,
            grade=self.grade(verdict.requirement, judgement).value,
            where=first.where if first else "",
            expected=first.expected if first else "",
            actual=first.actual if first else "",
            diagnosis=first.diagnosis if first else "",
            exchange=verdict.exchange,
        )

    def _row(
        self, view: View, record: Record, found: tuple[live.FoundRow, ...], steps: tuple[str, ...]
    ) -> live.ExchangeRow:
        exchange = record.exchange
        answered = exchange.answered_at
        took = f"{(answered - exchange.sent_at).total_seconds() * 1000:.0f} ms" if answered else ""
        grades = {row.grade for row in found}
        return live.ExchangeRow(
            id=exchange.id,
            seq=self.seq,
            at=f"{exchange.sent_at:%H:%M:%S}.{exchange.sent_at.microsecond // 1000:03d}",
            method=exchange.request.method,
            target=exchange.request.target,
            operation=view.name,
            reply=reply_in_short(exchange),
            took=took,
            worst=next((grade.value for grade in _GRADES if grade.value in grades), ""),
            found=tuple(dict.fromkeys(row.id for row in found)),
            steps=steps,
        )

    def _forget(self) -> None:
        """The oldest go first, except the first MOST_KEPT / 4 with a finding: the list of findings leads to them."""
        while len(self._entries) > MOST_KEPT:
            del self._entries[next(name for name in self._entries if name not in self._spared)]

    # -- what it shows (kki.edges.pages.Source) ---------------------------------------------------------

    def overview(self) -> str:
        with self.lock:
            view = self._overview()
        return live.overview_page(view)

    def missing(self) -> str:
        return live.missing_page(f"There is no such page. The last {MOST_KEPT} exchanges have one each.")

    def asset(self, name: str) -> tuple[str, str] | None:
        return live.asset(name)

    def state(self) -> dict[str, object]:
        with self.lock:
            view = self._overview(rows=False)
            return {
                "use": view.use,
                "url": view.url,
                "outcome": view.outcome,
                "verdict": view.verdict,
                "done": view.done,
                "asked": view.asked,
                "exchanges": self.seq,
                "steps": {step.id: step.state for step in view.steps},
                "broken": {row.id: row.grade for row in view.found},
            }

    def changes(self, version: int, seq: int) -> tuple[int, int, str] | None:
        with self.lock:
            if version == self.version:
                return None
            view = self._overview(rows=False)
            newest = [entry.row for entry in reversed(self._entries.values())][: live.MOST_ROWS]
            now, last = self.version, self.seq
        parts = live.fragments(view, [row for row in reversed(newest) if row.seq > seq])
        news = {
            "summary": parts.summary.strip(),
            "checklist": parts.checklist.strip(),
            "found": parts.found.strip(),
            "rows": [row.strip() for row in parts.rows],
            "title": f"{view.done} of {view.asked} · {view.title}",
            "ended": self.over,
        }
        return now, last, json.dumps(news)

    def exchange(self, name: str) -> str | None:
        with self.lock:
            entry = self._entries.get(name)
            page = None if entry is None else self._page(entry)
        return None if page is None else live.exchange_page(page)

    def _overview(self, *, rows: bool = True) -> live.Overview:
        newest = list(reversed(self._entries.values()))[: live.MOST_ROWS] if rows else []
        order = {grade.value: place for place, grade in enumerate(_GRADES)}
        found = sorted(self._found.values(), key=lambda row: (order.get(row.grade, 9), row.id))
        counts = [("open", "exchanges" if self.seq != 1 else "exchange", self.seq)]
        for grade in _GRADES:
            number = sum(row.grade == grade.value for row in found)
            counts.append((grade.value, _WORDS[grade.value] if number != 1 else grade.value, number))
        return live.Overview(
            title=self.title,
            use=self.use,
            url=self.url,
            client_id=self.client_id,
            started=self.started,
            done=self.progress.done if self.progress else 0,
            asked=len(self.progress.asked) if self.progress else 0,
            counts=tuple(counts),
            steps=tuple(_step_row(self.progress)),
            found=tuple(found),
            exchanges=tuple(entry.row for entry in newest),
            seq=self.seq,
            verdict=self.verdict,
            outcome=self.outcome,
            notes=self.notes,
        )

    # -- one exchange ---------------------------------------------------------------------------------

    def _page(self, entry: Entry) -> live.ExchangePage:
        request, response = entry.record.exchange.request, entry.record.exchange.response
        rows = self.contract.requirements
        steps, heading = self._steps(entry)
        before, after = self._neighbours(entry.record.exchange.id)
        clean = self.redactor.text
        return live.ExchangePage(
            row=entry.row,
            origin=request.origin,
            request_headers=request.headers.pairs,
            request_body=request.body,
            reply_headers=response.headers.pairs if response else (),
            reply_body=response.body if response else b"",
            found=entry.found,
            holds=tuple((name, rows[name].says) for name in entry.holds),
            unknown=entry.unknown,
            steps=steps,
            heading=heading,
            explained=tuple(clean(each.says) for each in entry.explained),
            others=tuple(clean(other) for each in entry.explained for other in each.others),
            cut=max(len(request.body), len(response.body) if response else 0) > live.MOST_BODY,
            before=before,
            after=after,
        )

    def _steps(self, entry: Entry) -> tuple[tuple[live.Compared, ...], str]:
        clean = self.redactor.text
        explained = next((each for each in entry.explained if each.lines), None)
        if explained is not None:
            lines = [_compared(line.name, clean(line.theirs), clean(line.ours)) for line in explained.lines]
            return tuple(lines), "Theirs and ours, step by step"
        if entry.view is None:
            return (), ""
        wrong = bool(entry.explained)  # and nobody knows how it was made
        sent = clean(entry.view.header("X-SIGNATURE") or "")
        compared = []
        for name, value in right_steps(entry.view, self.knowledge):
            ours = clean(value)
            theirs = sent if name == "signature" else "" if wrong else ours
            compared.append(_compared(name, theirs, ours))
        return tuple(compared), "The signature, step by step"

    def _neighbours(self, name: str) -> tuple[str, str]:
        names = list(self._entries)
        at = names.index(name)
        return (names[at - 1] if at else ""), (names[at + 1] if at + 1 < len(names) else "")


def _lacking(verdicts: Iterable[Verdict]) -> Iterator[tuple[str, str]]:
    for each in verdicts:
        if isinstance(each.judgement, Unknown):
            yield each.requirement, each.judgement.missing


def _step_row(progress: Progress | None) -> list[live.StepRow]:
    return [
        live.StepRow(
            id=place.step.id,
            title=place.step.title,
            kind=place.step.kind,
            state=place.state.value,
            mandatory=place.mandatory,
            how=place.step.how,
            expects=place.step.expects,
            exchanges=tuple(place.exchanges),
        )
        for place in (progress.places.values() if progress else ())
    ]


def _compared(name: str, theirs: str, ours: str) -> live.Compared:
    """The difference is sought again after redaction, which moves it. What is not known differs from nothing."""
    if theirs == ours or not theirs:
        return live.Compared(name=name, theirs=theirs, ours=ours)
    shorter = min(len(theirs), len(ours))
    at = next((place for place in range(shorter) if theirs[place] != ours[place]), shorter)
    return live.Compared(name=name, theirs=theirs, ours=ours, difference=at)


def _trimmed(record: Record) -> Record:
    """The evidence has all of it; the page keeps the beginning of long bodies."""
    exchange, most = record.exchange, live.MOST_BODY + 1
    response = exchange.response
    if response is not None and len(response.body) > most:
        response = replace(response, body=response.body[:most])
    request = exchange.request
    if len(request.body) > most:
        request = replace(request, body=request.body[:most])
    return replace(record, exchange=replace(exchange, request=request, response=response))
