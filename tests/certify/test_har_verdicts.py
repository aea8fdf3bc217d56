"""The same traffic judged from a HAR gives the same verdicts as live: with our own members in it, and without."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kki.certify.session import in_order
from kki.edges.har import read_har
from kki.model.exchange import Exchange, Record
from kki.model.verdict import Outcome
from kki.report.har import entry

from .faulty import FaultyMerchant
from .merchants import CORRECT, MERCHANTS
from .trial import judged, tried

# HAR 1.2 holds text: what is no UTF-8 travels in our own member alone, and a stranger's recorder would have lost it.
LOST_WITHOUT_OURS = {"body-latin-1"}


def a_har(exchanges: list[Exchange], *, ours: bool) -> bytes:
    entries = [entry(Record(exchange=each, made_by="tests")) for each in exchanges]
    log: dict[str, Any] = {"version": "1.2", "creator": {"name": "tests", "version": "1"}, "entries": entries}
    text = json.dumps({"log": log})
    return text.encode() if ours else json.dumps(_plain(json.loads(text))).encode()


def _plain(value: Any) -> Any:
    """Without the members that begin with an underscore: what any other recorder writes."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if not name.startswith("_")}
    return [_plain(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "a stranger's"])
@pytest.mark.parametrize("merchant", [CORRECT, *MERCHANTS], ids=lambda each: each.name)
def test_a_har_gives_the_verdicts_of_the_live_trial(merchant: FaultyMerchant, ours: bool) -> None:
    live = tried(merchant, merchant.pins, merchant.needed)
    records = in_order(read_har(a_har(live.exchanges, ours=ours)))
    assert len(records) == len(live.exchanges)
    again = judged([record.exchange for record in records], merchant.pins)
    if not ours and merchant.name in LOST_WITHOUT_OURS:
        assert again.found(Outcome.BROKEN) <= live.found(Outcome.BROKEN)
        return
    assert again.found(Outcome.BROKEN) == live.found(Outcome.BROKEN) == merchant.breaks
    assert again.found(Outcome.FAULTY) == set()
