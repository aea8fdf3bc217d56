"""The reason of a refusal: which cases fit a fault, and which are held against the server."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

import pytest

from kki.model.exchange import Exchange
from kki.model.requirement import Party
from kki.model.verdict import Broken, Unknown

from .stage import Stage, broken, refused, said

REASON = "KKI-RSN-140"


def refused_with(stage: Stage, taken: Exchange, code: str) -> set[str]:
    """The server's rows that a refusal with this code breaks."""
    return broken(stage.judge.judge(refused(taken, code)), Party.SERVER)


@pytest.mark.parametrize("value", ["", None])
@pytest.mark.parametrize(
    ("operation", "member", "code", "fits"),
    [
        ("b2b", "grantType", "4007302", True), ("b2b", "grantType", "4007300", True),
        ("b2b", "grantType", "4017300", True), ("b2b", "grantType", "4017303", False),
        ("payment", "partnerReferenceNo", "4005402", True), ("payment", "partnerReferenceNo", "4015400", False),
        ("payment", "partnerReferenceNo", "4045401", False), ("bind", "cardData", "4000102", True),
        ("bind", "cardData", "4010100", False),
    ],
)  # fmt: skip
def test_an_empty_member_is_a_missing_one(
    operation: str, member: str, code: str, fits: bool, value: str | None
) -> None:
    stage = Stage()
    stage.send(stage.a(operation))  # a signature of ours is good, then: 401/00 is for something else
    taken = stage.client.send(stage.a(operation).having(**{member: value}), "r")
    assert (REASON in refused_with(stage, taken, code)) is not fits


@pytest.mark.parametrize(
    ("signature", "form"),
    [
        (b64encode(bytes(128)).decode(), True), (b64encode(bytes(256)).decode(), True),
        (b64encode(bytes(127)).decode(), False), ("no Base64!", False), ("é" * 200, False),
    ],
)  # fmt: skip
def test_what_cannot_be_an_rsa_signature_is_malformed_as_well_as_wrong(signature: str, form: bool) -> None:
    """400/01 says of what looks like a signature that it has a wrong form."""
    stage = Stage()
    taken = stage.client.send(stage.a("b2b"), "r")
    headers = taken.request.headers.having("X-SIGNATURE", signature)
    taken = replace(taken, request=replace(taken.request, headers=headers))
    assert "KKI-RSN-220" not in refused_with(stage, taken, "4017300")
    assert ("KKI-RSN-220" in refused_with(stage, replace(taken, id="s"), "4007301")) is form


@pytest.mark.parametrize(
    ("code", "told", "open_"),
    [
        ("4045401", False, True), ("4035400", False, True), ("4035412", False, True), ("4005402", False, False),
        ("4045401", True, False), ("4035400", True, False), ("4035404", True, True),  # 403/04: a limit is reached
    ],
)  # fmt: skip
def test_where_the_profile_names_no_cpan_the_state_may_explain_a_refusal(code: str, told: bool, open_: bool) -> None:
    stage = Stage()
    known = stage.judge.knowledge
    if not told:
        stage.judge.knowledge = replace(known, test_data=replace(known.test_data, cpan=None, otp=None))
    taken = stage.client.send(stage.a("payment"), "r")
    judgement = said(stage.judge.judge(refused(taken, code)), "KKI-PAY-150")
    assert isinstance(judgement, Unknown if open_ else Broken)
