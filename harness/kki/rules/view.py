"""One exchange, read once: operation, body, headers, reply. Total: any octets give a view.

Nothing here has an opinion. What could not be read is kept as `Malformed` for the rules to speak of.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from kki.model.contract import Operation
from kki.model.exchange import Exchange
from kki.rules.hidden import shown_as_hidden, with_the_line_left_out
from kki.rules.knowledge import Knowledge
from kki.snap import responsecode, timestamps
from kki.snap.canonical import Malformed, body_digest, minified
from kki.snap.encoding import utf8
from kki.snap.responsecode import ResponseCode
from kki.snap.timestamps import Timestamp
from kki.snap.tokens import bearer_lenient

DEEP = 64  # levels of nesting from which a body counts as deeply nested
BIG = 1_000_000  # octets from which a body counts as big
LONG_NUMBER = 20  # digits: more than a 64-bit integer has
LONG_HEADER = 4_000  # characters from which a header counts as very long
GATEWAY = frozenset({429, 502, 503, 504})  # what a gateway answers before the API has seen the request
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


class _Absent(Enum):
    ABSENT = "absent"


ABSENT = _Absent.ABSENT
"""The value of a member that is not there: null is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """`thin`: minified, None where the body is no JSON; `fault` then says why. `value` counts only if `readable`."""

    octets: bytes
    thin: bytes | None
    fault: Malformed | None
    readable: bool = False
    value: Any = None
    repeated: tuple[str, ...] = ()  # names of members that stand twice in one object
    depth: int = 0
    long_number: bool = False

    @property
    def members(self) -> dict[str, Any] | None:
        return self.value if self.readable and isinstance(self.value, dict) else None


class Standing(Enum):
    """What the reply says about the request."""

    NONE = "no reply"
    ACCEPTED = "accepted"
    REFUSED = "refused"  # 4xx: the request is said to be at fault
    FAILED = "server error"
    BUSY = "not now"  # 429, or a gateway's own answer: nothing is said about the request
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`code`: the responseCode, Malformed if it is none, None if there is no such member. `case`: (status, case) of it.

    `replayed`: HTTP 409 around the earlier reply, as DOKU's idempotency page has it; its code is then the earlier one.
    """

    standing: Standing
    status: int = 0
    body: Body | None = None
    code: ResponseCode | Malformed | None = None
    case: tuple[int, str] | None = None
    replayed: bool = False

    @property
    def members(self) -> dict[str, Any] | None:
        return self.body.members if self.body else None

    @property
    def message(self) -> object:
        return (self.members or {}).get("responseMessage", ABSENT)

    @property
    def enveloped(self) -> bool:
        """Whether it is an answer in the API's own form: an object with a responseCode."""
        return self.code is not None

    def member(self, name: str) -> Any:
        return (self.members or {}).get(name, ABSENT)

    def said(self) -> str:
        """For findings: "HTTP 401 with responseCode 4015400"."""
        if self.standing is Standing.NONE:
            return "no reply"
        if isinstance(self.code, ResponseCode):
            return f"HTTP {self.status} with responseCode {self.code.text}"
        return f"HTTP {self.status} without a readable responseCode"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    exchange: Exchange
    operation: Operation | None  # by path, whatever the method
    right_method: bool
    variant: str | None  # of the body's shape; None where there is no operation or no object
    body: Body
    reply: Reply
    timestamp: Timestamp | Malformed | None  # X-TIMESTAMP
    token: str | None  # in Authorization, without its scheme
    customer_token: str | None  # in Authorization-customer, without its scheme
    cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def in_api(self) -> bool:
        """A documented method on a documented path: only then do the rules about requests apply."""
        return self.operation is not None and self.right_method

    @property
    def name(self) -> str:
        """Of the operation; "" where there is none."""
        return self.operation.name if self.operation is not None and self.right_method else ""

    @property
    def symmetric(self) -> bool:
        return self.in_api and self.operation is not None and self.operation.symmetric

    def header(self, name: str) -> str | None:
        return self.exchange.request.headers.get(name)

    def member(self, name: str) -> Any:
        """Of the request's body; ABSENT where it is not there, or the body is no object."""
        members = self.body.members
        return ABSENT if members is None else members.get(name, ABSENT)

    def text(self, name: str) -> str | None:
        """A member that is a string and not empty, else None."""
        value = self.member(name)
        return value if isinstance(value, str) and value else None

    @property
    def channel(self) -> str | None:
        return self.header("CHANNEL-ID")

    @property
    def markers(self) -> tuple[Any, Any]:
        """paymentType and isBindAndPay, which tell a payment's variants apart (contradictions 1 and 2)."""
        info = self.member("additionalInfo")
        info = info if isinstance(info, dict) else {}
        return info.get("paymentType", self.member("paymentType")), info.get("isBindAndPay")

    @property
    def kind(self) -> tuple[str, ...]:
        """Operation, channel, shape and markers: what a merchant is set up for, or is not."""
        told = (str(each).upper()[:20] for each in self.markers)
        return self.name, self.channel or "", self.variant or "", *told

    @property
    def accepted(self) -> bool:
        return self.reply.standing is Standing.ACCEPTED


