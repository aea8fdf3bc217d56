"""What may come of a request inside the simulator, from a check's refusal to what the listener is to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kki.model.http import Response

if TYPE_CHECKING:
    from kki.simulator.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """`cause`: which check refused, e.g. "signature". `detail`: the field at fault or the reason, for the message."""

    cause: str
    status: int
    case: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """One change of the world. `kind` ("external-id", "reference", …) tells the listener which may be delayed."""

    kind: str
    apply: Callable[[World], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """`members` stand beside responseCode and responseMessage in the reply."""

    members: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A reply before it is written: `status` opens responseCode, `http_status` is what goes on the wire."""

    status: int
    service: str
    case: str
    message: str
    members: Mapping[str, Any] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    http_status: int
    cause: str = ""  # of a refusal; "" where accepted

    @property
    def accepted(self) -> bool:
        return not self.cause

    @property
    def code(self) -> str:
        """responseCode: HTTP status, service, case."""
        return f"{self.status:03d}{self.service}{self.case}"


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answer: the listener keeps the connection open and silent."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection without an answer. `sent`: octets of a reply that is cut off after them."""

    sent: bytes = b""


@dataclass(frozen=True, slots=True)
class Slow:
    """Answer, but only after `seconds`."""

    response: Response
    seconds: float


Result = Response | Hang | Drop | Slow
