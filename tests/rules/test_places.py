"""A secret is found in whatever writing it stands, and in whatever place; and a like number is no secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from kki.drafting.drafts import a_binding, card_plaintext, sealed_card
from kki.model.exchange import Exchange
from kki.model.requirement import Party
from kki.model.verdict import Broken
from kki.rules.places import holds_card, holds_digits, holds_secret, strings, writings

from .stage import Stage, broken, profile

CPAN = profile().test_data.cpan or ""
SECRET = "SK-a?secret/of>some~words"


def percent(text: str) -> str:
    return "".join(f"%{ord(one):02X}" for one in text)


WRITE: dict[str, Callable[[str], str]] = {
    "plain": lambda text: f"it is {text}.",
    "percent": lambda text: f"x={percent(text)}&y=1",
    "quoted": lambda text: quote(text, safe=""),
    "Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "Base64 without padding": lambda text: base64.b64encode((text + "!").encode()).decode().rstrip("="),
    "Base64 for URLs": lambda text: base64.urlsafe_b64encode(f"??>{text}".encode()).decode(),
    "Base64 in a sentence": lambda text: f"token {base64.b64encode(text.encode()).decode()} was bad",
    "Base64 and one more": lambda text: base64.b64encode((text + "!!").encode()).decode().rstrip("=")[:-1] + "QQ",
    "hexadecimal": lambda text: text.encode().hex(),
    "capital hexadecimal": lambda text: f"[{text.encode().hex().upper()}]",
}


@pytest.mark.parametrize("way", list(WRITE))
def test_a_text_hides_nothing(way: str) -> None:
    assert holds_secret(WRITE[way](SECRET), SECRET)
    assert holds_card(WRITE[way](CPAN), CPAN)
    other = CPAN[:-1] + ("1" if CPAN[-1] != "1" else "2")
    assert not holds_card(WRITE[way](other), CPAN)


@pytest.mark.parametrize("gap", [" ", "-", "."])
def test_a_card_number_may_stand_in_groups(gap: str) -> None:
    assert holds_card(gap.join(CPAN[at : at + 4] for at in range(0, len(CPAN), 4)), CPAN)
    assert not holds_card(f"{CPAN[:4]}{gap}{gap}{CPAN[4:]}", CPAN)


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("1234", True), ("otp 1234 ok", True), ("1234x", True), ("x1234", True), ("01234", False), ("12345", False),
        ("9123456, then 1234", True), ("1234567, 01234", False), ("01234, 1234", True), ("1 234", False), ("", False),
        ("12341234", False), ("x1234y1234", True),
    ],
)  # fmt: skip
def test_a_short_number_is_itself_and_no_part_of_another(text: str, there: bool) -> None:
    assert holds_digits(text, "1234") is there


def test_a_text_that_is_too_long_is_read_as_it_stands() -> None:
    long = base64.b64encode(SECRET.encode()).decode() + " " * 20_000
    assert writings(long) == (long,)
    assert len(writings(long[:20_000])) > 1


def test_all_strings_of_a_value_are_found_with_their_pointers() -> None:
    found = dict(strings({"a": ["x", {"b": 7}, True, None], "c": 1.5}))
    values = {where: text for where, text in found.items() if "…" not in where}
    assert values == {"/a/0": "x", "/a/1/b": "7", "/c": "1.5"}
    assert ("/…", "c") in list(strings({"c": 1}))


def replied(taken: Exchange, body: bytes, line: str = "") -> Exchange:
    assert taken.response is not None
    headers = taken.response.headers.adding("X-Debug", line) if line else taken.response.headers
    return replace(taken, response=replace(taken.response, body=body, headers=headers))


def also(taken: Exchange, **members: Any) -> bytes:
    assert taken.response is not None
    return json.dumps({**json.loads(taken.response.body), **members}).encode()


@pytest.mark.parametrize("place", ["member", "name of a member", "header", "text", "nowhere"])
def test_a_card_number_in_a_reply_is_a_leak_wherever(place: str) -> None:
    stage = Stage()
    taken = stage.client.send(stage.a("payment"), "r")
    number = WRITE["Base64"](CPAN)
    shown = {
        "member": replied(taken, also(taken, more={"deep": [number]})),
        "name of a member": replied(taken, also(taken, **{CPAN: 1})),
        "header": replied(taken, also(taken), f"card={number}"),
        "text": replied(taken, f"<html>no such card: {CPAN}</html>".encode()),
        "nowhere": replied(taken, also(taken, more="9" * 19)),
    }[place]
    assert ("KKI-SEC-210" in broken(stage.judge.judge(shown), Party.SERVER)) is (place != "nowhere")


@pytest.mark.parametrize(("number", "leak"), [("123456789012", True), ("12345678901", False), ("1234567890ab", False)])
def test_the_number_of_the_card_that_is_bound_is_one(number: str, leak: bool) -> None:
    """Of twelve digits at least: a shorter one may be there by accident."""
    stage = Stage()
    kit = stage.session.kit()
    card = {**json.loads(card_plaintext(kit)), "bankCardNo": number}
    draft = a_binding(kit).having(cardData=sealed_card(kit, json.dumps(card).encode()))
    taken = stage.client.send(draft, "r")
    verdicts = stage.judge.judge(replied(taken, also(taken, note=f"card {number} bound")))
    assert ("KKI-SEC-210" in broken(verdicts, Party.SERVER)) is leak


def test_the_payments_own_card_number_is_one() -> None:
    stage = Stage()
    draft = stage.a("payment").having(chargeToken="9360009990001112223")
    taken = stage.client.send(draft, "r")
    verdicts = stage.judge.judge(replied(taken, also(taken, note="9360009990001112223 is unknown")))
    assert "KKI-SEC-210" in broken(verdicts, Party.SERVER)


def where_of(taken: Exchange, row: str) -> list[str]:
    found = (each.judgement for each in Stage().judge.judge(taken) if each.requirement == row)
    return [finding.where for said in found if isinstance(said, Broken) for finding in said.findings]


@pytest.mark.parametrize("way", ["plain", "Base64"])
@pytest.mark.parametrize(
    ("operation", "member", "line", "target", "body", "where"),
    [
        ("payment", "additionalInfo", "", "", False, ["body /additionalInfo"]),
        ("payment", "chargeToken", "", "", False, []),  # its place
        ("refund", "reason", "", "", False, ["body /reason"]), ("refund", "", "X-Note", "", False, ["header X-Note"]),
        ("refund", "", "", "?card=", False, ["target"]), ("refund", "", "", "", True, ["body"]),
        ("payment", "", "", "", True, []),  # of what cannot be read nobody can tell which member it is
        ("refund", "", "", "", False, []),
    ],
)  # fmt: skip
def test_a_card_number_in_a_request_stands_where_it_was_found(
    way: str, operation: str, member: str, line: str, target: str, body: bool, where: list[str]
) -> None:
    stage = Stage()
    taken = stage.client.send(stage.a(operation), "r")
    request, number = taken.request, WRITE[way](CPAN) if member != "chargeToken" else CPAN
    if member:
        request = replace(request, body=json.dumps({**json.loads(request.body), member: number}).encode())
    if body:
        request = replace(request, body=f"{{ \xff {number}".encode("latin-1"))
    if line:
        request = request.with_header(line, number)
    request = replace(request, target=request.target + target + (quote(number) if target else ""))
    assert where_of(replace(taken, request=request), "KKI-SEC-010") == where


def test_a_card_number_in_a_reply_that_is_no_json_is_found_in_its_body() -> None:
    stage = Stage()
    taken = stage.client.send(stage.a("payment"), "r")
    assert where_of(replied(taken, f"\xff no such card: {CPAN}".encode("latin-1")), "KKI-SEC-210") == ["reply body"]
    assert where_of(replied(taken, also(taken), CPAN), "KKI-SEC-210") == ["reply header X-Debug"]
