"""The memory of earlier exchanges: only what rules ask for, O(1) for each request.

Exchanges may overlap in time and are added in any order near that of sending: every entry keeps when it was sent and
answered, and `Turn.before` and `Turn.overlaps` say what can be said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from kki.rules.faults import BUSINESS, fits
from kki.rules.knowledge import Knowledge
from kki.rules.view import Standing, View, digest
from kki.snap import carddata, timestamps
from kki.snap.canonical import Malformed
from kki.snap.encoding import base64_octets
from kki.snap.tokens import peek

MOST_TOLD = 4  # values of one reply header that are told apart
_NUMBERED = re.compile(r"[0-9A-Fa-f-]{6,}")  # a trace id in a message tells nothing
SECRET_STEPS = ("padding", "payload")  # of opening cardData: only who has the key may know which of them failed
MOST_TURNS = 8  # uses of one id or reference that are told apart
MOST_KINDS = 1000  # of requests that were accepted; our own suites send some dozens


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange, as far as order in time and outcome matter."""

    exchange: str
    sent_at: datetime
    answered_at: datetime | None
    standing: Standing
    day: str = ""  # yyyy-MM-dd, as the client's own X-TIMESTAMP has it
    case: tuple[int, str] | None = None
    body: str = ""  # digest: equal where the same is asked for once more
    number: str = ""  # referenceNo or refundNo of its reply

    @property
    def accepted(self) -> bool:
        return self.standing is Standing.ACCEPTED

    def before(self, moment: datetime) -> bool:
        """Whether it was over by then. One that was never answered is over for nobody."""
        return self.answered_at is not None and self.answered_at <= moment

    def overlaps(self, other: Turn) -> bool:
        return not self.before(other.sent_at) and not other.before(self.sent_at)


@dataclass(slots=True)
class Uses:
    """All uses of one X-EXTERNAL-ID or reference, the last few of them."""

    turns: list[Turn] = field(default_factory=list)

    def add(self, turn: Turn) -> None:
        if len(self.turns) >= MOST_TURNS:
            # One that was accepted is never forgotten: it is what makes the next use wrong.
            self.turns.remove(next((old for old in self.turns if not old.accepted), self.turns[0]))
        self.turns.append(turn)

    def accepted_before(self, moment: datetime) -> Turn | None:
        return next((turn for turn in self.turns if turn.accepted and turn.before(moment)), None)

    @property
    def accepted(self) -> Turn | None:
        return next((turn for turn in self.turns if turn.accepted), None)


@dataclass(frozen=True, slots=True)
class Issued:
    """A token that the token endpoints gave in this trail."""

    kind: str  # "b2b" | "b2b2c"
    client: str
    issued_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refund:
    turn: Turn
    refund_no: str | None


@dataclass(frozen=True, slots=True)
class CardFailure:
    """How a failure of cardData was answered: all that an attacker could tell it by, but time."""

    exchange: str
    status: int
    code: str
    message: object
    headers: tuple[str, ...]
    members: tuple[str, ...]  # names of those beside code and message


@dataclass(slots=True)
class Told:
    """The values of one reply header after failures of one sort, the first few of them with their counts."""

    values: dict[str, int] = field(default_factory=dict)

    def add(self, value: str) -> None:
        if value in self.values or len(self.values) < MOST_TOLD:
            self.values[value] = self.values.get(value, 0) + 1

    def but(self, value: str) -> int:
        """How many others than this were seen."""
        return sum(count for each, count in self.values.items() if each != value)


@dataclass(slots=True)
class Timing:
    """Running mean and variance of answering times, in milliseconds (Welford)."""

    count: int = 0
    mean: float = 0.0
    spread: float = 0.0  # sum of squared differences

    def add(self, value: float) -> None:
        self.count += 1
        gap = value - self.mean
        self.mean += gap / self.count
        self.spread += gap * (value - self.mean)


