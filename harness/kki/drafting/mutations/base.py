"""What a mutation is, and how the modules of this package write theirs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

from kki.drafting.drafts import Draft
from kki.model.http import Request

SYMMETRIC = ("payment", "bind", "unbind", "refund")
TOKENS = ("b2b", "b2b2c")
EVERY = SYMMETRIC + TOKENS


class Stage(Enum):
    BEFORE_SIGNING = "before signing"
    AT_SIGNING = "at signing"
    AFTER_SIGNING = "after signing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    name: str
    stage: Stage
    apply: Callable[[Draft], Draft]
    breaks: frozenset[str] = frozenset()
    tries: frozenset[str] = frozenset()
    operations: tuple[str, ...] = SYMMETRIC

    def __call__(self, draft: Draft) -> Draft:
        done = self.apply(draft)
        return replace(done, mutations=(*done.mutations, self.name))


def _ids(area_numbers: str) -> frozenset[str]:
    return frozenset(f"KKI-{part}" for part in area_numbers.split())


def _m(
    stage: Stage,
    name: str,
    apply: Callable[[Draft], Draft],
    breaks: str = "",
    tries: str = "",
    operations: tuple[str, ...] = SYMMETRIC,
) -> Mutation:
    return Mutation(name=name, stage=stage, apply=apply, breaks=_ids(breaks), tries=_ids(tries), operations=operations)


before = partial(_m, Stage.BEFORE_SIGNING)


def signing(name: str, breaks: str, tries: str, operations: tuple[str, ...] = SYMMETRIC, **plan: object) -> Mutation:
    return _m(Stage.AT_SIGNING, name, lambda d: d.planned(**plan), breaks, tries, operations)


def after(
    name: str,
    change: Callable[[Request], Request],
    breaks: str = "",
    tries: str = "",
    operations: tuple[str, ...] = SYMMETRIC,
    exact: bool = False,
) -> Mutation:
    return _m(Stage.AFTER_SIGNING, name, lambda d: d.then(change, exact=exact), breaks, tries, operations)


# --- changes that several of them share -------------------------------------------------------------


def on_signature(change: Callable[[str], str]) -> Callable[[Request], Request]:
    return lambda request: request.with_header("X-SIGNATURE", change(request.headers.get("X-SIGNATURE") or ""))


def another(letter: str) -> str:
    """Another one, not the same in another case: that is a mutation of its own."""
    return "B" if letter in ("A", "a") else "A"


def other_middle(text: str) -> str:
    at = len(text) // 2
    return text[:at] + another(text[at : at + 1]) + text[at + 1 :]


def on_body(change: Callable[[bytes], bytes]) -> Callable[[Request], Request]:
    return lambda request: replace(request, body=change(request.body))


def reordered(body: bytes) -> bytes:
    pairs = list(json.loads(body).items())
    return json.dumps(dict(reversed(pairs)), separators=(",", ":"), ensure_ascii=False).encode()


def header(name: str, value: str) -> Callable[[Draft], Draft]:
    return lambda d: d.with_header(name, value)


def lacking(name: str) -> Callable[[Draft], Draft]:
    return lambda d: d.without_header(name)


def twice(name: str, value: Callable[[str], str]) -> Callable[[Request], Request]:
    def change(request: Request) -> Request:
        old = request.headers.get(name) or ""
        return replace(request, headers=request.headers.adding(name, value(old)))

    return change
