"""A small client's day at the simulator of the checklist, judged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kki.certify import checklist
from kki.certify.progress import Progress
from kki.certify.scenarios import staged
from kki.edges.contract import load
from kki.edges.entropy import rsa_pair
from kki.grading import Tally
from kki.judge import Judge
from kki.model.contract import Contract
from kki.model.exchange import Exchange
from kki.model.profile import Credentials, Profile, TestData
from kki.model.requirement import Party
from kki.model.verdict import Outcome, Verdict
from kki.rules.knowledge import Knowledge
from kki.rules.view import look
from kki.simulator.setup import setup_from
from kki.simulator.world import World

from .memory import Memory
from .merchants import FaultyMerchant
from .small_client import SCENARIOS, Kit

ROOT = Path(__file__).resolve().parents[2]
CONTRACT: Contract = load()
CHECKLIST = checklist.load()
CLIENT_ROWS = {name: row for name, row in CONTRACT.requirements.items() if row.party is Party.CLIENT}
_KEYS = json.loads((ROOT / "openapi" / "vectors" / "token-signature.json").read_text("utf-8"))["keys"]
PRIVATE, ISSUER = _KEYS[0]["private_pem"], rsa_pair()[0]
CPAN = "9360001609987000000"
PROFILE = Profile(
    credentials=Credentials(
        client_id="BRN-0001-0000000000001",
        client_secret="SK-harness-0001",
        shared_key="shared-key-of-the-test-merchant",
        private_key=PRIVATE,
    ),
    test_data=TestData(
        cpan=CPAN,
        otp="12345678",
        bank_card_tokens=("TOKEN-KKI-ABC123XYZ", "de52e5820f4c381db88a1cf91d57b73e", "card-token-3"),
        auth_code="auth-code-0001",
        expired_b2b_token="eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE2OTgwNTA3NDN9.c2ln",
        ip_address="192.168.1.1",
        card={"bankCardNo": CPAN, "bankCardType": "D", "expiryDate": "1230"},
    ),
)
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Trial:
    tally: Tally
    exchanges: list[Exchange]
    verdicts: list[tuple[Verdict, ...]]
    knowledge: Knowledge

    def found(self, outcome: Outcome, party: Party = Party.CLIENT) -> set[str]:
        rows = CONTRACT.requirements.values()
        return {row.id for row in rows if row.party is party and self.tally.outcome(row.id) is outcome}


def a_world(pins: Mapping[str, str]) -> World:
    behaviour = staged(CHECKLIST, own_cpan=PROFILE.test_data.cpan)
    return World(setup_from(replace(PROFILE, readings=dict(pins)), CONTRACT, issuer_key=ISSUER), behaviour)


def judged(exchanges: Iterable[Exchange], pins: Mapping[str, str]) -> Trial:
    knowledge = Knowledge(
        contract=CONTRACT, credentials=PROFILE.credentials, test_data=PROFILE.test_data, readings=pins,
    )  # fmt: skip
    judge, tally, seen = Judge(knowledge), Tally(CONTRACT), list(exchanges)
    verdicts = [*(judge.judge(exchange) for exchange in seen), judge.finish()]
    for verdict in (one for some in verdicts for one in some):
        tally.add(verdict)
    return Trial(tally, seen, verdicts, knowledge)


def tried(merchant: FaultyMerchant, pins: Mapping[str, str], scenarios: Mapping[str, str] = SCENARIOS) -> Trial:
    memory = Memory(a_world(pins))
    merchant.client(Kit.of(PROFILE), memory, scenarios).day()
    return judged(memory.exchanges, pins)


def progress_of(trial: Trial) -> Progress:
    progress = Progress(CHECKLIST, {}, markers=True, own_cpan=PROFILE.test_data.cpan)
    for exchange, verdicts in zip(trial.exchanges, trial.verdicts, strict=False):  # the last ones are of no exchange
        progress.take(look(exchange, trial.knowledge), verdicts)
    progress.finish()
    return progress