@dataclass(slots=True)
class Trail:
    """See the module. Read its members; only `add` writes."""

    external: dict[tuple[str, str, str], Uses] = field(default_factory=dict)  # partner, id, day
    payments: dict[str, Uses] = field(default_factory=dict)  # by partnerReferenceNo
    reference_of: dict[str, str] = field(default_factory=dict)  # partnerReferenceNo → referenceNo of its success
    tokens: dict[str, Issued] = field(default_factory=dict)
    jwt_parts: set[str] = field(default_factory=set)  # payload and signature of issued JWTs
    jwt_tokens: bool = False  # whether the B2B tokens of this server are JWTs
    latest: dict[tuple[str, str], str] = field(default_factory=dict)  # kind or "refresh", client → issued last
    issuances: set[str] = field(default_factory=set)  # "b2b", "b2b2c": seen to issue
    bindings: dict[str, str] = field(default_factory=dict)  # partnerReferenceNo of a binding → exchange
    external_of: dict[str, str] = field(default_factory=dict)  # partnerReferenceNo → X-EXTERNAL-ID of its success
    in_progress: set[str] = field(default_factory=set)  # partnerReferenceNo of payments that 202 answered
    bound: dict[str, str] = field(default_factory=dict)  # bankCardToken → exchange that gave it
    unbound: dict[str, Turn] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)  # card tokens, CPANs and OTPs that the server has accepted once
    charge_tokens: set[str] = field(default_factory=set)
    auth_codes: dict[str, str | None] = field(default_factory=dict)  # → exchange that spent it
    refresh_tokens: dict[str, str | None] = field(default_factory=dict)
    refunds: dict[tuple[str, str], Refund] = field(default_factory=dict)  # original, partnerRefundNo
    refunded: dict[str, Turn] = field(default_factory=dict)  # original → its first accepted refund
    refund_names: dict[str, str] = field(default_factory=dict)  # partnerRefundNo of accepted ones → original
    reference_nos: dict[str, str] = field(default_factory=dict)  # operation and referenceNo → exchange
    refund_nos: dict[str, str] = field(default_factory=dict)
    vectors: dict[bytes, tuple[str, str]] = field(default_factory=dict)  # IV or salt → exchange, `card_sent`
    card_failure: CardFailure | None = None
    card_told: dict[str, dict[str, Told]] = field(default_factory=dict)  # header or member → "sealed" or "inside"
    card_timings: dict[str, Timing] = field(default_factory=dict)  # step that failed → times
    redirects: dict[str, str] = field(default_factory=dict)  # path → target of a redirectUrl
    disturbed_by: str | None = None  # the exchange before the next one, if its body was unreadable
    habits: Any = None  # kki.rules.behaviour's own memory
    count: int = 0
    declined: set[tuple[str, tuple[int, str] | None]] = field(default_factory=set)  # operation, case: of sound requests
    served: set[tuple[str, ...]] = field(default_factory=set)  # kinds of requests that were accepted
    expected: dict[str, tuple[Uses, ...]] = field(default_factory=dict)  # what raced, and is judged later

    def expect(self, view: View) -> None:
        """Of requests that race the first to be judged knows of the others: each was on its way as well."""
        turn, key, reference = turn_of(view), external_key(view), view.text("partnerReferenceNo")
        uses = [self.external.setdefault(key, Uses())] if key and view.symmetric else []
        if reference and view.name == "payment":
            uses.append(self.payments.setdefault(reference, Uses()))
        for each in uses:
            each.add(turn)
        self.expected[turn.exchange] = tuple(uses)

    def arrived(self, exchange: str) -> None:
        """This one is judged now: what was expected of it is about to be added."""
        for uses in self.expected.pop(exchange, ()):
            uses.turns[:] = [turn for turn in uses.turns if turn.exchange != exchange]

    def add(self, view: View, knowledge: Knowledge, spoiled: Iterable[str] = ()) -> None:
        """Remember one exchange. `spoiled`: kinds of fault it had ("unreadable", "card data:padding"), or "sound"."""
        self.count += 1
        turn = turn_of(view)
        marks = tuple(spoiled)
        if "sound" in marks and turn.case is not None and fits(BUSINESS, turn.case):
            self.declined.add((view.name, turn.case))
        if turn.accepted and view.in_api and len(self.served) < MOST_KINDS:
            self.served.add(view.kind)
        if view.in_api:
            self._remember_ids(view, turn)
            self._remember_card_failure(view, marks)
            self._remember_vector(view)
            _BY_OPERATION[view.name](self, view, turn, knowledge)
        self._remember_reply(view)
        self.disturbed_by = view.exchange.id if "unreadable" in marks else None

    def used(self, view: View) -> Uses | None:
        """Earlier uses of this request's X-EXTERNAL-ID on its day."""
        key = external_key(view)
        return self.external.get(key) if key else None

    def token(self, token: str | None, kind: str) -> Issued | None:
        found = self.tokens.get(token or "")
        return found if found is not None and found.kind == kind else None

    # -- what is remembered ------------------------------------------------------------------------

    def _remember_ids(self, view: View, turn: Turn) -> None:
        key = external_key(view)
        if key and view.symmetric:
            self.external.setdefault(key, Uses()).add(turn)

    def _remember_reply(self, view: View) -> None:
        if not view.accepted:
            return
        token = view.reply.member("bankCardToken")
        if isinstance(token, str) and token:
            self.bound.setdefault(token, view.exchange.id)
        number = view.reply.member("referenceNo")
        if isinstance(number, str) and number and view.in_api:
            self.reference_nos.setdefault(f"{view.name} {number}", view.exchange.id)

    def _remember_vector(self, view: View) -> None:
        vector = card_vector(view) if view.name == "bind" else None
        if vector:
            self.vectors.setdefault(vector, (view.exchange.id, card_sent(view)))

    def _remember_card_failure(self, view: View, marks: tuple[str, ...]) -> None:
        step = next((mark.removeprefix("card data:") for mark in marks if mark.startswith("card data:")), None)
        answered = view.exchange.answered_at
        if step is None or view.reply.standing is not Standing.REFUSED or answered is None:
            return
        if "secret step" in marks:
            self.card_failure = self.card_failure or card_failure_of(view)
        for name, value in card_words(view):
            self.card_told.setdefault(name, {}).setdefault(where_failed(step), Told()).add(value)
        took = (answered - view.exchange.sent_at).total_seconds() * 1000
        self.card_timings.setdefault(step, Timing()).add(took)

    def _payment(self, view: View, turn: Turn, _knowledge: Knowledge) -> None:
        reference = view.text("partnerReferenceNo")
        if reference is None:
            return
        self.payments.setdefault(reference, Uses()).add(turn)
        if turn.accepted:
            found = (view.text(name) for name in ("bankCardToken", "chargeToken", "otp"))
            self.proven.update(value for value in found if value)
            self.external_of.setdefault(reference, view.header("X-EXTERNAL-ID") or "")
            if view.reply.status == 202:
                self.in_progress.add(reference)
        number = view.reply.member("referenceNo")
        if turn.accepted and isinstance(number, str):
            self.reference_of.setdefault(reference, number)

    def _bind(self, view: View, turn: Turn, _knowledge: Knowledge) -> None:
        reference = view.text("partnerReferenceNo")
        if reference:
            self.bindings.setdefault(reference, view.exchange.id)
        if not turn.accepted:
            return
        charge, info = view.reply.member("chargeToken"), view.reply.member("additionalInfo")
        if isinstance(charge, str):
            self.charge_tokens.add(charge)
        code = info.get("authCode") if isinstance(info, dict) else None
        if isinstance(code, str):
            self.auth_codes.setdefault(code, None)
        url = view.reply.member("redirectUrl")
        if isinstance(url, str) and (path := redirect_path(url)):
            self.redirects[path[0]] = path[1]

    def _unbind(self, view: View, turn: Turn, _knowledge: Knowledge) -> None:
        token = view.text("tokenId")
        if token and turn.accepted:
            self.proven.add(token)
            self.unbound.setdefault(token, turn)

    def _refund(self, view: View, turn: Turn, _knowledge: Knowledge) -> None:
        original, name = view.text("originalPartnerReferenceNo"), view.text("partnerRefundNo")
        if original is None or name is None:
            return
        number = view.reply.member("refundNo")
        number = number if isinstance(number, str) and number else None
        if turn.accepted:
            self.refunds.setdefault((original, name), Refund(turn, number))
            self.refunded.setdefault(original, turn)
            self.refund_names.setdefault(name, original)
            if number:
                self.refund_nos.setdefault(f"{view.name} {number}", view.exchange.id)

    def _token_request(self, view: View, turn: Turn, _knowledge: Knowledge) -> None:
        token = view.reply.member("accessToken")
        if not turn.accepted or not isinstance(token, str) or not token:
            return
        at = turn.answered_at or turn.sent_at
        client = view.header("X-CLIENT-KEY") or ""
        self.tokens[token] = Issued(view.name, client, at, _expiry(view, at))
        self.latest[view.name, client] = token
        self.issuances.add(view.name)
        if view.name == "b2b" and token.count(".") == 2:
            self.jwt_tokens = True
            self.jwt_parts.update(part for part in token.split(".")[1:] if len(part) > 16)
        for spent, book in (("authCode", self.auth_codes), ("refreshToken", self.refresh_tokens)):
            code = view.text(spent)
            if code and view.name == "b2b2c":
                book[code] = view.exchange.id
        fresh = view.reply.member("refreshToken")
        if isinstance(fresh, str) and fresh:
            self.refresh_tokens.setdefault(fresh, None)
            self.latest["refresh", client] = fresh


