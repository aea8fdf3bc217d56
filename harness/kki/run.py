"""A run: workers try and judge (kki.worker), one conductor collects, writes and closes it. `kki check` fronts."""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kki
from kki.catalogue import catalogue
from kki.edges import contract as contracts
from kki.edges import entropy, folders, store
from kki.edges import preflight as preflights
from kki.edges.client import TIME_IS_UP, PlanEnded
from kki.edges.errors import ConfigurationError
from kki.edges.journal import Entry, Head, Journal, JournalWriter, differences
from kki.ending import (
    INTERRUPTED,
    digest_of,
    exit_code,
    plainly,
    power_figures,
    signing_steps,
    told_by,
    waived,
)  # fmt: skip
from kki.grading import Policy, Tally, overall, situation
from kki.model.contract import Contract
from kki.model.exchange import Record
from kki.model.profile import Limits, Profile
from kki.model.requirement import Party
from kki.model.run import CaseResult, NotTried, Run
from kki.model.verdict import Overall, Verdict
from kki.redaction import redactor_for, salt_for
from kki.rehearsal import rehearsed
from kki.travel import Plain, profile_to_plain, verdict_from_plain, verdict_to_plain
from kki.worker import NOT_TRIED, Worker

if TYPE_CHECKING:
    import pytest

FIRST_SIGNING, MOST_SIGNING = 5, 200  # exchanges whose signature is shown step by step
MOST_REQUESTS = 600  # at standard level, beyond which the report says what the further ones buy


