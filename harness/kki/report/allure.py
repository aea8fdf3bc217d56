"""`allure-results/`: the run in Allure's own model, written after the fact from redacted values. The door to Allure.

epic = operation, feature = area, story = requirement; one result a requirement on trial. Allure keeps parameters,
names and attachments in clear, whatever their mode says, so nothing comes in here that is not redacted already.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import (
    Attachment,
    Label,
    Link,
    Parameter,
    Status,
    StatusDetails,
    TestResult,
    TestStepResult,
)
from allure_commons.types import Severity

from kki.model.exchange import Record
from kki.model.requirement import Level
from kki.model.run import RequirementResult, Run
from kki.report import figures
from kki.report.escape import readable, shortened, visible
from kki.report.figures import State

RESULTS = "allure-results"
NO_OPERATION = "no operation"  # the epic of what no recorded request decided
_MOST_STEPS = 5  # exchanges that one result shows
_MOST_BODY = 16_384  # bytes
_MOST_TEXT = 2000  # characters
_STATUS: Mapping[State, str] = {
    State.VIOLATED: Status.FAILED,
    State.FAULTY: Status.BROKEN,
    # broken, but no violation: never green, and never red
    State.WARNED: Status.SKIPPED,
    State.NOTED: Status.SKIPPED,
    State.UNDECIDED: Status.UNKNOWN,
    State.NOT_EXERCISED: Status.UNKNOWN,
    State.PASSED: Status.PASSED,
    State.NOT_APPLICABLE: Status.SKIPPED,
    State.UNTESTABLE: Status.SKIPPED,
}
_SEVERITY: Mapping[State, Severity] = {
    State.FAULTY: Severity.BLOCKER,
    State.VIOLATED: Severity.CRITICAL,
    State.WARNED: Severity.NORMAL,
    State.NOTED: Severity.MINOR,
}
# The first word of a result's message decides its category.
_CATEGORIES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Violation", "violation", (Status.FAILED,)),
    ("Documented contradiction", "contradiction", (Status.SKIPPED,)),
    ("Recommendation or waiver", "note", (Status.SKIPPED,)),
    ("Configuration: something was missing to judge it", "configuration", (Status.UNKNOWN,)),
    ("Incomplete: not exercised", "incomplete", (Status.UNKNOWN,)),
    ("Harness fault", "harness fault", (Status.BROKEN,)),
)


@dataclass(frozen=True, slots=True)
class Files:
    """What goes into the folder beside the results: name → content."""

    results: tuple[TestResult, ...]
    attachments: Mapping[str, str]
    others: Mapping[str, str]


def write_allure(folder: Path, run: Run, records: Iterable[Record], environ: Mapping[str, str]) -> Path:
    """Writes `folder/allure-results/` anew and returns it. `environ`: the process's, for `executor.json` in CI."""
    target = folder / RESULTS
    writer: Any = AllureFileLogger(target, clean=True)  # type: ignore[no-untyped-call]  # allure_commons has no types
    made = results(run, records)
    for name, text in {**made.attachments, **made.others, **executor(environ)}.items():
        writer.report_attached_data(text.encode("utf-8", "replace"), name)
    for result in made.results:
        writer.report_result(result)
    return target


def results(run: Run, records: Iterable[Record]) -> Files:
    """Everything but `executor.json`, as values."""
    rows = figures.on_trial(run)
    wanted = {name for row in rows for name in _exchanges(row)}
    kept = {record.exchange.id: record for record in records if record.exchange.id in wanted}
    made = tuple(_result(run, row, kept) for row in rows)
    return Files(
        results=made,
        attachments={name: text for record in kept.values() for name, text in _attachments(record)},
        others={
            "categories.json": json.dumps(categories(), indent=1),
            "environment.properties": environment(run),
        },
    )


def _exchanges(row: RequirementResult) -> tuple[str, ...]:
    """The exchanges that a result shows: those with findings, else the one that decided it."""
    broken = [each for each in dict.fromkeys(found.exchange for found in row.findings) if each]
    return tuple(broken[:_MOST_STEPS]) or row.evidence[:1]


