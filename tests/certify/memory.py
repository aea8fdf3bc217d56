"""The way from a small client to a simulator in the same process, on a clock of its own; what passes is recorded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from kki.model.exchange import Exchange
from kki.model.http import Headers, Request, Response
from kki.simulator.outcomes import Hang, Result, Slow
from kki.simulator.server import answer
from kki.simulator.world import World

from .small_client import Answer, Lines, answer_of

START = datetime(2026, 5, 26, 10, 0, 0, tzinfo=timezone(timedelta(hours=7)))
TOOK = timedelta(milliseconds=20)
PATIENCE = timedelta(seconds=5)  # how long this client waits for a reply that never comes


@dataclass
class Memory:
    """A `small_client.Wire`. `exchanges`: as the client saw them."""

    world: World
    clock: datetime = START
    exchanges: list[Exchange] = field(default_factory=list)
    drawn: int = 0

    def send(self, method: str, target: str, lines: Lines, body: bytes) -> Answer:
        request = Request(method=method, target=target, headers=Headers.of(lines), body=body, origin="http://doku.test")
        sent_at = self.clock
        result = answer(self.world, request, sent_at, self.fresh)
        took = TOOK + timedelta(seconds=result.seconds if isinstance(result, Slow) else 0)
        took = PATIENCE if isinstance(result, Hang) else took
        self.clock = sent_at + took
        response = _response(result)
        self.exchanges.append(
            Exchange(
                id=f"e{len(self.exchanges) + 1}", request=request, response=response, sent_at=sent_at,
                answered_at=self.clock if response else None, failure=None if response else _failure(result),
            )
        )  # fmt: skip
        if response is None:
            return Answer()
        wait = response.headers.get("Retry-After") or ""
        return answer_of(response.status, response.body, wait, took.total_seconds())

    def now(self) -> datetime:
        return self.clock

    def sleep(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def fresh(self, characters: int) -> str:
        self.drawn += 1
        return hashlib.sha256(str(self.drawn).encode()).hexdigest()[:characters].ljust(characters, "0")


def _response(result: Result) -> Response | None:
    return result.response if isinstance(result, Slow) else result if isinstance(result, Response) else None


def _failure(result: Result) -> str:
    return "timeout" if isinstance(result, Hang) else "connection closed"
