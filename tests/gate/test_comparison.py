"""Two runs side by side: what counts as worse, and what is only told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kki import comparison
from kki.model.exchange import Exchange, Record
from kki.model.http import Request, Response
from kki.model.run import CaseResult, RequirementResult, Run

from .made import NOON, finding, row, run

PATHS = {"/pay": "payment", "/refund": "refund"}


def record(path: str, status: int, body: Any, milliseconds: float = 5.0) -> Record:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    exchange = Exchange(
        id="x1",
        request=Request(method="POST", target=path),
        response=Response(status=status, body=data),
        sent_at=NOON,
        answered_at=NOON + timedelta(milliseconds=milliseconds),
    )
    return Record(exchange=exchange, made_by="test")


def one(state: str, **changes: Any) -> Run:
    found = (finding(),) if state in ("violated", "warned") else ()
    return run(row("KKI-SIG-110", state, *found, **changes), operations=PATHS)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("holds", "violated", "newly_broken"),
        ("not-exercised", "violated", "newly_broken"),
        ("warned", "violated", "newly_broken"),
        ("violated", "holds", "fixed"),
        ("holds", "not-exercised", "stopped"),
        ("holds", "unknown", "stopped"),
        ("violated", "not-applicable", "stopped"),
        ("holds", "warned", "warned"),
        ("not-exercised", "unknown", "undecided"),
        ("holds", "holds", ""),
        ("not-exercised", "holds", ""),
        ("violated", "violated", ""),
    ],
)
def test_each_change_has_its_kind(old: str, new: str, kind: str) -> None:
    found = comparison.compare(one(old), one(new))
    kinds = ("newly_broken", "broken_elsewhere", "stopped", "fixed", "warned", "undecided")
    shown = {name for name in kinds if getattr(found, name)}
    assert shown - {"undecided"} == ({kind} - {"", "undecided"})
    assert bool(found.undecided) is (new in ("unknown", "not-exercised"))
    assert found.regressed is (kind in ("newly_broken", "stopped"))


def test_a_sentence_says_how_it_was_and_is() -> None:
    change = comparison.compare(one("holds"), one("violated")).newly_broken[0]
    assert change.said == "holds before, violated now; status: got HTTP 200, expected HTTP 401"
    assert (change.requirement, change.exchange) == ("KKI-SIG-110", "x7")


def test_a_violation_in_a_further_place_is_worse() -> None:
    wider = run(row("KKI-SIG-110", "violated", finding(), finding("reply /responseCode", exchange="x9")))
    found = comparison.compare(one("violated"), wider)
    assert [(each.said, each.exchange) for each in found.broken_elsewhere] == [
        ("violated before, and now in reply /responseCode too", "x9")
    ]
    assert found.regressed
    assert not comparison.compare(wider, one("violated")).regressed


@pytest.mark.parametrize("gone", [(), (row("KKI-SIG-110", "holds", in_scope=False),)])
def test_what_left_the_run_has_stopped_being_tried(gone: tuple[RequirementResult, ...]) -> None:
    found = comparison.compare(one("holds"), run(*gone))
    assert [each.requirement for each in found.stopped] == ["KKI-SIG-110"]
    assert found.regressed


def test_what_was_never_in_scope_has_not_stopped() -> None:
    assert not comparison.compare(one("holds", in_scope=False), one("not-exercised")).regressed


def test_differences_of_the_runs_themselves_are_said_first() -> None:
    other = replace(one("holds"), level="quick", partial=True)
    assert comparison.compare(one("holds"), other).before == (
        "level: standard before, quick now",
        "the new run is partial: it was interrupted, or something in it failed",
    )


def test_cases_that_are_not_made_any_more() -> None:
    def case(title: str, outcome: str = "passed") -> CaseResult:
        return CaseResult(id=title, title=title, outcome=outcome)

    old = replace(one("holds"), cases=(case("a"), case("b"), case("c"), case("d", "skipped")))
    new = replace(one("holds"), cases=(case("a", "failed"), case("c", "skipped")))
    assert comparison.compare(old, new).cases_gone == ("b", "c")


def test_changed_replies_are_told_and_do_not_fail() -> None:
    old = [
        record("/pay", 200, {"responseCode": "2005400", "amount": {"value": "1"}, "list": [1]}),
        record("/pay?x=1", 200, {"responseCode": "2005400", "gone": True}),
        record("/pay", 404, {"a": 1}),
        record("/elsewhere", 200, {"never": "told"}),
    ]
    new = [
        record("/pay", 200, {"responseCode": 2005401, "amount": {"value": 1, "currency": "IDR"}, "list": ["x", None]}),
        record("/refund", 200, {"only": "now"}),
        record("/pay", 500, b"<html>"),
    ]
    found = comparison.compare(one("holds"), one("holds"), old, new)
    assert [(each.reply, each.member, each.kind, each.old, each.new) for each in found.shapes] == [
        ("payment 200", "/amount/currency", "new", "", "string"),
        ("payment 200", "/amount/value", "retyped", "string", "number"),
        ("payment 200", "/gone", "vanished", "boolean", ""),
        ("payment 200", "/list/*", "retyped", "number", "null|string"),
        ("payment 200", "/responseCode", "retyped", "string", "number"),
    ]
    assert found.new_codes == ("payment 2005401",)
    assert found.gone_codes == ("payment 2005400",)
    assert not found.regressed


def test_latency_is_by_operation_and_a_reply_that_never_came_has_none() -> None:
    silent = record("/pay", 200, {})
    silent = replace(silent, exchange=replace(silent.exchange, answered_at=None))
    old = [record("/pay", 200, {}, 10.0 + n / 10) for n in range(20)] + [silent]
    new = [record("/pay", 200, {}, 30.0 + n / 10) for n in range(20)]
    found = comparison.compare(one("holds"), one("holds"), old, new)
    assert found.latency["payment"].old_count == 20
    assert found.latency["payment"].new_median == pytest.approx(30.95)
    assert found.latency["payment"].matters
    assert comparison.as_json(found)["latency"]["payment"]["matters"] is True
    json.dumps(comparison.as_json(found))  # one document, no value of ours in it


@pytest.mark.parametrize("body", [b"\xff", b"[" * 100_000, b"", b'{"a":NaN}', b'{"responseCode":["x"]}'])
def test_any_reply_can_be_compared(body: bytes) -> None:
    found = comparison.compare(one("holds"), one("holds"), [record("/pay", 200, body)], [record("/pay", 200, body)])
    assert (found.shapes, found.new_codes) == ((), ())


def test_another_way_to_break_the_same_row_is_worse_if_it_was_tried_before() -> None:
    old = one("holds")
    first, second = (finding(exchange=name, situation=f"payment, {name}") for name in ("x1", "x2"))
    was, now = run(row("KKI-SIG-110", "violated", first)), run(row("KKI-SIG-110", "violated", first, second))
    tried = comparison.Traffic(situations={"x1": "payment, x1", "x2": "payment, x2"})
    made = set(tried.situations.values())
    assert list(comparison._places(was.requirements[0], now.requirements[0], made)) == ["status (payment, x2)"]
    assert not comparison.compare(was, now).regressed, "nobody knows whether the old run tried it"
    assert comparison.placed(old, {}) == old