# --- one result --------------------------------------------------------------------------------------------------


def _result(run: Run, row: RequirementResult, kept: Mapping[str, Record]) -> TestResult:
    stands = figures.state(row)
    shown = [kept[name] for name in _exchanges(row) if name in kept]
    name = f"kki.{run.use}.{row.party.value}.{row.id}"
    start, stop = _times(run, shown)
    return TestResult(
        uuid=str(uuid5(NAMESPACE_URL, f"{name} {run.target} {run.started.isoformat()}")),  # one run, one id
        name=_text(f"{row.id} {row.says}"),
        fullName=name,
        testCaseId=_digest(name),
        historyId=_digest(name, row.id),
        titlePath=[run.use, row.party.value, row.area],
        status=_STATUS[stands],
        statusDetails=_details(run, row, stands),
        description=_description(run, row),
        labels=_labels(run, row, shown, stands),
        links=_links(run, row),
        # results whose names and parameters are equal are taken for retries of one, and dropped
        parameters=[Parameter(name="requirement", value=row.id)],
        steps=[_step(run, row, record, stands) for record in shown],
        stage="finished",
        start=start,
        stop=stop,
    )


def _digest(*parts: str) -> str:
    """Stable over runs, targets and machines, so that Allure finds the same result in its history."""
    return hashlib.md5("\n".join(parts).encode(), usedforsecurity=False).hexdigest()


def _times(run: Run, shown: Iterable[Record]) -> tuple[int, int]:
    """In milliseconds since 1970: of the exchanges shown, else the run's start."""
    moments = [moment for each in shown for moment in (each.exchange.sent_at, each.exchange.answered_at) if moment]
    return _epoch(min(moments, default=run.started)), _epoch(max(moments, default=run.started))


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _details(run: Run, row: RequirementResult, stands: State) -> StatusDetails | None:
    message = _message(row, stands)
    if not message:
        return None
    lines = []
    for found, ids in figures.grouped(row.findings)[:_MOST_STEPS]:
        lines += [
            f"{found.where}, in {', '.join(ids[:8]) if ids[0] else 'the whole run'}",
            f"  expected: {found.expected}",
            f"  actual:   {found.actual}",
            *([f"  we sent, on purpose: {ours}"] if (ours := figures.our_doing(run, found)) else []),
            *([f"  diagnosis: {found.diagnosis}"] if found.diagnosis and not ours else []),
            *([f"  again: {again}"] if (again := run.replay_of(ids[0])) else []),
        ]
    trace = visible("\n".join(lines)) or None
    return StatusDetails(message=_text(message), trace=trace, known=True if row.waived else None)


def _message(row: RequirementResult, stands: State) -> str:
    """Begins with the word that `_CATEGORIES` looks for; "" for a pass."""
    first = row.findings[0] if row.findings else None
    what = f"{first.where}: expected {first.expected}; got {first.actual}" if first else row.says
    match stands:
        case State.VIOLATED:
            return f"violation: {what}"
        case State.FAULTY:
            return f"harness fault: {what}"
        case State.WARNED | State.NOTED if row.standing.value == "conflicted" and not row.waived:
            return f"contradiction: {what} (readings: {', '.join(row.readings) or 'none'})"
        case State.WARNED | State.NOTED:
            return f"note: {'waived, ' + row.waived + ': ' if row.waived else ''}{what}"
        case State.UNDECIDED:
            return f"configuration: {row.missing or 'something was missing to judge it'}"
        case State.NOT_EXERCISED:
            return f"incomplete: {row.missing or 'no situation of this run touched it'}"
        case State.NOT_APPLICABLE:
            return "not applicable"
        case State.UNTESTABLE:
            return f"not testable: {row.untestable}"
        case _:
            return ""


