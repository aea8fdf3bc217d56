"""The simulator's memory. Mutable, but changed only by the effects of an answered request: see `server.answer`.

Every look-up is one dictionary access, and every table is bounded, so that no request gets slower by those before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from kki.model.http import Response
from kki.simulator.setup import Setup
from kki.snap.timestamps import JAKARTA

if TYPE_CHECKING:
    from kki.simulator.behaviour import Behaviour

CAPACITY = 100_000  # rows a table; the oldest go first

Key = TypeVar("Key")
Value = TypeVar("Value")
Fresh = Callable[[int], str]  # so many characters, unlike any before: `edges.entropy.fresh_id`


class Bound(Enum):
    """The life of a card token. Source: page, "3. Unbinding › Flow"."""

    BOUND = "bound"
    PENDING = "pending"  # an unbinding was accepted and is not final
    UNBOUND = "unbound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    client_id: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    reference_no: str
    external_id: str
    succeeded: bool = True
    members: dict[str, Any] = field(default_factory=dict)  # of the reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    original: str  # partnerReferenceNo of the payment
    members: dict[str, Any]  # of the reply, for a server that repeats it


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What an X-EXTERNAL-ID was used for: the request's body, and the reply."""

    body: bytes
    response: Response


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingSession:
    """A binding under DH that waits for the customer's OTP at the redirectUrl."""

    customer: str
    card_number: str


class World:
    """`setup` and `behaviour` never change; everything else is what happened so far."""

    def __init__(self, setup: Setup, behaviour: Behaviour) -> None:
        self.setup = setup
        self.behaviour = behaviour
        self.b2b_tokens: dict[str, Token] = {}
        self.old_tokens = {name: _until(setup, datetime.min) for name in setup.expired_tokens}
        self.customer_tokens = {name: _until(setup, datetime.max) for name in setup.customer_tokens}
        self.refresh_tokens: dict[str, Token] = {}
        self.auth_codes: dict[str, None] = {}  # given out by bindings; those of the setup stand there
        self.cards: dict[str, Bound] = dict.fromkeys(setup.bank_card_tokens, Bound.BOUND)
        self.pending: list[str] = []
        self.sessions: dict[str, BindingSession] = {}
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.refunded: dict[str, int] = {}  # partnerReferenceNo → how many refunds
        self.day: date | None = None
        self.external_ids: dict[tuple[str, str], Earlier] = {}  # by partner and id, of `day` alone
        self.marks: dict[str, int] = {}  # what a persona counts; the correct simulator never reads it

    def turn_to(self, now: datetime) -> None:
        """What time does by itself: yesterday's external ids are free again, pending unbindings become final."""
        today = now.astimezone(JAKARTA).date()
        if today != self.day:
            self.day, self.external_ids = today, {}
        for token in self.pending:
            self.cards[token] = Bound.UNBOUND
        self.pending.clear()


def _until(setup: Setup, end: datetime) -> Token:
    return Token(client_id=setup.client_id, expires=end.replace(tzinfo=UTC))


def put(table: dict[Key, Value], key: Key, value: Value) -> None:
    """Into a bounded table: dictionaries keep the order of insertion, so the first row is the oldest."""
    table[key] = value
    if len(table) > CAPACITY:
        del table[next(iter(table))]
