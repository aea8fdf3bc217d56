"""The judge's own conduct: order, memory, what a failing rule becomes. What rules say is tested elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kki import judge as judging
from kki.edges import contract as contracts
from kki.edges import settings
from kki.judge import Judge
from kki.model.exchange import Exchange
from kki.model.http import Headers, Request, Response
from kki.model.requirement import Party
from kki.model.verdict import Broken, Faulty, Finding, Holds, Judgement, NotApplicable, Unknown, Verdict
from kki.rules.faults import NOBODY
from kki.rules.knowledge import Knowledge

CONTRACT = contracts.load()
PROFILE = settings.built_in_profile(CONTRACT)
UNBIND = "/direct-debit/core/v1/registration-card-unbind"
NOON = datetime(2026, 5, 26, 5, 0, tzinfo=UTC)


def knowledge(**readings: str) -> Knowledge:
    named = {name.replace("_", "-"): choice for name, choice in readings.items()}
    return Knowledge(
        contract=CONTRACT, credentials=PROFILE.credentials, readings=named, test_data=PROFILE.test_data,
        limits=PROFILE.limits, other_partner=PROFILE.other_partner,
    )  # fmt: skip


def exchange(name: str = "x1", body: bytes = b'{"tokenId":"t"}', status: int = 401, **headers: str) -> Exchange:
    """An unsigned unbinding, refused as it should be."""
    given = {
        "Content-Type": "application/json", "X-TIMESTAMP": "2026-05-26T12:00:00+07:00",
        "X-PARTNER-ID": str(PROFILE.credentials.client_id), "X-EXTERNAL-ID": "e1", "Authorization": "Bearer t",
        **{key.replace("_", "-"): value for key, value in headers.items()},
    }  # fmt: skip
    reply = b'{"responseCode":"4010500","responseMessage":"Unauthorized. Signature"}'
    return Exchange(
        id=name,
        request=Request(method="POST", target=UNBIND, headers=Headers.of(given), body=body),
        response=Response(status=status, headers=Headers.of({"Content-Type": "application/json"}), body=reply),
        sent_at=NOON,
        answered_at=NOON + timedelta(milliseconds=20),
    )


def said(verdicts: tuple[Verdict, ...], requirement: str) -> Judgement | None:
    found = [verdict.judgement for verdict in verdicts if verdict.requirement == requirement]
    assert len(found) <= 1, f"{requirement} was judged {len(found)} times"
    return found[0] if found else None


# --- one judgement a row --------------------------------------------------------------------------------

F1, F2 = (Finding(where=name, expected="a", actual="b") for name in ("one", "two"))
IN_ORDER = (NotApplicable(), Holds(), Unknown("x"), Broken((F1,)), Faulty("t"))


def noted(*judgements: Judgement | None, name: str | None = "KKI-SIG-010") -> dict[str, Judgement]:
    sheet = judging._Sheet()
    for judgement in judgements:
        sheet.note(name, judgement)
    return sheet.rows


@pytest.mark.parametrize("weak", range(5))
@pytest.mark.parametrize("strong", range(5))
def test_the_stronger_of_two_judgements_stands(weak: int, strong: int) -> None:
    if weak < strong:
        for pair in ((IN_ORDER[weak], IN_ORDER[strong]), (IN_ORDER[strong], IN_ORDER[weak])):
            assert noted(*pair) == {"KKI-SIG-010": IN_ORDER[strong]}


def test_of_two_equally_strong_the_first_stands() -> None:
    assert noted(Unknown("first"), Unknown("second")) == {"KKI-SIG-010": Unknown("first")}


def test_broken_twice_joins_the_findings_in_order() -> None:
    assert noted(Broken((F1,)), Broken((F2,))) == {"KKI-SIG-010": Broken((F1, F2))}


def test_what_is_nobodys_or_nothing_is_not_noted() -> None:
    assert noted(Holds(), name=None) == {}
    assert noted(Holds(), name=NOBODY) == {}
    assert noted(None) == {}


# --- one exchange ---------------------------------------------------------------------------------------


def test_a_refused_unsigned_request_breaks_the_client_and_clears_the_server() -> None:
    verdicts = Judge(knowledge()).judge(exchange())
    assert isinstance(said(verdicts, "KKI-HDR-020"), Broken)
    assert isinstance(said(verdicts, "KKI-HDR-120"), Holds)
    assert isinstance(said(verdicts, "KKI-RSP-220"), Holds)


def test_verdicts_name_exchange_and_party() -> None:
    verdicts = Judge(knowledge()).judge(exchange("x77"))
    assert {verdict.exchange for verdict in verdicts} == {"x77"}
    for verdict in verdicts:
        assert verdict.party is CONTRACT.requirements[verdict.requirement].party


def test_an_accepted_unsigned_request_breaks_the_server() -> None:
    reply = b'{"responseCode":"2000500","responseMessage":"Successful"}'
    accepted = exchange(status=200)
    accepted = replace(accepted, response=replace(accepted.response, body=reply))
    verdicts = Judge(knowledge()).judge(accepted)
    assert isinstance(said(verdicts, "KKI-HDR-120"), Broken)


def test_a_wrong_shape_breaks_the_client_and_a_refusal_for_another_cause_says_nothing_of_the_server() -> None:
    verdicts = Judge(knowledge()).judge(exchange(body=b'{"tokenId":7}', X_SIGNATURE="x"))
    assert isinstance(said(verdicts, "KKI-UNB-012"), Broken)
    assert said(verdicts, "KKI-UNB-112") is None


def test_a_reply_is_judged_by_shape_too() -> None:
    wrong = exchange(status=200)
    wrong = replace(wrong, response=replace(wrong.response, body=b'{"responseCode":"2000500","referenceNo":7}'))
    verdicts = Judge(knowledge()).judge(wrong)
    assert isinstance(said(verdicts, "KKI-UNB-214"), Broken)
    assert isinstance(said(verdicts, "KKI-UNB-212"), Broken)
    assert isinstance(said(verdicts, "KKI-UNB-210"), Holds)


def test_the_judge_remembers_between_exchanges() -> None:
    judge = Judge(knowledge())
    first = judge.judge(exchange("x1"))
    second = judge.judge(exchange("x2"))
    assert not isinstance(said(first, "KKI-HDR-040"), Broken)
    assert isinstance(said(second, "KKI-HDR-040"), Broken)


def test_judges_do_not_share_their_memory() -> None:
    Judge(knowledge()).judge(exchange("x1"))
    assert not isinstance(said(Judge(knowledge()).judge(exchange("x2")), "KKI-HDR-040"), Broken)


# --- what fails is ours ---------------------------------------------------------------------------------


def test_a_request_that_cannot_be_looked_at_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "look", lambda *_: 1 / 0)
    (verdict,) = Judge(knowledge()).judge(exchange("x5"))
    assert (verdict.requirement, verdict.exchange, verdict.party) == ("KKI-ROB-320", "x5", Party.SERVER)
    assert isinstance(verdict.judgement, Faulty)
    assert "ZeroDivisionError" in verdict.judgement.trace


def failing(*_: object) -> None:
    raise RuntimeError("a rule of ours")


def test_a_rule_that_fails_is_faulty_and_the_others_go_on() -> None:
    judge = Judge(knowledge())
    rules = {rule.id: rule for rule in judge.rules}
    judge.rules = (replace(rules["KKI-RSP-220"], judge=failing), rules["KKI-RSP-210"])
    verdicts = judge.judge(exchange())
    assert "a rule of ours" in said(verdicts, "KKI-RSP-220").trace  # type: ignore[union-attr]
    assert isinstance(said(verdicts, "KKI-RSP-210"), Holds)


def test_a_rule_for_other_operations_is_not_asked() -> None:
    judge = Judge(knowledge())
    rule = next(rule for rule in judge.rules if rule.id == "KKI-RSP-220")
    judge.rules = (replace(rule, operations=("bind",), judge=failing),)
    assert said(judge.judge(exchange()), "KKI-RSP-220") is None
    judge.rules = (replace(rule, operations=("bind", "unbind"), judge=failing),)
    assert isinstance(said(judge.judge(exchange("x2")), "KKI-RSP-220"), Faulty)


def test_a_detector_that_fails_makes_all_its_rows_faulty() -> None:
    judge = Judge(knowledge())
    broken = next(each for each in judge.detectors if "unbind" in each.operations and each.servers)
    judge.detectors = (replace(broken, look=failing),)
    verdicts = judge.judge(exchange())
    for name in (broken.client, *broken.servers):
        if name != NOBODY:
            assert isinstance(said(verdicts, str(name)), Faulty), name


def test_a_detector_for_other_operations_is_not_asked() -> None:
    judge = Judge(knowledge())
    broken = next(each for each in judge.detectors if "unbind" in each.operations and each.servers)
    judge.detectors = (replace(broken, operations=("bind",), look=failing),)
    faulty = [verdict for verdict in judge.judge(exchange()) if isinstance(verdict.judgement, Faulty)]
    assert faulty == []


@pytest.mark.parametrize(("method", "row"), [("of_request", "KKI-FLD-020"), ("of_reply", "KKI-ROB-320")])
def test_a_shape_that_cannot_be_judged_is_our_fault(monkeypatch: pytest.MonkeyPatch, method: str, row: str) -> None:
    judge = Judge(knowledge())
    monkeypatch.setattr(judge.shapes, method, failing)
    assert isinstance(said(judge.judge(exchange()), row), Faulty)


def test_an_ending_that_fails_is_faulty() -> None:
    judge = Judge(knowledge())
    judge.endings = (replace(judge.endings[0], at_end=failing),)
    judge.judge(exchange())
    verdicts = judge.finish()
    assert isinstance(said(verdicts, judge.endings[0].id), Faulty)
    assert {verdict.exchange for verdict in verdicts} == {""}


# --- what is not known ----------------------------------------------------------------------------------


def test_without_the_secret_the_signature_stays_unknown() -> None:
    known = replace(knowledge(), credentials=replace(PROFILE.credentials, client_secret=None))
    verdicts = Judge(known).judge(exchange(X_SIGNATURE="c2lnbmF0dXJl"))
    unknown = [verdict for verdict in verdicts if isinstance(verdict.judgement, Unknown)]
    assert unknown
    assert any("secret" in verdict.judgement.missing for verdict in unknown)  # type: ignore[union-attr]


def test_rules_of_a_reading_that_is_not_in_force_are_left_out() -> None:
    names = {rule.id for rule in Judge(knowledge()).rules}
    assert {"KKI-SIG-160", "KKI-BND-220", "KKI-BND-222"} <= names
    fewer = {rule.id for rule in Judge(knowledge(body_canonical_form="as-sent", channel_default="none")).rules}
    assert names - fewer == {"KKI-SIG-160", "KKI-BND-220"}


def test_rules_on_one_exchange_and_rules_on_the_whole_trail_are_kept_apart() -> None:
    judge = Judge(knowledge())
    assert judge.rules
    assert judge.endings
    assert all(rule.judge is not None for rule in judge.rules)
    assert all(rule.at_end is not None for rule in judge.endings)


# --- what is handed on ----------------------------------------------------------------------------------


def test_an_ending_gets_the_trail_and_the_knowledge() -> None:
    judge = Judge(knowledge())
    ending = judge.endings[0]
    judge.endings = (
        replace(ending, at_end=lambda trail, known: Unknown(f"{trail is judge.trail} {known is judge.knowledge}")),
    )
    assert said(judge.finish(), ending.id) == Unknown("True True")


def test_what_is_left_over_at_the_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge(knowledge())
    judge.endings = ()
    monkeypatch.setattr(
        judging.behaviour, "leftovers", lambda trail: {"KKI-HDR-040": Unknown(str(trail is judge.trail))}
    )
    assert said(judge.finish(), "KKI-HDR-040") == Unknown("True")


@pytest.mark.parametrize(
    ("body", "step", "marks"),
    [
        (b'{"tokenId":"t"}', None, []),
        (b'{"tokenId":', None, ["unreadable"]),
        (b'{"tokenId":"t"}', "padding", ["card data:padding"]),
        (b'{"tokenId":', "padding", ["unreadable", "card data:padding"]),
    ],
)
def test_the_trail_is_told_what_an_exchange_was(
    monkeypatch: pytest.MonkeyPatch, body: bytes, step: str | None, marks: list[str]
) -> None:
    told: list[tuple[object, ...]] = []
    monkeypatch.setattr(judging.Trail, "add", lambda _trail, *given: told.append(given))
    monkeypatch.setattr(judging, "failed_step", lambda _scene: step)
    known = knowledge()
    Judge(known).judge(exchange(body=body))
    ((view, given, kept),) = told
    assert view.exchange.id == "x1"  # type: ignore[attr-defined]
    assert given == known
    assert list(kept) == marks  # type: ignore[call-overload]


def test_fetched_tokens_are_noted_in_the_judges_own_trail(monkeypatch: pytest.MonkeyPatch) -> None:
    noted_in: list[object] = []
    monkeypatch.setattr(judging.habits, "note_fetch", lambda _view, trail: noted_in.append(trail))
    judge = Judge(knowledge())
    judge.judge(exchange())
    assert noted_in == [judge.trail]


def test_a_member_that_was_hidden_may_explain_any_refusal_of_a_field(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge(knowledge())
    seen: list[object] = []
    found = judging.Found()
    found.unknown.append("otp")
    monkeypatch.setattr(judge.shapes, "of_request", lambda *_: found)
    judge.detectors = ()
    judge.rules = (replace(judge.rules[0], operations=(), judge=lambda scene: seen.extend(scene.found.unknown)),)
    judge.judge(exchange())
    assert seen == [(frozenset({(400, "*")}), "otp, which was hidden when the recording was made", "shape.otp")]
