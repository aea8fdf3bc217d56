"""What an attestation states: an in-toto Statement v1 about one run's files, with the test-result predicate and ours.

https://github.com/in-toto/attestation: spec/v1/statement.md and spec/predicates/test-result.md. Readers of that
predicate ignore members that they do not know, so what we add stands in one of its own, `kki_run`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kki.grading import undecided
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