_BY_OPERATION = {
    "payment": Trail._payment,
    "bind": Trail._bind,
    "unbind": Trail._unbind,
    "refund": Trail._refund,
    "b2b": Trail._token_request,
    "b2b2c": Trail._token_request,
}


def turn_of(view: View) -> Turn:
    exchange = view.exchange
    stamp = view.timestamp
    day = stamp.text[:10] if isinstance(stamp, timestamps.Timestamp) else ""
    return Turn(
        exchange.id, exchange.sent_at, exchange.answered_at, view.reply.standing, day=day, case=view.reply.case,
        body=digest(view.body), number=_number(view),
    )  # fmt: skip


def _number(view: View) -> str:
    found = (view.reply.member(name) for name in ("refundNo", "referenceNo"))
    return next((number for number in found if isinstance(number, str)), "")


def external_key(view: View) -> tuple[str, str, str] | None:
    """Partner, X-EXTERNAL-ID and day in Jakarta: "unique in the same day"; None without the header."""
    name = view.header("X-EXTERNAL-ID")
    if not name:
        return None
    day = view.exchange.sent_at.astimezone(timestamps.JAKARTA).date().isoformat()
    return view.header("X-PARTNER-ID") or "", name, day


def where_failed(step: str) -> str:
    """"inside": the seal was opened, and what came out was wrong; "sealed": it could not be opened."""
    return "inside" if step in ("payload", "content") else "sealed"