def _description(run: Run, row: RequirementResult) -> str:
    """Allure reads descriptions as Markdown; a list of our own words, with foreign texts as code."""
    document = run.documents.get(row.source.document)
    facts = (
        ("on trial", row.party.value),
        ("level", f"{row.level.value}, {row.standing.value}"),
        ("clause", ", ".join(part for part in (document.title if document else "", row.source.section) if part)),
        ("readings", ", ".join(row.readings)),
        ("judged by", row.how_judged),
        ("judgements", ", ".join(f"{kind} {count}" for kind, count in row.counts.items())),
        ("not decided because", row.untestable or row.missing),
        ("waived", row.waived or ""),
        ("carried by the baseline", row.carried or ""),
    )
    return "\n".join(f"- {name}: `{_text(value).replace('`', 'ʹ')}`" for name, value in facts if value)


def _labels(run: Run, row: RequirementResult, shown: Iterable[Record], stands: State) -> list[Label]:
    met = (run.operation_of(each.exchange.request.target) for each in shown)
    operations = list(dict.fromkeys(name for name in met if name)) or [NO_OPERATION]
    area = run.areas.get(row.area, row.area)
    level = Severity.NORMAL if row.level is Level.MUST else Severity.MINOR
    severity = _SEVERITY.get(stands, level if stands in (State.UNDECIDED, State.NOT_EXERCISED) else Severity.TRIVIAL)
    pairs = [
        *(("epic", name) for name in operations),
        ("feature", f"{row.area} {area}"),
        ("story", f"{row.id} {row.says}"),
        ("severity", severity.value),
        ("parentSuite", f"kki {run.use}: {row.party.value}"),
        ("suite", f"{row.area} {area}"),
        ("requirement", row.id),
        *(("tag", tag) for tag in (row.level.value, row.standing.value, row.grade.value, row.party.value)),
        *((("tag", "waived"),) if row.waived else ()),
        *((("tag", "baseline"),) if row.carried else ()),
        ("framework", "kki"),
        ("language", "python"),
    ]
    return [Label(name=name, value=_text(value)) for name, value in pairs]


def _links(run: Run, row: RequirementResult) -> list[Link]:
    """The clause where it can be read, and the exchanges in the report that lies beside the rendered one."""
    document = run.documents.get(row.source.document)
    links = []
    if document and document.url.startswith("https://"):
        links.append(Link(type="link", url=document.url, name=_text(f"{document.title}, {row.source.section}")))
    links.append(Link(type="link", url=f"../report.html#{row.id}", name=f"{row.id} in report.html"))
    for name in _exchanges(row):
        if re.fullmatch(r"[A-Za-z0-9._-]+", name):
            links.append(Link(type="link", url=f"../report.html#{name}", name=f"exchange {name}"))
    return links


def _step(run: Run, row: RequirementResult, record: Record, stands: State) -> TestStepResult:
    """One exchange: the signing chain as steps within, then what was found; request and reply attached."""
    exchange = record.exchange
    found = [each for each in row.findings if each.exchange == exchange.id]
    status = _STATUS[stands] if found else Status.PASSED
    operation = run.operation_of(exchange.request.target)
    start, stop = _times(run, [record])
    signing = [
        TestStepResult(
            name=_text(step), status=Status.PASSED, stage="finished", start=start, stop=start,
            parameters=[Parameter(name=_text(step), value=_text(value))],
        )
        for step, value in run.signing.get(exchange.id, ())
    ]  # fmt: skip
    checks = [
        TestStepResult(
            name=_text(f"{each.where}: expected {each.expected}"), status=status, stage="finished",
            start=stop, stop=stop, statusDetails=StatusDetails(message=_text(f"got {each.actual}")),
        )
        for each in found
    ]  # fmt: skip
    return TestStepResult(
        name=_text(f"{exchange.id} {operation}: {figures.reply_in_short(exchange)}"),
        status=status,
        stage="finished",
        steps=[*signing, *checks],
        attachments=[
            Attachment(name=title, source=name, type="text/plain")
            for title, (name, _) in zip(("request", "reply"), _attachments(record), strict=True)
        ],
        start=start,
        stop=stop,
    )


