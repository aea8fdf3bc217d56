"""A run: workers try and judge, one conductor collects, writes and closes it. Pytest drives, `kki check` fronts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kki
from kki.catalogue import catalogue
from kki.edges import contract as contracts
from kki.edges import entropy, store
from kki.edges import preflight as preflights
from kki.edges.client import Client
from kki.grading import Policy, Tally, overall
from kki.judge import Judge
from kki.model.contract import Contract
from kki.model.exchange import Exchange, Record
from kki.model.profile import Credentials, Limits, Profile, TestData, Waiver
from kki.model.requirement import Party
from kki.model.run import CaseResult, NotTried, Quoted, Run
from kki.model.verdict import (
    Broken,
    Faulty,
    Finding,
    Grade,
    Holds,
    Judgement,
    NotApplicable,
    Outcome,
    Overall,
    Unknown,
    Verdict,
)  # fmt: skip
from kki.redaction import redactor_for
from kki.rules.knowledge import Knowledge
from kki.session import Session
from kki.snap import signature, tokens

if TYPE_CHECKING:
    import pytest

DUMB_AFTER = 12  # so many without any reply, whatever the reason: each costs the whole time-out
Plain = dict[str, Any]
FIRST_SIGNING, MOST_SIGNING = 5, 200  # exchanges whose signature is shown step by step
MOST_SIGNED = 4096  # octets of a body whose signature is shown
MOST_REQUESTS = 600  # at standard level, beyond which the report says what the further ones buy
SILENT_AFTER = 4  # so many exchanges in a row without a connection: the target is gone


def knowledge_of(profile: Profile, contract: Contract) -> Knowledge:
    return Knowledge(
        contract=contract,
        credentials=profile.credentials,
        readings=profile.readings,
        test_data=profile.test_data,
        limits=profile.limits,
        other_partner=profile.other_partner,
    )


# --- values that travel between processes --------------------------------------------------------


def profile_to_plain(profile: Profile) -> Plain:
    plain = dataclasses.asdict(profile)
    plain["waivers"] = [{**row, "expires": row["expires"].isoformat()} for row in plain["waivers"]]
    plain["test_data"]["card"] = dict(profile.test_data.card) if profile.test_data.card else None
    return plain


def profile_from_plain(plain: Plain) -> Profile:
    data = dict(plain["test_data"])
    data["bank_card_tokens"] = tuple(data["bank_card_tokens"])
    other = plain["other_partner"]
    waivers = tuple(
        Waiver(**{**row, "expires": datetime.fromisoformat(row["expires"]).date()}) for row in plain["waivers"]
    )
    return Profile(
        **{
            **plain,
            "credentials": Credentials(**plain["credentials"]),
            "test_data": TestData(**data),
            "limits": Limits(**plain["limits"]),
            "waivers": waivers,
            "other_partner": Credentials(**other) if other else None,
        }
    )


def verdict_to_plain(verdict: Verdict) -> list[Any]:
    judgement = verdict.judgement
    payload: Any = None
    match judgement:
        case Broken(findings):
            payload = [dataclasses.asdict(finding) for finding in findings]
        case Holds(reading):
            payload = reading
        case Unknown(missing):
            payload = missing
        case Faulty(trace):
            payload = trace
    return [verdict.requirement, verdict.exchange, verdict.party.value, type(judgement).__name__, payload]


def verdict_from_plain(row: Sequence[Any]) -> Verdict:
    requirement, exchange, party, kind, payload = row
    judgement: Judgement
    match kind:
        case "Broken":
            judgement = Broken(tuple(Finding(**finding) for finding in payload))
        case "Holds":
            judgement = Holds(payload)
        case "Unknown":
            judgement = Unknown(payload)
        case "Faulty":
            judgement = Faulty(payload)
        case _:
            judgement = NotApplicable()
    return Verdict(requirement=requirement, exchange=exchange, party=Party(party), judgement=judgement)


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
        self.judge = Judge(knowledge_of(profile, contract))
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
            self.tally.add(self._redacted(verdict_from_plain(row)))
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

    def _redacted(self, verdict: Verdict) -> Verdict:
        match verdict.judgement:
            case Broken(findings):
                clean: Judgement = Broken(tuple(self.redactor.finding(finding) for finding in findings))
            case Faulty(trace):
                clean = Faulty(self.redactor.text(trace))
            case Unknown(missing):
                clean = Unknown(self.redactor.text(missing))
            case _:
                return verdict
        return dataclasses.replace(verdict, judgement=clean)

    def broke(self, where: str, text: str) -> None:
        """Something outside a case's body failed: our fault."""
        self.faults.append(f"{where}: {self.redactor.text(text)}")

    def worker_ended(self, ended: Plain | None, error: object | None) -> None:
        if error is not None:
            self.faults.append(f"a worker process ended early: {error}")
        if ended is None:
            return
        for row in ended["verdicts"]:
            self.tally.add(self._redacted(verdict_from_plain(row)))
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
            return 130
        if run.overall is Overall.DOES_NOT_CONFORM:
            return 1
        if self.faults or any(row.outcome is Outcome.FAULTY for row in run.requirements):
            return 3
        return 0 if run.overall is Overall.CONFORMS and not run.partial else 4

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
        for waiver in self.profile.waivers:
            yield f"Waived until {waiver.expires.isoformat()}: {waiver.requirement}, {waiver.reason}"
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


