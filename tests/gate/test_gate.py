"""The four-cell rule, expiry, and that nothing is carried in silence."""

from __future__ import annotations

from datetime import date

import pytest

from kki.gate import Baseline, GateResult, Known, apply, listed, merged, sentence
from kki.model.requirement import Level
from kki.model.run import RequirementResult, as_json, from_json
from kki.model.verdict import Overall
from kki.redaction import Redactor

from .made import TODAY, finding, known, row, run


def gate(*known_: Known, rows: tuple[RequirementResult, ...], **changes: object) -> GateResult:
    return apply(Baseline(source="b.toml", known=known_), run(*rows, **changes), TODAY)


UNLISTED = "KKI-SIG-110 is violated and not in the baseline: status: expected HTTP 401; got HTTP 200 (x7)."
STALE = "b.toml: the entry for KKI-SIG-110 is stale: KKI-SIG-110 holds now. Take it out."
VIOLATED = row("KKI-SIG-110", "violated", finding())
HELD = row("KKI-SIG-110", "holds")


@pytest.mark.parametrize(
    ("state", "entries", "verdict", "says"),
    [
        (VIOLATED, [known("KKI-SIG-110")], Overall.CONFORMS, ""),
        (VIOLATED, [], Overall.DOES_NOT_CONFORM, UNLISTED),
        (HELD, [known("KKI-SIG-110")], Overall.DOES_NOT_CONFORM, STALE),
        (HELD, [], Overall.CONFORMS, ""),
    ],
    ids=["failing and listed", "failing and unlisted", "passing and listed", "passing and unlisted"],
)  # fmt: skip
def test_the_four_cells(state: RequirementResult, entries: list[Known], verdict: Overall, says: str) -> None:
    result = gate(*entries, rows=(state,))
    assert result.verdict is verdict
    assert list(result.failures) == ([says] if says else [])


def test_an_entry_is_good_through_its_last_day_and_fails_after_it() -> None:
    assert gate(known("KKI-SIG-110", expires=TODAY), rows=(VIOLATED,)).verdict is Overall.CONFORMS
    over = gate(known("KKI-SIG-110", expires=date(2026, 5, 31)), rows=(VIOLATED,))
    assert over.verdict is Overall.DOES_NOT_CONFORM
    assert over.failures[0] == "b.toml: the entry for KKI-SIG-110 expired on 2026-05-31."
    assert any("not in the baseline" in line for line in over.failures)
    assert gate(known("KKI-SIG-110", expires=date(2026, 5, 31)), rows=(HELD,)).verdict is Overall.DOES_NOT_CONFORM


def test_an_entry_covers_only_the_finding_that_it_names() -> None:
    two = row("KKI-RSP-110", "violated", finding("status"), finding("reply /responseCode", "5005400", "x9"))
    half = gate(known("KKI-RSP-110", "status"), rows=(two,))
    assert [line for line in half.failures if "reply /responseCode" in line and "(x9)" in line]
    assert len(half.failures) == 1
    both = gate(known("KKI-RSP-110", "status"), known("KKI-RSP-110", "reply /responseCode"), rows=(two,))
    assert both.verdict is Overall.CONFORMS
    other = gate(known("KKI-RSP-110"), known("KKI-RSP-110", "header Date"), rows=(two,))
    assert other.failures == (
        'b.toml: the entry for KKI-RSP-110 (header Date) is stale: '
        "KKI-RSP-110 is violated, but not in this way any more. Take it out.",
    )


def test_what_became_a_warning_needs_no_entry() -> None:
    result = gate(known("KKI-SIG-110"), rows=(row("KKI-SIG-110", "warned", finding()),))
    assert "is no violation but a warning now" in result.failures[0]


@pytest.mark.parametrize("state", ["unknown", "not-exercised", "not-applicable"])
def test_nobody_says_stale_of_what_was_not_decided(state: str) -> None:
    result = gate(known("KKI-SIG-110"), rows=(row("KKI-SIG-110", state),))
    assert result.failures == ()
    assert result.untold == ("b.toml: this run cannot say whether KKI-SIG-110 still holds.",)
    assert result.verdict is (Overall.CONFORMS if state == "not-applicable" else Overall.INCOMPLETE)


def test_a_partial_run_opens_no_gate_and_calls_nothing_stale() -> None:
    result = gate(known("KKI-SIG-110"), rows=(HELD,), partial=True)
    assert (result.failures, result.verdict) == ((), Overall.INCOMPLETE)


def test_what_is_out_of_scope_neither_fails_nor_is_stale() -> None:
    result = gate(known("KKI-SIG-110"), rows=(row("KKI-SIG-110", "violated", finding(), in_scope=False),))
    assert (result.failures, len(result.untold), result.verdict) == ((), 1, Overall.CONFORMS)


