"""How merchants that are wrong in one way are written down, and the hooks that make them wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from . import small_client as right
from .small_client import SCENARIOS, Kit, Lines, Members, Parts, SmallClient, Socket, Ways, Wire


@dataclass(frozen=True, kw_only=True)
class FaultyMerchant:
    """`area`: signature, token, header, field, card data, secrecy, uniqueness, conduct."""

    name: str
    area: str
    says: str
    breaks: frozenset[str]
    ways: Ways
    pins: Mapping[str, str] = field(default_factory=dict)
    meets: tuple[str, ...] = ()

    @property
    def needed(self) -> Mapping[str, str]:
        """The scenarios without which its fault does not show."""
        return {name: SCENARIOS[name] for name in self.meets}

    def client(self, kit: Kit, wire: Wire, scenarios: Mapping[str, str] = SCENARIOS) -> SmallClient:
        return SmallClient(kit=kit, wire=wire, ways=self.ways, scenarios=scenarios)

    def run(
        self, base_url: str, kit: Kit, *, scenarios: Mapping[str, str] | None = None, timeout_s: float = 1.0
    ) -> None:
        """Its day at a server. `scenarios`: trouble → how the reference of an order begins that is to meet it; default:
        those that are needed, which takes a fraction of a second, or two where a reply has to be waited for."""
        self.client(kit, Socket(base_url, timeout_s), self.needed if scenarios is None else scenarios).day()


class Adding(Protocol):
    def __call__(
        self,
        name: str,
        says: str,
        *breaks: str,
        pins: Mapping[str, str] | None = None,
        meets: tuple[str, ...] = (),
        **ways: Any,
    ) -> None: ...


def shelf(area: str) -> tuple[list[FaultyMerchant], Adding]:
    """A list of merchants, and what puts one more on it. `breaks`: ids without "KKI-"; `ways`: the wrong hook.

    `pins`: the readings on which a broken row rests where the documents disagree: pinned to these it is a violation,
    else a warning. `meets`: the troubles of the checklist that bring the fault to light.
    """
    merchants: list[FaultyMerchant] = []

    def add(
        name: str,
        says: str,
        *breaks: str,
        pins: Mapping[str, str] | None = None,
        meets: tuple[str, ...] = (),
        **ways: Any,
    ) -> None:
        rows, made = frozenset(f"KKI-{row}" for row in breaks), replace(Ways(), **ways)
        merchants.append(
            FaultyMerchant(name=name, area=area, says=says, breaks=rows, ways=made, pins=pins or {}, meets=meets)
        )

    return merchants, add


# --- hooks --------------------------------------------------------------------------------


def on(*operations: str, **members: Any) -> Callable[[str, Members, Kit], Members]:
    """These operations with these members; a callable is given the old value, None takes the member away."""

    def change(operation: str, old: Members, _kit: Kit) -> Members:
        if operation not in operations:
            return old
        new = dict(old)
        for name, value in members.items():
            if value is None:
                new.pop(name, None)
            else:
                new[name] = value(old.get(name)) if callable(value) else value
        return new

    return change


def where(has: str, **members: Any) -> Callable[[str, Members, Kit], Members]:
    """As `on("payment")`, for the payments that have this member."""
    change = on("payment", **members)
    return lambda operation, old, kit: change(operation, old, kit) if has in old else old


def lines(*operations: str, drop: str = "", **values: str) -> Callable[[str, Lines], Lines]:
    """Headers of these operations (none: all): one taken away, others with this text; `_` stands for `-`."""

    def change(operation: str, old: Lines) -> Lines:
        if operations and operation not in operations:
            return old
        given = {name.replace("_", "-").lower(): value for name, value in values.items()}
        kept = [(name, given.get(name.lower(), value)) for name, value in old if name.lower() != drop.lower()]
        there = {name.lower() for name, _ in kept}
        return kept + [(name, value) for name, value in given.items() if name not in there]

    return change


def rewritten(header: str, change: Callable[[str], str]) -> Callable[[str, Lines], Lines]:
    """This header with another text, where it stands."""
    return lambda _operation, old: [(name, change(value) if name == header else value) for name, value in old]


def bare(token: str) -> str:
    return token.removeprefix("Bearer ")


def text(change: Callable[[Parts], str]) -> dict[str, Any]:
    return {"text": change}


def part(**changes: Callable[[Parts], str]) -> dict[str, Any]:
    """The string to sign with other parts."""
    return text(lambda parts: right.string_to_sign(replace(parts, **{name: to(parts) for name, to in changes.items()})))


def spaced(body: bytes) -> bytes:
    return json.dumps(json.loads(body), ensure_ascii=False).encode()


def by_operation(change: Callable[[str], str], *operations: str) -> Callable[[str, datetime], str]:
    """X-TIMESTAMP of these operations, rewritten."""
    return lambda operation, now: (
        change(right.stamp(operation, now)) if operation in operations else right.stamp(operation, now)
    )


def zulu(_operation: str, now: datetime) -> str:
    return now.astimezone(right.JAKARTA).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
