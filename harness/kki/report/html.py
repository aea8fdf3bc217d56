"""`report.html`: one self-contained file that needs no network and no script to be read. The only door to Jinja2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from kki.model.exchange import Record
from kki.model.http import Headers
from kki.model.requirement import Party
from kki.model.run import ON_TRIAL, Evidence, RequirementResult, Run
from kki.model.verdict import Overall
from kki.report import figures, templating
from kki.report.escape import readable, shortened, visible
from kki.report.figures import SYMBOLS, Area, State
from kki.report.texts import texts

MOST_EXCHANGES = 300
MOST_BODY = 4096  # bytes of a body
MOST_HEADER = 1024  # characters of a header's value
MOST_VALUE = 2000  # characters of a finding's texts
MOST_FINDINGS = 4  # of one requirement
MOST_LINKS = 12
_LONGEST_DIFF = 240  # characters: beyond, what differs is no longer seen at a glance
_BAR_ORDER = (
    State.VIOLATED,
    State.FAULTY,
    State.WARNED,
    State.NOTED,
    State.UNDECIDED,
    State.NOT_EXERCISED,
    State.PASSED,
    State.NOT_APPLICABLE,
    State.UNTESTABLE,
)

Marked = tuple[tuple[str, bool], ...]  # a text in pieces; True: differs


@dataclass(frozen=True, slots=True)
class Shown:
    """One exchange as the page shows it."""

    record: Record
    operation: str
    short: str  # "401 4015400 Unauthorized"
    milliseconds: float | None
    found: tuple[tuple[RequirementResult, Evidence], ...]
    state: State | None  # the worst of what was found
    signing: tuple[tuple[str, str], ...]


def report_html(run: Run, records: Iterable[Record], *, lang: str = "en") -> str:
    """The whole page. `records` are redacted; at most MOST_EXCHANGES are embedded, those with findings first."""
    kept = tuple(records)
    found = figures.findings_by_exchange(run)
    shown = tuple(_shown(run, record, tuple(found.get(record.exchange.id, ()))) for record in _chosen(run, kept, found))
    page = _environment().get_template("report.html.jinja")
    return page.render(
        run=run,
        lang=lang,
        t=texts(lang),
        verdict=("incomplete" if run.partial and run.overall is Overall.CONFORMS else run.overall.value),
        style=templating.trusted(templating.text("report.css")),  # our own file, not a stranger's
        trial=_trial(run, texts(lang)),
        totals=figures.totals(run),
        areas=figures.areas(run),
        violated=figures.in_state(run, State.VIOLATED),
        warned=figures.in_state(run, State.WARNED, State.NOTED),
        faulty=figures.in_state(run, State.FAULTY),
        open=figures.in_state(run, State.UNDECIDED, State.NOT_EXERCISED, State.UNTESTABLE),
        open_musts=len(figures.undecided_musts(run)),
        others=tuple(row for row in run.requirements if not row.in_scope),
        exchanges=shown,
        embedded=frozenset(each.record.exchange.id for each in shown),
        recorded=len(kept),
        slices=figures.timeline(kept, found),
        latency=_latency(kept),
        seconds=max(0.0, (run.finished - run.started).total_seconds()),
    )


def _chosen(run: Run, records: Sequence[Record], found: Mapping[str, object]) -> list[Record]:
    """Those with findings, then one or two per requirement that decided it, then the first ones; in time order."""
    if len(records) <= MOST_EXCHANGES:
        return list(records)
    deciding = {exchange for row in figures.on_trial(run) for exchange in row.evidence[:2]}

    def rank(record: Record) -> int:
        return 0 if record.exchange.id in found else 1 if record.exchange.id in deciding else 2

    chosen = {id(record) for record in sorted(records, key=rank)[:MOST_EXCHANGES]}
    return [record for record in records if id(record) in chosen]


def _shown(run: Run, record: Record, found: tuple[tuple[RequirementResult, Evidence], ...]) -> Shown:
    return Shown(
        record=record,
        operation=run.operation_of(record.exchange.request.target),
        short=shortened(figures.reply_in_short(record.exchange), 120),
        milliseconds=figures.milliseconds(record.exchange),
        found=found,
        state=figures.state(found[0][0]) if found else None,
        signing=run.signing.get(record.exchange.id, ()),
    )


def _trial(run: Run, t: Mapping[str, str]) -> str:
    parties = ON_TRIAL.get(run.use, frozenset(Party))
    return t["scope.both"] if len(parties) > 1 else t[f"party.{next(iter(parties)).value}"]


def _latency(records: Iterable[Record]) -> Mapping[str, str] | None:
    times = [took for record in records if (took := figures.milliseconds(record.exchange)) is not None]
    if not times:
        return None
    return {
        "median": f"{figures.percentile(times, 0.5):.0f}",
        "p95": f"{figures.percentile(times, 0.95):.0f}",
        "slowest": f"{max(times):.0f}",
    }


# --- what the template asks for ----------------------------------------------------------------------------------


def _environment() -> templating.Environment:
    environment = templating.environment()
    environment.globals.update(
        state=figures.state,
        symbol=lambda stands: SYMBOLS[stands],
        segments=segments,
        differences=differences,
        grouped=figures.grouped,
        our_doing=figures.our_doing,
        power_lines=figures.power_lines,
        body=_body,
        headers=_headers,
        most_findings=MOST_FINDINGS,
        most_links=MOST_LINKS,
    )
    environment.filters.update(short=shortened, moment=_moment, value=_value)
    return environment


def segments(area: Area) -> list[tuple[State, int, float]]:
    """The parts of an area's bar: state, rows, share of the bar in percent."""
    counts = [(stands, area.counts.get(stands, 0)) for stands in _BAR_ORDER]
    return [(stands, count, 100 * count / len(area.rows)) for stands, count in counts if count]


def differences(expected: str, actual: str) -> tuple[Marked, Marked] | None:
    """Both texts in pieces, those that differ marked; None where they have too little in common to compare."""
    expected, actual = visible(expected), visible(actual)
    if max(len(expected), len(actual)) > _LONGEST_DIFF or expected == actual:
        return None
    matcher = SequenceMatcher(None, expected, actual, autojunk=False)
    if matcher.ratio() < 0.6:
        return None
    left: list[tuple[str, bool]] = []
    right: list[tuple[str, bool]] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        left.append((expected[i:j], kind != "equal"))
        right.append((actual[k:m], kind != "equal"))
    return tuple(piece for piece in left if piece[0]), tuple(piece for piece in right if piece[0])


def _body(body: bytes) -> tuple[str, int, int]:
    """The text to show, how many bytes of it, and how many there are."""
    return readable(body[:MOST_BODY]), min(len(body), MOST_BODY), len(body)


def _headers(headers: Headers) -> list[tuple[str, str]]:
    return [(shortened(name, 200), shortened(value, MOST_HEADER)) for name, value in headers.pairs]


def _value(text: str) -> str:
    return shortened(text, MOST_VALUE)


def _moment(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")
