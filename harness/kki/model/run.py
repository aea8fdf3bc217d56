"""A finished (or interrupted) run as frozen values: what every report reads, and `run.json` word for word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kki.model.contract import Contract
from kki.model.requirement import Level, Party, Source, Standing
from kki.model.verdict import Grade, Outcome, Overall

SCHEMA = 1
ON_TRIAL: Mapping[str, frozenset[Party]] = {
    "check": frozenset({Party.SERVER}),
    "certify": frozenset({Party.CLIENT}),
    "judge": frozenset({Party.SERVER, Party.CLIENT}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A finding with the exchange it was made in ("" where the whole trail was judged).

    `situation`: what that exchange was, "refund, signed over an empty body"; with the row and the place it says whether
    two runs found the same. "": not known.
    """

    exchange: str
    where: str
    expected: str
    actual: str
    diagnosis: str = ""
    situation: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """What tells this finding of its row from others."""
        return self.where, self.situation


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementResult:
    """What a run says of one ledger row."""

    id: str
    says: str
    party: Party
    level: Level
    standing: Standing
    outcome: Outcome
    grade: Grade
    findings: tuple[Evidence, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)  # judgements by kind: {"holds": 12, "broken": 1}
    source: Source = field(default_factory=lambda: Source(document="page", section=""))
    readings: tuple[str, ...] = ()  # "signature-encoding=base64": in force, seen to match, or permitting the breach
    evidence: tuple[str, ...] = ()  # exchanges that decided it, for passes too
    how_judged: str = ""  # "rule signing.signature_matches", "schema tag payment /otp maxLength"
    missing: str = ""  # why it could not be decided, or was not exercised
    untestable: str | None = None
    waived: str | None = None  # the waiver's reason and expiry
    carried: str | None = None  # by the baseline: reason, owner and expiry; the violation stays one
    in_scope: bool = True  # False: of the other party, or left out by --only

    @property
    def area(self) -> str:
        return self.id.split("-")[1] if self.id.count("-") >= 2 else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One situation that the suite made: a pytest item, a checklist step, a recorded exchange."""

    id: str
    title: str
    area: str = ""
    operation: str = ""
    outcome: str = "passed"  # "passed", "failed", "broken" or "skipped"
    reason: str = ""
    exercises: tuple[str, ...] = ()  # requirement ids
    exchanges: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTried:
    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """Where a requirement's document can be read."""

    title: str
    url: str = ""


