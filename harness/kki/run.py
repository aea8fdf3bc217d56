"""A run: workers try and judge, one conductor collects, writes and closes it. Pytest drives, `kki check` fronts."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kki
from kki.catalogue import catalogue
from kki.edges import contract as contracts
from kki.edges import entropy, store
from kki.edges import preflight as preflights
from kki.edges.client import Client
from kki.ending import (
    CONFORMS,
    INCOMPLETE,
    INTERRUPTED,
    digest_of,
    exit_code,
    power_figures,
    signing_steps,
    told_by,
    waived,
)  # fmt: skip
from kki.grading import Policy, Tally, overall
from kki.judge import Judge
from kki.model.contract import Contract
from kki.model.exchange import Exchange, Record
from kki.model.profile import Limits, Profile
from kki.model.requirement import Party
from kki.model.run import CaseResult, NotTried, Run
from kki.model.verdict import (
    Broken,
    Faulty,
    Finding,
    Grade,
    Holds,
    NotApplicable,
    Unknown,
    Verdict,
)  # fmt: skip
from kki.redaction import redactor_for
from kki.rules.knowledge import Knowledge
from kki.session import Session
from kki.travel import Plain, profile_from_plain, profile_to_plain, verdict_from_plain, verdict_to_plain

if TYPE_CHECKING:
    import pytest

DUMB_AFTER = 12  # so many without any reply, whatever the reason: each costs the whole time-out
FIRST_SIGNING, MOST_SIGNING = 5, 200  # exchanges whose signature is shown step by step
MOST_REQUESTS = 600  # at standard level, beyond which the report says what the further ones buy
SILENT_AFTER = 4  # so many exchanges in a row without a connection: the target is gone


# --- the worker ---------------------------------------------------------------------------------


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
    ) -> None:
        self.profile = profile
        self.contract = contract
        self.level = level
        self.only = frozenset(only)
        self.seed = seed
        self.redactor = redactor_for(profile, salt=salt)
        self.policy = Policy.of(profile, contract, entropy.now().date())
        self.judge = Judge(Knowledge.of(profile, contract))
        client = Client(base_url, profile.credentials, profile.limits, now=entropy.now)
        self.session = Session(profile=profile, contract=contract, client=client, judge=self.judge, seed=seed)
        self.planned = 0
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
        )
        for line in plain["preflight"]:
            worker.judge.judge(store.record_from_json(line).exchange)
        worker.session.tokens.b2b, worker.session.tokens.customer, worker.session.tokens.refresh = plain["tokens"]
        return worker

    def begin(self, title: str, prefix: str) -> None:
        self.session.begin(title, prefix)
        if self.stopped:
            self._stop()

    def _stop(self) -> None:
        import pytest

        pytest.skip(f"not tried: {self.stopped}")

    def heed(self) -> None:
        """After each case: has the target gone away, or is the request limit reached?"""
        for record in self.session.watched.records:
            self._silent = self._silent + 1 if _gone(record.exchange) else 0
            self._dumb = self._dumb + 1 if record.exchange.response is None else 0
        if self._silent >= SILENT_AFTER or self._dumb >= DUMB_AFTER:
            self.stopped = f"the target stopped answering ({max(self._silent, self._dumb)} requests in a row)"

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


# --- the conductor ------------------------------------------------------------------------------

Progress = Callable[["Conductor"], None]


class Conductor:
    """Collects what workers send, writes evidence as it comes, and closes the run."""

    def __init__(
        self,
        *,
        profile: Profile,
        contract: Contract,
        base_url: str,
        level: str = "standard",
        only: Iterable[str] = (),
        seed: int = 0,
        output: Path | None = None,
        contract_root: Path | None = None,
        workers: int = 1,
        target: str = "",
        progress: Progress | None = None,
    ) -> None:
        self.profile, self.contract, self.base_url = profile, contract, base_url
        self.level, self.only, self.seed = level, frozenset(only), seed
        self.output, self.contract_root, self.distributed = output, contract_root, workers > 1
        self.workers = max(workers, 1)
        self.target = target or base_url
        self.progress = progress or (lambda _: None)
        self.salt = entropy.iv()
        self.worker = Worker(
            profile=profile, contract=contract, base_url=base_url, level=level, only=only, seed=seed, salt=self.salt
        )
        self.catalogue = catalogue(contract)
        self.tally = Tally(contract)
        self.cases: list[CaseResult] = []
        self.checks: list[preflights.Check] = []
        self.preflight_lines: list[Plain] = []
        self.count_planned = 0
        self.exchange_count = 0
        self.faults: list[str] = []
        self.cut_short: list[tuple[str, str]] = []
        self.started = entropy.now()
        self.finish_with_pytest = False
        self.interrupted = False
        self.redactor = redactor_for(profile, salt=self.salt)
        operations = {op.path: op.name for op in contract.operations.values()}
        self.signing: dict[str, tuple[tuple[str, str], ...]] = {}
        self.power = power_figures()
        self.writer = (
            store.ExchangeWriter(output / store.EXCHANGES, self.redactor, operations=operations) if output else None
        )

    # -- before ----------------------------------------------------------------------------------

    def preflight(self) -> list[preflights.Check]:
        """Keys, reachability, clock, tokens. The exchanges are scored too, but only if the run starts."""
        session = self.worker.session
        checks = [preflights.self_test(), *preflights.credentials(self.profile), *preflights.thin_data(self.profile)]
        if any(check.fatal and not check.ok for check in checks):
            return self._checked(checks)
        watched = session.begin("preflight", "p")
        first = session.fetch_b2b()
        checks += [preflights.reachable(first, self.base_url)]
        if checks[-1].ok:
            checks += [preflights.clock(first, entropy.now()), preflights.token(first)]
        if not any(check.fatal and not check.ok for check in checks):
            customer = session.fetch_customer()
            if customer is not None:
                checks.append(preflights.customer_token(customer))
            self.preflight_lines = [store.record_as_json(record) for record in watched.records]
            self.take(
                self.worker.parcel(
                    title="preflight",
                    area="tokens",
                    operation="b2b",
                    exercises=[],
                    outcome="passed",
                    reason="",
                    seconds=0.0,
                )
            )
        return self._checked(checks)

    def _checked(self, checks: list[preflights.Check]) -> list[preflights.Check]:
        clean = self.redactor.text
        self.checks = [dataclasses.replace(each, says=clean(each.says), fix=clean(each.fix)) for each in checks]
        return self.checks

    def to_hand(self, worker: str) -> Plain:
        tokens = self.worker.session.tokens
        return {
            "profile": profile_to_plain(dataclasses.replace(self.profile, limits=self._share())),
            "base_url": self.base_url,
            "level": self.level,
            "only": sorted(self.only),
            "seed": self.seed,
            "salt": self.salt.hex(),
            "preflight": self.preflight_lines,
            "worker": worker,
            "contract_root": str(self.contract_root) if self.contract_root else "",
            "tokens": [tokens.b2b, tokens.customer, tokens.refresh],
        }

    def _share(self) -> Limits:
        """What one process may send, so that all of them together keep to the plan."""
        limits = self.profile.limits
        left = max(limits.max_requests - self.worker.session.client.pace.sent, 0)
        return dataclasses.replace(
            limits,
            requests_per_second=limits.requests_per_second / self.workers,
            max_requests=left // self.workers,
        )

    # -- during ----------------------------------------------------------------------------------

    def planned(self, number: int) -> None:
        self.count_planned = number
        self.progress(self)

    def take(self, parcel: Plain) -> None:
        """One case has ended: write its evidence, count its verdicts. From here on everything is redacted."""
        records = [store.record_from_json(line) for line in parcel["records"]]
        for record in records:
            self.exchange_count += 1
            if self.writer is not None:
                self.writer.write(record)
        for row in parcel["verdicts"]:
            self.tally.add(self.redactor.verdict(verdict_from_plain(row)))
        self._keep_signing(records, parcel["verdicts"])
        case = parcel["case"]
        self.cases.append(
            CaseResult(
                id=f"c{len(self.cases)}",
                title=case["title"],
                area=case["area"],
                operation=case["operation"],
                outcome=case["outcome"],
                reason=self.redactor.text(case["reason"]),
                exercises=tuple(case["exercises"]),
                exchanges=tuple(record.exchange.id for record in records),
                seconds=case["seconds"],
            )
        )
        self.progress(self)

    def _keep_signing(self, records: Iterable[Record], verdicts: Iterable[Sequence[Any]]) -> None:
        """The steps of the right signature, for exchanges in which something was broken and a few others."""
        broken = {row[1] for row in verdicts if row[3] == "Broken"}
        for record in records:
            if record.exchange.id in broken or len(self.signing) < FIRST_SIGNING:
                steps = signing_steps(record.exchange, self.profile) if len(self.signing) < MOST_SIGNING else ()
                if steps:
                    clean = self.redactor.text
                    self.signing[record.exchange.id] = tuple((name, clean(value)) for name, value in steps)

    def broke(self, where: str, text: str) -> None:
        """Something outside a case's body failed: our fault."""
        self.faults.append(f"{where}: {self.redactor.text(text)}")

    def worker_ended(self, ended: Plain | None, error: object | None) -> None:
        if error is not None:
            self.faults.append(f"a worker process ended early: {error}")
        if ended is None:
            return
        for row in ended["verdicts"]:
            self.tally.add(self.redactor.verdict(verdict_from_plain(row)))
        if ended["stopped"]:
            self.cut_short.append(("the rest of the run", ended["stopped"]))

    # -- after -----------------------------------------------------------------------------------

    @property
    def policy(self) -> Policy:
        return self.worker.policy

    def run(self) -> Run:
        """The run as it stands now."""
        rows = self.tally.results(self.catalogue, self.policy, parties=(Party.SERVER,), only=self.only)
        return Run(
            use="check", overall=overall(rows), harness=kki.__version__, contract=self.contract.digest,
            target=self.target,
            seed=self.seed, level=self.level, started=self.started.astimezone(UTC), finished=entropy.now(),
            exchange_count=self.exchange_count, requirements=rows, cases=tuple(self.cases),
            partial=self.interrupted or bool(self.faults) or bool(self.cut_short), not_tried=tuple(self._not_tried()),
            notes=tuple(self._notes()), profile_digest=digest_of(self.profile), replay=self._replay(),
            signing=self.signing, pseudonyms=dict(self.redactor.pseudonyms()), power=self.power,
            **told_by(self.contract, self.profile),
        )  # fmt: skip

    def close(self, lang: str = "en", run: Run | None = None) -> Run:
        """Write `run.json` and every report. The evidence stands already. `run`: as a baseline left it."""
        run = self.run() if run is None else run
        if self.output is not None:
            store.write_run(self.output, run)
            store.write_reports(self.output, run, lang=lang)
            store.point_latest(self.output)
        return run

    def exit_code(self, run: Run) -> int:
        """0 conforms, 1 does not, 3 our own fault, 4 incomplete, 130 interrupted (interface.md)."""
        if self.interrupted:
            return INTERRUPTED
        code = exit_code(run, self.faults)
        return INCOMPLETE if code == CONFORMS and run.partial else code

    def finish(self) -> int:
        """For pytest's own runs: close, and give pytest its exit code."""
        return self.exit_code(self.close())

    def _replay(self) -> str:
        where = f" --run {shlex.quote(str(self.output))}" if self.output is not None else ""
        plan = (
            ""
            if self.profile.source in ("built in", "no profile")
            else f" --profile {shlex.quote(self.profile.source)}"
        )
        return f"kki replay {{exchange}}{where}{plan}"

    def _notes(self) -> Iterable[str]:
        yield from waived(self.profile)
        if self.interrupted:
            yield "The run was interrupted; what had not been tried by then is undecided."
        for what, why in self.cut_short:
            yield f"{what}: {why}"
        if self.exchange_count > MOST_REQUESTS and self.level == "standard":
            yield (
                f"{self.exchange_count - MOST_REQUESTS} of the {self.exchange_count} requests go beyond "
                f"{MOST_REQUESTS}: they try every way to spoil a signature, token, header or body on each operation, "
                "not on one; --level quick does with one."
            )
        for fault in self.faults:
            yield f"The harness itself failed; this says nothing about the server. {fault}"

    def _not_tried(self) -> Iterable[NotTried]:
        reasons: dict[str, list[str]] = {}
        for case in self.cases:
            if case.outcome == "skipped":
                reasons.setdefault(case.reason, []).append(case.title)
        for why, titles in reasons.items():
            more = f" and {len(titles) - 1} more" if len(titles) > 1 else ""
            yield NotTried(what=titles[0] + more, why=why)
        for what, why in self.cut_short:
            yield NotTried(what=what, why=why)


