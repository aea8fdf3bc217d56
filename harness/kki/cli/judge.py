"""`kki judge`: puts both parties of recorded traffic on trial."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import click

from kki.certify.session import BOTH, Plan, Session, in_order, preflight, related
from kki.cli import options, sessions
from kki.cli.terminal import Terminal
from kki.edges import contract as contracts
from kki.edges import entropy, folders, settings, store
from kki.edges.baselines import read_baseline
from kki.edges.errors import ConfigurationError
from kki.edges.har import is_har, read_har
from kki.edges.selection import chosen_requirements
from kki.model.contract import Contract
from kki.model.exchange import Record
from kki.model.profile import Profile
from kki.rules.hidden import lines_left_out

LARGEST = 512 * 1024 * 1024  # octets of one recording: it is read into memory


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@options.profile_option
@options.output_option
@options.only_option
@options.complete_option
@options.baseline_option
@options.lang_option
@options.terminal_options
def judge(
    terminal: Terminal, *, files: tuple[str, ...], profile: Path | None, output: Path | None, only: tuple[str, ...],
    complete: bool, baseline: Path | None, lang: str,
) -> int:  # fmt: skip
    """Judge recorded traffic by the rules of a live trial: client and server both.

    \b
    FILE is HAR 1.2 (browsers, proxies, Postman, mitmproxy), an exchanges.jsonl of ours, or - for standard input.
    What the recording or the profile does not hold (a secret, a hidden value, a reply) leaves requirements open, and
    the report says what is missing. Traffic with other servers is left aside. A recording may begin in the middle of
    things: with --complete you say that it does not, and that what it does not show was never there.

    \b
    Examples:
      kki judge capture.har --profile sandbox.toml
      kki judge reports/latest/exchanges.jsonl --only SIG
      mitmdump -nr flows --set hardump=- | kki judge -
    """
    contract = contracts.load(settings.contract_root())
    wanted = chosen_requirements(contract, only)
    known = read_baseline(baseline, contract) if baseline else None
    plan = options.chosen_profile(terminal, contract, profile=profile, base_url=None)
    notes: list[str] = []
    records = in_order(_unlike(_once(_read(files, contract, notes), notes)))
    chosen = related(records, contract)
    if not chosen:
        raise ConfigurationError([_nothing(files, len(records))])
    asked = sum(preflight(record.exchange) for record in records)
    if asked:
        notes.append(f"{asked} preflight question{'s' if asked != 1 else ''} of a browser left aside.")
    aside = len(records) - len(chosen) - asked
    if aside:
        notes.append(f"{aside} exchange{'s' if aside != 1 else ''} with other servers left aside.")
    left_out = lines_left_out([record.exchange for record in chosen], contract)
    if left_out:
        notes.append(f"The recording left {' and '.join(sorted(left_out))} out; what rests on it stays open.")
    target = Path(files[0]).name if files[0] != "-" else "standard input"
    _say_missing(terminal, plan)
    inputs = [Path(file) for file in files if file != "-"]
    with folders.run_folder(output, target, entropy.now(), redactor=terminal.redactor, inputs=inputs) as folder:
        session = Session(
            Plan(
                profile=plan, contract=contract, use="judge", target=target, parties=BOTH, only=wanted,
                complete=complete, staged=False, left_out=left_out, output=folder, title=target,
            )
        )  # fmt: skip
        for record in chosen:
            session.record(record)
        run = session.finish(notes=notes)
        for note in notes:
            terminal.note(note)
        return sessions.report(terminal, session, run, folder, lang, known)


def _read(files: Sequence[str], contract: Contract, notes: list[str]) -> Iterable[Record]:
    """The records of all files in their order. ConfigurationError: a sentence for each entry that cannot be judged."""
    problems: list[str] = []
    records: list[Record] = []
    paths = [operation.path for operation in contract.operations.values()]
    for number, file in enumerate(files, 1):
        name = "standard input" if file == "-" else file
        try:
            found = _records(_octets(file), name, paths, notes)
        except ConfigurationError as error:
            problems += error.problems
            continue
        several = len(files) > 1
        records += [_renamed(record, f"f{number}.{record.exchange.id}") if several else record for record in found]
    if problems:
        raise ConfigurationError(problems)
    return records


def _octets(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(LARGEST)
    try:
        with Path(file).open("rb") as stream:
            return stream.read(LARGEST)
    except OSError as error:
        raise ConfigurationError([f"{file}: expected a readable recording, but got: {error.strerror}."]) from None


def _records(data: bytes, name: str, paths: Sequence[str], notes: list[str]) -> list[Record]:
    if not data.strip():
        raise ConfigurationError([f"{name}: expected a HAR or an exchanges.jsonl, but it is empty."])
    if is_har(data):
        return read_har(data, name=name, paths=paths)
    recording = store.read_recording(data.splitlines(keepends=True), name=name)
    cut = [problem for problem in recording.problems if "cut off" in problem]
    broken = [problem for problem in recording.problems if problem not in cut]
    if cut and not broken and not recording.records:
        at = cut[0].partition(": ")[0]
        broken = [f"{at}: expected an exchange of ours, or a HAR, but got neither, or only part of one."]
    if broken or not recording.records:
        raise ConfigurationError(broken or cut)
    notes += cut
    return list(recording.records)


def _renamed(record: Record, name: str) -> Record:
    return replace(record, exchange=replace(record.exchange, id=name))


def _once(records: Iterable[Record], notes: list[str]) -> list[Record]:
    """Each exchange once: recordings overlap, and what is the same to the millisecond is the same exchange."""
    kept: dict[object, Record] = {}
    records = list(records)
    for record in records:
        one = record.exchange
        kept.setdefault((one.request, one.response, one.sent_at, one.answered_at, one.failure), record)
    if len(records) > len(kept):
        notes.append(f"{len(records) - len(kept)} of {len(records)} exchanges stood there twice.")
    return list(kept.values())


def _unlike(records: Iterable[Record]) -> list[Record]:
    """With an id of its own for each: a report links to them."""
    seen: dict[str, int] = {}
    result = []
    for record in records:
        name = record.exchange.id
        seen[name] = seen.get(name, 0) + 1
        result.append(record if seen[name] == 1 else _renamed(record, f"{name}.{seen[name]}"))
    return result


def _nothing(files: Sequence[str], number: int) -> str:
    names = ", ".join("standard input" if file == "-" else file for file in files)
    return f"{names}: expected an exchange at one of the API's paths, but found none among {number}."


def _say_missing(terminal: Terminal, plan: Profile) -> None:
    held = plan.credentials
    lacking = [name for name in ("client_id", "client_secret", "shared_key", "public_key") if not getattr(held, name)]
    if lacking:
        terminal.note(f"Without {', '.join(lacking)} in a profile, what depends on them stays open (--profile FILE).")