def quoted(contract: Contract) -> dict[str, Any]:
    """A Run's members that stand in the contract: `areas`, `documents`, `operations`."""
    return {
        "areas": {name: area.short for name, area in contract.areas.items()},
        "documents": {key: Quoted(title=row.title, url=row.url) for key, row in contract.documents.items()},
        "operations": {operation.path: operation.name for operation in contract.operations.values()},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All texts in here are redacted already (kki.redaction): reports write them as they stand."""

    use: str  # "check" | "certify" | "judge"
    overall: Overall
    harness: str
    contract: str  # "sha256:…"
    target: str
    seed: int
    level: str
    started: datetime
    finished: datetime
    exchange_count: int
    requirements: tuple[RequirementResult, ...] = ()
    partial: bool = False  # interrupted: nothing here claims more than was recorded
    power: Mapping[str, Any] | None = None  # the suite's measured kill rate, as the power table says
    not_tried: tuple[NotTried, ...] = ()
    profile_digest: str = ""
    replay: str = "kki replay {exchange}"  # the command to paste; {exchange} stands for the id
    cases: tuple[CaseResult, ...] = ()
    areas: Mapping[str, str] = field(default_factory=dict)  # "SIG" → "Symmetric signature"
    documents: Mapping[str, Quoted] = field(default_factory=dict)  # Source.document → where it is
    operations: Mapping[str, str] = field(default_factory=dict)  # request path → operation name
    readings: Mapping[str, str] = field(default_factory=dict)  # in force: reading id → choice id
    signing: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # exchange → (step, value)
    pseudonyms: Mapping[str, str] = field(default_factory=dict)  # "‹otp:1a2b3c›" → "test_data.otp", for replay
    notes: tuple[str, ...] = ()  # what a reader must know first: waivers, interruption, harness faults
    schema: int = SCHEMA

    def replay_of(self, exchange: str) -> str:
        """The command line that sends this exchange again; "" for no exchange.

        One that was not the first of its case ("x17.2") shows the same only after those before it.
        """
        if not exchange or not self.replay:
            return ""
        return self.replay.replace("{exchange}", exchange) + (" --case" if "." in exchange else "")

    def operation_of(self, target: str) -> str:
        """The operation at this request-target (its query is left aside), or ""."""
        return self.operations.get(target.split("?", 1)[0], "")

    def clause(self, source: Source) -> str:
        """Where a requirement stands: "DOKU: Kartu Kredit Indonesia, 1. Payment › Body"."""
        document = self.documents.get(source.document)
        return ", ".join(part for part in (document.title if document else source.document, source.section) if part)

    def of(self, requirement: str) -> RequirementResult | None:
        return next((row for row in self.requirements if row.id == requirement), None)


def as_json(run: Run) -> dict[str, Any]:
    """`run.json`: the members that interface.md fixes come first, the others after them."""
    return {
        "schema": run.schema,
        "use": run.use,
        "overall": run.overall.value,
        "harness": run.harness,
        "contract": run.contract,
        "target": run.target,
        "seed": run.seed,
        "level": run.level,
        "started": run.started.isoformat(),
        "finished": run.finished.isoformat(),
        "exchange_count": run.exchange_count,
        "partial": run.partial,
        "notes": list(run.notes),
        "profile_digest": run.profile_digest,
        "replay": run.replay,
        "power": dict(run.power) if run.power is not None else None,
        "readings": dict(run.readings),
        "not_tried": [{"what": row.what, "why": row.why} for row in run.not_tried],
        "areas": dict(run.areas),
        "documents": {key: {"title": row.title, "url": row.url} for key, row in run.documents.items()},
        "operations": dict(run.operations),
        "pseudonyms": dict(run.pseudonyms),
        "requirements": [_requirement_json(row) for row in run.requirements],
        "cases": [_case_json(case) for case in run.cases],
        "signing": {
            key: [{"step": step, "value": value} for step, value in steps] for key, steps in run.signing.items()
        },
    }


def _requirement_json(row: RequirementResult) -> dict[str, Any]:
    return {
        "id": row.id,
        "party": row.party.value,
        "level": row.level.value,
        "standing": row.standing.value,
        "outcome": row.outcome.value,
        "grade": row.grade.value,
        "findings": [
            {
                "exchange": found.exchange,
                "where": found.where,
                "expected": found.expected,
                "actual": found.actual,
                "diagnosis": found.diagnosis,
                "situation": found.situation,
            }
            for found in row.findings
        ],
        "says": row.says,
        "source": {"document": row.source.document, "section": row.source.section},
        "readings": list(row.readings),
        "counts": dict(row.counts),
        "evidence": list(row.evidence),
        "how_judged": row.how_judged,
        "missing": row.missing,
        "untestable": row.untestable,
        "waived": row.waived,
        "carried": row.carried,
        "in_scope": row.in_scope,
    }


def _case_json(case: CaseResult) -> dict[str, Any]:
    return {
        "id": case.id,
        "title": case.title,
        "area": case.area,
        "operation": case.operation,
        "outcome": case.outcome,
        "reason": case.reason,
        "exercises": list(case.exercises),
        "exchanges": list(case.exchanges),
        "seconds": case.seconds,
    }


def from_json(data: Mapping[str, Any]) -> Run:
    """The run behind a `run.json`. Only the members that interface.md fixes are needed.

    Raises KeyError, TypeError or ValueError where those are missing or no such values; the reader at the edge
    (kki.edges.store) makes sentences of them.
    """
    if data["schema"] != SCHEMA:
        raise ValueError(f"Expected run.json of schema {SCHEMA} but got schema={data['schema']!r}.")
    return Run(
        use=_text(data["use"]),
        overall=Overall(data["overall"]),
        harness=_text(data["harness"]),
        contract=_text(data["contract"]),
        target=_text(data["target"]),
        seed=int(data["seed"]),
        level=_text(data["level"]),
        started=datetime.fromisoformat(data["started"]),
        finished=datetime.fromisoformat(data["finished"]),
        exchange_count=int(data["exchange_count"]),
        requirements=tuple(_requirement(row, data["use"]) for row in data["requirements"]),
        partial=bool(data.get("partial", False)),
        power=data.get("power"),
        not_tried=tuple(NotTried(what=row["what"], why=row["why"]) for row in data.get("not_tried", ())),
        profile_digest=data.get("profile_digest", ""),
        replay=data.get("replay", "kki replay {exchange}"),
        cases=tuple(_case(row) for row in data.get("cases", ())),
        areas=dict(data.get("areas", {})),
        documents={key: Quoted(**row) for key, row in data.get("documents", {}).items()},
        operations=dict(data.get("operations", {})),
        readings=dict(data.get("readings", {})),
        signing={
            key: tuple((step["step"], step["value"]) for step in steps)
            for key, steps in data.get("signing", {}).items()
        },
        pseudonyms=dict(data.get("pseudonyms", {})),
        notes=tuple(data.get("notes", ())),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"Expected a string but got {value!r}.")
    return value


def _requirement(row: Mapping[str, Any], use: str) -> RequirementResult:
    party = Party(row["party"])
    source = row.get("source", {})
    return RequirementResult(
        id=_text(row["id"]),
        says=row.get("says", ""),
        party=party,
        level=Level(row["level"]),
        standing=Standing(row["standing"]),
        outcome=Outcome(row["outcome"]),
        grade=Grade(row["grade"]),
        findings=tuple(_evidence(found) for found in row["findings"]),
        counts=dict(row.get("counts", {})),
        source=Source(document=source.get("document", ""), section=source.get("section", "")),
        readings=tuple(row.get("readings", ())),
        evidence=tuple(row.get("evidence", ())),
        how_judged=row.get("how_judged", ""),
        missing=row.get("missing", ""),
        untestable=row.get("untestable"),
        waived=row.get("waived"),
        carried=row.get("carried"),
        in_scope=row.get("in_scope", party in ON_TRIAL.get(use, frozenset(Party))),
    )


def _evidence(found: Mapping[str, Any]) -> Evidence:
    return Evidence(
        exchange=found["exchange"],
        where=found["where"],
        expected=found["expected"],
        actual=found["actual"],
        diagnosis=found.get("diagnosis", ""),
        situation=found.get("situation", ""),
    )


def _case(row: Mapping[str, Any]) -> CaseResult:
    return CaseResult(
        id=row["id"],
        title=row["title"],
        area=row.get("area", ""),
        operation=row.get("operation", ""),
        outcome=row.get("outcome", "passed"),
        reason=row.get("reason", ""),
        exercises=tuple(row.get("exercises", ())),
        exchanges=tuple(row.get("exchanges", ())),
        seconds=float(row.get("seconds", 0.0)),
    )
