"""`kki doctor`: what it looks at, and that it says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kki.edges import settings
from kki.edges.listener import serve_simulator
from kki.model.contract import Contract

Kki = Callable[..., Any]
WriteProfile = Callable[..., Path]
SECRET = "SK-canary-1f0c77-never-shown"
TOKEN = {'"env:CARD_TOKEN"': '"0f52e5820f4c381db88a1cf91d57b73f"'}


@pytest.fixture
def target(write_profile: WriteProfile, contract: Contract) -> Iterator[tuple[str, str]]:
    """(profile file, address of a simulator that knows its partner)."""
    path = write_profile("", TOKEN)
    profile = settings.load_profile(path, env={}, contract=contract)
    with serve_simulator(profile, contract) as url:
        yield str(path), url


def test_all_is_in_order(kki: Kki, target: tuple[str, str]) -> None:
    ended = kki("doctor", "--profile", target[0], "--base-url", target[1], "--format", "json")
    assert ended.code == 0
    assert ended.document["sound"] is True
    names = [row["name"] for row in ended.document["checks"] if row["ok"]]
    assert {"self-test", "reachable", "clock", "token exchange", "customer token", "client secret"} <= set(names)
    thin = {row["name"] for row in ended.document["checks"] if not row["ok"]}
    assert thin == {"other_partner", "test_data: expired_b2b_token"}
    assert not any(row["fatal"] for row in ended.document["checks"] if not row["ok"])
    assert SECRET not in ended.out + ended.err


def test_without_a_target_nothing_is_sent(kki: Kki, target: tuple[str, str]) -> None:
    ended = kki("doctor", "--profile", target[0])
    assert ended.code == 0
    assert "Target: none, so nothing was sent." in ended.out
    assert kki("doctor").code == 0


@pytest.mark.parametrize(
    ("replaced", "says"),
    [
        ({'client_id = "BRN-0001-0000000000001"': 'client_id = "BRN-0009-0000000000009"'}, "check client_id"),
        ({"SK-canary-1f0c77-never-shown": "SK-canary-of-another"}, "either client_secret is not the one"),
        ({'private_key = "file:m.pem"': ""}, "[credentials] private_key is missing"),
    ],
)
def test_what_has_to_be_mended_is_exit_2(
    kki: Kki, target: tuple[str, str], write_profile: WriteProfile, replaced: dict[str, str], says: str
) -> None:
    path = write_profile("", {**TOKEN, **replaced})
    ended = kki("doctor", "--profile", str(path), "--base-url", target[1])
    assert ended.code == 2
    assert says in ended.out
    assert "A run cannot start like this." in ended.out


def test_a_dead_port_is_exit_2_and_named(kki: Kki, target: tuple[str, str]) -> None:
    ended = kki("doctor", "--profile", target[0], "--base-url", "http://127.0.0.1:1")
    assert ended.code == 2
    assert "http://127.0.0.1:1 gave no reply to the token request: connection refused" in ended.out
