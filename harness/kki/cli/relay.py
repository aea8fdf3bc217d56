"""`kki relay`: stands between a merchant and a real server, changes nothing, and judges both."""

from __future__ import annotations

from pathlib import Path

import click

from kki.certify.command import Child, Kit
from kki.certify.session import BOTH, Plan, Session
from kki.cli import options, sessions
from kki.cli.exits import Exit
from kki.cli.options import Address
from kki.cli.terminal import Terminal
from kki.edges import contract as contracts
from kki.edges import entropy, folders, settings
from kki.edges import relay as relays
from kki.edges.baselines import read_baseline
from kki.edges.errors import ConfigurationError
from kki.edges.front import Forwarding
from kki.edges.listener import serve_application
from kki.edges.selection import chosen_requirements


@click.command()
@click.option(
    "--to", "--base-url", "target", metavar="URL", help="Where the requests go on to; goes before the profile's target."
)  # fmt: skip
@options.profile_option
@options.listen_option
@sessions.live_option
@options.command_option
@sessions.session_timeout_option
@options.output_option
@options.only_option
@options.complete_option
@options.baseline_option
@options.lang_option
@options.terminal_options
def relay(
    terminal: Terminal, *, target: str | None, profile: Path | None, listen: Address, live: str, command: str | None,
    timeout: float | None, output: Path | None, only: tuple[str, ...], complete: bool,
    baseline: Path | None, lang: str,
) -> int:  # fmt: skip
    """Forward a merchant's requests to a real server, and judge what passes by: client and server both.

    \b
    Prints READY and its address once it accepts connections. Requests and replies go on as they came. It ends when the
    command ends; without one at --timeout or at Ctrl-C.

    \b
    Examples:
      kki relay --to https://api-sandbox.doku.com --profile sandbox.toml --listen 127.0.0.1:8080
      kki relay --to http://127.0.0.1:9000 --command "npm test"
    """
    contract = contracts.load(settings.contract_root())
    wanted = chosen_requirements(contract, only)
    known = read_baseline(baseline, contract) if baseline else None
    plan = options.chosen_profile(terminal, contract, profile=profile, base_url=target)
    if plan.base_url is None:
        raise ConfigurationError([
            "--to (or --base-url): expected the address to forward to, but neither it nor a profile names one."
        ])
    address = sessions.live_address(live)
    with folders.run_folder(output, plan.base_url, entropy.now(), redactor=terminal.redactor) as folder:
        session = Session(
            Plan(
                profile=plan, contract=contract, use="judge", target=plan.base_url, parties=BOTH, only=wanted,
                complete=complete, staged=False, output=folder, made_by="relay", title=f"Relay to {plan.base_url}",
            ),
            on_change=sessions.told(terminal),
        )  # fmt: skip
        application = Forwarding(
            forward=relays.forwarding(plan.base_url, plan.limits.timeout_s), evident=relays.evident,
            watch=session.watch, prefix="r", backlog=session.backlog,
        )  # fmt: skip
        kit = Kit(plan)
        try:
            with sessions.stoppable() as stop:
                running = serve_application(application, *listen)
                session.board.url = running.url
                with running, sessions.pages(session, address, terminal):
                    if terminal.json:
                        terminal.note(f"READY {running.url}")
                    else:
                        terminal.result(f"READY {running.url}")
                    env = kit.environment(running.url)
                    child = Child(command, env, lambda line: terminal.note(f"| {line}")) if command else None
                    ended = sessions.wait(session, child, stop, timeout)
                    run, interrupted = sessions.close(session, running, ended, child)
                    code = sessions.report(terminal, session, run, folder, lang, known)
        finally:
            kit.close()
    return Exit.INTERRUPTED if interrupted else code
