"""What an attestation states: an in-toto Statement v1 about one run's files, with the test-result predicate and ours.

https://github.com/in-toto/attestation: spec/v1/statement.md and spec/predicates/test-result.md. Readers of that
predicate ignore members that they do not know, so what we add stands in one of its own, `kki_run`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kki.grading import overall, undecided
from kki.model.contract import Contract
from kki.model.requirement import Level, Standing
from kki.model.run import RequirementResult, Run
from kki.model.verdict import Grade, Outcome, Overall

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
OURS = "kki_run"
SCHEMA = 1
CHAIN_START = hashlib.sha256(b"kki evidence").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a run's folder. `name`: its path from there, with /. `sha256`: hexadecimal."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """A statement that has been read: `files` in the order of the chain."""

    document: Mapping[str, Any]
    files: tuple[File, ...]
    issued: datetime
    valid_until: datetime

    @property
    def ours(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.document["predicate"][OURS]
        return found


# --- stating ------------------------------------------------------------------------------------


def caveats(run: Run) -> tuple[str, ...]:
    """What keeps a run from being attested in passing, in words; the statement repeats them where it is anyway."""
    found = []
    if run.partial:
        found.append("The run is partial: it was interrupted, or something in it failed. It states nothing beyond.")
    scope = [row for row in run.requirements if row.in_scope]
    open_ = [row.id for row in scope if undecided(row)]
    if open_:
        found.append(f"Not decided, though each is a MUST: {', '.join(open_)}.")
    faulty = [row.id for row in scope if row.outcome is Outcome.FAULTY]
    if faulty:
        found.append(f"The harness itself failed to judge {', '.join(faulty)}.")
    found += [f"Violated and carried by a baseline: {row.id}, {row.carried}." for row in scope if row.carried]
    found += [f"Violated and waived: {row.id}, {row.waived}." for row in scope if row.waived]
    if run.overall is Overall.INCOMPLETE and not found:
        found.append("The run calls itself incomplete.")
    return tuple(found)


# --- whether the run says of itself what its rows and its evidence say -----------------------------


def inconsistencies(run: Run, exchanges: Collection[str], contract: Contract | None = None) -> Iterator[str]:
    """A sentence for each thing in a run.json that cannot be so: somebody wrote in it, or files of two runs are mixed.

    `exchanges`: ids of the evidence; `contract`: ours, where the run was made with the same.
    """
    yield from _overall(run)
    for row in run.requirements:
        yield from (f"{row.id} is {why}" for why in _row(row) if row.in_scope)
    if len(exchanges) != run.exchange_count:
        yield f"It counts {run.exchange_count} exchanges, and the evidence has {len(exchanges)}"
    named = {name for row in run.requirements for name in (*row.evidence, *(each.exchange for each in row.findings))}
    gone = sorted(named - set(exchanges) - {""})
    if gone:
        yield f"It names exchanges that the evidence lacks: {', '.join(gone[:5])}"
    if contract is not None and contract.digest == run.contract:
        ledger = tuple((row.id, row.level, row.standing, row.party, row.says) for row in contract.requirements.values())
        if ledger != tuple((row.id, row.level, row.standing, row.party, row.says) for row in run.requirements):
            yield "Its requirements are not those of the contract that it names"


def _overall(run: Run) -> Iterator[str]:
    """A session with steps missing, and a run that was cut short, call themselves less than their rows do."""
    found = overall(run.requirements)
    less = run.overall is Overall.INCOMPLETE and found is Overall.CONFORMS and bool(run.not_tried or run.partial)
    if found is not run.overall and not less:
        yield f"It calls itself {run.overall.value}, and its requirements make it {found.value}"


def _row(row: RequirementResult) -> Iterator[str]:
    broken = row.counts.get("broken", 0)
    if row.outcome is Outcome.HOLDS and (row.findings or broken):
        yield "said to hold, with findings"
    elif row.outcome is Outcome.BROKEN and not (row.findings or broken):
        yield "said to be broken, without a finding"
    right = {Outcome.HOLDS: (Grade.PASS,), Outcome.BROKEN: _grades(row)}.get(row.outcome, (Grade.NONE,))
    if row.grade not in right:
        yield f"{row.outcome.value} and graded {row.grade.value}"
    if row.counts and row.outcome.value not in row.counts and row.outcome in (Outcome.HOLDS, Outcome.BROKEN):
        yield f"said to be {row.outcome.value}, and no judgement was that"


def _grades(row: RequirementResult) -> tuple[Grade, ...]:
    """What a broken row of this level may be graded; of a MUST that a reading disputes or permits, that decides."""
    if row.level is Level.MAY:
        return (Grade.NOTE,)
    if row.level is Level.SHOULD or row.waived:
        return (Grade.WARNING,)
    disputed = row.standing is Standing.CONFLICTED or any("=" in each for each in row.readings)
    return (Grade.VIOLATION, Grade.WARNING) if disputed else (Grade.VIOLATION,)


def payload(run: Run, files: Sequence[File], *, issued: datetime, valid_until: datetime) -> bytes:
    """The statement as the octets that are signed: JSON, keys sorted, without white space."""
    predicate: dict[str, Any] = {
        "result": _result(run),
        "configuration": list(_configuration(run)),
        "passedTests": _ids(run, Grade.PASS),
        "warnedTests": _ids(run, Grade.WARNING, Grade.NOTE),
        "failedTests": _ids(run, Grade.VIOLATION),
        OURS: _ours(run, files, issued, valid_until),
    }
    document = {
        "_type": STATEMENT,
        "subject": [{"name": each.name, "digest": {"sha256": each.sha256}} for each in files],
        "predicateType": PREDICATE,
        "predicate": predicate,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _result(run: Run) -> str:
    """The predicate knows three words. What is incomplete has not passed, so that nobody takes it for a pass."""
    if run.overall is not Overall.CONFORMS or run.partial:
        return "FAILED"
    return "WARNED" if _ids(run, Grade.WARNING) else "PASSED"


def _ids(run: Run, *grades: Grade) -> list[str]:
    return [row.id for row in run.requirements if row.in_scope and row.grade in grades]


def _configuration(run: Run) -> Iterator[dict[str, Any]]:
    for name, digest in (("contract", run.contract), ("profile without secrets", run.profile_digest)):
        kind, _, value = digest.partition(":")
        if value:
            yield {"name": name, "digest": {kind: value}}


def _ours(run: Run, files: Sequence[File], issued: datetime, valid_until: datetime) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "use": run.use,
        "overall": run.overall.value,
        "target": run.target,
        "level": run.level,
        "seed": run.seed,
        "started": run.started.isoformat(),
        "finished": run.finished.isoformat(),
        "exchange_count": run.exchange_count,
        "harness": run.harness,
        "ledger": {"rows": len(run.requirements), "sha256": ledger_digest(run.requirements)},
        "scope": [row.id for row in run.requirements if row.in_scope],
        "readings": dict(run.readings),
        "power": dict(run.power) if run.power is not None else None,
        "caveats": list(caveats(run)),
        "issued": issued.isoformat(),
        "valid_until": valid_until.isoformat(),
        "evidence": list(_chained(files)),
    }


def ledger_digest(rows: Iterable[RequirementResult]) -> str:
    """SHA-256 over id, level, standing, party and sentence of each row, a line each: which ledger this was."""
    lines = (f"{row.id}\t{row.level.value}\t{row.standing.value}\t{row.party.value}\t{row.says}\n" for row in rows)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def link(before: str, each: File) -> str:
    """The next value of the chain: SHA-256 over the one before, the name, the size and the digest, a line each."""
    return hashlib.sha256(
        f"{before}\n{each.name}\n{each.size}\n{each.sha256}\n".encode("utf-8", "surrogatepass")
    ).hexdigest()


def _chained(files: Sequence[File]) -> Iterator[dict[str, Any]]:
    chain = CHAIN_START
    for each in files:
        chain = link(chain, each)
        yield {"name": each.name, "size": each.size, "sha256": each.sha256, "chain": chain}


# --- reading ------------------------------------------------------------------------------------


def read(octets: bytes) -> Attested | str:
    """The statement in a verified payload, or one sentence on why it is none of ours."""
    try:
        document = json.loads(octets)
        ours = document["predicate"][OURS]
        files = tuple(File(name=row["name"], size=row["size"], sha256=row["sha256"]) for row in ours["evidence"])
        found = Attested(
            document=document,
            files=files,
            issued=datetime.fromisoformat(ours["issued"]),
            valid_until=datetime.fromisoformat(ours["valid_until"]),
        )
        kinds = (document["_type"], document["predicateType"], ours["schema"])
        subject = [(row["name"], row["digest"]["sha256"]) for row in document["subject"]]
        chained = [row["chain"] for row in ours["evidence"]] == [row["chain"] for row in _chained(files)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return f"expected a statement that kki made, but could not read it: {type(error).__name__} {error}"
    if kinds != (STATEMENT, PREDICATE, SCHEMA):
        return f"expected {STATEMENT} with {PREDICATE}, but got {kinds}"
    if subject != [(each.name, each.sha256) for each in files] or not chained:
        return "expected the subject, the evidence and its chain to agree, but they do not"
    return found


def out_of_time(attested: Attested, now: datetime) -> str | None:
    """Why it is not valid at this moment; None: it is."""
    if now > attested.valid_until:
        return f"the statement was valid until {attested.valid_until.isoformat()}, and now it is {now.isoformat()}"
    if now < attested.issued:
        return f"the statement is valid from {attested.issued.isoformat()}, and now it is {now.isoformat()}"
    return None


def differences(attested: Attested, there: Iterable[File]) -> Iterator[str]:
    """A sentence for each attested file that is not as it was."""
    found = {each.name: each for each in there}
    for each in attested.files:
        now = found.get(each.name)
        if now is None:
            yield f"{each.name}: it is attested, but it is not there"
        elif now.sha256 != each.sha256:
            size = f"; it has {now.size} octets and had {each.size}" if now.size != each.size else ""
            yield f"{each.name}: its content has changed since it was attested{size}"


def beyond(attested: Attested, there: Iterable[File]) -> tuple[str, ...]:
    """Files that lie beside the attested ones and that the statement says nothing about."""
    names = {each.name for each in attested.files}
    return tuple(each.name for each in there if each.name not in names)
