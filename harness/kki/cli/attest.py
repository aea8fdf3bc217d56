"""`kki attest`: signs a finished run, or verifies such a signature offline."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kki.cli.exits import Exit
from kki.cli.options import terminal_options
from kki.cli.terminal import Terminal
from kki.edges.errors import ConfigurationError

if TYPE_CHECKING:
    from kki.attestation import Attested
    from kki.model.run import Run

VALID_DAYS = 90
LARGEST = 64 << 20  # octets of an attestation; a run with a thousand files has one of 300 KB


@click.command()
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="Ed25519 private key, PEM.")
@click.option(
    "--to", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Where the attestation goes.  [default: attestation.intoto.json in the run's folder]",
)
@click.option(
    "--valid-days", type=click.IntRange(1, 3650), default=VALID_DAYS, show_default=True, metavar="N",
    help="How long the statement is valid.",
)
@click.option(
    "--allow-incomplete", is_flag=True,
    help="Sign although a MUST is undecided, carried or waived; the statement then says so in words.",
)
@click.option("--verify", type=click.Path(path_type=Path), metavar="FILE", help="Verify this attestation instead.")
@click.option("--public-key", type=click.Path(path_type=Path), metavar="FILE", help="Ed25519 public key, PEM.")
@click.option(
    "--run", "evidence", type=click.Path(path_type=Path), metavar="DIR",
    help="Where the evidence lies, to verify it too.  [default: beside the attestation]",
)
@click.option(
    "--new-key", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Make a key: the private half goes to FILE, the public one to FILE.pub.",
)
@terminal_options
def attest(
    terminal: Terminal, *, run: Path | None, key: Path | None, to: Path | None, valid_days: int,
    allow_incomplete: bool, verify: Path | None, public_key: Path | None, evidence: Path | None, new_key: Path | None,
) -> int:  # fmt: skip
    """Sign a finished run (its folder), or verify such a signature offline.

    The attestation is an in-toto statement in a DSSE envelope: scope, verdicts, contract, and the digest of every file
    of the run. Verifying says what is proved and what is not, and names every file that has changed (exit 1).

    \b
    Examples:
      kki attest --new-key officer.pem
      kki attest reports/latest --key officer.pem
      kki attest --verify reports/latest/attestation.intoto.json --public-key officer.pem.pub
    """
    modes = [name for name, value in (("RUN", run), ("--verify", verify), ("--new-key", new_key)) if value is not None]
    if len(modes) != 1:
        got = " and ".join(modes) or "none of them"
        raise ConfigurationError([f"Expected one of RUN (with --key), --verify and --new-key, but got {got}."])
    if new_key is not None:
        return _made(terminal, new_key)
    if verify is not None:
        return _verified(terminal, verify, _needed(public_key, "--public-key"), evidence)
    if run is None:
        raise AssertionError("one of three was given")
    return _signed(terminal, run, _needed(key, "--key"), to, valid_days, allow_incomplete)


def _needed(path: Path | None, option: str) -> str:
    """The text of the key file."""
    if path is None:
        hint = " `kki attest --new-key FILE` makes one." if option == "--key" else ""
        raise ConfigurationError([f"Expected {option} FILE: the key is yours to give.{hint}"])
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not ASCII"
        raise ConfigurationError([f"{option} {path}: expected a key in PEM, but: {reason}."]) from None


# --- making a key -------------------------------------------------------------------------------


def _made(terminal: Terminal, path: Path) -> int:
    from kki.report.attest import key_id, new_key

    public_path = path.with_name(path.name + ".pub")
    for each in (path, public_path):
        if each.exists():
            raise ConfigurationError([f"{each}: expected no such file yet; a key is never overwritten."])
    private, public = new_key()
    _write_new(path, private, 0o600)
    _write_new(public_path, public, 0o644)
    if terminal.json:
        terminal.document({"private_key": str(path), "public_key": str(public_path), "keyid": key_id(public)})
    terminal.say(f"{path}: the private key. Keep it; who has it can sign in your name.")
    terminal.say(f"{public_path}: the public key. Give it to whoever verifies, by a way that they trust.")
    return Exit.CONFORMS


def _write_new(path: Path, text: str, mode: int) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError([f"{path}: expected to write a key there, but could not: {error.strerror}."]) from None


# --- signing ------------------------------------------------------------------------------------


def _check_consistent(run: Run, folder: Path) -> None:
    """ConfigurationError where run.json cannot be what came of this evidence: such a thing is not signed at all."""
    from kki import attestation
    from kki.edges import contract as contracts
    from kki.edges import settings, store

    path = folder / store.EXCHANGES
    recording = store.read_recording(path) if path.is_file() else store.Recording(records=())
    ids = [record.exchange.id for record in recording.records]
    contract = contracts.load(settings.contract_root())
    found = [*recording.problems, *(f"{folder}: {each}." for each in attestation.inconsistencies(run, ids, contract))]
    if found:
        raise ConfigurationError([*found, "Not signed: expected a run as it was written. Run the trial again."])


def _signed(terminal: Terminal, folder: Path, key: str, to: Path | None, days: int, allowed: bool) -> int:
    from kki import attestation
    from kki.edges import entropy, evidence, store
    from kki.report.attest import sealed

    run = store.read_run(folder)
    folder = folder if folder.is_dir() else folder.parent
    _check_consistent(run, folder)
    words = attestation.caveats(run)
    if words and not allowed:
        asked = "Sign it anyway with --allow-incomplete: the statement then says all of this in words."
        raise ConfigurationError([f"{folder}: expected a complete run, but: {word}" for word in words] + [asked])
    issued = entropy.now().replace(microsecond=0)
    until = issued + timedelta(days=days)
    files = evidence.files_of(folder)
    envelope = sealed(attestation.payload(run, files, issued=issued, valid_until=until), key)
    if isinstance(envelope, str):
        raise ConfigurationError([f"--key: {envelope}"])
    path = to or folder / evidence.ATTESTATION
    try:
        store.write_whole(path, envelope)
    except OSError as error:
        raise ConfigurationError([f"{path}: expected to write there, but could not: {error.strerror}."]) from None
    if terminal.json:
        document = {"attestation": str(path), "overall": run.overall.value, "files": len(files), "caveats": list(words)}
        terminal.document({**document, "valid_until": until.isoformat()})
    for word in words:
        terminal.say(word, style="yellow")
    terminal.say(f"{path}: {run.overall.value}, {len(files)} files, valid until {until.isoformat()}.")
    return Exit.CONFORMS


# --- verifying ----------------------------------------------------------------------------------


def _verified(terminal: Terminal, path: Path, public: str, folder: Path | None) -> int:
    from kki import attestation
    from kki.edges import entropy, evidence
    from kki.report.attest import key_id, opened

    if key_id(public) is None:
        raise ConfigurationError(["--public-key: expected an Ed25519 public key in PEM, but got another text."])
    content = opened(_octets(path), public)
    read = content if isinstance(content, str) else attestation.read(content)
    if isinstance(read, str):
        return _refused(terminal, [f"{path}: {read[:1].lower()}{read[1:].rstrip('.')}"])
    problems = [f"{path}: {late}"] if (late := attestation.out_of_time(read, entropy.now())) else []
    here = folder or (path.parent if (path.parent / "run.json").is_file() else None)
    more: tuple[str, ...] = ()
    if here is not None:
        if not here.is_dir():
            raise ConfigurationError([f"--run {here}: expected the folder of a run, but there is none."])
        there = evidence.files_of(here)
        problems += [f"{here}/{each}" for each in attestation.differences(read, there)]
        more = attestation.beyond(read, there)
    if problems:
        return _refused(terminal, problems)
    _say(terminal, read, here, more)
    return Exit.CONFORMS


def _octets(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        raise ConfigurationError([f"{path}: expected an attestation, but got: {error.strerror}."]) from None


def _refused(terminal: Terminal, problems: list[str]) -> int:
    if terminal.json:
        terminal.document({"verified": False, "problems": problems})
    for problem in problems:
        terminal.problem(f"{problem}.")
    terminal.say("Not verified.", style="red")
    return Exit.DOES_NOT_CONFORM


def _say(terminal: Terminal, read: Attested, here: Path | None, more: tuple[str, ...]) -> None:
    ours = read.ours
    result = read.document["predicate"]["result"]
    if terminal.json:
        terminal.document({
            "verified": True, "evidence_verified": here is not None, "result": result, "not_covered": list(more),
            **{name: ours[name] for name in ("use", "overall", "target", "level", "caveats", "issued", "valid_until")},
        })  # fmt: skip
    terminal.say("Verified.", style="green")
    terminal.say(
        f"Proved: who holds this key stated on {_day(read.issued)} that a {ours['use']} of {ours['target']}, level "
        f"{ours['level']}, with kki {ours['harness']}, ended as {ours['overall']} ({result}), "
        f"{len(ours['scope'])} requirements in scope. Valid until {_day(read.valid_until)}."
    )
    for word in ours["caveats"]:
        terminal.say(f"It says so itself: {word}", style="yellow")
    if here is None:
        terminal.say("Not looked at: the evidence. Name its folder with --run.", style="yellow")
    else:
        terminal.say(f"Proved: all {len(read.files)} files in {here} are octet for octet as they were then.")
    if more:
        names = ", ".join(more[:5]) + (f" and {len(more) - 5} more" if len(more) > 5 else "")
        terminal.say(f"Not covered: {names}.", style="yellow")
    terminal.say(
        "Not proved: that the run was made honestly, that the target is the same today, or what was not in scope."
    )


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
