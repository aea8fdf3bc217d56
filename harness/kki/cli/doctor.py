"""`kki doctor`: is everything in order for a run? Nothing is scored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kki.cli.exits import Exit
from kki.cli.options import base_url_option, chosen_profile, profile_option, terminal_options, timeout_option
from kki.cli.terminal import Terminal

if TYPE_CHECKING:
    from kki.edges.preflight import Check
    from kki.model.contract import Contract
    from kki.model.profile import Profile


@click.command()
@profile_option
@base_url_option
@timeout_option
@terminal_options
def doctor(terminal: Terminal, profile: Path | None, base_url: str | None, timeout: float | None) -> int:
    """Look at profile, keys, clock, reachability and the token exchange before a run. Nothing is scored.

    Without a target, only what needs none: our own signing, and what the profile holds. Exit 2: something has to be
    mended before a run can start; each line says what.

    \b
    Examples:
      kki doctor --profile sandbox.toml
      kki doctor --profile sandbox.toml --base-url http://127.0.0.1:8080
    """
    from kki.edges import settings
    from kki.edges.contract import load

    contract = load(settings.contract_root())
    plan = chosen_profile(terminal, contract, profile=profile, base_url=base_url, timeout=timeout)
    if profile is None and plan.base_url is None:
        plan = settings.built_in_profile(contract)
    checks = _checks(plan, contract)
    sound = all(check.ok or not check.fatal for check in checks)
    _show(terminal, plan, checks, sound)
    return Exit.CONFORMS if sound else Exit.OPERATOR


def _checks(profile: Profile, contract: Contract) -> list[Check]:
    from kki.edges import preflight
    from kki.run import Conductor

    if profile.base_url is not None:
        return Conductor(profile=profile, contract=contract, base_url=profile.base_url).preflight()
    return [preflight.self_test(), *preflight.credentials(profile), *preflight.thin_data(profile)]


def _show(terminal: Terminal, profile: Profile, checks: list[Check], sound: bool) -> None:
    if terminal.json:
        rows = [
            {"name": row.name, "ok": row.ok, "fatal": row.fatal, "says": row.says, "fix": row.fix} for row in checks
        ]
        terminal.document({"target": profile.base_url, "profile": profile.source, "sound": sound, "checks": rows})
    terminal.say(f"Profile: {profile.source}. Target: {profile.base_url or 'none, so nothing was sent'}.")
    for check in checks:
        mark, style = ("ok   ", "green") if check.ok else ("FAILS", "red") if check.fatal else ("thin ", "yellow")
        terminal.say(f"{mark}  {check.name}: {check.says}", style=style)
        if check.fix and not check.ok:
            terminal.say(f"       {check.fix}")
    terminal.say("All is in order for a run." if sound else "A run cannot start like this.", style="bold")