def test_a_faulty_rule_opens_no_gate() -> None:
    assert gate(rows=(row("KKI-SIG-110", "faulty", level=Level.MAY),)).verdict is Overall.INCOMPLETE


def test_what_is_carried_stands_in_the_run_and_in_its_file() -> None:
    result = gate(known("KKI-SIG-110"), rows=(VIOLATED, row("KKI-SIG-120")), overall=Overall.DOES_NOT_CONFORM)
    assert result.run.notes == (
        "KKI-SIG-110 (MUST) is violated and carried by the baseline: ticket 123 (owner payments, until 2026-12-31).",
    )
    assert result.run.overall is Overall.DOES_NOT_CONFORM  # the gate opens; the server conforms no better for it
    again = from_json(as_json(result.run))
    assert [each.carried for each in again.requirements] == ["ticket 123 (owner payments, until 2026-12-31)", None]


def test_twenty_findings_may_hide_another() -> None:
    many = row("KKI-SIG-110", "violated", *(finding(exchange=f"x{n}") for n in range(20)))
    assert "has more findings than a run keeps (20)" in gate(known("KKI-SIG-110", "status"), rows=(many,)).failures[0]
    assert gate(known("KKI-SIG-110"), rows=(many,)).verdict is Overall.CONFORMS


def test_a_baseline_written_from_a_run_carries_exactly_that_run() -> None:
    rows = (
        row("KKI-RSP-110", "violated", finding("status"), finding("status", exchange="x8"), finding("reply /a")),
        row("KKI-SIG-110", "violated", *(finding(exchange=f"x{n}") for n in range(20))),
        row("KKI-SIG-120", "warned", finding()),
        row("KKI-SIG-130"),
    )
    entries = listed(run(*rows), reason="r", owner="o", expires=TODAY)
    assert [(each.requirement, each.finding) for each in entries] == [
        ("KKI-RSP-110", "status: "), ("KKI-RSP-110", "reply /a: "), ("KKI-SIG-110", ""),
    ]  # fmt: skip
    assert gate(*entries, rows=rows).verdict is Overall.CONFORMS


def test_merging_keeps_the_reasons_that_stand() -> None:
    now = run(
        row("KKI-RSP-110", "violated", finding("status"), finding("reply /a")),
        row("KKI-SIG-110", "violated", finding()),
    )
    old = (known("KKI-SIG-110", reason="mine"), known("KKI-RSP-110", "reply /a"))
    whole = merged(old, now, listed(now, reason="new", owner="o", expires=TODAY))
    assert [(each.requirement, each.finding, each.reason) for each in whole] == [
        ("KKI-SIG-110", "", "mine"), ("KKI-RSP-110", "reply /a", "ticket 123"), ("KKI-RSP-110", "status: ", "new"),
    ]  # fmt: skip


def test_the_sentence_of_a_finding_leaves_the_diagnosis_out() -> None:
    assert (
        sentence(finding("body /otp", "9 characters", expected="at most 8"))
        == "body /otp: expected at most 8; got 9 characters"
    )


def test_the_redactor_leaves_the_gates_sentences_whole() -> None:
    held = row("KKI-SIG-110", "holds")
    sentences = gate(known("KKI-SIG-110", "header X-SIGNATURE: "), rows=(held,)).failures
    assert [Redactor(salt=b"s").text(each) for each in sentences] == [
        "b.toml: the entry for KKI-SIG-110 (header X-SIGNATURE) is stale: KKI-SIG-110 holds now. Take it out."
    ]


def test_a_new_fault_of_the_row_does_not_hide_behind_an_entry() -> None:
    first = finding(situation="payment, signature of rubbish")
    second = finding(exchange="x9", situation="refund, signed over an empty body")
    entries = listed(run(row("KKI-SIG-110", "violated", first)), reason="r", owner="o", expires=TODAY)
    assert gate(*entries, rows=(row("KKI-SIG-110", "violated", first),)).verdict is Overall.CONFORMS
    worse = gate(*entries, rows=(row("KKI-SIG-110", "violated", first, second),))
    assert worse.failures == (
        "KKI-SIG-110 is violated and not in the baseline: status: expected HTTP 401; got HTTP 200 "
        "(refund, signed over an empty body; x9).",
    )


def test_an_entry_for_a_situation_that_was_not_made_is_not_stale() -> None:
    entry = known("KKI-SIG-110", situation="refund, signature of rubbish")
    held = run(row("KKI-SIG-110", "violated", finding(situation="payment, signature of rubbish")))
    baseline = Baseline(source="b.toml", known=(entry, known("KKI-SIG-110", situation="payment, signature of rubbish")))
    assert apply(baseline, held, TODAY, {"payment, signature of rubbish"}).failures == ()
    assert "stale" in apply(baseline, held, TODAY, {entry.situation}).failures[0]
