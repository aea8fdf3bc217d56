"""`kki replay EXCHANGE`: sends one recorded exchange again, signed afresh, and compares the replies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kki.cli.exits import Exit
from kki.cli.options import (
    base_url_option,
    chosen_profile,
    conceal,
    profile_option,
    terminal_options,
    timeout_option,
)
from kki.cli.terminal import DETAILED, Terminal
from kki.edges.errors import ConfigurationError

if TYPE_CHECKING:
    from kki.drafting.drafts import Draft
    from kki.model.contract import Contract
    from kki.model.exchange import Exchange, Record
    from kki.model.profile import Profile
    from kki.model.run import Run
    from kki.replaying import Means, Row
    from kki.session import Session

EMBEDDED = "embedded simulator"  # how `kki check` names its own target
HERE = Path("reports/latest")
UNDECIDED = "not decided by this exchange alone"


@dataclass(frozen=True, slots=True)
class Found:
    """The exchange to send again, the others of its recording, and the run they are of, if there is one."""

    record: Record
    records: tuple[Record, ...]
    run: Run | None


@dataclass(frozen=True, slots=True)
class How:
    verbatim: bool
    whole_case: bool
    same_references: bool
    token: str | None
    customer_token: str | None


@click.command()
@click.argument("exchange")
@click.option(
    "--run", "folder", type=click.Path(path_type=Path), metavar="DIR",
    help="The run that the exchange is of.  [default: reports/latest]",
)
@profile_option
@base_url_option
@click.option("--verbatim", is_flag=True, help="Send the recorded octets, with old time, external id and signature.")
@click.option("--case", "whole_case", is_flag=True, help="Send first what it builds on: the earlier ones of its case.")
@click.option("--same-references", is_flag=True, help="Keep partnerReferenceNo and partnerRefundNo as they were.")
@click.option("--token", metavar="REF", help="This B2B token instead of a fresh one.")
@click.option("--customer-token", metavar="REF", help="This customer token instead of the profile's or a fresh one.")
@timeout_option
@terminal_options
def replay(
    terminal: Terminal, *, exchange: str, folder: Path | None, profile: Path | None, base_url: str | None,
    verbatim: bool, whole_case: bool, same_references: bool, token: str | None, customer_token: str | None,
    timeout: float | None,
) -> int:  # fmt: skip
    """Send one recorded exchange again and compare what comes now with what came then.

    \b
    EXCHANGE is an id such as x17 in the run's folder, or FILE#ID in another recording (exchanges.jsonl, HAR), or a
    FILE that holds just one. It gets a fresh time, external id and references, fresh tokens and a new signature, and
    is spoiled as it was. What the record hides is filled in from the profile. Without a target, the embedded
    simulator. Exit 0: the same status and response code came; 1: others; 4: the same, but what it broke then cannot
    be decided by what was sent now.

    \b
    Examples:
      kki replay x17
      kki replay x17 --run reports/20261122T101500-sandbox --profile sandbox.toml
      kki replay traffic.har#4 --profile sandbox.toml --verbatim
    """
    from kki.edges.contract import load
    from kki.edges.settings import contract_root, resolve_ref

    contract = load(contract_root())
    found = _found(exchange, folder)
    how = How(
        verbatim, whole_case, same_references,
        resolve_ref(token, what="--token") if token else None,
        resolve_ref(customer_token, what="--customer-token") if customer_token else None,
    )  # fmt: skip
    terminal.conceal(how.token, how.customer_token)
    plan = chosen_profile(terminal, contract, profile=profile, base_url=base_url, timeout=timeout)
    if plan.base_url is None and not _embedded(found):
        origin = found.record.exchange.request.origin or None
        plan = chosen_profile(terminal, contract, profile=profile, base_url=origin, timeout=timeout)
    with _target(terminal, plan, contract) as reachable:
        return _sent(terminal, found, how, reachable, contract)


def _embedded(found: Found) -> bool:
    return found.run is not None and found.run.target == EMBEDDED


@contextmanager
def _target(terminal: Terminal, plan: Profile, contract: Contract) -> Iterator[Profile]:
    """The profile with a target: the operator's, else where it was recorded, else the embedded simulator."""
    if plan.base_url is not None:
        yield plan
        return
    from kki.edges import settings
    from kki.edges.listener import serve_simulator

    plan = settings.filled(plan, settings.built_in_profile(contract))
    conceal(terminal, plan)
    terminal.note("No target was given: sending to a new embedded simulator, which remembers nothing of that run.")
    with serve_simulator(plan, contract) as url:
        yield replace(plan, base_url=url)


# --- finding it ---------------------------------------------------------------------------------