def card_words(view: View) -> Iterator[tuple[str, str]]:
    """What a refusal says beside code and message: its headers, in lower case, and the members of its body."""
    if view.exchange.response:
        yield from ((f"header {name.lower()}", value) for name, value in view.exchange.response.headers.pairs)
    further = {name: value for name, value in (view.reply.members or {}).items() if name not in _ENVELOPE}
    yield from ((f"/{name}", json.dumps(value, sort_keys=True)) for name, value in further.items())


_ENVELOPE = ("responseCode", "responseMessage")


def card_failure_of(view: View) -> CardFailure:
    headers = view.exchange.response.headers.pairs if view.exchange.response else ()
    code, message = view.reply.member("responseCode"), view.reply.message
    return CardFailure(
        exchange=view.exchange.id, status=view.reply.status, code=code if isinstance(code, str) else "",
        message=_NUMBERED.sub("#", message) if isinstance(message, str) else message,
        headers=tuple(sorted({name.lower() for name, _ in headers})),
        members=tuple(sorted(set(view.reply.members or {}) - set(_ENVELOPE))),
    )  # fmt: skip


def card_vector(view: View) -> bytes | None:
    """The IV or salt of a binding's cardData; None where there is none to be seen."""
    text = view.text("cardData")
    if text is None:
        return None
    container = carddata.resembles(text)
    if container in (carddata.Container.CIPHERTEXT_IV, carddata.Container.CIPHERTEXT_IV_256):
        octets = base64_octets(text.partition("|")[2])
        return octets if isinstance(octets, bytes) else None
    octets = base64_octets(text)
    if isinstance(octets, Malformed):
        return None
    if container is carddata.Container.SALTED:
        return octets[8:16]
    return octets[:16] if container is carddata.Container.IV_PREFIXED else None


def card_sent(view: View) -> str:
    """Equal where a binding is sent again with what was sealed before."""
    return f"{view.text('partnerReferenceNo') or ''} {view.text('cardData') or ''}"


def redirect_path(url: str) -> tuple[str, str] | None:
    """(path, path with query) of an absolute http address, else None."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path:
        return None
    return parts.path, parts.path + (f"?{parts.query}" if parts.query else "")


def _expiry(view: View, at: datetime) -> datetime | None:
    """When an issued token ends, by what its reply says, else by what the token itself says."""
    seconds = view.reply.member("expiresIn")
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) < 10:
        seconds = int(seconds)
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 <= seconds < 10**9:
        return at + timedelta(seconds=seconds)
    stamp = view.reply.member("accessTokenExpiryTime")
    if isinstance(stamp, str) and not isinstance(parsed := timestamps.parse(stamp), Malformed):
        return parsed.moment
    token = view.reply.member("accessToken")
    claims = peek(token) if isinstance(token, str) else None
    return claims.expires if claims else None
