"""Runs made by hand for the tests of the gate and of the comparison."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from kki.gate import Known
from kki.model.requirement import Level, Party, Standing
from kki.model.run import Evidence, RequirementResult, Run
from kki.model.verdict import Grade, Outcome, Overall

TODAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def finding(
    where: str = "status", actual: str = "HTTP 200", exchange: str = "x7", expected: str = "HTTP 401",
    situation: str = "",
) -> Evidence:  # fmt: skip
    return Evidence(exchange=exchange, where=where, expected=expected, actual=actual, situation=situation)


def row(name: str, state: str = "holds", *findings: Evidence, **changes: Any) -> RequirementResult:
    """`state`: holds, violated, warned, or an outcome's value."""
    outcome, grade = {
        "holds": (Outcome.HOLDS, Grade.PASS),
        "violated": (Outcome.BROKEN, Grade.VIOLATION),
        "warned": (Outcome.BROKEN, Grade.WARNING),
    }.get(state) or (Outcome(state), Grade.NONE)
    values: dict[str, Any] = {
        "id": name, "says": f"{name} is kept.", "party": Party.SERVER, "level": Level.MUST, "standing": Standing.STATED,
        "outcome": outcome, "grade": grade, "findings": findings,
    }  # fmt: skip
    return RequirementResult(**{**values, **changes})


def run(*rows: RequirementResult, **changes: Any) -> Run:
    values: dict[str, Any] = {
        "use": "check", "overall": Overall.CONFORMS, "harness": "0.1.0", "contract": "sha256:" + "a" * 64,
        "target": "http://127.0.0.1:1", "seed": 1, "level": "standard", "started": NOON, "finished": NOON,
        "exchange_count": 10, "requirements": rows,
    }  # fmt: skip
    return Run(**{**values, **changes})


def known(requirement: str, finding: str = "", expires: date = date(2026, 12, 31), **changes: Any) -> Known:
    return Known(
        **{
            "requirement": requirement,
            "finding": finding,
            "reason": "ticket 123",
            "owner": "payments",
            "expires": expires,
            **changes,
        }
    )
