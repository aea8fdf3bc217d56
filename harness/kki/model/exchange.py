"""One watched request and what came of it: evidence, without opinion or intention."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from kki.model.http import Request, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """`response` is None when none came; `failure` then says what did (one of FAILURES)."""

    id: str
    request: Request
    response: Response | None = None
    sent_at: datetime
    answered_at: datetime | None = None
    # "timeout" | "connection refused" | "connection closed" | "kept connection closed" | "malformed reply"
    failure: str | None = None
    tls: str | None = None  # "TLSv1.3"; None: plain HTTP or not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An exchange with its provenance beside it, where no rule can peek."""

    exchange: Exchange
    made_by: str  # "suites/server/test_signing.py::…", "listener", "har:entry 3"
    mutations: tuple[str, ...] = field(default=())
