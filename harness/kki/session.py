"""One target under trial: fresh kits, tokens, sending, judging. Knows nothing of pytest."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from kki.drafting import drafts
from kki.drafting.drafts import Draft, Kit
from kki.edges import entropy
from kki.edges.client import Client
from kki.judge import Judge
from kki.model.contract import Contract
from kki.model.exchange import Exchange, Record
from kki.model.profile import Profile
from kki.model.verdict import Verdict
from kki.snap import timestamps

ENOUGH_TOKENS = 2  # of bound cards: more than these, and one is kept apart for requests that must be refused


@dataclass(slots=True)
class Tokens:
    """What the token endpoints gave. `b2b_until`: when to fetch anew."""

    b2b: str = ""
    b2b_until: datetime | None = None
    customer: str = ""
    refresh: str = ""
    other: str = ""  # another partner's B2B token


@dataclass(slots=True)
class Watched:
    """What one case sent, and what the judge said of it."""

    records: list[Record] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)


class Session:
    """`send` signs, sends, keeps and judges. Exchanges count as `x<case>` or `x<case>.<n>`, stable for a selection."""

    def __init__(
        self,
        *,
        profile: Profile,
        contract: Contract,
        client: Client,
        judge: Judge,
        now: Callable[[], datetime] = entropy.now,
        wait: Callable[[float], None] = entropy.wait,
        seed: int = 0,
    ) -> None:
        self.profile = profile
        self.contract = contract
        self.client = client
        self.judge = judge
        self.now = now
        self.wait = wait
        self.seed = seed
        self.tokens = Tokens()
        self.watched = Watched()
        self.case = "preflight"
        self.prefix = "p"
        self._count = itertools.count(1)
        self._lock = threading.Lock()
        self._unbound: set[str] = set()

    # -- cases -----------------------------------------------------------------------------------

    def begin(self, case: str, prefix: str) -> Watched:
        """What follows belongs to this case; `prefix` starts its exchanges' ids."""
        self.case, self.prefix = case, prefix
        self._count = itertools.count(1)
        self.watched = Watched()
        return self.watched

    def _next_id(self) -> str:
        number = next(self._count)
        return self.prefix if number == 1 else f"{self.prefix}.{number}"

    # -- kits ------------------------------------------------------------------------------------

    def kit(self, *, card_token: str | None = None) -> Kit:
        """Fresh ids and the current time, with valid tokens (fetched where needed)."""
        self.ensure_tokens()
        return self.bare_kit(card_token=card_token)

    def bare_kit(self, *, card_token: str | None = None) -> Kit:
        """The same without fetching tokens."""
        bound = self.profile.test_data.bank_card_tokens
        return Kit(
            contract=self.contract,
            credentials=self.profile.credentials,
            test_data=self.profile.test_data,
            timestamp=timestamps.format_offset(self.now()),
            external_id=entropy.fresh_digits(18),
            reference=entropy.fresh_id(32),
            refund_no=entropy.fresh_id(12),
            iv=entropy.iv(),
            b2b_token=self.tokens.b2b,
            customer_token=self.tokens.customer,
            card_token=card_token if card_token is not None else (bound[0] if bound else ""),
            readings=self.profile.readings,
        )

    def ensure_tokens(self) -> None:
        if not self.tokens.b2b or (self.tokens.b2b_until and self.now() >= self.tokens.b2b_until):
            self.fetch_b2b()

    def fetch_b2b(self) -> Exchange:
        exchange = self.send(drafts.a_b2b_token_request(self.bare_kit()))
        self.take_b2b(exchange)
        return exchange

    def take_b2b(self, exchange: Exchange) -> None:
        """Use the token of this reply, if there is one, until shortly before it expires."""
        token = _member(exchange, "accessToken")
        if token:
            self.tokens.b2b = token
            seconds = _member(exchange, "expiresIn")
            lifetime = float(seconds) if seconds.isascii() and seconds.isdigit() else 900.0
            self.tokens.b2b_until = self.now() + timedelta(seconds=max(lifetime * 0.9 - 5, 1.0))

    def fetch_customer(self) -> Exchange | None:
        """The customer token by the profile's authCode; the profile's own token needs no fetching (None)."""
        if self.profile.test_data.customer_token:
            self.tokens.customer = self.profile.test_data.customer_token
            return None
        if not self.profile.test_data.auth_code:
            return None
        exchange = self.send(drafts.a_b2b2c_token_request(self.bare_kit()))
        self.take_customer(exchange)
        return exchange

    def take_customer(self, exchange: Exchange) -> None:
        self.tokens.customer = _member(exchange, "accessToken")
        self.tokens.refresh = _member(exchange, "refreshToken")

    def other_partners_token(self) -> str:
        """A B2B token that was issued to the profile's other partner; "" where the profile has none."""
        other = self.profile.other_partner
        if other is None or self.tokens.other:
            return self.tokens.other
        request = drafts.a_b2b_token_request(replace(self.bare_kit(), credentials=other))
        exchange = self.send(request.planned(private_key=other.private_key))
        self.tokens.other = _member(exchange, "accessToken")
        return self.tokens.other

    def spare_token(self, keep: int = 0) -> str | None:
        """The next bound card's token that may be unbound; None when only `keep` of them are left."""
        tokens = self.profile.test_data.bank_card_tokens
        spare = tokens[2:] if len(tokens) > ENOUGH_TOKENS else tokens[1:]
        left = [token for token in spare if token not in self._unbound]
        return left[0] if len(left) > keep else None

    def token_at_risk(self) -> str:
        """For what must be refused: a token that is still bound; the one that pays where no other is left."""
        tokens = self.profile.test_data.bank_card_tokens
        return next((token for token in tokens[1:] if token not in self._unbound), tokens[0])

    def unbound(self, body: str) -> None:
        """An unbinding with this body was accepted: its token is no longer bound."""
        self._unbound.update(token for token in self.profile.test_data.bank_card_tokens if token in body)

    @property
    def unbound_places(self) -> list[int]:
        """Which of bank_card_tokens are unbound by now."""
        tokens = self.profile.test_data.bank_card_tokens
        return [place for place, token in enumerate(tokens) if token in self._unbound]

    def forget_tokens(self, places: Iterable[int]) -> None:
        """An earlier part of the run has unbound these of bank_card_tokens."""
        tokens = self.profile.test_data.bank_card_tokens
        self._unbound.update(tokens[place] for place in places if place < len(tokens))

    def until(self, seconds: float, tries: int) -> Iterator[int]:
        """Up to so many tries, spread over so many seconds: for what the page calls asynchronous. The first at once."""
        for number in range(tries):
            if number:
                self.wait(seconds / (tries - 1))
            yield number

    # -- sending ---------------------------------------------------------------------------------

    def send(self, draft: Draft) -> Exchange:
        """Sign, send, keep, judge."""
        exchange = self.client.send(draft, self._next_id(), lost=lambda lost: self._keep(draft, lost))
        self._keep(draft, exchange)
        return exchange

    def race(self, racers: Sequence[Draft]) -> list[Exchange]:
        """All at once, from real threads; judged afterwards, what was accepted first."""
        gate = threading.Barrier(len(racers))
        ids = [self._next_id() for _ in racers]
        results: list[tuple[Draft, Exchange]] = []

        def run(draft: Draft, name: str) -> None:
            gate.wait(timeout=30)
            done: list[Exchange] = []
            done.append(self.client.send(draft, name, lost=done.append))
            with self._lock:
                results.extend((draft, exchange) for exchange in done)

        threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in zip(racers, ids, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        results.sort(key=lambda pair: order(pair[1]))
        self.judge.expect(exchange for _, exchange in results)
        for draft, exchange in results:
            self._keep(draft, exchange)
        return [exchange for _, exchange in results]

    def _keep(self, draft: Draft, exchange: Exchange) -> None:
        self.watched.records.append(Record(exchange=exchange, made_by=self.case, mutations=draft.mutations))
        self.watched.verdicts.extend(self.judge.judge(exchange))
        if _refuses_token(exchange, self.tokens.b2b):
            self.tokens.b2b = ""  # replaced, or expired early: the next kit has a fresh one


def _member(exchange: Exchange, name: str) -> str:
    """A member of the reply as text; "" where there is none or the reply is no object."""
    if exchange.response is None:
        return ""
    try:
        value = json.loads(exchange.response.body)
    except (ValueError, RecursionError):
        return ""
    found = value.get(name) if isinstance(value, dict) else None
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""


def _refuses_token(exchange: Exchange, token: str) -> bool:
    """Whether the reply says that this B2B token, which the request bore, is no good: 401/01 or 401/03."""
    if not token or exchange.response is None or exchange.response.status != 401:
        return False
    code = _member(exchange, "responseCode")
    return code[-2:] in ("01", "03") and token in (exchange.request.headers.get("Authorization") or "")


def order(exchange: Exchange) -> tuple[bool, datetime]:
    """Of exchanges that raced: who was accepted came first, whatever the clock of threads says."""
    accepted = exchange.response is not None and 200 <= exchange.response.status < 300
    return not accepted, exchange.sent_at
