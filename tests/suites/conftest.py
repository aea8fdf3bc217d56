"""`kki check` as an operator runs it: a process of its own, against servers that are well or ill."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kki.edges.contract import load
from kki.edges.listener import serve_simulator
from kki.edges.settings import built_in_profile
from kki.model.profile import Profile

CONTRACT = load()


@dataclass(frozen=True)
class Ended:
    """`run`: what run.json says; None where none was written."""

    code: int
    out: str
    err: str
    run: dict[str, Any] | None

    @property
    def said(self) -> str:
        return self.out + self.err


Check = Callable[..., Ended]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    numbers = iter(range(1, 100))

    def call(*options: str) -> Ended:
        output = tmp_path / f"run{next(numbers)}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("KKI_", "GITHUB_", "CI"))}
        done = subprocess.run(
            [sys.executable, "-m", "kki", "check", "--output", str(output), *options],
            capture_output=True, text=True, timeout=600, env=clean, cwd=tmp_path, check=False,
        )  # fmt: skip
        path = output / "run.json"
        run = json.loads(path.read_text("utf-8")) if path.exists() else None
        return Ended(done.returncode, done.stdout, done.stderr, run)

    return call


@pytest.fixture(scope="session")
def profile() -> Profile:
    return built_in_profile(CONTRACT)


Written = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path, profile: Profile) -> Written:
    """The profile as a file; `limits` go to its end."""

    def write(*, limits: str = "", secret: str = "") -> Path:
        held, data = profile.credentials, profile.test_data
        (tmp_path / "private.pem").write_text(held.private_key or "", "utf-8")
        card = ", ".join(f"{name} = {json.dumps(value)}" for name, value in (data.card or {}).items())
        path = tmp_path / "plan.toml"
        path.write_text(
            f"""
[credentials]
client_id = "{held.client_id}"
client_secret = "{secret or held.client_secret}"
shared_key = "{held.shared_key}"
private_key = "file:private.pem"
[test_data]
cpan = "{data.cpan}"
otp = "{data.otp}"
bank_card_tokens = {json.dumps(list(data.bank_card_tokens))}
auth_code = "{data.auth_code}"
ip_address = "192.168.1.1"
card = {{ {card} }}
[limits]
timeout_s = 1
{limits}
""",
            "utf-8",
        )
        return path

    return write


@pytest.fixture
def simulator(profile: Profile) -> Iterator[str]:
    with serve_simulator(replace(profile), CONTRACT) as url:
        yield url


# --- servers that are ill ---------------------------------------------------------------------------


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A listener that hands each connection to `talk`, and closes it afterwards."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                talk(self.request)
            except OSError:
                return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=300)


def request_from(connection: socket.socket) -> bytes:
    """One request, head and body; b"" where the other side closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return b""
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            return b""
        body += more
    return head + b"\r\n\r\n" + body
