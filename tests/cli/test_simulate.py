"""kki simulate: its lists, its sentences for names that do not exist, and a persona behind a socket."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

Kki = Callable[..., Any]


def test_the_personas_are_listed_for_people_and_for_programs(kki: Kki) -> None:
    ended = kki("simulate", "--list-personas")
    assert ended.code == 0
    assert "accepts-any-signature" in ended.out
    rows = kki("simulate", "--list-personas", "--format", "json").document
    assert len(rows) >= 90
    row = next(row for row in rows if row["name"] == "accepts-any-otp")
    assert row["caught_by"] == ["KKI-STA-140"]
    assert row["area"] == "state"


def test_the_variants_are_listed_and_declare_no_requirement(kki: Kki) -> None:
    rows = kki("simulate", "--list-variants", "--format", "json").document
    assert len(rows) >= 18
    assert not [row["name"] for row in rows if row["caught_by"]]


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (["--persona", "accept-any-signature"], "accepts-any-signature"),
        (["--variant", "wide-clocks"], "wide-clock"),
        (["--persona", "accepts-any-otp", "--variant", "wide-clock"], "one of the two"),
    ],
)
def test_an_unknown_name_is_the_operators_affair(kki: Kki, options: list[str], hint: str) -> None:
    ended = kki("simulate", *options)
    assert ended.code == 2
    assert hint in ended.err
    assert "Traceback" not in ended.err


@contextmanager
def _running(*options: str) -> Iterator[str]:
    """The address in the line READY, for as long as the block lasts."""
    command = [sys.executable, "-m", "kki", "simulate", "--listen", "127.0.0.1:0", *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KKI_")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            assert line.startswith("READY http://127.0.0.1:"), line
            yield line.split()[1]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=300)
        assert process.returncode == 0


def _answer(url: str, body: bytes) -> tuple[int, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)
    try:
        connection.request("POST", "/authorization/v1/access-token/b2b", body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())
    finally:
        connection.close()


def test_a_persona_answers_on_the_socket_in_its_own_way() -> None:
    with _running() as url:
        status, members = _answer(url, b"{}")
    assert (status, members["responseCode"]) == (401, "4017300")
    with _running("--persona", "writes-code-as-number") as url:
        status, members = _answer(url, b"{}")
    assert (status, members["responseCode"]) == (401, 4017300)