def _attachments(record: Record) -> Iterator[tuple[str, str]]:
    """(file name, text) of the request, then of the reply. One file an exchange, however many results show it."""
    exchange = record.exchange
    prefix = _digest(exchange.id)
    request, response = exchange.request, exchange.response
    start = f"{request.method} {request.target}"
    yield f"{prefix}-request-attachment.txt", _wire(start, request.headers.pairs, request.body)
    if response is None:
        yield f"{prefix}-reply-attachment.txt", f"no reply: {exchange.failure or 'unknown'}\n"
    else:
        yield f"{prefix}-reply-attachment.txt", _wire(str(response.status), response.headers.pairs, response.body)


def _wire(start: str, headers: Iterable[tuple[str, str]], body: bytes) -> str:
    lines = [visible(start), *(visible(f"{name}: {value}") for name, value in headers), ""]
    cut = f"\n… cut: {_MOST_BODY} of {len(body)} bytes" if len(body) > _MOST_BODY else ""
    return "\n".join(lines) + "\n" + readable(body[:_MOST_BODY]) + cut + "\n"


def _text(text: str) -> str:
    return shortened(visible(text), _MOST_TEXT)


# --- beside the results ------------------------------------------------------------------------------------------


def categories() -> list[dict[str, object]]:
    """`categories.json`: by the first word of the message."""
    return [
        {"name": name, "messageRegex": rf"(?s)^{word}: .*", "matchedStatuses": list(statuses)}
        for name, word, statuses in _CATEGORIES
    ]


def environment(run: Run) -> str:
    """`environment.properties` (java.util.Properties): what was on trial, under which readings."""
    facts = {
        "use": run.use,
        "target": run.target,
        "overall": run.overall.value,
        "partial": "yes" if run.partial else "no",
        "level": run.level,
        "seed": str(run.seed),
        "harness": run.harness,
        "contract": run.contract,
        "profile": run.profile_digest,
        **{f"reading.{key}": choice for key, choice in run.readings.items()},
    }
    return "".join(f"{_property(key)} = {_property(value, key=False)}\n" for key, value in facts.items() if value)


def _property(text: str, *, key: bool = True) -> str:
    plain = visible(text).replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    return re.sub(r"([ =:#!])", r"\\\1", plain) if key else plain


def executor(environ: Mapping[str, str]) -> dict[str, str]:
    """{"executor.json": …} where a CI system says what it is, else {}. Only the variables named here are read."""
    ci = _ci(environ)
    return {"executor.json": json.dumps(ci, indent=1)} if ci else {}


def _ci(env: Mapping[str, str]) -> dict[str, object]:
    if env.get("GITHUB_ACTIONS") == "true":
        repository = f"{env.get('GITHUB_SERVER_URL', 'https://github.com')}/{env.get('GITHUB_REPOSITORY', '')}"
        url, number = f"{repository}/actions/runs/{env.get('GITHUB_RUN_ID', '')}", env.get("GITHUB_RUN_NUMBER", "")
        return _executor("GitHub Actions", "github", env.get("GITHUB_WORKFLOW", ""), number, url)
    if env.get("GITLAB_CI") == "true":
        name, number = env.get("CI_JOB_NAME", ""), env.get("CI_PIPELINE_IID", "")
        return _executor("GitLab CI", "gitlab", name, number, env.get("CI_JOB_URL", ""))
    if env.get("JENKINS_URL"):
        name, number = env.get("JOB_NAME", ""), env.get("BUILD_NUMBER", "")
        return _executor("Jenkins", "jenkins", name, number, env.get("BUILD_URL", ""))
    return {}


def _executor(system: str, kind: str, job: str, number: str, url: str) -> dict[str, object]:
    made: dict[str, object] = {"name": system, "type": kind, "buildName": f"{job} #{number}".strip(), "buildUrl": url}
    return made | ({"buildOrder": int(number)} if number.isdigit() else {})
