"""The same traffic judged from a HAR gives the same verdicts as live: with our own members in it, and without."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests import campaign

from kki.certify.session import in_order, related
from kki.edges.errors import ConfigurationError
from kki.edges.har import read_har
from kki.grading import Tally
from kki.judge import Judge
from kki.model.exchange import Exchange, Record
from kki.model.verdict import Outcome
from kki.report.har import har
from kki.report.partial import partial_run

from .faulty import FaultyMerchant
from .merchants import CORRECT, MERCHANTS
from .trial import CLIENT_ROWS, CONTRACT, Trial, judged, tried

pytestmark = pytest.mark.xdist_group("har")  # in one process: its fixture is dear

RUN = partial_run([], CONTRACT, harness="tests", replay="")  # what stands around the entries decides nothing

# HAR 1.2 has no encoding of request bodies: what is no UTF-8 travels in a member of ours alone. A stranger's recorder
# puts U+FFFD in its place; the signature of that text is not the one that was sent.
LOST_WITHOUT_OURS = {"body-latin-1"}

ALL = [CORRECT, *(each for each in MERCHANTS if campaign.share(each.name, 6) or each.name in LOST_WITHOUT_OURS)]

# A recording may begin in the middle of a day, so `kki judge` without --complete does not blame anybody for what may
# have been given out before it: these faults are seen live, where the harness gives out everything itself, and with
# --complete. Merchant → its row.
NEEDS_THE_WHOLE_DAY = {
    "customer-other-code": "KKI-TOK-034",  # an authorization code that was given out before?
    "customer-code-long": "KKI-TOK-034",
    "token-forged": "KKI-TOK-040",  # a B2B token of an hour ago?
    "customer-token-made-up": "KKI-TOK-050",
    "customer-token-kept": "KKI-TOK-050",
    "refund-original-long": "KKI-RFD-026",  # a payment of yesterday?
    "refund-unpaid": "KKI-RFD-026",
    "pay-card-token-long": "KKI-STA-020",  # a card that was bound last year?
    "unbind-token-encoded": "KKI-STA-020",
    "unbind-token-unknown": "KKI-STA-020",
    "card-token-unknown": "KKI-STA-020",
}


def ours(exchanges: Iterable[Exchange]) -> bytes:
    return har(RUN, [Record(exchange=each, made_by="tests") for each in exchanges])


def a_strangers(exchanges: Iterable[Exchange]) -> bytes:
    return json.dumps(_plain(json.loads(ours(exchanges)))).encode()


def _plain(value: Any) -> Any:
    """Without the members that begin with an underscore: what any other recorder writes."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _plain(each) for name, each in value.items() if not name.startswith("_")}
    if value.get("_encoding") == "base64":
        kept["text"] = base64.b64decode(value["text"]).decode("utf-8", "replace")
    return kept


def read(data: bytes) -> list[Exchange]:
    """As `kki judge` reads it."""
    return [record.exchange for record in related(in_order(read_har(data)), CONTRACT)]


def outcomes(trial: Trial) -> dict[str, Outcome]:
    return {name: trial.tally.outcome(name) for name in CLIENT_ROWS}


@dataclass(frozen=True)
class Day:
    """A merchant's day as it was judged live, and its exchanges as our HAR gives them back."""

    merchant: FaultyMerchant
    live: Trial
    again: list[Exchange]


@pytest.fixture(scope="module", params=ALL, ids=lambda each: each.name)
def day(request: pytest.FixtureRequest) -> Day:
    """One trial a merchant, for all tests of it: pytest runs them one after the other."""
    merchant: FaultyMerchant = request.param
    live = tried(merchant, merchant.pins, merchant.needed)
    return Day(merchant, live, read(ours(live.exchanges)))


def test_our_har_gives_every_verdict_of_the_live_trial(day: Day) -> None:
    again = judged(day.again, day.merchant.pins)
    assert again.exchanges == day.live.exchanges
    assert again.verdicts == day.live.verdicts
    assert again.found(Outcome.BROKEN) == day.merchant.breaks


