"""One session: every exchange judged as it comes, on a thread of its own, and a run at the end.

The listener only puts exchanges into a queue, in the order in which it answers them, so that neither a slow rule nor a
search for the cause of a wrong signature keeps a client waiting. One lock guards what the live page reads.
"""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

import kki
from kki.catalogue import catalogue
from kki.certify.board import Board
from kki.certify.checklist import Checklist
from kki.certify.explain import Explained, Explainer, right_steps, with_diagnosis
from kki.certify.progress import Place, Progress, State
from kki.edges import entropy, folders, store
from kki.ending import digest_of, exit_code, told_by, waived
from kki.grading import Policy, Tally, overall
from kki.judge import Judge
from kki.model.contract import Contract
from kki.model.exchange import Exchange, Record
from kki.model.profile import Profile
from kki.model.requirement import Party
from kki.model.run import CaseResult, NotTried, Run
from kki.model.verdict import Grade, Judgement, Overall, Verdict
from kki.redaction import redactor_for
from kki.rules.knowledge import Knowledge
from kki.rules.view import View, look

MOST_SIGNING = 300  # exchanges whose signature's steps the report shows
CLIENT_ONLY = frozenset({Party.CLIENT})
BOTH = frozenset({Party.CLIENT, Party.SERVER})


@dataclass(frozen=True, slots=True)
class Learn:
    """A secret that nothing in the traffic tells from other text."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a session is about. `use`: as in run.json. `complete`, `staged`, `left_out`: as in Knowledge."""

    profile: Profile
    contract: Contract
    use: str
    target: str
    parties: frozenset[Party] = CLIENT_ONLY
    checklist: Checklist | None = None
    only: frozenset[str] = frozenset()
    complete: bool = True
    staged: bool = True
    left_out: frozenset[str] | None = None
    output: Path | None = None
    made_by: str = "listener"
    title: str = "A merchant on trial"


def _scope(plan: Plan) -> frozenset[str]:
    """Ids of the rows in scope; empty: all of the parties on trial."""
    if plan.checklist is None:
        return plan.only
    rows = plan.checklist.in_scope(plan.contract, plan.profile.plan)
    return rows & plan.only if plan.only else rows


