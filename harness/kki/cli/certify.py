"""`kki certify`: plays DOKU and puts a merchant's client on trial."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from kki.certify import checklist as checklists
from kki.certify.command import Child, Kit
from kki.certify.scenarios import staged
from kki.certify.session import Plan, Session
from kki.cli import options, sessions
from kki.cli.exits import Exit
from kki.cli.options import Address
from kki.cli.terminal import Terminal
from kki.edges import addresses, entropy, folders, listener, settings
from kki.edges import contract as contracts
from kki.edges.baselines import read_baseline
from kki.edges.errors import ConfigurationError
from kki.edges.selection import chosen_requirements
from kki.gate import Baseline
from kki.model.contract import Contract
from kki.model.profile import Profile
from kki.model.requirement import Party


@click.command()
@options.profile_option
@options.listen_option
@sessions.live_option
@click.option("--tls", is_flag=True, help="Speak TLS, under a certificate of our own unless --certificate names one.")
@click.option("--certificate", type=click.Path(path_type=Path), metavar="FILE", help="PEM; with --key. Implies --tls.")
@click.option("--key", type=click.Path(path_type=Path), metavar="FILE", help="PEM, the key of --certificate.")
@options.command_option
@sessions.session_timeout_option
@options.output_option
@options.only_option
@options.baseline_option
@options.lang_option
@options.terminal_options
def certify(
    terminal: Terminal, *, profile: Path | None, listen: Address, live: str, tls: bool, certificate: Path | None,
    key: Path | None, command: str | None, timeout: float | None, output: Path | None, only: tuple[str, ...],
    baseline: Path | None, lang: str,
) -> int:  # fmt: skip
    """Play DOKU, and judge every request of a merchant's client: with evidence, and what the code did wrong.

    \b
    Prints READY and its address once it accepts connections; a live page shows the checklist filling up. It ends when
    the command ends; without one, when the checklist is complete, at --timeout, or at Ctrl-C. [plan] in the profile
    says what the merchant implements. The exit code is the verdict: 0 conforms, 1 does not, 4 incomplete.

    \b
    Examples:
      kki certify --profile merchant.toml --listen 127.0.0.1:8080
      kki certify --command "python examples/merchant/merchant.py"
      kki certify --profile merchant.toml --tls --timeout 600
    """
    contract = contracts.load(settings.contract_root())
    wanted = chosen_requirements(contract, only, (Party.CLIENT,))
    known = read_baseline(baseline, contract) if baseline else None
    address = sessions.live_address(live)
    plan, lacking = _plan(terminal, contract, profile)
    kit = Kit(plan, keep=bool(lacking) and command is None)
    try:
        with (
            _tls_files(tls, certificate, key, listen[0], kit) as files,
            folders.run_folder(output, _target(plan), entropy.now(), redactor=terminal.redactor) as folder,
        ):
            given = kit.write_profile() if lacking else profile
            if lacking and profile is not None:
                terminal.note(f"{profile}: lacks {', '.join(lacking)}; throw-away values take their place.")
            return _held(
                terminal, plan=plan, contract=contract, listen=listen, live=address, files=files, command=command,
                timeout=timeout, folder=folder, wanted=wanted, known=known, lang=lang, kit=kit, given=given,
            )  # fmt: skip
    finally:
        kit.close()


def _plan(terminal: Terminal, contract: Contract, path: Path | None) -> tuple[Profile, list[str]]:
    """The plan, and what of it is made up: everything without a profile, test data that a profile lacks."""
    spare = settings.built_in_profile(contract)
    if path is None:
        options.conceal(terminal, spare)
        return spare, ["everything"]
    given = settings.load_profile(path, contract=contract)
    options.conceal(terminal, given)
    held = given.credentials
    missing = [name for name in ("client_id", "client_secret", "shared_key") if not getattr(held, name)]
    missing += [] if held.public_key or held.private_key else ["public_key"]
    if missing:
        names = ", ".join(f"credentials.{name}" for name in missing)
        problem = f"{path}: expected {names}, without which no request can be judged, but got nothing."
        raise ConfigurationError([problem])
    plan = settings.filled(given, spare)
    plan = replace(plan, credentials=replace(plan.credentials, private_key=held.private_key))
    if held.public_key:
        plan = replace(plan, credentials=replace(plan.credentials, public_key=held.public_key))
    options.conceal(terminal, plan)
    data = ("cpan", "otp", "bank_card_tokens", "auth_code", "card")
    return plan, [f"test_data.{name}" for name in data if not getattr(given.test_data, name)]


@contextmanager
def _tls_files(
    tls: bool, certificate: Path | None, key: Path | None, host: str, kit: Kit
) -> Iterator[tuple[str, str] | None]:
    """Files of certificate and key; None for plain HTTP. Ours are as short-lived as the session."""
    if (certificate is None) != (key is None):
        raise ConfigurationError(["--certificate, --key: expected both or neither, but got one of them."])
    if certificate is not None and key is not None:
        listener.check_tls(certificate, key)
        yield str(certificate), str(key)
    elif tls:
        texts = entropy.self_signed(host if host not in ("", "0.0.0.0", "::") else "localhost")
        paths = [kit.folder / name for name in ("certificate.pem", "certificate.key")]
        for path, text in zip(paths, texts, strict=True):
            path.touch(mode=0o600)
            path.write_text(text, encoding="ascii")
        yield str(paths[0]), str(paths[1])
    else:
        yield None


def _named(ids: frozenset[str]) -> str:
    return ", ".join(sorted(ids)[:5]) + (" and others" if len(ids) > 5 else "")


def _target(plan: Profile) -> str:
    return plan.credentials.client_id or "merchant"


def _held(
    terminal: Terminal, *, plan: Profile, contract: Contract, listen: Address, live: Address | None,
    files: tuple[str, str] | None, command: str | None, timeout: float | None, folder: Path,
    wanted: frozenset[str], known: Baseline | None, lang: str, kit: Kit, given: Path | None,
) -> int:  # fmt: skip
    """The session itself, from READY to the verdict."""
    checklist = checklists.load(settings.contract_root())
    terminal.allow(*sorted(checklist.cpans))
    if wanted and not wanted & checklist.in_scope(contract, plan.plan):
        raise ConfigurationError([f"--only: expected what the checklist asks for, but it leaves {_named(wanted)} out."])
    target = _target(plan)
    session = Session(
        Plan(
            profile=plan, contract=contract, use="certify", target=target, checklist=checklist, only=wanted,
            output=folder, title=f"{target} on trial",
        ),
        on_change=sessions.told(terminal),
    )  # fmt: skip
    behaviour = staged(checklist, own_cpan=plan.test_data.cpan, issued=lambda token: session.learn("card-token", token))
    world = listener.world_of(plan, contract, behaviour, more_cpans=checklist.cpans)
    with sessions.stoppable() as stop:
        running = listener.serve(world, *listen, watch=session.watch, tls=files, prefix="c", backlog=session.backlog)
        session.board.url = running.url
        with running, sessions.pages(session, live, terminal):
            _say_ready(terminal, running.url, plan, given, files)
            certificate = Path(files[0]) if files else None
            child = (
                Child(command, kit.environment(running.url, certificate), lambda line: terminal.note(f"| {line}"))
                if command
                else None
            )
            ended = sessions.wait(session, child, stop, timeout)
            run, interrupted = sessions.close(session, running, ended, child)
            code = sessions.report(terminal, session, run, folder, lang, known)
    return Exit.INTERRUPTED if interrupted else code


def _say_ready(terminal: Terminal, url: str, plan: Profile, given: Path | None, files: tuple[str, str] | None) -> None:
    """READY for scripts, and for people what to configure."""
    if terminal.json:
        terminal.note(f"READY {url}")
    else:
        terminal.result(f"READY {url}")
    terminal.note(f"base URL    {url}")
    terminal.note(f"client id   {plan.credentials.client_id}")
    terminal.note(f"the rest    {given}: secrets, keys and test data")
    if files:
        terminal.note(f"certificate {files[0]}: let the client trust it")
    elif not addresses.is_loopback(url):
        terminal.note("Plain HTTP beyond this machine: tokens and references travel in clear. --tls speaks TLS.")
