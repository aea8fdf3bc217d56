"""A worker: runs cases in one process, sends, judges, and tells the conductor. Pytest drives it (kki.plugin)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from kki.edges import contract as contracts
from kki.edges import entropy, store
from kki.edges.client import TIME_IS_UP, Client, Pace
from kki.grading import Policy
from kki.judge import Judge
from kki.model.contract import Contract
from kki.model.exchange import Exchange
from kki.model.profile import Profile
from kki.model.requirement import Party
from kki.model.verdict import Broken, Faulty, Finding, Grade, Holds, NotApplicable, Unknown, Verdict
from kki.redaction import redactor_for
from kki.rules.knowledge import Knowledge
from kki.session import Session
from kki.travel import Plain, profile_from_plain, verdict_to_plain

DUMB_AFTER = 12  # so many without any reply, whatever the reason: each costs the whole time-out
RATE_LIMITED = 429
NOT_TRIED = "not tried"  # how the reason begins where a case was left out, or not brought to its end
SILENT_AFTER = 4  # so many exchanges in a row without a connection: the target is gone


class Worker:
    """Runs cases in one process: sends, judges, and says whether a case failed or stayed undecided."""

    def __init__(
        self,
        *,
        profile: Profile,
        contract: Contract,
        base_url: str,
        level: str,
        only: Iterable[str],
        seed: int,
        salt: bytes,
        ends: datetime | None = None,
        done: Iterable[str] = (),
        part: int = 1,
        alone: bool = True,
    ) -> None:
        """`done`: titles of the cases that earlier parts of the run have decided. `part`: which one this is.

        `alone`: no other process of this run uses the same credentials.
        """
        self.profile = profile
        self.contract = contract
        self.level = level
        self.only = frozenset(only)
        self.seed = seed
        self.redactor = redactor_for(profile, salt=salt)
        self.policy = Policy.of(profile, contract, entropy.now().date())
        self.judge = Judge(Knowledge.of(profile, contract, alone=alone))
        seconds = None if ends is None else (ends - entropy.now()).total_seconds()
        pace = Pace(profile.limits, seconds=seconds)
        client = Client(base_url, profile.credentials, profile.limits, now=entropy.now, pace=pace)
        self.session = Session(profile=profile, contract=contract, client=client, judge=self.judge, seed=seed)
        self.planned = 0
        self.done = frozenset(done)
        self.part = part
        self.stopped = ""
        self._silent = 0
        self._dumb = 0

    @classmethod
    def handed(cls, plain: Plain) -> Worker:
        """A worker in a process of its own, from what the conductor handed over."""
        root = Path(plain["contract_root"]) if plain["contract_root"] else None
        worker = cls(
            profile=profile_from_plain(plain["profile"]),
            contract=contracts.load(root),
            base_url=plain["base_url"],
            level=plain["level"],
            only=plain["only"],
            seed=plain["seed"],
            salt=bytes.fromhex(plain["salt"]),
            ends=datetime.fromisoformat(plain["ends"]) if plain["ends"] else None,
            done=plain["done"],
            part=plain["part"],
            alone=False,
        )
        for line in plain["preflight"]:
            worker.judge.judge(store.record_from_json(line).exchange)
        worker.session.forget_tokens(plain["unbound"])
        worker.session.tokens.b2b, worker.session.tokens.customer, worker.session.tokens.refresh = plain["tokens"]
        return worker

    def begin(self, title: str, prefix: str, *, further: bool) -> str:
        """Why this case is not to be tried, or "". `further`: it goes beyond standard level, as far as time allows."""
        self.session.begin(title, self.numbered(prefix))
        return self.ended_early(further=further)

    def numbered(self, prefix: str) -> str:
        """How the ids of a case's exchanges begin: otherwise than in an earlier part, which may have tried it too."""
        return f"{prefix}-{self.part}" if self.part > 1 else prefix

    def ended_early(self, *, further: bool) -> str:
        """Why no further case is tried, or "". That time is up does not cut short what was only to fill it."""
        over = self.session.client.pace.over
        if over and not (further and over == TIME_IS_UP):
            self.stopped = self.stopped or over
        return self.stopped or over

    def heed(self) -> None:
        """After each case: has the target gone away, or is the request limit reached?"""
        for record in self.session.watched.records:
            self._silent = self._silent + 1 if _gone(record.exchange) else 0
            self._dumb = self._dumb + 1 if record.exchange.response is None else 0
        if self._silent >= SILENT_AFTER or self._dumb >= DUMB_AFTER:
            self.stopped = f"{self._gone_how()} ({max(self._silent, self._dumb)} requests in a row)"

    def _gone_how(self) -> str:
        """A target that answers 429 is there, and asks for fewer requests."""
        last = self.session.watched.records[-1].exchange.response if self.session.watched.records else None
        if last is not None and last.status == RATE_LIMITED:
            return "the target refused by its rate limit (HTTP 429); lower [limits] requests_per_second"
        return "the target stopped answering"

    def failures(self) -> str:
        """What the case's exchanges broke, as text for people; "" where nothing is a violation."""
        self.heed()
        lines = []
        for verdict in self.session.watched.verdicts:
            row = self.contract.requirements[verdict.requirement]
            if isinstance(verdict.judgement, Faulty):
                lines.append(
                    f"the harness itself failed on {row.id}; this says nothing about the server\n"
                    f"{verdict.judgement.trace}"
                )
            if (
                row.party is Party.SERVER
                and isinstance(verdict.judgement, Broken)
                and self.policy.grade(row, verdict.judgement) is Grade.VIOLATION
            ):
                lines += [
                    _sentence(row.id, row.says, verdict.exchange, self.redactor.finding(f))
                    for f in verdict.judgement.findings
                ]
        return self.redactor.text("\n".join(lines))

    def undecided(self, named: frozenset[str]) -> str:
        decided = {v.requirement for v in self.session.watched.verdicts if isinstance(v.judgement, (Holds, Broken))}
        missing = sorted(named - decided)
        if not missing:
            return ""
        why = {
            v.requirement: v.judgement.missing
            for v in self.session.watched.verdicts
            if isinstance(v.judgement, Unknown)
        }
        return "undecided: " + "; ".join(f"{name} ({why[name]})" if name in why else name for name in missing)

    def parcel(self, **case: Any) -> Plain:
        """What the conductor gets: the case's result, its exchanges and verdicts. In memory only; not redacted yet."""
        watched = self.session.watched
        return {
            "case": case,
            "records": [store.record_as_json(record) for record in watched.records],
            "verdicts": _travelling(watched.verdicts),
            "unbound": self.session.unbound_places,
        }

    def ended(self) -> Plain:
        """After the last case: judgements over the whole trail."""
        return {
            "verdicts": _travelling(self.judge.finish()),
            "stopped": self.stopped,
            "sent": self.session.client.pace.sent,
        }


def _travelling(verdicts: Iterable[Verdict]) -> list[list[Any]]:
    """The verdicts as plain rows; what did not apply is told once a requirement."""
    rows, passed_by = [], set()
    for verdict in verdicts:
        if isinstance(verdict.judgement, NotApplicable):
            passed_by.add((verdict.requirement, verdict.party.value))
        else:
            rows.append(verdict_to_plain(verdict))
    return rows + [[name, "", party, "NotApplicable", None] for name, party in sorted(passed_by)]


def _gone(exchange: Exchange) -> bool:
    if exchange.response is None:
        return exchange.failure == "connection refused"
    return exchange.response.status in (429, 502, 503)


def _sentence(name: str, says: str, exchange: str, finding: Finding) -> str:
    text = f"{name} broken in {exchange}: {says}\n  {finding.where}: expected {finding.expected}; got {finding.actual}"
    return f"{text}\n  {finding.diagnosis}" if finding.diagnosis else text
