"""Compiled coverage cases: the boundaries of every documented field, as plain data. Parses only; see `kki.fuzz`.

A file of cases is NDJSON: the first line says from which contract it was compiled, each further line is one case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageCase:
    """One request at a boundary of the contract's shapes.

    `parameter` is the header or body member that the case is about; everything else in `body` is the page's example
    and may be replaced by live data. `headers` holds only what the case sets, `omit` what it leaves out; all other
    headers are the client's to make. `requirements`: the ledger ids that such a request puts to the server.
    """

    id: str  # stable: "payment.cpan.body.otp.string-above-max-length"
    operation: str
    variant: str
    mode: str  # "positive" | "negative"
    parameter: str | None
    location: str  # "header" | "body"
    description: str
    headers: Mapping[str, str] = field(default_factory=dict)
    omit: tuple[str, ...] = ()
    body: Any = None  # a JSON value; without meaning where body_text is given
    body_text: str | None = None  # what stands in the place of JSON
    requirements: tuple[str, ...] = ()

    @property
    def payload(self) -> bytes:
        """The body as it goes on the wire: compact UTF-8 JSON, or the text."""
        if self.body_text is not None:
            return self.body_text.encode()
        return json.dumps(self.body, separators=(",", ":"), ensure_ascii=False).encode()


def read_cases(data: bytes) -> list[CoverageCase]:
    """The cases in a compiled file, in its order. ValueError for anything that is not such a file."""
    return [_case(json.loads(line)) for line in _lines(data)[1:]]


def compiled_from(data: bytes) -> str:
    """The digest of the contract that a compiled file was made from; empty if the file does not say."""
    lines = _lines(data)
    return str(json.loads(lines[0]).get("contract", "")) if lines else ""


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines()  # of bytes: text would be cut at U+0085 and U+2028 within a value too


def _case(row: Mapping[str, Any]) -> CoverageCase:
    return CoverageCase(
        id=row["id"],
        operation=row["operation"],
        variant=row["variant"],
        mode=row["mode"],
        parameter=row["parameter"],
        location=row["location"],
        description=row["description"],
        headers=dict(row["headers"]),
        omit=tuple(row["omit"]),
        body=row.get("body"),
        body_text=row.get("body_text"),
        requirements=tuple(row["requirements"]),
    )
