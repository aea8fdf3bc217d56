"""Baseline files in and out: TOML, checked against `openapi/schemas/baseline.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from kki.edges import datafiles, store
from kki.edges.contract import data_root
from kki.edges.errors import ConfigurationError
from kki.edges.nearest import did_you_mean
from kki.gate import Baseline, Known
from kki.model.contract import Contract

_HEAD = """\
# Violations that are known and carried for now: `kki check --baseline FILE`.
# What is violated and not listed fails, and so does what is listed and holds. `finding` is a piece of the finding's
# sentence, `situation` the operation with what was done to its request; without either the entry covers every finding
# of its requirement. After `expires` an entry fails.
schema = 1
"""


def read_baseline(path: Path, contract: Contract) -> Baseline:
    """ConfigurationError with all that is wrong: the form, an id that the ledger lacks, a day that is none."""
    # JSON Schemas speak of JSON, so the suffix decides how to read, and TOML is what we write.
    if path.suffix != ".toml":
        raise ConfigurationError([f"{path}: expected a baseline in TOML, with the suffix .toml."])
    data = datafiles.must_fit(datafiles.read(path), "baseline", str(path), data_root())
    known: list[Known] = []
    problems: list[str] = []
    for number, row in enumerate(data["broken"]):
        if row["requirement"] not in contract.requirements:
            hint = did_you_mean(row["requirement"], contract.requirements)
            problems.append(
                f"{path}: broken[{number}].requirement: expected a requirement's id (`kki catalogue` lists them), "
                f'but got "{row["requirement"]}".{hint}'
            )
            continue
        try:
            known.append(Known(**{**row, "expires": date.fromisoformat(row["expires"])}))
        except ValueError:
            problems.append(f'{path}: broken[{number}].expires: expected a day, but got "{row["expires"]}".')
    if problems:
        raise ConfigurationError(problems)
    return Baseline(source=str(path), known=tuple(known))


def write_baseline(path: Path, known: Sequence[Known]) -> None:
    """Whole or not at all. Comments of an earlier file are lost: reasons belong into `reason`."""
    text = _HEAD + ("".join(_entry(each) for each in known) or "broken = []\n")
    try:
        store.write_whole(path, text.encode("utf-8"))
    except OSError as error:
        raise ConfigurationError(
            [f"{path}: expected to write a baseline there, but could not: {error.strerror}."]
        ) from None


def _entry(known: Known) -> str:
    lines = ["", "[[broken]]", f"requirement = {quoted(known.requirement)}"]
    if known.finding:
        lines.append(f"finding     = {quoted(known.finding)}")
    if known.situation:
        lines.append(f"situation   = {quoted(known.situation)}")
    lines += [
        f"reason      = {quoted(known.reason)}",
        f"owner       = {quoted(known.owner)}",
        f"expires     = {known.expires.isoformat()}",
    ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are all TOML's, but TOML also wants DEL escaped, and no lone surrogate."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(clean, ensure_ascii=False).replace("\x7f", "\\u007F")