def _found(name: str, folder: Path | None) -> Found:
    from kki.edges import store
    from kki.edges.nearest import did_you_mean

    path, at, wanted = name.rpartition("#")
    if at and (path == "-" or Path(path).exists()):
        source = Path(path)
    elif name == "-" or Path(name).is_file():
        source, wanted = Path(name), ""
    else:
        source, wanted = folder or HERE, name
    records, run = _read(source)
    ids = [record.exchange.id for record in records]
    if not wanted and len(ids) == 1:
        wanted = ids[0]
    # A HAR entry or a line may be asked for by its number, where it has no id of ours.
    record = next((each for each in records if each.exchange.id == wanted), None) or _by_number(records, wanted)
    if record is None:
        got = f'"{wanted}"' if wanted else "none"
        hint = did_you_mean(wanted, ids) or (f" The first is {ids[0]}, the last {ids[-1]}." if ids else "")
        where = source / store.EXCHANGES if source.is_dir() else source
        raise ConfigurationError([f"{where}: expected the id of one of its {len(ids)} exchanges, but got {got}.{hint}"])
    return Found(record, records, run)


def _by_number(records: tuple[Record, ...], wanted: str) -> Record | None:
    return records[int(wanted)] if wanted.isascii() and wanted.isdigit() and int(wanted) < len(records) else None


def _read(source: Path) -> tuple[tuple[Record, ...], Run | None]:
    from kki.edges import store
    from kki.edges.messages import read_messages

    if source.is_dir():
        if not (source / store.EXCHANGES).is_file():
            raise ConfigurationError([f"{source}: expected the folder of a run, but it holds no {store.EXCHANGES}."])
        run = store.read_run(source) if (source / store.RUN).is_file() else None
        return tuple(store.evidence(source)), run
    if source.name == store.EXCHANGES and (source.parent / store.RUN).is_file():
        return _read(source.parent)
    if str(source) == "-":
        return read_messages(sys.stdin.buffer.read(), name="standard input"), None
    if not source.is_file():
        raise ConfigurationError([f"{source}: expected a run's folder or a recording, but there is none."])
    if source.suffix == ".jsonl":
        return store.read_recording(source).records, None
    return read_messages(source.read_bytes(), name=str(source), folder=source.parent), None


# --- sending it ---------------------------------------------------------------------------------


def _sent(terminal: Terminal, found: Found, how: How, profile: Profile, contract: Contract) -> int:
    from kki.replaying import alike, side_by_side

    session = _session(profile, contract)
    means = _means(found, how, profile, contract, session)
    _check_credentials(found, how, profile, contract)
    held = session.tokens  # fetched just now, so that the redactor has never met them: a reply may quote them in prose
    terminal.conceal(held.b2b, held.customer, held.refresh, held.other)
    draft = _verbatim(found, means) if how.verbatim else _afresh(terminal, found, how, means, session)
    session.begin("replay", found.record.exchange.id)
    now = session.send(draft)
    rows = side_by_side(found.record.exchange, now)
    same = alike(rows)
    rules = _rules(found, session)
    _show(terminal, found, profile, rows, rules, same, now)
    if not same:
        return Exit.DOES_NOT_CONFORM
    return Exit.INCOMPLETE if UNDECIDED in rules.values() else Exit.CONFORMS


def _session(profile: Profile, contract: Contract) -> Session:
    from kki.edges import entropy
    from kki.edges.client import Client
    from kki.judge import Judge
    from kki.rules.knowledge import Knowledge
    from kki.session import Session

    if profile.base_url is None:
        raise ConfigurationError(["Expected a target: --base-url, the profile's [target], or a recorded address."])
    client = Client(profile.base_url, profile.credentials, profile.limits, now=entropy.now)
    return Session(profile=profile, contract=contract, client=client, judge=Judge(Knowledge.of(profile, contract)))


def _check_credentials(found: Found, how: How, profile: Profile, contract: Contract) -> None:
    """ConfigurationError where what is to be signed afresh cannot be."""
    if how.verbatim:
        return
    request = found.record.exchange.request
    operation = next((op for op in contract.operations.values() if op.path == request.path), None)
    asymmetric = not operation.symmetric if operation else "X-CLIENT-KEY" in request.headers
    key = "private_key" if asymmetric else "client_secret"
    if not getattr(profile.credentials, key):
        name = found.record.exchange.id
        raise ConfigurationError([f"{name}: expected {key} to sign it afresh, but there is none; give --profile FILE."])


