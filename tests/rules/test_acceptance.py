"""A correct request that is refused all the same: which row that breaks, by what is special about the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kki.drafting import drafts
from kki.drafting.drafts import Draft
from kki.drafting.mutations import ALL
from kki.model.http import Response
from kki.model.requirement import Party
from kki.model.verdict import Broken, Holds, Unknown, Verdict
from kki.simulator.persona import ids

from .stage import Stage, refused

ROWS = ids(
    "SIG-160 SIG-170 FLD-130 FLD-140 PAY-150 PAY-152 PAY-154 PAY-156 BND-150 BND-152 BND-154 UNB-150 RFD-150 TOK-160 "
    "TOK-162 TOK-164"
)
HARMLESS = {each.name: each for each in ALL if not each.breaks}
Specimen = Callable[[Stage], Draft]


def payment(variant: str, **marks: object) -> Specimen:
    def make(stage: Stage) -> Draft:
        draft = drafts.a_payment(stage.session.kit(), variant)
        return draft.having(additionalInfo=marks) if marks else draft

    return make


def binding(channel: str | None) -> Specimen:
    return lambda stage: drafts.a_binding(stage.session.kit(), channel)


def of(operation: str, mutation: str = "") -> Specimen:
    return lambda stage: HARMLESS[mutation](stage.a(operation)) if mutation else stage.a(operation)


def told(stage: Stage, specimen: Specimen, code: str, kind: type = Broken) -> set[str]:
    """The rows of acceptance of which this is said. `code`: of the reply; none: as the correct simulator has it."""
    taken = stage.client.send(specimen(stage), f"r{stage.judge.trail.count}")
    return rows(stage.judge.judge(refused(taken, code) if code else taken), kind)


def rows(verdicts: tuple[Verdict, ...], kind: type) -> set[str]:
    mine = (each for each in verdicts if each.party is Party.SERVER and each.requirement in ROWS)
    return {each.requirement.removeprefix("KKI-") for each in mine if isinstance(each.judgement, kind)}


CPAN, TOKEN = "PAY-150 PAY-152", "PAY-154 PAY-156"  # by its shape a body is a specimen of both (contradictions 1, 2)
# Specimen; the rows that its success shows to hold; then replies, and the rows that each breaks.
CASES: dict[str, tuple[Specimen, str, dict[str, str]]] = {
    "cpan": (payment("cpan"), CPAN, {"4005402": CPAN, "4045401": CPAN, "4015401": f"{CPAN} TOK-164", "5005400": CPAN}),
    "token": (payment("token"), TOKEN, {"4005402": TOKEN, "5005400": TOKEN}),
    "DH": (binding("DH"), "BND-150", {"4000102": "BND-150", "5000100": "BND-150"}),
    "H2H": (binding("H2H"), "BND-152", {"4000102": "BND-152"}),
    "no channel": (binding(None), "BND-154", {"4000102": "BND-154"}),
    "unbind": (of("unbind"), "UNB-150", {"4000502": "UNB-150"}),
    "refund": (of("refund"), "RFD-150", {"4000702": "RFD-150", "4010700": "RFD-150", "4000701": "RFD-150"}),
    "b2b": (of("b2b"), "TOK-160", {"4017300": "TOK-160", "4007301": "TOK-160", "5007300": "TOK-160"}),
    "b2b2c": (of("b2b2c"), "TOK-162", {"4017400": "TOK-162", "4007401": "TOK-162"}),
    # What is special about a request is broken, if it explains the refusal; else the plain row.
    "white space": (
        of("payment", "pretty-printed body, signed minified"), f"{CPAN} SIG-160",
        {"4015400": "SIG-160", "4005402": CPAN, "5005400": "SIG-160"},
    ),
    "order": (
        of("payment", "members in another order"), f"{CPAN} SIG-170", {"4005402": CPAN, "5005400": "SIG-170"},
    ),
    "more": (of("payment", "an extra member"), f"{CPAN} FLD-130", {"4005402": "FLD-130", "5005400": "FLD-130"}),
    "escapes": (
        of("payment", "escapes in an extra member"), f"{CPAN} SIG-170 FLD-130",
        {"4015400": "SIG-170", "4005402": "FLD-130", "5005400": "SIG-170 FLD-130"},
    ),
    "non-ASCII": (
        of("payment", "non-ASCII text in an extra member"), f"{CPAN} SIG-170 FLD-130",
        {"4005402": "FLD-130", "5005400": "SIG-170 FLD-130"},
    ),
    "full": (  # 32 characters are more than 32 octets: where a limit is what is said, it is a limit counted otherwise
        lambda stage: stage.a("payment").having(partnerReferenceNo="é" * 31 + "1"), f"{CPAN} SIG-170 FLD-140",
        {"4005402": "FLD-140", "5005400": "SIG-170 FLD-140"},
    ),
    "nearly full": (
        lambda stage: stage.a("payment").having(partnerReferenceNo="é" * 30 + "1"), f"{CPAN} SIG-170",
        {"4005402": CPAN},
    ),
    "full of ASCII": (
        lambda stage: stage.a("payment").having(partnerReferenceNo="e" * 31 + "1"), CPAN, {"4005402": CPAN},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CASES))
def test_what_a_success_shows_and_what_a_refusal_breaks(name: str) -> None:
    specimen, shown, replies = CASES[name]
    fresh = set() if name.startswith("b2b") else {"TOK-164"}
    assert told(Stage(), specimen, "", Holds) == set(shown.split()) | fresh
    for code, broken in replies.items():
        assert told(Stage(), specimen, code) == set(broken.split()), code


@pytest.mark.parametrize(
    ("specimen", "rows"),
    [
        (payment("cpan"), "PAY-150 PAY-152"), (payment("cpan-tokenise"), "PAY-152"),
        (payment("token"), "PAY-154 PAY-156"), (payment("token-recurring"), "PAY-156"),
        (payment("cpan", isBindAndPay="true"), "PAY-152"), (payment("cpan", isBindAndPay=True), "PAY-152"),
        (payment("cpan", isBindAndPay="FALSE"), "PAY-150"), (payment("cpan", isBindAndPay="maybe"), CPAN),
        (payment("cpan", paymentType="RECURRING"), CPAN), (payment("token", isBindAndPay="true"), TOKEN),
        (payment("token", paymentType="recurring"), "PAY-156"), (payment("token", paymentType="SALE"), "PAY-154"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("choice", ["markers", "shape"])
def test_which_variants_a_payment_is_a_specimen_of(specimen: Specimen, rows: str, choice: str) -> None:
    by_shape = CPAN if rows[4:7] in ("150", "152") else TOKEN
    found = told(Stage(payment_variant=choice), specimen, "", Holds)
    assert {row for row in found if row.startswith("PAY")} == set((rows if choice == "markers" else by_shape).split())


RECORDED, WHOLE = {"complete": False, "staged": False}, {"complete": True, "staged": False}


@pytest.mark.parametrize(
    ("code", "known", "broken"),
    [
        # Of a recording nobody promised that there was money, a card, or a payment to be refunded.
        ("4045401", RECORDED, False), ("4035404", RECORDED, False), ("4055401", RECORDED, False),
        ("4015401", RECORDED, False), ("4095400", RECORDED, False), ("4005402", RECORDED, True),
        ("5005400", RECORDED, True), ("4045401", WHOLE, False), ("4035404", WHOLE, False), ("4055401", WHOLE, False),
        ("4095400", WHOLE, True), ("4005402", WHOLE, True), ("4045401", {}, True), ("4005402", {}, True),
        # Nothing is said of the request.
        ("5045400", {}, False), ("5005402", {}, False), ("5035400", {}, False), ("4295400", {}, False),
    ],
)  # fmt: skip
def test_what_nobody_promised_breaks_nothing(code: str, known: dict[str, bool], broken: bool) -> None:
    stage = Stage()
    stage.send(stage.a("payment"))  # the secret is the right one, and so is the CPAN
    stage.judge.knowledge = replace(stage.judge.knowledge, **known)
    found = {kind: told(stage, payment("cpan"), code, kind) - {"TOK-164"} for kind in (Broken, Unknown)}
    assert found[Broken] == (set(CPAN.split()) if broken else set())
    # A day with a declined payment in a recording is no undecided day.
    assert found[Unknown] == (set() if broken or known else set(CPAN.split()))


@pytest.mark.parametrize(
    ("issued", "staged", "broken"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_to_be_sent_elsewhere_is_no_answer(issued: bool, staged: bool, broken: bool) -> None:
    stage = Stage()
    taken = stage.client.send(stage.a("payment"), "r")
    assert taken.response is not None
    if not issued:
        stage.judge.trail.issuances.clear()
    stage.judge.knowledge = replace(stage.judge.knowledge, staged=staged)
    away = Response(status=302, headers=taken.response.headers.having("Location", "/login"), body=b"")
    assert ("PAY-150" in rows(stage.judge.judge(replace(taken, response=away)), Broken)) is broken


def test_without_the_secret_nothing_is_known_to_be_correct() -> None:
    stage = Stage()
    known = stage.judge.knowledge
    stage.judge.knowledge = replace(known, credentials=replace(known.credentials, client_secret=None))
    assert told(stage, payment("cpan"), "", Unknown) == set(CPAN.split())
    assert told(stage, payment("cpan"), "4015400") == set()


@pytest.mark.parametrize("refunded", [True, False])
def test_who_has_refunded_cannot_say_that_no_refund_is_possible(refunded: bool) -> None:
    stage = Stage()
    if refunded:
        stage.send(stage.a("refund"))
    assert told(stage, of("refund"), "4050701") == ({"RFD-150"} if refunded else set())
    assert told(stage, of("refund"), "4050701", Unknown) == (set() if refunded else {"RFD-150"})


@pytest.mark.parametrize(("served", "code", "broken"), [
    ("DH", "4030101", True), ("DH", "4030106", True), ("DH", "4030104", False), ("H2H", "4030101", False),
    ("", "4030101", False),
])  # fmt: skip
def test_who_has_granted_a_feature_cannot_refuse_it_as_not_agreed(served: str, code: str, broken: bool) -> None:
    stage = Stage()
    if served:
        stage.send(drafts.a_binding(stage.session.kit(), served))
    assert told(stage, binding("DH"), code) == ({"BND-150"} if broken else set())
    assert told(stage, binding("DH"), code, Unknown) == (set() if broken else {"BND-150"})
