"""`kki simulate`: the simulator alone, correct or wrong in one named way, until it is stopped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kki.cli.exits import Exit
from kki.cli.options import conceal, listen_option, profile_option, terminal_options
from kki.cli.terminal import Terminal
from kki.edges.errors import ConfigurationError

if TYPE_CHECKING:
    from kki.model.contract import Contract
    from kki.model.profile import Profile
    from kki.simulator.personas import Persona


@click.command()
@click.option("--persona", metavar="NAME", help="Wrong in this one way; --list-personas names them.")
@click.option("--variant", metavar="NAME", help="Correct in this other way; --list-variants names them.")
@click.option("--list-personas", is_flag=True, help="List the personas and stop.")
@click.option("--list-variants", is_flag=True, help="List the permissible variants and stop.")
@listen_option
@profile_option
@terminal_options
def simulate(
    terminal: Terminal,
    persona: str | None,
    variant: str | None,
    list_personas: bool,
    list_variants: bool,
    listen: tuple[str, int],
    profile: Path | None,
) -> int:
    """Run a simulated DOKU until Ctrl-C or SIGTERM. Prints READY and its address once it accepts connections.

    It knows the partner of --profile: credentials, test data, readings. Without a profile its credentials are thrown
    away with it, so that only requests without any can be tried by hand.

    \b
    Examples:
      kki simulate --profile sandbox.toml --listen 127.0.0.1:8080
      kki simulate --persona accepts-any-signature
      kki simulate --list-personas
    """
    from kki.simulator import personas, variants

    if list_personas or list_variants:
        _list(terminal, variants.ALL if list_variants else personas.all_personas())
        return Exit.CONFORMS
    chosen = _chosen(persona, variant)
    _run(terminal, chosen, listen, profile)
    return Exit.CONFORMS


def _chosen(persona: str | None, variant: str | None) -> Persona | None:
    from kki.simulator import personas, variants

    if persona and variant:
        raise ConfigurationError(["--persona, --variant: expected one of the two, but got both."])
    try:
        if persona:
            return personas.persona(persona)
        return variants.variant(variant) if variant else None
    except personas.UnknownName as error:
        raise ConfigurationError([f"--{'persona' if persona else 'variant'}: {error}"]) from None


def _list(terminal: Terminal, rows: Iterable[Persona]) -> None:
    found = list(rows)
    if terminal.json:
        terminal.document(
            [
                {
                    "name": row.name, "area": row.area, "says": row.says, "standing": row.standing,
                    "caught_by": sorted(row.caught_by), "readings": dict(row.readings),
                }
                for row in found
            ]
        )  # fmt: skip
        return
    terminal.table(("name", "area", "what it does"), [(row.name, row.area, row.says) for row in found], whole=("name",))
    terminal.say(f"{len(found)} in all.")


def _run(terminal: Terminal, chosen: Persona | None, listen: tuple[str, int], profile: Path | None) -> None:
    from kki.edges import listener
    from kki.edges.contract import load
    from kki.simulator.correct import CORRECT

    contract = load()
    plan = _plan(terminal, contract, profile)
    if chosen is not None and chosen.readings:
        plan = replace(plan, readings={**plan.readings, **chosen.readings})
    world = listener.world_of(plan, contract, chosen.change(CORRECT) if chosen else CORRECT)
    what = f"{chosen.name}: {chosen.says}" if chosen else "correct"
    terminal.note(f"Simulating DOKU, {what}. Client id {plan.credentials.client_id}. Ctrl-C stops it.")

    def ready(url: str) -> None:
        if terminal.json:
            terminal.document({"ready": url, "persona": chosen.name if chosen else None})
        else:
            terminal.result(f"READY {url}")

    listener.run_forever(world, *listen, ready=ready)


def _plan(terminal: Terminal, contract: Contract, path: Path | None) -> Profile:
    """The operator's profile, and throw-away values for what it lacks. Secrets are never shown."""
    from kki.edges import settings

    spare = settings.built_in_profile(contract)
    if path is None:
        conceal(terminal, spare)
        terminal.note("No profile: throw-away credentials. Use --profile FILE to choose the partner that it knows.")
        return spare
    given = settings.load_profile(path, contract=contract)
    plan = settings.filled(given, spare)
    if given.credentials.public_key:  # the merchant keeps the private half to itself
        public = given.credentials.public_key
        private = given.credentials.private_key
        plan = replace(plan, credentials=replace(plan.credentials, public_key=public, private_key=private))
    conceal(terminal, plan)
    names = ("client_id", "client_secret", "shared_key")
    lacking = [name for name in names if not getattr(given.credentials, name)]
    if not (given.credentials.public_key or given.credentials.private_key):
        lacking.append("public_key")
    if lacking:
        terminal.note(f"{path}: [credentials] lacks {', '.join(lacking)}; throw-away values take their place.")
    return plan
