"""The harmless signed request before a trial: a wrong secret ends it, a server whose own check is wrong does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests import campaign
from tests.rules.stage import Memory, Stage

from kki.drafting.drafts import Draft
from kki.edges.preflight import problems
from kki.model.exchange import Exchange
from kki.rehearsal import rehearsed, signature_refused
from kki.simulator.correct import CORRECT
from kki.simulator.personas import PERSONAS
from kki.simulator.variants import VARIANTS


class WrongSecret(Memory):
    """A merchant whose secret is not the one that the server keeps."""

    def send(self, draft: Draft, exchange_id: str, lost: object = None) -> Exchange:
        self.plan = replace(self.plan, credentials=replace(self.plan.credentials, client_secret="SK-of-another"))
        return super().send(draft, exchange_id, lost)


def test_a_wrong_secret_is_the_operators() -> None:
    stage = Stage()
    stage.client.__class__ = WrongSecret
    check = rehearsed(stage.session)
    assert check.fatal
    assert not check.ok
    sentence = problems([check])[0]
    assert "either client_secret is not the one" in sentence
    assert "or it checks X-SIGNATURE in a way of its own" in sentence
    assert "--trust-secret" in sentence


@pytest.mark.parametrize("name", [name for name in (*PERSONAS, *VARIANTS) if campaign.share(name, 4)])
def test_no_server_is_kept_from_its_trial(name: str) -> None:
    """Whatever is wrong with it: only what refuses right signatures over and over is not put on trial."""
    row = PERSONAS.get(name) or VARIANTS[name]
    readings = {key.replace("-", "_"): choice for key, choice in row.readings.items()}
    stage = Stage(row.change(CORRECT), **readings)
    if not stage.session.tokens.b2b:
        return  # the preflight ends before, at the token
    check = rehearsed(stage.session)
    assert check.ok or not check.fatal, check.says


def test_one_request_is_enough_where_all_is_well() -> None:
    stage = Stage()
    before = len(stage.session.watched.records)
    check = rehearsed(stage.session)
    assert check.ok
    assert len(stage.session.watched.records) == before + 1
    assert not signature_refused(stage.session.watched.records[-1].exchange)
    assert stage.session.watched.records[-1].exchange.request.path.endswith("/refund")
