"""Another method, another path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kki.drafting.drafts import Draft
from kki.drafting.mutations.base import EVERY, Mutation, before


def _method(name: str) -> Callable[[Draft], Draft]:
    return lambda d: replace(d, request=replace(d.request, method=name))


def _target(change: Callable[[str], str]) -> Callable[[Draft], Draft]:
    return lambda d: replace(d, request=replace(d.request, target=change(d.request.target)))


ROUTES: tuple[Mutation, ...] = (
    *(
        before(f"method {name}", _method(name), "ROB-180", "ROB-280", EVERY)
        for name in ("GET", "PUT", "DELETE", "PATCH")
    ),
    before("method OPTIONS", _method("OPTIONS"), "", "", ("payment",)),
    before("path in capitals", _target(str.upper), "", "ROB-290", ("payment", "b2b")),
    before("path with a trailing segment", _target(lambda t: t + "/x"), "", "ROB-290", EVERY),
    before("unknown path", _target(lambda _: "/direct-debit/core/v1/no-such-operation"), "", "ROB-290", EVERY),
)