def look(exchange: Exchange, knowledge: Knowledge) -> View:
    """The exchange as the rules see it. Never fails."""
    operation = knowledge.contract.operation_at(exchange.request.path)
    if knowledge.left_out is not None:
        exchange = shown_as_hidden(exchange)
        exchange = with_the_line_left_out(exchange, operation, _reply(exchange).case, knowledge.left_out)
    request = exchange.request
    body = read_body(request.body)
    stamp = request.headers.get("X-TIMESTAMP")
    return View(
        exchange=exchange,
        operation=operation,
        right_method=operation is not None and request.method == operation.method,
        variant=_variant(operation, body),
        body=body,
        reply=_reply(exchange),
        timestamp=None if stamp is None else timestamps.parse(stamp),
        token=_token(request.headers.get("Authorization")),
        customer_token=_token(request.headers.get("Authorization-customer")),
    )


def fingerprint(value: object) -> str:
    """A short name for any JSON value, equal for equal values whatever the order of members."""
    return hashlib.sha256(utf8(json.dumps(value, sort_keys=True, default=str))).hexdigest()[:32]


def digest(body: Body) -> str:
    return body_digest(body.octets if body.thin is None else body.thin)


def read_body(octets: bytes) -> Body:
    """Any octets: JSON or not, parsed where Python can hold it, repeated members noticed."""
    thin = minified(octets)
    if isinstance(thin, Malformed):
        return Body(octets=octets, thin=None, fault=thin)
    if not thin:
        return Body(octets=octets, thin=None, fault=Malformed("json", "Expected JSON, but there is no body.", 0))
    repeated: list[str] = []
    long_numbers: list[str] = []
    depth = _depth(thin)
    try:
        value = json.loads(
            thin, object_pairs_hook=_noting(repeated), parse_int=_whole(long_numbers), parse_float=_real(long_numbers)
        )
    except (RecursionError, ValueError):
        return Body(octets=octets, thin=thin, fault=None, depth=depth)
    return Body(
        octets=octets, thin=thin, fault=None, readable=True, value=value, repeated=tuple(repeated), depth=depth,
        long_number=bool(long_numbers),
    )  # fmt: skip


def _noting(repeated: list[str]) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            counts = Counter(name for name, _ in items)
            repeated.extend(sorted(name for name, count in counts.items() if count > 1))
        return found

    return pairs


def _whole(long_numbers: list[str]) -> Callable[[str], int | float]:
    def number(text: str) -> int | float:
        if len(text) < LONG_NUMBER:
            return int(text)
        # No schema of ours looks into a number; as a float it costs nothing, whatever its length.
        return _real(long_numbers)(text, long=True)

    return number


def _real(long_numbers: list[str]) -> Callable[..., float]:
    def number(text: str, *, long: bool = False) -> float:
        value = float(text)
        if long or math.isinf(value):
            long_numbers.append(text[:LONG_NUMBER])
        return min(max(value, -1e308), 1e308)

    return number


def _depth(thin: bytes) -> int:
    """Levels of nesting; 0 without looking where there are too few brackets for it to matter."""
    if thin.count(b"[") + thin.count(b"{") < DEEP:
        return 0
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", thin)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _token(value: str | None) -> str | None:
    return None if value is None else bearer_lenient(value)


def _variant(operation: Operation | None, body: Body) -> str | None:
    """By shape: a payment without chargeToken, or with a bankCardToken that is not empty, is one with a token."""
    if operation is None or body.members is None or not operation.variants:
        return None
    if operation.name != "payment":
        return operation.variants[0].name
    by_cpan = "chargeToken" in body.members and body.members.get("bankCardToken") in (None, "")
    return "cpan" if by_cpan else "token"


def _reply(exchange: Exchange) -> Reply:
    response = exchange.response
    if response is None:
        return Reply(standing=Standing.NONE)
    body = read_body(response.body)
    members = body.members
    code = responsecode.parse(members["responseCode"]) if members and "responseCode" in members else None
    replayed = response.status == 409 and isinstance(code, ResponseCode) and 200 <= code.status < 300
    standing = _standing(response.status, code, members, replayed)
    return Reply(
        standing=standing, status=response.status, body=body, code=code, replayed=replayed,
        case=(409, "00") if replayed else (code.status, code.case) if isinstance(code, ResponseCode) else None,
    )  # fmt: skip


def _standing(
    status: int, code: ResponseCode | Malformed | None, members: dict[str, Any] | None, replayed: bool
) -> Standing:
    if replayed:
        return Standing.REFUSED
    if status == 429 or (status in GATEWAY and code is None):
        return Standing.BUSY
    said = code.status if isinstance(code, ResponseCode) else _said((members or {}).get("responseCode")) or status
    if 200 <= said < 300:
        return Standing.ACCEPTED if 200 <= status < 300 and members is not None else Standing.UNCLEAR
    if said == 429:
        return Standing.BUSY
    if 400 <= said < 500:
        return Standing.REFUSED
    return Standing.FAILED if 500 <= said < 600 else Standing.UNCLEAR


def _said(code: object) -> int | None:
    """The HTTP status that a malformed responseCode seems to mean: "20054000", 2005400 (a number)."""
    text = str(code) if isinstance(code, str | int) and not isinstance(code, bool) else ""
    return int(text[:3]) if re.match(r"[1-5][0-9]{2}", text) else None
