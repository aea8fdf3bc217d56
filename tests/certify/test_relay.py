"""Between a merchant and a server: nothing is changed on the way, and both are judged."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from kki.certify.session import BOTH, Plan, Session
from kki.edges.front import Forwarding
from kki.edges.listener import Running, serve, serve_application, world_of
from kki.edges.relay import evident, forwarding
from kki.model.http import Headers, Response
from kki.model.verdict import Outcome

from .small_client import Kit, SmallClient, Socket, Ways
from .trial import CONTRACT, PROFILE

PLAN = Plan(
    profile=PROFILE, contract=CONTRACT, use="judge", target="relay", parties=BOTH, complete=False, made_by="relay"
)  # fmt: skip


@dataclass
class Between:
    session: Session
    running: Running

    def client(self, ways: Ways | None = None) -> SmallClient:
        return SmallClient(Kit.of(PROFILE), Socket(self.running.url), ways or Ways(), {})


@contextlib.contextmanager
def relayed(target: str, timeout_s: float = 5.0) -> Iterator[Between]:
    session = Session(PLAN)
    application = Forwarding(
        forward=forwarding(target, timeout_s), evident=evident, watch=session.watch, prefix="r",
        backlog=session.backlog,
    )  # fmt: skip
    with serve_application(application) as running:
        yield Between(session, running)
    if not session.board.over:
        session.finish()


@contextlib.contextmanager
def a_server(reply: Callable[[bytes], bytes | None]) -> Iterator[tuple[str, list[bytes]]]:
    """(address, raw requests seen). `reply` gives the raw reply; None: nothing but a closed connection."""
    seen: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(10)

    def serve_each() -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = listening.accept()
                with line:
                    line.settimeout(5)
                    seen.append(whole_request(line))
                    answer = reply(seen[-1])
                    if answer is not None:
                        line.sendall(answer)

    thread = threading.Thread(target=serve_each, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", seen
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(timeout=5)


def whole_request(line: socket.socket) -> bytes:
    came = b""
    while b"\r\n\r\n" not in came:
        came += line.recv(65536)
    head, _, body = came.partition(b"\r\n\r\n")
    lengths = [int(row.split(b":")[1]) for row in head.split(b"\r\n") if row.lower().startswith(b"content-length:")]
    while len(body) < sum(lengths):
        body += line.recv(65536)
    return head + b"\r\n\r\n" + body


def sent(url: str, octets: bytes) -> bytes:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=300) as line:
        line.sendall(octets)
        came = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := line.recv(65536):
                came += piece
        return came


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def test_a_request_goes_on_as_it_came() -> None:
    body = '{"a": "café",  "b":1}'.encode()
    lines = [
        b"POST /direct-debit/core/v1/debit/refund?x=%2f&y HTTP/1.1", b"Host: merchants-idea.example", b"X-One: 1",
        b"X-EXTERNAL-ID: 7", b"X-One: 2", b"X-Latin: caf\xe9 \xc3\xa9", b"Connection: close", b"Accept-Encoding: gzip",
        b"Content-Length: " + str(len(body)).encode(),
    ]  # fmt: skip
    with a_server(lambda _: OK) as (target, seen), relayed(target) as between:
        answer = sent(between.running.url, b"\r\n".join(lines) + b"\r\n\r\n" + body)
    assert answer.startswith(b"HTTP/1.1 200")
    head, _, came = seen[0].partition(b"\r\n\r\n")
    rows = head.split(b"\r\n")
    assert came == body
    assert rows[0] == lines[0]
    kept = [row for row in rows if row.lower().startswith((b"x-", b"accept"))]
    latin = b"x-latin: caf\xe9 \xc3\xa9"
    assert kept == [b"x-one: 1", b"x-external-id: 7", b"x-one: 2", latin, b"accept-encoding: gzip"]
    assert [row for row in rows if row.lower().startswith(b"host:")] == [b"Host: " + target[7:].encode()]


def test_a_reply_goes_back_as_it_came() -> None:
    reply = (
        b"HTTP/1.1 403 Nope\r\nContent-Type: application/json; charset=utf-8\r\nX-Two: a\r\nX-Two: b\r\n"
        b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n'
    )
    with a_server(lambda _: reply) as (target, _), relayed(target) as between:
        answer = sent(between.running.url, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403")
    assert body == b'{"a": 1}'
    assert [row for row in head.split(b"\r\n") if row.lower().startswith(b"x-two")] == [b"x-two: a", b"x-two: b"]


@pytest.mark.parametrize("reply", [None, b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", b"rubbish\r\n\r\n"])
def test_a_lost_reply_is_lost_for_the_merchant_too(reply: bytes | None) -> None:
    with a_server(lambda _: reply) as (target, _), relayed(target) as between:
        answer = sent(between.running.url, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        between.session.drain(10)
        assert between.session.exchange_count == 1
        assert between.running.faults == []
    assert answer == b""


def test_a_server_that_is_not_there_is_no_fault_of_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        target = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with relayed(target) as between:
        assert sent(between.running.url, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
        assert between.running.faults == []


def test_a_compressed_reply_passes_and_is_judged_as_it_reads() -> None:
    packed = gzip.compress(b'{"responseCode":"2005400"}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with a_server(lambda _: head + packed) as (target, _), relayed(target) as between:
        answer = sent(between.running.url, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.endswith(packed)


@pytest.mark.parametrize(
    ("coding", "body", "reads"),
    [
        ("gzip", gzip.compress(b"{}", mtime=0), b"{}"),
        ("GZIP ", gzip.compress(b"{}", mtime=0), b"{}"),
        ("gzip", b"not packed", b"not packed"),
        ("br", b"whatever", b"whatever"),
        ("", b"{}", b"{}"),
    ],
)
def test_evidence_is_what_the_merchant_reads(coding: str, body: bytes, reads: bytes) -> None:
    response = Response(status=200, headers=Headers.of([("Content-Encoding", coding)] if coding else []), body=body)
    assert evident(response).body == reads


def test_a_packed_bomb_stays_small() -> None:
    packed = gzip.compress(bytes(50_000_000))
    response = Response(status=200, headers=Headers.of([("Content-Encoding", "gzip")]), body=packed)
    assert len(evident(response).body) <= 4 * 1024 * 1024


def test_both_sides_are_judged() -> None:
    world = world_of(PROFILE, CONTRACT)
    with serve(world) as simulator, relayed(simulator.url) as between:
        good = between.client()
        assert good.bind("H2H").done
        between.client(Ways(key=lambda _: b"another")).bind("H2H")
        run = between.session.finish()
    client, server = run.of("KKI-SIG-010"), run.of("KKI-SIG-110")
    assert client is not None
    assert server is not None
    assert client.outcome is Outcome.BROKEN
    assert client.findings[0].exchange == "r4"
    assert server.outcome is Outcome.HOLDS, "the server refused it"
    assert between.session.exit_code(run) == 1


def test_what_the_recording_did_not_see_begin_is_not_held_against_anybody() -> None:
    """A token from before the relay was there: open, not wrong."""
    world = world_of(PROFILE, CONTRACT)
    with serve(world) as simulator:
        before = SmallClient(Kit.of(PROFILE), Socket(simulator.url), Ways(), {})
        before.good_token()
        with relayed(simulator.url) as between:
            before.wire = Socket(between.running.url)
            assert before.bind("H2H").done
            run = between.session.finish()
    row = run.of("KKI-TOK-040")
    assert row is not None
    assert row.outcome is Outcome.UNKNOWN
    assert json.dumps(row.missing)
