"""What a worker makes of a target that goes away or asks for peace, and what the conductor's process counts."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.rules.stage import CONTRACT, NOW, profile

from kki.model.exchange import Exchange, Record
from kki.model.http import Request, Response
from kki.plugin import Listener
from kki.worker import SILENT_AFTER, Worker


def worker() -> Worker:
    return Worker(
        profile=profile(), contract=CONTRACT, base_url="http://127.0.0.1:1", level="quick", only=(), seed=0, salt=b"s"
    )


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (Response(status=429), "the target refused by its rate limit (HTTP 429)"),
        (Response(status=503), "the target stopped answering"),
        (None, "the target stopped answering"),
    ],
)
def test_silence_and_a_rate_limit_are_told_apart(response: Response | None, says: str) -> None:
    exchange = Exchange(
        id="x", request=Request(method="POST", target="/"), response=response, sent_at=NOW,
        failure=None if response else "connection refused",
    )  # fmt: skip
    mine = worker()
    mine.session.begin("case", "x")
    mine.session.watched.records += [
        Record(exchange=replace(exchange, id=f"x{number}"), made_by="case") for number in range(SILENT_AFTER)
    ]
    mine.heed()
    assert mine.stopped.startswith(says)


def test_what_is_planned_is_known_under_workers_too() -> None:
    """There the conductor's process collects nothing, and each worker tells of the same list."""
    planned: list[int] = []
    conductor: Any = SimpleNamespace(count_planned=0)

    def plan(number: int) -> None:
        planned.append(number)
        conductor.count_planned = number

    conductor.planned = plan
    listener = Listener(conductor)
    listener.pytest_collection_finish(SimpleNamespace(items=[]))  # type: ignore[arg-type]  # all that it looks at
    for _ in range(2):
        listener.pytest_xdist_node_collection_finished(["a", "b", "c"])
    assert planned == [3]
