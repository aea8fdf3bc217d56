"""The checklist as data: complete, unmistakable, and what a plan makes of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kki.certify import checklist as checklists
from kki.certify.checklist import Step, implemented
from kki.edges.contract import data_root
from kki.edges.errors import ConfigurationError
from kki.edges.settings import PLAN
from kki.model.requirement import Party

from .trial import CHECKLIST, CONTRACT

STEPS = list(CHECKLIST)
TROUBLES = [step for step in STEPS if step.kind == "survive"]
# Issue 4 of this project names these; written down here by hand.
TO_BE_SEEN = {
    "b2b-token", "b2b-reuse", "b2b2c-token", "payment-cpan", "payment-cpan-tokenise", "payment-token",
    "payment-recurring", "bind-dh", "otp-page", "bind-h2h", "unbind", "refund",
}  # fmt: skip
TO_BE_SURVIVED = {
    "expired-token": (401, "01"), "wrong-otp": (404, "15"), "insufficient-funds": (403, "14"),
    "card-blocked": (403, "07"), "conflict": (409, "00"), "duplicate": (409, "01"), "too-many-requests": (429, "00"),
    "server-error": (500, "00"), "gateway-timeout": (504, "00"), "no-reply": None, "unknown-case": (403, "77"),
    "extra-members": None, "slow-reply": None, "closed-connection": None,
}  # fmt: skip


def test_every_step_that_was_asked_for_is_there() -> None:
    assert {step.id for step in STEPS if step.kind == "do"} == TO_BE_SEEN
    assert {step.id for step in TROUBLES} == set(TO_BE_SURVIVED)


@pytest.mark.parametrize("step", TROUBLES, ids=lambda step: step.id)
def test_a_trouble_is_answered_with_its_code(step: Step) -> None:
    code = TO_BE_SURVIVED[step.id]
    assert step.answer is not None
    assert (step.answer.kind == "refusal") == (code is not None)
    if code is not None:
        assert (step.answer.status, step.answer.case) == code
        known = code in CONTRACT.cases
        assert known != (step.id == "unknown-case"), f"{code} is {'not ' if not known else ''}in the case table"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_a_step_names_clients_requirements_and_features_of_the_plan(step: Step) -> None:
    rows = [CONTRACT.requirements[name] for name in step.requirements]
    assert rows, "a step puts something to the test"
    assert {row.party for row in rows} == {Party.CLIENT}
    assert set(step.needs) <= set(PLAN)


@pytest.mark.parametrize("step", TROUBLES, ids=lambda step: step.id)
def test_how_to_meet_a_trouble_is_told_with_its_values(step: Step) -> None:
    assert step.meets is not None
    for value in (step.meets.reference, step.meets.cpan):
        assert value in step.how
    if not step.meets.natural:
        assert len(step.meets.reference) <= 20, "twelve of the reference's 32 characters are the merchant's own"
        assert len(step.meets.cpan) == 19


def test_no_trouble_can_be_mistaken_for_another() -> None:
    names = [step.meets.reference for step in TROUBLES if step.meets and step.meets.reference]
    cpans = [step.meets.cpan for step in TROUBLES if step.meets and step.meets.cpan]
    assert len(set(cpans)) == len(cpans)
    assert [one for one in names if sum(other.startswith(one) for other in names) > 1] == []


@pytest.mark.parametrize(
    "step", [step for step in TROUBLES if step.meets and not step.meets.natural], ids=lambda step: step.id
)
def test_a_trouble_is_met_by_its_reference_and_by_its_cpan(step: Step) -> None:
    assert step.meets is not None
    by_reference = {"partnerReferenceNo": step.meets.reference + "0042", "bankCardToken": "whatever"}
    by_cpan = {"partnerReferenceNo": "INV-0042", "chargeToken": step.meets.cpan}
    assert CHECKLIST.met_by("payment", by_reference) == step
    assert CHECKLIST.met_by("payment", by_cpan) == step
    assert CHECKLIST.met_by("refund", by_reference) is None
    assert CHECKLIST.met_by("payment", by_cpan, own_cpan=step.meets.cpan) is None


@pytest.mark.parametrize("reference", ["INV-0001", "", None, 7, ["CONFLICT"], "conflict-1", " CONFLICT1"])
def test_other_references_meet_none(reference: object) -> None:
    assert CHECKLIST.met_by("payment", {"partnerReferenceNo": reference}) is None


def test_without_a_plan_everything_is_mandatory() -> None:
    assert CHECKLIST.mandatory({}) == {step.id for step in STEPS}


@pytest.mark.parametrize(
    ("plan", "gone", "kept"),
    [
        ({"refund": False}, {"refund"}, {"unbind", "payment-cpan"}),
        ({"bind_dh": False}, {"bind-dh", "otp-page"}, {"bind-h2h"}),
        ({"payment_cpan": False, "payment_cpan_tokenise": False}, {"payment-cpan", "wrong-otp"}, {"card-blocked"}),
        (dict.fromkeys(PLAN, False), TO_BE_SEEN - {"b2b-token", "b2b-reuse"} | set(TO_BE_SURVIVED), {"b2b-token"}),
    ],
)
def test_the_plan_decides_what_is_mandatory(plan: dict[str, bool], gone: set[str], kept: set[str]) -> None:
    mandatory = CHECKLIST.mandatory(plan)
    assert not mandatory & gone
    assert kept <= mandatory


def test_the_plan_decides_which_requirements_are_in_scope() -> None:
    whole = CHECKLIST.in_scope(CONTRACT, {})
    clients = {row.id for row in CONTRACT.requirements.values() if row.party is Party.CLIENT}
    assert whole == clients
    left_out = whole - CHECKLIST.in_scope(CONTRACT, {"refund": False})
    assert "KKI-RFD-010" in left_out
    assert "KKI-HDR-070" in left_out
    assert {name.split("-")[1] for name in left_out} == {"RFD", "HDR", "BEH"}


def test_every_row_that_a_scope_names_is_a_clients() -> None:
    clients = {row.id for row in CONTRACT.requirements.values() if row.party is Party.CLIENT}
    named = [row for scope in CHECKLIST.scopes for row in scope.rows]
    assert named
    unknown = [row for row in named if not row.endswith("*") and row not in clients]
    assert unknown == []
    assert all(any(name.startswith(row[:-1]) for name in clients) for row in named if row.endswith("*"))


def test_no_need_is_always_met() -> None:
    assert implemented({}, ())
    assert implemented(dict.fromkeys(PLAN, False), ())
    assert not implemented({"refund": False}, ("refund",))
    assert implemented({"refund": False}, ("refund", "unbind"))


def a_copy(folder: Path, old: str, new: str) -> Path:
    """The contract's folder with one text of the checklist changed."""
    shutil.copytree(data_root() / "schemas", folder / "schemas")
    text = (data_root() / "checklist.toml").read_text("utf-8")
    assert old in text
    (folder / "checklist.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('kind = "do"', 'kind = "done"', "kind"),
        ('id = "b2b-reuse"', 'id = "b2b-token"', "b2b-token twice"),
        ('needs = ["refund"]', 'needs = ["refunds"]', "refunds"),
        ("once = true", "onec = true", "onec"),
    ],
)
def test_a_mistake_in_the_data_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checklists.load(a_copy(tmp_path, old, new))
    assert any("checklist.toml" in problem and says in problem for problem in caught.value.problems)