def _means(found: Found, how: How, profile: Profile, contract: Contract, session: Session) -> Means:
    from kki.edges import entropy
    from kki.replaying import Means, provenance

    other = profile.other_partner.client_id if profile.other_partner else None
    origins = provenance(found.records, contract, other)
    given = {"b2b": how.token, "customer": how.customer_token}
    tokens = given if how.verbatim else _tokens(how, session, origins, found)
    return Means(
        profile=profile, contract=contract, now=entropy.now(), kit=session.bare_kit(), digits=entropy.fresh_digits,
        letters=entropy.fresh_id, pseudonyms=found.run.pseudonyms if found.run else {}, provenance=origins,
        tokens={name: value for name, value in tokens.items() if value}, same_references=how.same_references,
    )  # fmt: skip


def _tokens(how: How, session: Session, origins: dict[str, str], found: Found) -> dict[str, str | None]:
    """Fetched anew, as far as this exchange and what may go before it have them. The preflight says why not."""
    wanted = set(origins.values())
    header = found.record.exchange.request.headers
    if how.token:
        session.tokens.b2b = how.token
    elif "Authorization" in header:
        _fetched(session)
    session.tokens.customer = how.customer_token or ""
    if not how.customer_token and ("Authorization-customer" in header or {"customer", "refresh"} & wanted):
        session.fetch_customer()
    other = session.other_partners_token() if "other" in wanted else None
    held = session.tokens
    return {"b2b": held.b2b, "customer": held.customer, "refresh": held.refresh, "other": other}


def _fetched(session: Session) -> None:
    from kki.edges import preflight

    exchange = session.fetch_b2b()
    check = preflight.token(exchange) if exchange.response else preflight.reachable(exchange, session.client.base_url)
    if not check.ok:
        raise ConfigurationError(preflight.problems([check]))


def _afresh(terminal: Terminal, found: Found, how: How, means: Means, session: Session) -> Draft:
    from kki.replaying import before, prepared

    whole = how.whole_case or _embedded(found)  # a new simulator knows nothing of what this builds on
    for earlier in before(found.record, found.records) if whole else ():
        done = session.send(prepared(earlier, means).draft)
        status = done.response.status if done.response else done.failure
        terminal.note(f"First {earlier.exchange.id}: {status}.")
    ready = prepared(found.record, means)
    for line in ready.said:
        terminal.note(f"{line}.")
    if "." in found.record.exchange.id and not whole:
        terminal.note("It was not the first of its case; --case sends the earlier ones before it.")
    return ready.draft


def _verbatim(found: Found, means: Means) -> Draft:
    from kki.replaying import verbatim

    draft, problems = verbatim(found.record, means)
    if problems:
        hint = "Leave --verbatim out to have it made afresh, or give what is missing with --token, --customer-token."
        raise ConfigurationError([*(f"{found.record.exchange.id}: {each}." for each in problems), hint])
    return draft


def _rules(found: Found, session: Session) -> dict[str, str]:
    """Of the requirements that the recorded exchange broke: what the new one says."""
    from kki.model.verdict import Broken, Holds

    run, name = found.run, found.record.exchange.id
    rows = [row for row in run.requirements if row.in_scope] if run else []
    broken = [row.id for row in rows if any(each.exchange == name for each in row.findings)]
    states = dict.fromkeys(broken, UNDECIDED)
    for verdict in (*session.watched.verdicts, *session.judge.finish()):
        if verdict.requirement in states and isinstance(verdict.judgement, Broken | Holds):
            states[verdict.requirement] = "still broken" if isinstance(verdict.judgement, Broken) else "holds now"
    return states


# --- showing it ---------------------------------------------------------------------------------


def _show(
    terminal: Terminal, found: Found, profile: Profile, rows: tuple[Row, ...], rules: dict[str, str], same: bool,
    now: Exchange,
) -> None:  # fmt: skip
    name, clean = found.record.exchange.id, terminal.clean
    if terminal.json:
        terminal.document({
            "exchange": name, "target": profile.base_url, "same": same, "requirements": rules,
            "compared": [
                {"what": row.what, "recorded": clean(row.recorded), "now": clean(row.now), "same": row.same}
                for row in rows
            ],
        })  # fmt: skip
    request = found.record.exchange.request
    terminal.say(f"{name}: {request.method} {request.target} at {profile.base_url}", style="bold")
    shown = [(("  " if row.same else "≠ ") + row.what, row.recorded, row.now) for row in rows]
    terminal.table(("", "recorded", "now"), shown, whole=("",))
    for requirement, state in rules.items():
        terminal.say(f"{requirement}: {state}.")
    if terminal.verbosity >= DETAILED and now.response is not None:
        terminal.say(_redacted(terminal, now.response.body))
    terminal.say("The same came of it." if same else "Something else came of it.", style="green" if same else "yellow")


def _redacted(terminal: Terminal, body: bytes) -> str:
    hidden = terminal.redactor.body(body) if terminal.redactor else b""
    return hidden.decode("utf-8", "replace")
