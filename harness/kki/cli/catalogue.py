"""`kki catalogue`: every requirement, and how it is judged or why it cannot be."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from kki.cli.exits import Exit
from kki.cli.options import only_option, terminal_options
from kki.cli.terminal import DETAILED, WIDTH, Terminal

if TYPE_CHECKING:
    from kki.catalogue import Entry
    from kki.model.contract import Contract
    from kki.model.requirement import Requirement

    Judged = tuple[Requirement, Entry]

PARTIES = ("server", "client")
KINDS = ("rule", "schema", "untestable")


@click.command()
@only_option
@click.option("--party", type=click.Choice(PARTIES), help="Only requirements that put this party on trial.")
@click.option("--kind", type=click.Choice(KINDS), help="Only requirements that are judged in this way.")
@terminal_options
def catalogue(terminal: Terminal, only: tuple[str, ...], party: str | None, kind: str | None) -> int:
    """List every requirement: id, level, standing, party, source, how it is judged or why it cannot be.

    With -v, the readings that it rests on, and the sentence of the rule that judges it.

    \b
    Examples:
      kki catalogue --only SIG --only TOK
      kki catalogue --kind untestable
      kki catalogue --format json
    """
    from kki.edges import settings
    from kki.edges.contract import load
    from kki.edges.selection import chosen_requirements

    contract = load(settings.contract_root())
    wanted = chosen_requirements(contract, only)
    rows = [
        (row, entry)
        for row, entry in _judged(contract)
        if (not wanted or row.id in wanted) and party in (None, row.party.value) and kind in (None, entry.kind)
    ]
    if terminal.json:
        terminal.document(_document(contract, rows))
    _show(terminal, contract, rows)
    return Exit.CONFORMS


def _judged(contract: Contract) -> list[Judged]:
    from kki import catalogue as catalogues
    from kki.edges.errors import ConfigurationError

    try:
        entries = catalogues.catalogue(contract).entries
    except catalogues.CatalogueError as error:  # a contract of the operator's own, that our rules do not fit
        raise ConfigurationError(error.problems) from None
    return [(contract.requirements[name], entry) for name, entry in entries.items()]


def _document(contract: Contract, rows: Sequence[Judged]) -> dict[str, Any]:
    shown = {row.area for row, _ in rows}
    return {
        "contract": contract.digest,
        "areas": {name: area.title for name, area in contract.areas.items() if name in shown},
        "requirements": [_row(contract, row, entry) for row, entry in rows],
    }


def _row(contract: Contract, row: Requirement, entry: Entry) -> dict[str, Any]:
    document = contract.documents[row.source.document]
    return {
        "id": row.id, "area": row.area, "says": row.says, "level": row.level.value, "standing": row.standing.value,
        "party": row.party.value,
        "source": {
            "document": row.source.document, "section": row.source.section, "title": document.title,
            "url": document.url,
        },
        "readings": [_reading(contract, name) for name in row.readings],
        "kind": entry.kind, "how": entry.how, "rule_says": entry.says,
        "only_under": [f"{reading}={choice}" for reading, choice in entry.readings], "untestable": row.untestable,
    }  # fmt: skip


def _reading(contract: Contract, name: str) -> dict[str, Any]:
    reading = contract.readings[name]
    return {"id": name, "default": reading.default, "choices": [choice.id for choice in reading.choices]}


def _show(terminal: Terminal, contract: Contract, rows: Sequence[Judged]) -> None:
    area = ""
    for row, entry in rows:
        if row.area != area:
            area = row.area
            terminal.say()
            terminal.say(f"{area}  {contract.areas[area].title}", style="bold")
        for line in _lines(contract, row, entry, detailed=terminal.verbosity >= DETAILED):
            terminal.say(line)
    terminal.say()
    terminal.say(_sum(rows), style="bold")


def _lines(contract: Contract, row: Requirement, entry: Entry, *, detailed: bool) -> list[str]:
    parts = [row.says, f"{contract.documents[row.source.document].title}, {row.source.section}", entry.how]
    if detailed and row.readings:
        chosen = (f"{name}={contract.readings[name].default}" for name in row.readings)
        parts.append(f"by default {', '.join(chosen)}")
    if detailed and entry.readings:
        parts.append(f"judged only under {' or '.join('='.join(one) for one in entry.readings)}")
    if detailed and entry.says and entry.says != row.says:
        parts.append(f"the rule: {entry.says}")
    head = f"{row.id}  {row.level.value}, {row.standing.value}, {row.party.value}"
    return [head, *(line for part in parts for line in _wrapped(part))]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False)


def _sum(rows: Sequence[Judged]) -> str:
    counts = {kind: sum(entry.kind == kind for _, entry in rows) for kind in KINDS}
    return (
        f"{len(rows)} requirements: {counts['rule']} judged by a rule, {counts['schema']} by the contract's shapes, "
        f"{counts['untestable']} untestable."
    )
