"""One request as the checks see it, with what they read from it kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kki.model.contract import Contract, FieldFact, Operation, Variant
from kki.model.http import Request
from kki.simulator.setup import MAX_DEPTH, Partner, Setup
from kki.snap.canonical import Malformed, minified

if TYPE_CHECKING:
    from kki.simulator.behaviour import Behaviour
    from kki.simulator.world import Fresh, World

UNREAD = Malformed("json", "Expected a body that can be read.")
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[{]|[\]}]")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, kw_only=True)  # no slots: the cached properties need a dictionary
class Call:
    world: World
    request: Request
    now: datetime
    fresh: Fresh

    @property
    def setup(self) -> Setup:
        return self.world.setup

    @property
    def contract(self) -> Contract:
        return self.setup.contract

    @property
    def behaviour(self) -> Behaviour:
        return self.world.behaviour

    def choice(self, reading: str) -> str:
        return self.setup.choice(reading)

    @cached_property
    def operation(self) -> Operation | None:
        return self.contract.operation_at(self.request.path)

    @property
    def name(self) -> str:
        """The operation's name, "" at an unknown path."""
        return self.operation.name if self.operation else ""

    @property
    def service(self) -> str:
        """Two digits; "00" where no operation lives."""
        operation = self.operation
        if operation is None:
            return "00"
        if operation.service_reading is None:
            return operation.service
        return operation.service_readings.get(self.choice(operation.service_reading), operation.service)

    def header(self, name: str) -> str:
        """The first value under this name, without the blanks around it; "" where there is none."""
        return (self.request.headers.get(name) or "").strip()

    @cached_property
    def headers(self) -> tuple[FieldFact, ...]:
        """The operation's header facts as this behaviour sees them."""
        operation = self.operation
        facts = operation.headers if operation else ()
        return tuple(self.behaviour.facts(self.name, fact) for fact in facts)

    @cached_property
    def body(self) -> Any | Malformed:
        """The JSON value of the body, or why it has none."""
        return self.behaviour.read(self.request.body)

    @property
    def members(self) -> Mapping[str, Any]:
        """The members of the body; none where it is no object."""
        return self.body if isinstance(self.body, dict) else {}

    def text(self, name: str) -> str:
        """A member as text; "" where it is absent or null. Only a behaviour that takes other types needs the turn."""
        value = self.members.get(name)
        if isinstance(value, str):
            return value
        return "" if value is None else json.dumps(value)

    @cached_property
    def pays_by_token(self) -> bool:
        """Whether a payment is one of the two token requests. Which shape a body with both has is open
        (contradiction 2): here a bankCardToken decides, unless it is empty beside a chargeToken."""
        token = self.members.get("bankCardToken")
        return "bankCardToken" in self.members and not (token in (None, "") and "chargeToken" in self.members)

    @cached_property
    def variant(self) -> Variant | None:
        operation = self.operation
        if operation is None or not operation.variants:
            return None
        wanted = ("token" if self.pays_by_token else "cpan") if operation.name == "payment" else "default"
        return operation.variant(wanted) or operation.variants[0]

    @cached_property
    def fields(self) -> tuple[FieldFact, ...]:
        """The body's facts as this behaviour sees them."""
        facts = self.variant.fields if self.variant else ()
        return tuple(self.behaviour.facts(self.name, fact) for fact in facts)

    @cached_property
    def b2b_token(self) -> str:
        """What stands in Authorization, without its scheme: as the string to sign wants it."""
        return without_scheme(self.header("Authorization"))

    @cached_property
    def customer_token(self) -> str:
        return without_scheme(self.header("Authorization-customer"))

    @property
    def external_id(self) -> str:
        return self.header("X-EXTERNAL-ID")

    @property
    def external_key(self) -> tuple[str, str]:
        """Under which the world keeps a used X-EXTERNAL-ID: each partner has its own."""
        return self.header("X-PARTNER-ID"), self.external_id

    @cached_property
    def partner(self) -> Partner:
        """Whom the request says it comes from; the partner on trial where it names nobody we know, so that a check
        which was lifted leaves the others something to work with."""
        named = self.header("X-PARTNER-ID") or self.header("X-CLIENT-KEY")
        return self.setup.partners.get(named) or self.setup.partners[self.setup.client_id]


def without_scheme(value: str) -> str:
    """The part after `Bearer `, in any case (RFC 9110 section 11.1); the value itself where there is no such scheme."""
    return value[7:].strip() if value[:7].lower() == "bearer " else value


def read_json(body: bytes) -> Any | Malformed:
    """The JSON value of these octets; Malformed for what is no JSON in UTF-8, too deep, or has a member twice."""
    thin = minified(body)
    if isinstance(thin, Malformed) or not thin:
        return UNREAD
    if depth(thin) > MAX_DEPTH:
        return UNREAD
    try:
        value = json.loads(thin, object_pairs_hook=_unique, parse_int=_whole)
        if _SURROGATE.search(thin):
            json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate is no character
    except ValueError:
        return UNREAD
    return value


def depth(thin: bytes) -> int:
    """How deep a JSON text nests; counting stops at the first level beyond the limit."""
    level = deepest = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", thin)):
        level += 1 if bracket in b"[{" else -1
        deepest = max(deepest, level)
        if deepest > MAX_DEPTH:
            break
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("Expected each member once.")
    return members


def _whole(digits: str) -> int | float:
    # Python refuses to read integers of thousands of digits; no member of the API is a number anyway.
    return int(digits) if len(digits) < 1000 else float(digits)
