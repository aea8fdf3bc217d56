"""Relations between judgements that must hold whatever the rules say in particular."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from kki.drafting.mutations import ALL, EVERY, mutation
from kki.judge import Judge
from kki.model.exchange import Exchange
from kki.model.profile import Credentials, TestData
from kki.model.requirement import Party
from kki.model.verdict import Broken, Faulty, Holds, Unknown, Verdict
from kki.redaction import redactor_for
from kki.rules.knowledge import Knowledge

from .stage import CONTRACT, Stage, broken, held, knowledge, profile

SPOILED = ("signature in hexadecimal", "no X-TIMESTAMP", "1 MiB of text", "B2B token altered", "body that is null")


def a_recording() -> list[Exchange]:
    """A life: every operation as it should be, and a few that are spoiled, none of them accepted."""
    stage = Stage()
    for name in EVERY:
        stage.send(stage.a(name))
    for spoiling in SPOILED:
        stage.send(mutation(spoiling)(stage.a("payment")))
    return stage.exchanges


RECORDING = a_recording()


def judged(exchanges: list[Exchange], known: Knowledge | None = None) -> list[Verdict]:
    judge = Judge(known or knowledge(profile()))
    return [verdict for each in exchanges for verdict in judge.judge(each)] + list(judge.finish())


def test_judging_twice_says_the_same() -> None:
    assert judged(RECORDING) == judged(RECORDING)


def test_the_order_of_independent_exchanges_changes_nothing() -> None:
    """Two payments and a binding that share nothing but the token they were sent with."""
    stage = Stage()
    before = list(stage.exchanges)
    free = [stage.send(stage.a(name))[0] for name in ("payment", "bind", "payment")]

    def told(order: list[Exchange]) -> Counter[tuple[str, str, str]]:
        found = judged(before + order)
        return Counter((v.requirement, v.exchange, type(v.judgement).__name__) for v in found if v.exchange)

    expected = told(free)
    # What says "recovered after a malformed request", "differ from all before" is told of whoever came last.
    by_place = {"KKI-STA-220", "KKI-TOK-164", "KKI-ROB-330"}
    for order in ([free[2], free[1], free[0]], [free[1], free[0], free[2]]):
        differing = (told(order) - expected) + (expected - told(order))
        assert {name for name, _, _ in differing} <= by_place
        assert broken(judged(before + order)) == broken(judged(before + free)) == set()


def test_an_id_is_only_a_name() -> None:
    renamed = [replace(each, id=f"n{number}") for number, each in enumerate(RECORDING)]
    names = {f"n{number}": each.id for number, each in enumerate(RECORDING)}
    again = [replace(each, exchange=names.get(each.exchange, "")) for each in judged(renamed)]
    told = [(v.requirement, v.exchange, type(v.judgement)) for v in judged(RECORDING)]
    assert [(v.requirement, v.exchange, type(v.judgement)) for v in again] == told


def by_row(verdicts: list[Verdict]) -> dict[tuple[str, str], object]:
    return {(each.requirement, each.exchange): each.judgement for each in verdicts}


@pytest.mark.parametrize("known", ["everything", "nothing"])
def test_a_redacted_recording_is_never_judged_other_than_it_was(known: str) -> None:
    """What was hidden may make a judgement unknown; it never turns a pass into a violation, or the other way."""
    redactor = redactor_for(profile(), salt=bytes(16))
    hidden = [redactor.exchange(each) for each in RECORDING]
    later = knowledge(profile()) if known == "everything" else Knowledge(contract=CONTRACT, complete=False)
    clear, after = by_row(judged(RECORDING)), by_row(judged(hidden, later))
    for key, judgement in after.items():
        assert not isinstance(judgement, Faulty), key
        was = clear.get(key)
        if isinstance(judgement, Broken):
            assert isinstance(was, Broken), (key, judgement)
        if isinstance(judgement, Holds):
            assert not isinstance(was, Broken), key
    assert any(isinstance(each, Unknown) for each in after.values())


def test_what_is_not_known_is_unknown_and_never_a_pass() -> None:
    """Without the secret no signature is right or wrong; without the shared key no card data are."""
    poor = Knowledge(contract=CONTRACT, credentials=Credentials(), test_data=TestData(), complete=False)
    found = judged(RECORDING, poor)
    for name in ("KKI-SIG-010", "KKI-SIG-110", "KKI-CRD-010", "KKI-TOK-016"):
        said = {type(each.judgement) for each in found if each.requirement == name}
        assert said <= {Unknown}, name
    assert not broken(found, Party.SERVER)
    # What can be seen without any secret is seen.
    assert {"KKI-SIG-020", "KKI-HDR-010"} <= broken(found, Party.CLIENT)


def test_knowing_less_never_accuses_more() -> None:
    rich = by_row(judged(RECORDING))
    poor = by_row(judged(RECORDING, Knowledge(contract=CONTRACT, complete=False)))
    for key, judgement in poor.items():
        if isinstance(judgement, Broken):
            assert isinstance(rich.get(key), Broken), key


def test_a_rule_that_fails_is_our_fault_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise RuntimeError("a rule of ours")

    stage = Stage()
    exchange, before = stage.send(stage.a("payment"))
    judge = Judge(knowledge(stage.plan))
    target = next(each for each in judge.rules if each.id == "KKI-RSP-210")
    judge.rules = tuple(replace(each, judge=fails) if each is target else each for each in judge.rules)
    first = next(each for each in judge.detectors if each.client == "KKI-SIG-010")
    judge.detectors = tuple(replace(each, look=fails) if each is first else each for each in judge.detectors)
    found = {each.requirement: each.judgement for each in judge.judge(exchange)}
    faulty = {name for name, judgement in found.items() if isinstance(judgement, Faulty)}
    assert faulty == {"KKI-RSP-210", first.client, *first.servers}
    assert all("a rule of ours" in str(found[name]) for name in faulty)
    assert len(found) >= len({each.requirement for each in before})


def test_every_exchange_is_judged_on_both_sides() -> None:
    for operation in EVERY:
        stage = Stage()
        _, verdicts = stage.send(stage.a(operation))
        assert held(verdicts, Party.CLIENT)
        assert held(verdicts, Party.SERVER)
        names = [each.requirement for each in verdicts]
        assert len(names) == len(set(names)), "one judgement a row"


def test_no_verdict_quotes_a_secret() -> None:
    plan = profile()
    secrets = [plan.credentials.client_secret, plan.credentials.shared_key, plan.test_data.otp, plan.test_data.cpan]
    for spoiling in ALL:
        stage = Stage()
        _, verdicts = stage.send(spoiling(stage.a(spoiling.operations[0])))
        text = repr([each for each in verdicts if isinstance(each.judgement, Broken)])
        assert not [secret for secret in secrets if secret and secret in text], spoiling.name