Progress = Callable[["Conductor"], None]
Signing = Mapping[str, tuple[tuple[str, str], ...]]


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
        ends: datetime | None = None,
        earlier: Journal | None = None,
        trust_secret: bool = False,
    ) -> None:
        """`ends`: nothing is sent from then on. `earlier`: what the run that is gone on with has done.

        `trust_secret`: the run starts even where the target refuses every signature.
        """
        self.profile, self.contract, self.base_url = profile, contract, base_url
        self.level, self.only, self.seed = level, frozenset(only), seed
        self.output, self.contract_root, self.distributed = output, contract_root, workers > 1
        self.workers = max(workers, 1)
        self.target = target or base_url
        self.progress = progress or (lambda _: None)
        self.ends = ends
        self.trust_secret = trust_secret
        self.head = _head(self, earlier)
        self.salt = _salt(profile, self.head.nonce)
        self.part = earlier.parts + 1 if earlier else 1
        self.worker = Worker(
            profile=profile, contract=contract, base_url=base_url, level=level, only=only, seed=seed, salt=self.salt,
            ends=ends, done=_done(earlier), part=self.part,
        )  # fmt: skip
        self.catalogue = catalogue(contract)
        self.tally = Tally(contract)
        self.cases: list[CaseResult] = []
        self.checks: list[preflights.Check] = []
        self.preflight_lines: list[Plain] = []
        self.count_planned = 0
        self.exchange_count = 0
        self.faults: list[str] = []
        self.cut_short: list[tuple[str, str]] = []
        self.started = datetime.fromisoformat(self.head.started)
        self.finish_with_pytest = False
        self.interrupted = False
        self.redactor = redactor_for(profile, salt=self.salt)
        self.operations = operations = {op.path: op.name for op in contract.operations.values()}
        self.situations: dict[str, str] = {}  # by exchange
        self.signing: dict[str, tuple[tuple[str, str], ...]] = {}
        self.power = power_figures()
        self.writer = (
            store.ExchangeWriter(output / store.EXCHANGES, self.redactor, operations=operations) if output else None
        )
        self.journal = JournalWriter(output, self.head) if output else None
        if earlier is not None and output is not None:
            self._restore(earlier, output)

    # -- before ----------------------------------------------------------------------------------

    def preflight(self) -> list[preflights.Check]:
        """Keys, reachability, clock, tokens. The exchanges are scored too, but only if the run starts."""
        checks = [preflights.self_test(), *preflights.credentials(self.profile), *preflights.thin_data(self.profile)]
        if any(check.fatal and not check.ok for check in checks):
            return self._checked(checks)
        try:
            checks += self._tokens()
        except PlanEnded as ended:
            checks.append(preflights.Check("limits", False, f"{ended}", "give the run more than that"))
        return self._checked(checks)

    def _tokens(self) -> list[preflights.Check]:
        """Fetches both tokens, tries the secret, and says what was seen on the way."""
        session = self.worker.session
        watched = session.begin("preflight", self.worker.numbered("p"))
        first = session.fetch_b2b()
        checks = [preflights.reachable(first, self.base_url)]
        if checks[-1].ok:
            checks += [preflights.clock(first, entropy.now()), preflights.token(first)]
        if any(check.fatal and not check.ok for check in checks):
            return checks
        customer = session.fetch_customer()
        if customer is not None:
            checks.append(preflights.customer_token(customer))
        rehearsal = rehearsed(session)
        checks.append(dataclasses.replace(rehearsal, fatal=rehearsal.fatal and not self.trust_secret))
        if checks[-1].fatal:
            return checks
        self.preflight_lines = [store.record_as_json(record) for record in watched.records]
        parcel = self.worker.parcel(
            title="preflight", area="tokens", operation="b2b", exercises=[], outcome="passed", reason="", seconds=0.0
        )
        self.take(parcel)
        return checks

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
            "ends": self.ends.isoformat() if self.ends else "",
            "done": sorted(self.worker.done),
            "part": self.part,
            "unbound": self.worker.session.unbound_places,
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
        """So many cases are to come, beside those of earlier parts."""
        self.count_planned = len(self.cases) + number
        self.progress(self)

    def take(self, parcel: Plain) -> None:
        """One case has ended: write its evidence, count its verdicts. From here on everything is redacted."""
        records = [store.record_from_json(line) for line in parcel["records"]]
        for record in records:
            self.situations[record.exchange.id] = situation(record, self.operations)
            if self.writer is not None:
                self.writer.write(record)
        verdicts = [self.redactor.verdict(verdict_from_plain(row)) for row in parcel["verdicts"]]
        case = parcel["case"]
        entry = Entry(
            case=CaseResult(
                id=f"c{len(self.cases)}", title=case["title"], area=case["area"], operation=case["operation"],
                outcome=case["outcome"], reason=self.redactor.text(case["reason"]), exercises=tuple(case["exercises"]),
                exchanges=tuple(record.exchange.id for record in records), seconds=case["seconds"],
            ),
            verdicts=[verdict_to_plain(verdict) for verdict in verdicts],
            signing=self._signing(records, parcel["verdicts"]), unbound=tuple(parcel["unbound"]),
        )  # fmt: skip
        if self.journal is not None:
            self.journal.add(entry)
        self._count(entry, verdicts)
        self.progress(self)

    def _count(self, entry: Entry, verdicts: Iterable[Verdict]) -> None:
        for verdict in verdicts:
            self.tally.add(verdict, self.situations.get(verdict.exchange, ""))
        self.exchange_count += len(entry.case.exchanges)
        self.signing |= {name: tuple((step, value) for step, value in steps) for name, steps in entry.signing.items()}
        self.cases.append(entry.case)

    def _restore(self, earlier: Journal, output: Path) -> None:
        """What earlier parts did. Of what was undecided, and is tried again, everything that was seen counts."""
        self.situations = {
            record.exchange.id: situation(record, self.operations) for record in store.evidence(output)
        }
        for entry in earlier.entries:
            self._count(entry, map(verdict_from_plain, entry.verdicts))
            self.worker.session.forget_tokens(entry.unbound)
            if entry.case.outcome == "skipped":
                self.cases.pop()
        self.exchange_count = len(self.situations)  # with those of a case that a kill cut short

    def _signing(self, records: Iterable[Record], verdicts: Iterable[Sequence[Any]]) -> Signing:
        """The steps of the right signature, for exchanges in which something was broken and a few others."""
        broken = {row[1] for row in verdicts if row[3] == "Broken"}
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        for record in records:
            shown = len(self.signing) + len(found)
            if record.exchange.id in broken or shown < FIRST_SIGNING:
                steps = signing_steps(record.exchange, self.profile) if shown < MOST_SIGNING else ()
                if steps:
                    found[record.exchange.id] = tuple((name, self.redactor.text(value)) for name, value in steps)
        return found

    def broke(self, where: str, text: str) -> None:
        """Something outside a case's body failed: our fault."""
        self.faults.append(f"{where}: {self.redactor.text(text)}")

    def worker_ended(self, ended: Plain | None, error: object | None) -> None:
        if error is not None:
            self.faults.append(f"a worker process ended early: {error}")
        if ended is None:
            return
        for row in ended["verdicts"]:
            verdict = self.redactor.verdict(verdict_from_plain(row))
            self.tally.add(verdict, self.situations.get(verdict.exchange, ""))
        if ended["stopped"]:
            self.cut_short.append(("the rest of the run", ended["stopped"]))

    # -- after -----------------------------------------------------------------------------------

    @property
    def policy(self) -> Policy:
        return self.worker.policy

    def run(self) -> Run:
        """The run as it stands now."""
        rows = self.tally.results(self.catalogue, self.policy, parties=(Party.SERVER,), only=self.only)
        found = overall(rows)
        if self._partial and found is Overall.CONFORMS:
            found = Overall.INCOMPLETE
        return Run(
            use="check", overall=found, harness=kki.__version__, contract=self.contract.digest,
            target=self.target,
            seed=self.seed, level=self.level, started=self.started.astimezone(UTC), finished=entropy.now(),
            exchange_count=self.exchange_count, requirements=rows, cases=tuple(self.cases),
            partial=self._partial, not_tried=tuple(self._not_tried()),
            notes=tuple(self._notes()), profile_digest=digest_of(self.profile), replay=self._replay(),
            signing=self.signing, pseudonyms=dict(self.redactor.pseudonyms()), power=self.power,
            **told_by(self.contract, self.profile),
        )  # fmt: skip

    def close(self, lang: str = "en", run: Run | None = None) -> Run:
        """Write `run.json` and every report. The evidence stands already. `run`: as a baseline left it."""
        run = self.run() if run is None else run
        if self.journal is not None:
            self.journal.close(finished=not self.unfinished)
        if self.output is not None:
            store.write_run(self.output, run)
            store.write_reports(self.output, run, lang=lang)
            folders.point_latest(self.output)
        return run

    def abandon(self) -> None:
        """The trial did not begin: nothing of it stays, but what an earlier part left."""
        if self.writer is not None:
            self.writer.close()
        if self.journal is not None:
            self.journal.close(finished=self.part == 1)
        if self.output is not None and self.part == 1 and self.exchange_count == 0:
            (self.output / store.EXCHANGES).unlink(missing_ok=True)

    @property
    def unfinished(self) -> bool:
        """Whether anything is left that `--resume` could try."""
        return self._partial or any(case.reason.startswith(NOT_TRIED) for case in self.cases)

    @property
    def _partial(self) -> bool:
        return self.interrupted or bool(self.faults) or bool(self.cut_short)

    def exit_code(self, run: Run) -> int:
        """0 conforms, 1 does not, 3 our own fault, 4 incomplete, 130 interrupted (interface.md)."""
        if self.interrupted:
            return INTERRUPTED
        return exit_code(run, self.faults)

    def finish(self) -> int:
        """For pytest's own runs: close, and give pytest its exit code."""
        return self.exit_code(self.close())

    def _replay(self) -> str:
        where = f" --run {shlex.quote(str(self.output))}" if self.output is not None else ""
        return f"kki replay {{exchange}}{where}{self._plan}"

    @property
    def _plan(self) -> str:
        """The option that names the profile, for commands to paste."""
        source = self.profile.source
        return "" if source in ("built in", "no profile") else f" --profile {shlex.quote(source)}"

    def _notes(self) -> Iterable[str]:
        yield from waived(self.profile)
        if self.part > 1:
            yield (
                f"This run was gone on with: it has {self.part} parts. What links exchanges of different parts, such "
                "as a number that is given out twice, was judged within each part alone."
            )
        if self.interrupted:
            yield "The run was interrupted; what had not been tried by then is undecided."
        late = sum(case.reason.startswith(NOT_TRIED) and TIME_IS_UP in case.reason for case in self.cases)
        if late:
            yield f"{late} cases were not tried, or not to their end, since {TIME_IS_UP}."
        if self.unfinished and self.output is not None:
            yield f"What was not tried can be: kki check --resume {shlex.quote(str(self.output))}{self._plan}"
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
            yield NotTried(what=plainly(titles[0]) + more, why=why)
        for what, why in self.cut_short:
            yield NotTried(what=what, why=why)


