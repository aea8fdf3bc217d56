"""A small finished run with its folder, for the tests of attestations."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kki.edges import store
from kki.model.requirement import Level, Party, Standing
from kki.model.run import RequirementResult, Run
from kki.model.verdict import Grade, Outcome, Overall

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 8, 30, 12, 0, tzinfo=UTC)


def row(name: str, outcome: str = "holds", grade: str = "pass", **changes: Any) -> RequirementResult:
    values: dict[str, Any] = {
        "id": name,
        "says": f"{name} is kept.",
        "party": Party.SERVER,
        "level": Level.MUST,
        "standing": Standing.STATED,
        "outcome": Outcome(outcome),
        "grade": Grade(grade),
    }
    return RequirementResult(**{**values, **changes})


def run(*rows: RequirementResult, **changes: Any) -> Run:
    values: dict[str, Any] = {
        "use": "check",
        "overall": Overall.CONFORMS,
        "harness": "0.1.0",
        "contract": "sha256:" + "a" * 64,
        "profile_digest": "sha256:" + "b" * 64,
        "target": "http://127.0.0.1:9",
        "seed": 7,
        "level": "standard",
        "started": NOON,
        "finished": NOON,
        "exchange_count": 2,
        "power": {"standard": {"stated": 1.0}},
        "requirements": rows or (row("KKI-SIG-110"), row("KKI-SIG-120")),
    }
    return Run(**{**values, **changes})


def folder_of(folder: Path, kept: Run) -> Path:
    """run.json and some files beside it, one empty, one in a folder of its own."""
    (folder / "allure-results").mkdir(parents=True)
    store.write_run(folder, kept)
    (folder / "exchanges.jsonl").write_bytes(b'{"id":"x1"}\n{"id":"x2"}\n')
    (folder / "report.html").write_bytes("<!doctype html><p>é 😀</p>\n".encode() * 20)
    (folder / "junit.xml").write_bytes(b"")
    (folder / "allure-results" / "a-result.json").write_bytes(b"{}\r\n\x00\xff")
    return folder
