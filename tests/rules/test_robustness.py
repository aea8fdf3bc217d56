"""Server errors and silence: whom they are held against, and when they are nobody's fault."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kki.drafting.drafts import a_binding
from kki.model.exchange import Exchange
from kki.model.verdict import Broken

from .stage import Stage, said

ERROR, SILENCE = "KKI-ROB-310", "KKI-ROB-320"


def answered(taken: Exchange, status: int, code: str = "") -> Exchange:
    assert taken.response is not None
    body = json.dumps({"responseCode": code, "responseMessage": "Error"}).encode() if code else b"<html>error</html>"
    return replace(taken, response=replace(taken.response, status=status, body=body))


def unanswered(taken: Exchange) -> Exchange:
    return replace(taken, response=None, answered_at=None, failure="timeout")


# Of a sound request these say that something behind the server failed, or that it takes a pause.
BEHIND = [(503, ""), (503, "5035400"), (504, "5045400"), (500, "5005402")]
ITS_OWN = [(500, ""), (500, "5005400"), (500, "5005401"), (502, ""), (505, "5055400")]


@pytest.mark.parametrize("sound", [True, False])
@pytest.mark.parametrize(("status", "code"), [*BEHIND, *ITS_OWN])
def test_a_server_error(status: int, code: str, sound: bool) -> None:
    stage = Stage()
    draft = stage.a("payment") if sound else stage.a("payment").with_body(b"{ not JSON")
    taken = answered(stage.client.send(draft, "r"), status, code)
    excused = sound and (status, code) in BEHIND
    assert isinstance(said(stage.judge.judge(taken), ERROR), Broken) is not excused


def test_after_a_malformed_request_trouble_behind_the_server_is_its_own() -> None:
    stage = Stage()
    stage.send(stage.a("payment").with_body(b"{ not JSON"))
    taken = answered(stage.client.send(stage.a("payment"), "r"), 504, "5045400")
    assert isinstance(said(stage.judge.judge(taken), ERROR), Broken)


@pytest.mark.parametrize("row", [ERROR, SILENCE])
@pytest.mark.parametrize(
    ("target", "staged", "judged"),
    [
        ("", True, True), ("", False, True), ("/somewhere/else", True, True), ("/somewhere/else", False, False),
    ],
)
def test_what_a_recording_holds_besides_is_another_matter(row: str, target: str, staged: bool, judged: bool) -> None:
    stage = Stage()
    taken = stage.client.send(stage.a("payment"), "r")
    if target:
        taken = replace(taken, request=replace(taken.request, target=target))
    stage.judge.knowledge = replace(stage.judge.knowledge, staged=staged)
    taken = answered(taken, 500) if row == ERROR else unanswered(taken)
    assert isinstance(said(stage.judge.judge(taken), row), Broken) is judged


@pytest.mark.parametrize(
    ("url", "path", "page"),
    [
        ("https://pay.test/otp/a/S1", "/otp/a/S1", True), ("https://pay.test/otp/a/S1", "/otp/a/S2", True),
        ("https://pay.test/otp/a/S1", "/otp/b", False), ("https://pay.test/otp/a/S1", "/otp/ab", False),
        ("https://pay.test/S1", "/S1", True), ("https://pay.test/S1", "/S2", False),
    ],
)  # fmt: skip
def test_a_page_for_the_customer_is_no_request_to_the_api(url: str, path: str, page: bool) -> None:
    stage = Stage()
    binding = stage.client.send(a_binding(stage.session.kit(), "DH"), "b")
    assert binding.response is not None
    body = json.dumps({**json.loads(binding.response.body), "redirectUrl": url}).encode()
    stage.judge.judge(replace(binding, response=replace(binding.response, body=body)))
    taken = stage.client.send(stage.a("payment"), "r")
    taken = answered(replace(taken, request=replace(taken.request, method="GET", target=path, body=b"")), 500)
    assert isinstance(said(stage.judge.judge(taken), ERROR), Broken) is not page
