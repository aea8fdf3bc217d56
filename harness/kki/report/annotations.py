"""What continuous integration shows beside a job: GitHub's annotations, GitLab's links. Pure; all is redacted already.

GitHub: docs.github.com, "Workflow commands for GitHub Actions". GitLab: docs.gitlab.com, artifacts:reports:annotations.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from kki.grading import undecided
from kki.model.run import RequirementResult, Run
from kki.model.verdict import Grade, Outcome

MOST = 10  # GitHub shows so many of each kind a step, and drops the rest in silence


def github(run: Run) -> tuple[str, ...]:
    """Workflow commands, a line each: errors for violations, warnings, notices for what was left undecided."""
    scope = [row for row in run.requirements if row.in_scope]
    errors = [row for row in scope if row.grade is Grade.VIOLATION or row.outcome is Outcome.FAULTY]
    warnings = [row for row in scope if row.grade is Grade.WARNING]
    notices = [row for row in scope if undecided(row)]
    return (*_commands("error", errors), *_commands("warning", warnings), *_commands("notice", notices))


def _commands(kind: str, rows: list[RequirementResult]) -> Iterator[str]:
    shown = rows if len(rows) <= MOST else rows[: MOST - 1]
    for row in shown:
        yield f"::{kind} title={_property(f'{row.id} ({row.level.value})')}::{_message(_said(row))}"
    if len(rows) > len(shown):
        rest = ", ".join(row.id for row in rows[len(shown) :])
        yield f"::{kind} title={_property(f'{len(rows) - len(shown)} more')}::{_message(rest)}"


def _said(row: RequirementResult) -> str:
    lines = [row.says]
    if row.outcome is Outcome.FAULTY:
        lines.append("The harness itself failed to judge it; this says nothing about the party on trial.")
    elif row.findings:
        first = row.findings[0]
        at = f" ({first.exchange})" if first.exchange else ""
        lines.append(f"{first.where}: expected {first.expected}; got {first.actual}{at}")
        lines += [part for part in (first.situation, first.diagnosis) if part]
    elif row.missing:
        lines.append(f"{row.outcome.value}: {row.missing}")
    if row.carried:
        lines.append(f"Carried by the baseline: {row.carried}")
    if row.waived:
        lines.append(f"Waived: {row.waived}")
    return "\n".join(lines)


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def gitlab(run: Run, *, job_url: str, folder: str) -> bytes:
    """The file for `artifacts:reports:annotations`: links from the job to the report, and to the worst of it."""
    base = f"{job_url.rstrip('/')}/artifacts/file/{folder.strip('/')}/report.html"
    violated = [row for row in run.requirements if row.in_scope and row.grade is Grade.VIOLATION]
    worst = ((f"{row.id}: {row.says}"[:120], f"{base}#{row.id}") for row in violated)
    links = [(f"kki: {run.overall.value}", base), *worst]
    rows = [{"external_link": {"label": label, "url": url}} for label, url in links[: MOST + 1]]
    return (json.dumps({"kki": rows}, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")