class Session:
    """`watch` exchanges from any thread; `finish` once. `on_change` is called after each exchange, in our thread."""

    def __init__(self, plan: Plan, *, on_change: Callable[[Session], None] | None = None) -> None:
        self.plan = plan
        self.started = entropy.now()
        contract, profile = plan.contract, plan.profile
        self.knowledge = Knowledge.of(
            profile, contract, complete=plan.complete, staged=plan.staged, left_out=plan.left_out
        )
        self.judge = Judge(self.knowledge)
        self._scope = _scope(plan)
        self.policy = Policy.of(profile, contract, self.started.date())
        self.tally = Tally(contract, strict=plan.use == "judge")
        self.explainer = Explainer(self.knowledge)
        self.redactor = redactor_for(profile, salt=entropy.iv())
        markers = contract.choice("payment-variant", profile.readings) == "markers"
        self.progress = (
            Progress(plan.checklist, profile.plan, markers=markers, own_cpan=profile.test_data.cpan)
            if plan.checklist
            else None
        )
        self.board = Board(
            contract=contract, knowledge=self.knowledge, redactor=self.redactor, grade=self._grade,
            progress=self.progress, title=plan.title, use=plan.use, started=f"{self.started:%Y-%m-%d %H:%M:%S} UTC",
            parties=plan.parties, client_id=profile.credentials.client_id or "not known",
        )  # fmt: skip
        operations = {op.path: op.name for op in contract.operations.values()}
        self.writer = (
            store.ExchangeWriter(plan.output / store.EXCHANGES, self.redactor, operations=operations)
            if plan.output
            else None
        )
        self.exchange_count = 0
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.signing: dict[str, tuple[tuple[str, str], ...]] = {}
        self.complete = threading.Event()  # the checklist is
        self.changed = threading.Event()
        self._on_change = on_change
        self._queue: queue.SimpleQueue[Exchange | Record | Learn | threading.Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="kki-judge", daemon=True)
        self._thread.start()

    # -- from other threads ----------------------------------------------------------------------------

    def watch(self, exchange: Exchange) -> None:
        if not preflight(exchange):
            self._queue.put(exchange)

    def record(self, record: Record) -> None:
        """One of a recording: it brings its own provenance."""
        self._queue.put(record)

    def learn(self, kind: str, value: str) -> None:
        self._queue.put(Learn(kind, value))

    def backlog(self) -> int:
        return self._queue.qsize()

    def drain(self, timeout_s: float | None = None) -> bool:
        """Waits until everything that was put in by now is judged."""
        mark = threading.Event()
        self._queue.put(mark)
        return mark.wait(timeout_s)

    # -- our own thread ---------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            item = self._queue.get()
            if item is None:
                return
            try:
                self._take(item)
            except Exception:  # ours, whatever it was; the session goes on
                self.faults.append(self.redactor.text(traceback.format_exc(limit=6)))

    def _take(self, item: Exchange | Record | Learn | threading.Event) -> None:
        match item:
            case Learn(kind, value):
                with self.board.lock:
                    self.redactor.learn(kind, value)
            case Exchange():
                self._judge(Record(exchange=item, made_by=self.plan.made_by))
            case Record():
                self._judge(item)
            case threading.Event():
                item.set()

    def _judge(self, record: Record) -> None:
        exchange = record.exchange
        verdicts = [each for each in self.judge.judge(exchange) if each.party in self.plan.parties]
        view = self.judge.view or look(exchange, self.knowledge)
        explained = self.explainer.explain(view, verdicts, self.judge.trail)
        self.exchange_count += 1
        with self.board.lock:  # the redactor is shared with the page
            shown = self.writer.write(record) if self.writer else self.redactor.record(record)
            clean = [self.redactor.verdict(with_diagnosis(verdict, explained)) for verdict in verdicts]
            self._count(clean)
            steps: Sequence[str] = ()
            if self.progress is not None:
                steps = self._progressed(self.progress, exchange.id, lambda progress: progress.take(view, verdicts))
            self.board.add(view, shown, clean, explained, steps)
            self._keep_signing(view, explained)
        if self.progress is not None and self.progress.complete:
            self.complete.set()
        self.changed.set()
        if self._on_change is not None:
            self._on_change(self)

    def _progressed(self, progress: Progress, exchange: str, take: Callable[[Progress], None]) -> Sequence[str]:
        """The steps of the checklist that this exchange belongs to."""
        take(progress)
        return [place.step.id for place in progress.places.values() if exchange in place.exchanges]

    def _count(self, verdicts: Iterable[Verdict]) -> None:
        for verdict in verdicts:
            self.tally.add(verdict)

    def _keep_signing(self, view: View, explained: Sequence[Explained]) -> None:
        """How the signature should have been made, of a construction that we named and of one that we did not."""
        if not explained or len(self.signing) >= MOST_SIGNING:
            return
        named = next((each.lines for each in explained if each.lines), ())
        steps = tuple((line.name, line.ours) for line in named)
        if not steps and any(row.startswith(("KKI-SIG", "KKI-TOK")) for each in explained for row in each.requirements):
            steps = right_steps(view, self.knowledge)
        if steps:
            self.signing[view.exchange.id] = tuple((name, self.redactor.text(value)) for name, value in steps)

    def _grade(self, requirement: str, judgement: Judgement) -> Grade:
        row = self.plan.contract.requirements[requirement]
        if self._scope and requirement not in self._scope:
            return Grade.NONE
        return self.policy.after_waiver(row, self.policy.grade(row, judgement))[0]

    # -- the end ------------------------------------------------------------------------------------------

    def finish(self, *, interrupted: bool = False, notes: Iterable[str] = ()) -> Run:
        """Judges what is left, and the session as a whole. Writes nothing but the evidence."""
        self._queue.put(None)
        self._thread.join()
        self.notes += notes
        with self.board.lock:
            last = [self.redactor.verdict(each) for each in self.judge.finish() if each.party in self.plan.parties]
            self._count(last)
            if self.progress is not None:
                self.progress.finish()
            run = self._run(interrupted)
            self.board.end(self.sentence(run), run.overall.value, last, self.notes)
        if self.writer is not None:
            self.writer.close()
        return run

    def _run(self, interrupted: bool) -> Run:
        plan = self.plan
        rows = self.tally.results(catalogue(plan.contract), self.policy, parties=plan.parties, only=self._scope)
        end = overall(rows)
        if end is Overall.CONFORMS and (self._steps_missing() or interrupted or self.faults):
            end = Overall.INCOMPLETE
        return Run(
            use=plan.use, overall=end, harness=kki.__version__, contract=plan.contract.digest, target=plan.target,
            seed=0, level="standard", started=self.started.astimezone(UTC), finished=entropy.now(),
            exchange_count=self.exchange_count, requirements=rows, partial=interrupted or bool(self.faults),
            not_tried=tuple(self._not_tried()), notes=tuple(self._said(interrupted)),
            profile_digest=digest_of(plan.profile), replay="", cases=tuple(self._cases()), signing=self.signing,
            pseudonyms=dict(self.redactor.pseudonyms()), **told_by(plan.contract, plan.profile),
        )  # fmt: skip

    def _steps_missing(self) -> list[Place]:
        """Under --only the checklist decides nothing."""
        return self.progress.missing if self.progress is not None and not self.plan.only else []

    def _not_tried(self) -> Iterable[NotTried]:
        halves = {State.UNDER_WAY: " (met, but nothing followed)", State.WRONG: " (met, and not survived)"}
        for place in self._steps_missing():
            yield NotTried(what=place.step.title + halves.get(place.state, ""), why=place.step.how)

    def _said(self, interrupted: bool) -> Iterable[str]:
        yield from waived(self.plan.profile)
        if interrupted:
            yield "The session was interrupted; what was not seen by then is undecided."
        yield from self.notes
        for fault in self.faults:
            yield f"The harness itself failed; this says nothing about the party on trial. {fault}"

    def _cases(self) -> Iterable[CaseResult]:
        outcomes = {State.DONE: "passed", State.WRONG: "failed"}
        for place in self.progress.places.values() if self.progress else ():
            step = place.step
            missing = "" if place.state is State.DONE else step.how if place.mandatory else "not in the plan"
            yield CaseResult(
                id=step.id, title=step.title, area="checklist",
                operation=step.sees.operation if step.sees else "payment",
                outcome=outcomes.get(place.state, "skipped"), reason=missing, exercises=step.requirements,
                exchanges=tuple(place.exchanges),
            )  # fmt: skip

    def sentence(self, run: Run) -> str:
        """The verdict in one sentence."""
        from kki.report.summary import headline

        said = headline(run)
        missing = self._steps_missing()
        if run.overall is Overall.INCOMPLETE and missing:
            asked = len(self.progress.asked) if self.progress else 0
            said = f"INCOMPLETE. {len(missing)} of {asked} steps of the checklist are missing."
        return said

    def exit_code(self, run: Run) -> int:
        """0 conforms, 1 does not, 3 our own fault, 4 incomplete (interface.md)."""
        return exit_code(run, self.faults)


def in_order(records: Iterable[Record]) -> list[Record]:
    """As they were sent; the order of the recording where times are the same."""
    return sorted(records, key=lambda record: record.exchange.sent_at.timestamp())


def preflight(exchange: Exchange) -> bool:
    """A browser's question whether a page may send (CORS): it comes before a request of the API, and is none."""
    request = exchange.request
    return request.method == "OPTIONS" and request.headers.get("Access-Control-Request-Method") is not None


def related(records: Sequence[Record], contract: Contract) -> list[Record]:
    """Those at the API's paths, and all others at the same origins: nothing else in a browser's day concerns us."""
    paths = {operation.path for operation in contract.operations.values()}
    records = [record for record in records if not preflight(record.exchange)]
    origins = {record.exchange.request.origin for record in records if record.exchange.request.path in paths}
    return [
        record
        for record in records
        if record.exchange.request.path in paths or record.exchange.request.origin in origins
    ]


def written(run: Run, output: Path, *, lang: str = "en") -> None:
    """`run.json` and every report, into the folder that holds the evidence."""
    store.write_run(output, run)
    store.write_reports(output, run, lang=lang)
    folders.point_latest(output)