def test_a_strangers_har_gives_the_outcomes_of_the_live_trial(day: Day) -> None:
    if day.merchant.name in LOST_WITHOUT_OURS:
        return  # the next test's
    again = judged(read(a_strangers(day.live.exchanges)), day.merchant.pins)
    assert len(again.exchanges) == len(day.live.exchanges)
    assert outcomes(again) == outcomes(day.live)
    assert again.found(Outcome.BROKEN) == day.merchant.breaks


@pytest.mark.parametrize("name", sorted(LOST_WITHOUT_OURS))
def test_a_body_that_a_stranger_did_not_keep_is_refused_rather_than_judged(name: str) -> None:
    merchant = next(each for each in MERCHANTS if each.name == name)
    live = tried(merchant, merchant.pins, merchant.needed)
    spoilt = [number for number, each in enumerate(live.exchanges, 1) if not _utf_8(each.request.body)]
    with pytest.raises(ConfigurationError) as refused:
        read(a_strangers(live.exchanges))
    told = zip(spoilt, refused.value.problems, strict=True)
    assert all(f"entry {number}:" in said for number, said in told)
    assert all("replacement characters" in said and "record again" in said for said in refused.value.problems)

    problems: list[str] = []
    rest = [each.exchange for each in read_har(a_strangers(live.exchanges), problems=problems)]
    assert len(rest) == len(live.exchanges) - len(spoilt)
    assert judged(rest, merchant.pins).found(Outcome.BROKEN) == set()  # nobody is accused of the recorder's fault


def test_a_replacement_character_that_was_sent_is_judged() -> None:
    live = tried(CORRECT, {}, {})
    said = replace(live.exchanges[0].request, body='{"grantType":"\N{REPLACEMENT CHARACTER}"}'.encode())
    (again,) = read(a_strangers([replace(live.exchanges[0], request=said)]))
    assert again.request.body == said.body


@pytest.mark.parametrize("complete", [True, False], ids=["complete", "as-it-comes"])
def test_kki_judge_finds_what_the_live_trial_found(day: Day, complete: bool) -> None:
    """All of it with --complete; without, what needs the whole day is left open, which is no pass."""
    merchant = day.merchant
    knowledge = replace(day.live.knowledge, complete=complete, staged=False, left_out=frozenset())
    judge, tally = Judge(knowledge), Tally(CONTRACT, strict=True)
    for verdict in (one for some in [*map(judge.judge, day.again), judge.finish()] for one in some):
        tally.add(verdict)
    open_row = "" if complete else NEEDS_THE_WHOLE_DAY.get(merchant.name, "")
    broken = {name for name in CLIENT_ROWS if tally.outcome(name) is Outcome.BROKEN}
    assert broken == merchant.breaks - {open_row}
    assert not open_row or tally.outcome(open_row) is Outcome.UNKNOWN


def test_what_is_listed_as_lost_is_there() -> None:
    breaks = {each.name: each.breaks for each in MERCHANTS}
    assert set(breaks) >= LOST_WITHOUT_OURS
    assert all(row in breaks[name] for name, row in NEEDS_THE_WHOLE_DAY.items())


@pytest.mark.parametrize("version", ["TLSv1.3", "TLSv1.1", None])
def test_tls_is_kept_by_ours_and_not_known_to_a_stranger(version: str | None) -> None:
    """HAR 1.2 has no word for it: without ours, the row is not broken, whatever was spoken."""
    seen = [replace(each, tls=version) for each in tried(CORRECT, {}, {}).exchanges]
    live, kept, lost = (judged(each, {}) for each in (seen, read(ours(seen)), read(a_strangers(seen))))
    assert outcomes(kept) == outcomes(live)
    assert {each.tls for each in kept.exchanges} == {version}
    assert {each.tls for each in lost.exchanges} == {None}
    assert ("KKI-SEC-030" in live.found(Outcome.BROKEN)) == (version == "TLSv1.1")
    assert lost.found(Outcome.BROKEN) == set()


def _utf_8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