def signing_steps(exchange: Exchange, profile: Profile) -> tuple[tuple[str, str], ...]:
    """How X-SIGNATURE of this request is made, step by step; () where it has none, or the secret is missing."""
    headers, secret = exchange.request.headers, profile.credentials.client_secret
    stamp, token = headers.get("X-TIMESTAMP"), tokens.bearer_lenient(headers.get("Authorization") or "")
    if secret is None or not stamp or not token or len(exchange.request.body) > MOST_SIGNED:
        return ()
    made = signature.sign(
        method=exchange.request.method, target=exchange.request.target, body=exchange.request.body, token=token,
        timestamp=stamp, client_secret=secret,
    )  # fmt: skip
    if not isinstance(made, signature.Signing):
        return ()
    return (
        ("minified body", made.minified.decode("utf-8", "replace")), ("SHA-256 of it, lower-case hex", made.digest),
        ("string to sign", made.string_to_sign), ("HMAC-SHA512 of it, Base64", made.signature),
        ("X-SIGNATURE as sent", headers.get("X-SIGNATURE") or "none"),
    )  # fmt: skip


def power_figures() -> Mapping[str, Any] | None:
    """The suite's own measured power, as the committed table says; None where there is no table."""
    path = contracts.data_root() / "power.json"
    if not path.is_file():
        return None
    figures: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))["figures"]
    return figures


def told_by(contract: Contract, profile: Profile) -> dict[str, Any]:
    """What every report quotes from the contract: areas, documents, operations, readings in force."""
    return {
        "areas": dict(AREAS),
        "documents": {key: Quoted(title=row.title, url=row.url) for key, row in contract.documents.items()},
        "operations": {op.path: op.name for op in contract.operations.values()},
        "readings": {
            name: contract.choice(name, profile.readings) for name, row in contract.readings.items() if row.choices
        },
    }  # fmt: skip


def digest_of(profile: Profile) -> str:
    """Of the plan without its secrets: what was tried, under which readings, limits and waivers."""
    limits = dataclasses.asdict(profile.limits)
    waivers = [[row.requirement, row.reason, row.expires.isoformat()] for row in profile.waivers]
    plain = {
        "target": profile.base_url, "client": profile.credentials.client_id, "readings": dict(profile.readings),
        "limits": limits, "waivers": waivers, "plan": dict(profile.plan),
    }  # fmt: skip
    return "sha256:" + hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


AREAS: Mapping[str, str] = {
    "SIG": "Symmetric signature", "HDR": "Headers", "PAY": "Payment", "BND": "Card binding", "UNB": "Card unbinding",
    "RFD": "Refund", "FLD": "Fields in general", "CRD": "Card data", "TOK": "Tokens", "RSP": "Reply and response code",
    "RSN": "Reason of a refusal", "STA": "State and uniqueness", "SEC": "Secrecy", "ROB": "Robustness",
    "BEH": "Client's behaviour", "EVT": "Internal event",
}  # fmt: skip


def conductor_for_pytest(config: pytest.Config) -> Conductor:
    """`pytest suites/server --kki-base-url URL`: the same run without our command line. Raises ConfigurationError."""
    import pytest

    from kki.edges import settings
    from kki.edges.errors import ConfigurationError
    from kki.plugin import Listener, contract_root_under_trial, target_of

    root = contract_root_under_trial()
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
        output = config.getoption("--kki-output")
        conductor = Conductor(
            profile=plan,
            contract=contract,
            base_url=plan.base_url,
            level=config.getoption("--kki-level"),
            only=_wanted(contract, config.getoption("--kki-only")),
            seed=config.getoption("--kki-seed"),
            output=Path(output) if output else None,
            contract_root=root,
            workers=int(config.getoption("numprocesses", 0) or 0),
        )
        fatal = [check for check in conductor.preflight() if check.fatal and not check.ok]
        if fatal:
            raise ConfigurationError([f"{check.name}: {check.says}. {check.fix}" for check in fatal])
    except ConfigurationError as error:
        raise pytest.UsageError("\n".join(error.problems)) from None
    conductor.finish_with_pytest = True
    config.pluginmanager.register(Listener(conductor), "kki-listener")
    return conductor


def _wanted(contract: Contract, names: Iterable[str]) -> frozenset[str]:
    """Ids of these requirements and areas."""
    asked = {name.upper().removeprefix("KKI-") for name in names}
    return frozenset(
        row.id for row in contract.requirements.values() if row.area in asked or row.id.removeprefix("KKI-") in asked
    )
