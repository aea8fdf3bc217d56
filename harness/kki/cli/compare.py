"""`kki compare OLD NEW`: what changed between two runs; writes and prunes baselines."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kki.cli.exits import Exit
from kki.cli.options import terminal_options
from kki.cli.terminal import DETAILED, Terminal
from kki.edges.errors import ConfigurationError

if TYPE_CHECKING:
    from kki.comparison import Change, Comparison
    from kki.model.contract import Contract
    from kki.model.run import Run

MOST = 6  # rows of one kind on the screen; -v shows all
WIDEST = 200  # characters of a sentence there


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--write-baseline",
    "target",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Add every violation of NEW to this baseline; entries that stand there keep their reasons.",
)
@click.option("--reason", metavar="TEXT", help="For --write-baseline: why they are accepted.")
@click.option("--owner", metavar="NAME", help="For --write-baseline: who answers for them.")
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="For --write-baseline: until when, as 2027-01-31.",
)
@click.option(
    "--prune",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take out of this baseline what NEW shows to be stale.",
)
@terminal_options
def compare(
    terminal: Terminal, *, old: Path, new: Path, target: Path | None, reason: str | None, owner: str | None,
    expires: datetime | None, prune: Path | None,
) -> int:  # fmt: skip
    """Compare two runs, each named by its folder: what is newly broken, mended, no longer tried, and what else changed.

    Exit 1 where something is newly broken, broken in further places, or was decided before and is not now. Changed
    replies and latencies are told and do not fail. Expired baseline entries are never pruned: they are to be decided.

    \b
    Examples:
      kki compare reports/monday reports/latest
      kki compare reports/monday reports/latest --format json
      kki compare reports/monday reports/latest --write-baseline known.toml \\
          --reason "ticket 123" --owner payments --expires 2027-01-31
      kki compare reports/monday reports/latest --prune known.toml
    """
    from kki import comparison
    from kki.edges import store

    _check_terms(target, reason, owner, expires)
    was, is_ = store.read_run(old), store.read_run(new)
    found = comparison.compare(was, is_, store.evidence(_folder(old)), store.evidence(_folder(new)))
    situations = comparison.traffic(is_, store.evidence(_folder(new))).situations
    is_ = comparison.placed(is_, situations)
    written = [*_written(is_, target, reason, owner, expires), *_pruned(is_, prune, set(situations.values()))]
    if terminal.json:
        terminal.document({**comparison.as_json(found), "baselines": written})
    _show(terminal, found)
    for line in written:
        terminal.say(line)
    return Exit.DOES_NOT_CONFORM if found.regressed else Exit.CONFORMS


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


# --- baselines ----------------------------------------------------------------------------------


def _check_terms(target: Path | None, reason: str | None, owner: str | None, expires: datetime | None) -> None:
    from kki.edges import entropy

    given = {"--reason": reason, "--owner": owner, "--expires": expires}
    if target is None:
        problems = [
            f"{name}: expected it together with --write-baseline only." for name, value in given.items() if value
        ]
    else:
        problems = [
            f"--write-baseline: expected {name} too: an entry without it would be carried in silence."
            for name, value in given.items()
            if not value
        ]
        if expires is not None and expires.date() < entropy.now().date():
            problems.append(f"--expires: expected a day that has not passed, but got {expires.date()}.")
    if problems:
        raise ConfigurationError(problems)


def _written(
    run: Run, target: Path | None, reason: str | None, owner: str | None, expires: datetime | None
) -> Iterator[str]:
    if target is None or reason is None or owner is None or expires is None:
        return
    from kki.edges.baselines import read_baseline, write_baseline
    from kki.gate import listed, merged

    old = read_baseline(target, _contract()).known if target.exists() else ()
    fresh = listed(run, reason=reason, owner=owner, expires=_day(expires))
    whole = merged(old, run, fresh)
    write_baseline(target, whole)
    yield f"{target}: {_entries(len(whole) - len(old))} added, {len(old)} kept."


def _pruned(run: Run, path: Path | None, tried: Collection[str]) -> Iterator[str]:
    if path is None:
        return
    from kki.edges import entropy
    from kki.edges.baselines import read_baseline, write_baseline
    from kki.gate import apply

    baseline = read_baseline(path, _contract())
    result = apply(baseline, run, entropy.now().date(), tried)
    rest = [entry for entry in baseline.known if entry not in result.stale]
    if result.stale:
        write_baseline(path, rest)
    yield f"{path}: {_entries(len(result.stale), 'stale ')} taken out, {len(rest)} left."
    yield from (
        f"{path}: {entry.name} expired on {entry.expires} and is left for you to decide." for entry in result.expired
    )


def _entries(count: int, kind: str = "") -> str:
    return f"{count} {kind}{'entry' if count == 1 else 'entries'}"


def _contract() -> Contract:
    from kki.edges.contract import load
    from kki.edges.settings import contract_root

    return load(contract_root())


def _day(moment: datetime) -> date:
    return moment.date()


# --- the screen ---------------------------------------------------------------------------------


def _show(terminal: Terminal, found: Comparison) -> None:
    for line in found.before:
        terminal.say(line, style="yellow")
    _rows(terminal, "Newly broken", found.newly_broken, "red")
    _rows(terminal, "Broken in further places", found.broken_elsewhere, "red")
    _rows(terminal, "Not decided any more", found.stopped, "red")
    _rows(terminal, "New warnings", found.warned, "yellow")
    _rows(terminal, "Mended", found.fixed, "green")
    _list(terminal, "MUSTs that the new run leaves open", [row.requirement for row in found.undecided])
    if found.cases_gone and terminal.verbosity < DETAILED:
        terminal.say(f"Situations that were not made any more: {len(found.cases_gone)}; -v names them")
    else:
        _list(terminal, "Situations that were not made any more", found.cases_gone)
    _list(terminal, "New response codes", found.new_codes)
    _list(terminal, "Response codes not seen any more", found.gone_codes)
    _shapes(terminal, found)
    _latencies(terminal, found)
    verdict = "Something has got worse." if found.regressed else "Nothing has got worse."
    terminal.say(verdict, style="red" if found.regressed else "green")


def _shown(terminal: Terminal, count: int) -> int:
    return count if terminal.verbosity >= DETAILED else MOST


def _rows(terminal: Terminal, title: str, changes: Sequence[Change], style: str) -> None:
    if not changes:
        return
    terminal.say(f"{title}: {len(changes)}", style=style)
    most = _shown(terminal, len(changes))
    for change in changes[:most]:
        at = f" ({change.exchange})" if change.exchange else ""
        long = len(change.said) > WIDEST and terminal.verbosity < DETAILED
        said = f"{change.said[:WIDEST]}…" if long else change.said
        terminal.say(f"  {change.requirement}  {said}{at}")
        if change.says and terminal.verbosity >= DETAILED:
            terminal.say(f"              {change.says}", style="dim")
    _more(terminal, len(changes) - most)


def _list(terminal: Terminal, title: str, texts: Sequence[str]) -> None:
    if texts:
        most = _shown(terminal, len(texts))
        more = f" and {len(texts) - most} more" if len(texts) > most else ""
        terminal.say(f"{title}: {', '.join(texts[:most])}{more}")


def _more(terminal: Terminal, count: int) -> None:
    if count > 0:
        terminal.say(f"  … and {count} more; -v shows all")


def _shapes(terminal: Terminal, found: Comparison) -> None:
    if not found.shapes:
        return
    terminal.say(f"Changed replies: {len(found.shapes)}")
    most = _shown(terminal, len(found.shapes))
    for row in found.shapes[:most]:
        types = f"{row.old} → {row.new}" if row.kind == "retyped" else row.old or row.new
        terminal.say(f"  {row.reply}  {row.member}  {row.kind} ({types})")
    _more(terminal, len(found.shapes) - most)


def _latencies(terminal: Terminal, found: Comparison) -> None:
    """Only shifts that matter, unless all are asked for."""
    rows = [
        (name, f"{each.old_median:.1f}", f"{each.new_median:.1f}", f"{each.old_p95:.1f}", f"{each.new_p95:.1f}",
         f"{each.old_count}, {each.new_count}", f"{each.slower:.0%}", "few" if each.p is None else f"{each.p:.2g}")
        for name, each in found.latency.items()
        if each.matters or terminal.verbosity >= DETAILED
    ]  # fmt: skip
    if rows:
        columns = ("operation", "median", "now", "p95", "now ", "replies", "slower", "p")
        terminal.table(columns, rows, title="Latency in ms (p: Mann-Whitney, two-sided)", right=columns[1:])
    elif found.latency:
        terminal.say("Latency: no shift that is both unlikely to be chance and larger than a tenth.")