def _head(run: Conductor, earlier: Journal | None) -> Head:
    """What this run is. ConfigurationError where it is not the one that it is to go on with."""
    lasting = dataclasses.replace(run.profile, base_url=run.target, limits=Limits(), waivers=())
    now = Head(
        level=run.level, seed=run.seed, only=tuple(sorted(run.only)), target=run.target, contract=run.contract.digest,
        plan=digest_of(lasting), nonce=earlier.head.nonce if earlier else entropy.fresh_id(32),
        started=earlier.head.started if earlier else entropy.now().isoformat(),
    )  # fmt: skip
    if earlier and (problems := differences(earlier.head, now)):
        raise ConfigurationError(problems)
    return now


def _salt(profile: Profile, nonce: str) -> bytes:
    try:
        return salt_for(profile, nonce)
    except ValueError:  # nothing to make it from again; nor could such a profile sign anything
        return entropy.iv()


def _done(earlier: Journal | None) -> frozenset[str]:
    """Titles of the cases that earlier parts have decided. The others are tried again."""
    return frozenset(entry.case.title for entry in earlier.entries if entry.case.outcome != "skipped") if earlier else (
        frozenset()
    )


def _held_folder(config: pytest.Config, plan: Profile) -> Path | None:
    """--kki-output, held until pytest ends."""
    given = config.getoption("--kki-output")
    if not given:
        return None
    now = entropy.now()
    stack = ExitStack()
    config.add_cleanup(stack.close)
    redactor = redactor_for(plan, salt=entropy.iv())
    return stack.enter_context(folders.run_folder(Path(given), plan.base_url or "", now, redactor=redactor))


def conductor_for_pytest(config: pytest.Config) -> Conductor:
    """`pytest suites/server --kki-base-url URL`: the same run without our command line. Raises ConfigurationError."""
    import pytest

    from kki.edges import settings
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
        asked = config.getoption("--kki-only")
        conductor = Conductor(
            profile=plan,
            contract=contract,
            base_url=plan.base_url,
            level=config.getoption("--kki-level"),
            only=chosen_requirements(contract, asked, (Party.SERVER,)),
            seed=config.getoption("--kki-seed"),
            output=_held_folder(config, plan),
            contract_root=root,
            workers=int(config.getoption("numprocesses", 0) or 0),
        )
        problems = preflights.problems(conductor.preflight())
        if problems:
            conductor.abandon()
            raise ConfigurationError(problems)
    except ConfigurationError as error:
        raise pytest.UsageError("\n".join(error.problems)) from None
    conductor.finish_with_pytest = True
    config.pluginmanager.register(Listener(conductor), "kki-listener")
    return conductor