def conductor_for_pytest(config: pytest.Config) -> Conductor:
    """`pytest suites/server --kki-base-url URL`: the same run without our command line. Raises ConfigurationError."""
    import pytest

    from kki.edges import settings
    from kki.edges.errors import ConfigurationError
    from kki.edges.selection import chosen_requirements
    from kki.plugin import Listener, target_of

    root = settings.contract_root()
    contract = contracts.load(root)
    try:
        plan = settings.load_profile(
            Path(config.getoption("--kki-profile")) if config.getoption("--kki-profile") else None,
            base_url=target_of(config),
            env=dict(os.environ),
            contract=contract,
            today=entropy.now().date(),
        )
        if plan.base_url is None:
            raise ConfigurationError(["expected a target, but neither --kki-base-url nor the profile names one"])
        output, asked = config.getoption("--kki-output"), config.getoption("--kki-only")
        conductor = Conductor(
            profile=plan,
            contract=contract,
            base_url=plan.base_url,
            level=config.getoption("--kki-level"),
            only=chosen_requirements(contract, asked),
            seed=config.getoption("--kki-seed"),
            output=Path(output) if output else None,
            contract_root=root,
            workers=int(config.getoption("numprocesses", 0) or 0),
        )
        problems = preflights.problems(conductor.preflight())
        if problems:
            raise ConfigurationError(problems)
    except ConfigurationError as error:
        raise pytest.UsageError("\n".join(error.problems)) from None
    conductor.finish_with_pytest = True
    config.pluginmanager.register(Listener(conductor), "kki-listener")
    return conductor
