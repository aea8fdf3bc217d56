"""A session whose client is a simulator in the same process, on a clock of its own: no network, no waiting."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from kki.drafting import drafts
from kki.drafting.drafts import Draft
from kki.edges.client import finished
from kki.edges.contract import load
from kki.edges.entropy import rsa_pair
from kki.edges.settings import built_in_profile
from kki.judge import Judge
from kki.model.contract import Contract
from kki.model.exchange import Exchange
from kki.model.http import Request, Response
from kki.model.profile import Profile
from kki.model.requirement import Party
from kki.model.verdict import Broken, Holds, Judgement, Verdict
from kki.rules.knowledge import Knowledge
from kki.session import Session
from kki.simulator.behaviour import Behaviour
from kki.simulator.correct import CORRECT
from kki.simulator.outcomes import Hang, Result, Slow
from kki.simulator.server import answer
from kki.simulator.setup import setup_from
from kki.simulator.world import World

CONTRACT: Contract = load()
NOW = datetime(2026, 11, 24, 10, 0, 0, tzinfo=timezone(timedelta(hours=7)))
TOOK = timedelta(milliseconds=20)


@lru_cache(maxsize=1)
def profile() -> Profile:
    """One for all tests: RSA keys are dear. The other secrets are always the same, so that chance decides nothing."""
    plan = built_in_profile(CONTRACT)
    held = replace(plan.credentials, client_secret=f"SK-{'0f1e2d3c' * 5}", shared_key=f"shared-{'0a1b2c3d' * 3}")
    return replace(plan, credentials=held)


@lru_cache(maxsize=1)
def issuer_key() -> str:
    return rsa_pair()[0]


def knowledge(plan: Profile) -> Knowledge:
    return Knowledge(
        contract=CONTRACT,
        credentials=plan.credentials,
        readings=plan.readings,
        test_data=plan.test_data,
        limits=plan.limits,
        other_partner=plan.other_partner,
    )


class Memory:
    """What a `Session` needs of its client. `clock` goes on by 20 ms with each exchange."""

    def __init__(self, world: World, plan: Profile) -> None:
        self.world = world
        self.plan = plan
        self.clock = NOW
        self._drawn = itertools.count(1)
        self._one_at_a_time = threading.Lock()

    def now(self) -> datetime:
        return self.clock

    def send(self, draft: Draft, exchange_id: str, lost: object = None) -> Exchange:  # noqa: ARG002  # as in Client
        raw = replace(draft.request, origin="http://doku.test")
        return self.exchange(finished(raw, draft, self.plan.credentials), exchange_id)

    def exchange(self, request: Request, exchange_id: str) -> Exchange:
        with self._one_at_a_time:  # as the listener does: requests of a race come from threads
            return self._exchange(request, exchange_id)

    def _exchange(self, request: Request, exchange_id: str) -> Exchange:
        sent_at = self.clock
        result = answer(self.world, request, sent_at, self._fresh)
        self.clock = sent_at + TOOK + timedelta(seconds=result.seconds if isinstance(result, Slow) else 0)
        response = _response(result)
        failure = None if response else "timeout" if isinstance(result, Hang) else "connection closed"
        return Exchange(
            id=exchange_id, request=request, response=response, sent_at=sent_at,
            answered_at=self.clock if response else None, failure=failure,
        )  # fmt: skip

    def _fresh(self, characters: int) -> str:
        text = hashlib.sha256(str(next(self._drawn)).encode()).hexdigest()
        return (text * (characters // 64 + 1))[:characters]


def _response(result: Result) -> Response | None:
    return result.response if isinstance(result, Slow) else result if isinstance(result, Response) else None


class Stage:
    """A merchant, a server of this behaviour and a judge of both."""

    def __init__(self, behaviour: Behaviour = CORRECT, *, told: bool = True, **readings: str) -> None:
        """`told`: whether the profile pins the readings by which the server goes."""
        pinned = {name.replace("_", "-"): choice for name, choice in readings.items()}
        self.plan = replace(profile(), readings=pinned)
        world = World(setup_from(self.plan, CONTRACT, issuer_key=issuer_key()), behaviour)
        self.plan = self.plan if told else replace(self.plan, readings={})
        self.client = Memory(world, self.plan)
        self.judge = Judge(knowledge(self.plan))
        self.session = Session(
            profile=self.plan, contract=CONTRACT, client=self.client, judge=self.judge,
            now=self.client.now, wait=self.wait,
        )  # type: ignore[arg-type]  # Memory has what a session asks of its client
        self.session.begin("tests", "x")
        self.session.fetch_b2b()
        self.session.fetch_customer()

    @property
    def verdicts(self) -> list[Verdict]:
        return self.session.watched.verdicts

    @property
    def exchanges(self) -> list[Exchange]:
        return [record.exchange for record in self.session.watched.records]

    def send(self, draft: Draft) -> tuple[Exchange, tuple[Verdict, ...]]:
        """The exchange, and what was said of it alone."""
        before = len(self.verdicts)
        exchange = self.session.send(draft)
        return exchange, tuple(self.verdicts[before:])

    def wait(self, seconds: float) -> None:
        self.client.clock += timedelta(seconds=seconds)

    def paid(self) -> str:
        draft = drafts.a_payment(self.session.kit())
        self.send(draft)
        return str(draft.json["partnerReferenceNo"])

    def a(self, operation: str) -> Draft:
        """A correct request that will be accepted."""
        if operation == "payment":
            return drafts.a_payment(self.session.kit())
        if operation == "bind":
            return drafts.a_binding(self.session.kit())
        if operation == "unbind":
            token = self.session.spare_token()
            assert token is not None
            return drafts.an_unbinding(self.session.kit(), token)
        if operation == "refund":
            original = self.paid()
            return drafts.a_refund(self.session.kit(), original)
        if operation == "b2b":
            return drafts.a_b2b_token_request(self.session.bare_kit())
        return drafts.a_b2b2c_token_request(self.session.bare_kit(), refresh_token=self.session.tokens.refresh)


def broken(verdicts: tuple[Verdict, ...] | list[Verdict], party: Party | None = None) -> set[str]:
    """The rows that are broken, of one party or of both."""
    return {
        each.requirement
        for each in verdicts
        if isinstance(each.judgement, Broken) and (party is None or each.party is party)
    }


def held(verdicts: tuple[Verdict, ...] | list[Verdict], party: Party | None = None) -> set[str]:
    return {
        each.requirement
        for each in verdicts
        if isinstance(each.judgement, Holds) and (party is None or each.party is party)
    }


def refused(taken: Exchange, code: str, message: str = "Refused") -> Exchange:
    """The same request, answered with this responseCode instead; under another id."""
    assert taken.response is not None
    body = json.dumps({"responseCode": code, "responseMessage": message}).encode()
    return replace(taken, id=f"{taken.id}-{code}", response=replace(taken.response, status=int(code[:3]), body=body))


def said(verdicts: Iterable[Verdict], row: str) -> Judgement | None:
    """Of this row; None where nothing was said of it."""
    return next((each.judgement for each in verdicts if each.requirement == row), None)
