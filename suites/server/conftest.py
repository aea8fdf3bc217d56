"""The `server` fixture: what a probe may ask of the server under trial."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kki.drafting import drafts
from kki.drafting.drafts import Draft, Kit
from kki.drafting.mutations import mutation
from kki.edges.client import PlanEnded
from kki.model.exchange import Exchange
from kki.model.verdict import Broken, Unknown
from kki.session import Session
from kki.worker import NOT_TRIED

FEW_CARDS = 3  # bound ones that are kept for the cases that need one most


class Server:
    """A session with the words that probes use."""

    ACCEPTED = (200, 202)  # done, and in progress
    NO_CARD = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"  # a tokenId that was never issued

    def __init__(self, session: Session) -> None:
        self.session = session
        self._refundable: str | None = None
        self._proven: set[str] = set()
        self._firsts: dict[str, Draft] = {}
        self._external_ids: dict[str, str] = {}  # of payments, by partnerReferenceNo

    @property
    def test_data(self):  # type: ignore[no-untyped-def]  # suites are not type-checked
        return self.session.profile.test_data

    def kit(self, *, card_token: str | None = None) -> Kit:
        return self.session.kit(card_token=card_token)

    def send(self, draft: Draft, *names: str) -> Exchange:
        """Send this draft, spoiled by these mutations."""
        if names and not any(mutation(name).breaks for name in names):
            draft = self.sparing(draft)
        for name in names:
            draft = mutation(name)(draft)
        try:
            exchange = self.session.send(draft)
        except PlanEnded as ended:  # Hypothesis takes any other exception for a finding, and tries to repeat it
            pytest.skip(f"{NOT_TRIED} to its end: {ended}")
        if exchange.response is not None and exchange.response.status == 200:
            self._used_up(exchange)
            if not draft.mutations:
                self._firsts.setdefault(draft.operation, draft)
        return exchange

    def sparing(self, draft: Draft) -> Draft:
        """An unbinding that may be accepted names no bound card where few are left: others need those."""
        enough = draft.operation != "unbind" or self.session.spare_token(FEW_CARDS)
        return draft if enough else draft.having(tokenId=self.NO_CARD)

    def _used_up(self, exchange: Exchange) -> None:
        """An accepted refund or unbinding leaves nothing for the next case that expects a refusal."""
        if self._refundable and self._refundable.encode() in exchange.request.body:
            self._refundable = None if "refund" in exchange.request.target else self._refundable
        if exchange.request.target.endswith("/b2b2c"):
            self.session.take_customer(exchange)  # the refresh token that was sent is spent now
        if exchange.request.target.endswith("/b2b"):
            self.session.tokens.b2b = ""  # where a new token takes the old one's place, only a fresh one is good
        if "unbind" in exchange.request.target:
            self.session.unbound(exchange.request.body.decode("utf-8", "replace"))

    def race(self, *racers: Draft) -> list[Exchange]:
        return self.session.race(racers)

    def until_decided(self, requirement: str, tries: int = 5) -> Iterator[int]:
        """Again while this case has not decided the requirement: two that race may miss each other on the way."""
        for number in range(tries):
            if any(verdict.requirement == requirement for verdict in self.session.watched.verdicts):
                return
            yield number

    def pay_until_refused(self, token: str) -> None:
        """Page, section 3: an unbinding is final later. Tried again until the profile's time is up."""
        for _ in self.session.until(self.session.profile.limits.unbinding_settles_s, tries=12):
            exchange = self.send(drafts.a_payment(self.kit(card_token=token), "token"))
            if exchange.response is None or exchange.response.status not in self.ACCEPTED:
                return

    def left_open(self, exchange: Exchange) -> bool:
        """Whether the rules found nothing wrong with this exchange of the case, and something undecided."""
        said = [each.judgement for each in self.session.watched.verdicts if each.exchange == exchange.id]
        return any(isinstance(each, Unknown) for each in said) and not any(isinstance(each, Broken) for each in said)

    def a(self, kind: str, *, to_succeed: bool = False) -> Draft:
        """A correct request of this kind: an operation, or one and a word from `probes.KINDS` behind it.

        `to_succeed`: nothing it refers to is used up by an earlier case.
        """
        operation, _, way = kind.partition(" ")
        if operation == "payment":
            return self.a_payment(way or "cpan")
        if operation == "bind":
            self.need("card")
            return drafts.a_binding(self.kit(), {"": "DH", "no-channel": None}.get(way, way))
        if operation == "unbind":
            token = self.token_to_unbind() if to_succeed else self.token_at_risk()
            return drafts.an_unbinding(self.kit(), token).with_header("CHANNEL-ID", way or "DH")
        if operation == "refund":
            return self.a_refund(self.paid() if to_succeed else self.refundable(), named=bool(way))
        if operation == "b2b":
            return drafts.a_b2b_token_request(self.session.bare_kit())
        return self.a_customer_token_request()

    def a_payment(self, variant: str) -> Draft:
        """Of this variant; by the other instrument where the profile has no data for this one."""
        if variant.startswith("token") and (self.test_data.bank_card_tokens or not self.test_data.cpan):
            return drafts.a_payment(self.kit(card_token=self.bound_token()), variant)
        self.need("cpan", "otp")
        return drafts.a_payment(self.kit(), variant if variant.startswith("cpan") else "cpan")

    def a_refund(self, original: str, *, named: bool) -> Draft:
        """`named`: the payment's X-EXTERNAL-ID is told as well."""
        return drafts.a_refund(self.kit(), original, external_id=self._external_ids.get(original) if named else None)

    def a_customer_token_request(self) -> Draft:
        """By refresh token where there is one: an authCode is good once, and the preflight has used it."""
        refresh = self.session.tokens.refresh
        if refresh:
            return drafts.a_b2b2c_token_request(self.session.bare_kit(), refresh_token=refresh)
        self.need("auth_code")
        return drafts.a_b2b2c_token_request(self.session.bare_kit())

    def need(self, *names: str) -> None:
        """Skip, saying what to add to the profile, where the target's test data are too thin for this case."""
        missing = [name for name in names if not getattr(self.test_data, name)]
        if missing:
            pytest.skip(f"undecided: the profile's [test_data] lacks {', '.join(missing)}")

    def bound_token(self) -> str:
        """A bound card's token to pay with; never one that is going to be unbound."""
        self.need("bank_card_tokens")
        return self.test_data.bank_card_tokens[0]

    def token_to_unbind(self, *, keep: int = FEW_CARDS) -> str:
        """A bound card's token that no other case needs, each once; `keep` are left for those that need one most."""
        token = self.session.spare_token(keep)
        if token is None:
            pytest.skip(
                "undecided: the profile's [test_data] bank_card_tokens has no token left to unbind; add one more"
            )
        self.prove(self.bound_token())
        return token

    def token_at_risk(self) -> str:
        """For requests that must be refused. Not the one that pays, where there are more: a server might accept.

        It pays once before the first of them: if it pays no more afterwards, one was carried out.
        """
        token = self.session.token_at_risk()
        self.prove(self.bound_token())
        self.prove(token)
        return token

    def prove(self, token: str) -> None:
        """One payment with this card, before any other is unbound: if it is refused later, the server did it.

        Without, the profile might as well have named a card that was never bound.
        """
        if token not in self._proven:
            self._proven.add(token)
            self.send(drafts.a_payment(self.kit(card_token=token), "token"))

    def first(self, operation: str) -> Draft:
        """The first correct request of this operation that was accepted in this run; where there is none, one now."""
        if operation not in self._firsts:
            self.send(self.a(operation, to_succeed=True))
        if operation not in self._firsts:
            pytest.skip(f"undecided: no {operation} was accepted that this case could build on")
        return self._firsts[operation]

    def paid(self) -> str:
        """The partnerReferenceNo of a fresh successful payment."""
        draft = self.a("payment")
        exchange = self.send(draft)
        if exchange.response is None or exchange.response.status != 200:
            pytest.skip("undecided: the payment that this case builds on was not accepted")
        reference = str(draft.json["partnerReferenceNo"])
        self._external_ids[reference] = draft.request.headers.get("X-EXTERNAL-ID") or ""
        return reference

    def refundable(self) -> str:
        """The partnerReferenceNo of one successful payment, shared by cases that expect a refusal."""
        if self._refundable is None:
            self._refundable = self.paid()
        return self._refundable


@pytest.fixture(scope="session")
def _server(kki_session: Session) -> Server:
    return Server(kki_session)


@pytest.fixture
def server(_server: Server) -> Server:
    return _server
