"""Clients that mean harm: slow, huge, malformed, many, or clever with paths and headers. The session goes on."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from kki.edges import front, listener

from .small_client import Ways
from .stage import Stage, a_stage

GOOD_WITHIN_S = 5.0
PAYMENT = "/direct-debit/core/v1/debit/payment-host-to-host"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with a_stage(live=True) as staged:
        yield staged


@contextlib.contextmanager
def connection(stage: Stage, timeout_s: float = 10.0) -> Iterator[socket.socket]:
    host, port = stage.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=timeout_s) as made:
        yield made


def raw(stage: Stage, octets: bytes, *, hang_up: bool = True) -> bytes:
    """What comes back, up to the end of the connection or five quiet seconds. `hang_up`: say at once that it is all."""
    with connection(stage, 5.0) as line, contextlib.suppress(OSError):
        line.sendall(octets)
        if hang_up:
            line.shutdown(socket.SHUT_WR)
        came = b""
        while piece := line.recv(65536):
            came += piece
        return came
    return b""


def still_well(stage: Stage) -> None:
    """Another client is served, its request judged, and the page shown; nothing of ours has failed."""
    import requests

    before = stage.session.exchange_count
    client = stage.client()
    client.wire.timeout_s = GOOD_WITHIN_S  # type: ignore[attr-defined]  # a Socket's
    assert client.bind("H2H").done
    session = stage.judged()
    assert session.exchange_count > before
    assert session.faults == []
    assert stage.running.faults == []
    assert requests.get(stage.live + "/", timeout=GOOD_WITHIN_S).status_code == 200


HEAD = f"POST {PAYMENT} HTTP/1.1\r\nHost: x\r\n".encode()
MALFORMED = {
    "nothing": b"",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "half a line": b"POST /",
    "no version": b"GET /\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost: x\r\nfoo\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    "a NUL": b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes in the path": b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "a length that is none": HEAD + b"Content-Length: many\r\n\r\n{}",
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n{}",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "length and chunks": HEAD
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "a chunk that is none": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk beyond measure": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
    "less body than was said": HEAD + b"Content-Length: 500\r\n\r\n{",
    "a very long line": b"GET /" + b"a" * 3_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "very many headers": HEAD + b"".join(b"X-%d: y\r\n" % number for number in range(100_000)) + b"\r\n",
    "an upgrade": HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "CONNECT": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
}


@pytest.mark.parametrize("octets", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_request_does_no_harm(stage: Stage, octets: bytes) -> None:
    answer = raw(stage, octets)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    assert b"Traceback" not in answer
    still_well(stage)


PATHS = [
    "/../../etc/passwd", "/direct-debit/core/v1/../v1/debit/payment-host-to-host", PAYMENT + "/", PAYMENT + "?x=1",
    "//direct-debit/core/v1/debit/refund", "/direct-debit%2fcore/v1/debit/refund", PAYMENT.upper(), "/%00",
    "http://elsewhere" + PAYMENT, "/direct-debit/kki/binding/", "/direct-debit/kki/binding/../../x", "*", "/%",
    "/direct-debit/kki/binding/%3Cscript%3E", "/direct-debit/kki/binding/__class__", "/orders/v1.0/debit/status",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_paths_lead_nowhere(stage: Stage, method: str, path: str) -> None:
    body = b"{}"
    length = f"Content-Length: {len(body)}\r\n\r\n".encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
    answer = raw(stage, head + length + body, hang_up=False)
    assert answer.startswith(b"HTTP/1.1 ")
    assert not answer.startswith(b"HTTP/1.1 2"), answer[:200]
    assert b"root:" not in answer
    still_well(stage)


def test_a_whole_address_leads_where_its_path_does(stage: Stage) -> None:
    """RFC 9112 section 3.2.2: a server takes the absolute form too."""
    head = b"POST http://x/authorization/v1/access-token/b2b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    answer = raw(stage, head + b"Content-Length: 2\r\n\r\n{}", hang_up=False)
    assert b'"responseCode":"4017300"' in answer
    still_well(stage)


def test_a_header_cannot_write_another_into_the_reply(stage: Stage) -> None:
    evil = b"x\rSet-Cookie: a=b\r\n"
    answer = raw(stage, HEAD + b"X-TIMESTAMP: " + evil + b"Content-Length: 2\r\n\r\n{}")
    assert b"set-cookie" not in answer.lower()
    quoted = b"GET /%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: x%0d%0aSet-Cookie:%20a=b\r\nConnection: close\r\n\r\n"
    assert b"set-cookie" not in raw(stage, quoted).lower()
    still_well(stage)


def test_a_host_of_its_own_goes_into_its_own_redirect_alone(stage: Stage) -> None:
    """redirectUrl begins with the address that the client used; nobody else ever sees it."""
    hostile = stage.client(Ways(lines=lambda _operation, lines: [*lines, ("X-Forwarded-Host", "evil.example")]))
    assert "evil.example" not in str(hostile.bind("DH").members["redirectUrl"])
    assert str(stage.client().bind("DH").members["redirectUrl"]).startswith(stage.url)


def test_a_huge_body_is_refused_and_not_kept(stage: Stage) -> None:
    body = b'{"a":"' + b"x" * 8_000_000 + b'"}'
    head = HEAD + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    answer = raw(stage, head + body, hang_up=False)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    stage.judged()
    entry = stage.session.board.exchange("c1")
    assert entry is None or len(entry) < 200_000
    still_well(stage)


HARD = {
    "deep lists": b"[" * 200_000, "deep objects": b'{"a":' * 50_000, "a long number": b"1" * 100_000,
    "half a character": b'"\\ud800"', "no UTF-8": b"\xff\xfe", "null": b"null",
}  # fmt: skip


@pytest.mark.parametrize("body", HARD.values(), ids=HARD.keys())
def test_a_body_that_is_hard_to_read_is_refused(stage: Stage, body: bytes) -> None:
    client = stage.client(Ways(written=lambda _operation, _members: body))
    client.good_token()
    answer = client.bind("H2H")
    assert 400 <= answer.status < 500
    still_well(stage)


def test_a_body_that_trickles_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "READ_S", 0.2)
    with connection(stage) as line:
        line.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        assert line.recv(100) == b"", "the connection is closed, without a word"
    still_well(stage)


def test_a_body_that_takes_for_ever_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "BODY_S", 0.3)
    with connection(stage) as line, contextlib.suppress(ConnectionError):
        line.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
        ended = threading.Event()
        trickle = threading.Thread(target=trickling, args=(line, ended), daemon=True)
        trickle.start()
        assert line.recv(100) == b""
        ended.set()
        trickle.join()
    still_well(stage)


def trickling(line: socket.socket, ended: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while not ended.wait(0.02):
            line.sendall(b" ")


@pytest.mark.parametrize("first", [b"", b"POST /", HEAD])
def test_a_head_that_does_not_end_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    monkeypatch.setattr(listener, "HEAD_S", 0.3)
    with connection(stage) as line, contextlib.suppress(ConnectionResetError):
        line.sendall(first)
        assert line.recv(100) == b""
    still_well(stage)


def test_a_head_on_a_used_connection_has_no_more_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HEAD_S", 0.3)
    with connection(stage) as line, contextlib.suppress(ConnectionResetError):
        line.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += line.recv(4096)
        assert answer.startswith(b"HTTP/1.1 404")
        line.sendall(b"GET /again HT")
        assert line.recv(100) == b""
    still_well(stage)


def test_hundreds_of_idle_connections_keep_nobody_out(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MOST_CONNECTIONS", 100)
    with contextlib.ExitStack() as held:
        lines = [held.enter_context(connection(stage)) for _ in range(500)]
        for line in lines[-50:]:
            with contextlib.suppress(OSError):
                line.sendall(b"POST / HTTP/1.1\r\nX: ")
        still_well(stage)


def test_many_requests_at_once_are_all_answered_and_judged(stage: Stage) -> None:
    answers: list[bytes] = []

    def ask() -> None:
        for _ in range(10):
            answers.append(raw(stage, b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", hang_up=False))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 404"] * 200
    assert stage.judged().exchange_count == 200
    still_well(stage)


def test_a_flood_waits_for_the_judge(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """With more in the queue than is allowed, a new request is not even read."""
    monkeypatch.setattr(front, "MOST_WAITING", 3)
    monkeypatch.setattr(stage.running.application, "backlog", lambda: 4)
    with connection(stage, 0.5) as line:
        line.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(TimeoutError):
            line.recv(100)
        monkeypatch.setattr(stage.running.application, "backlog", lambda: 0)
        line.settimeout(5)
        assert line.recv(100).startswith(b"HTTP/1.1 404")


def test_pipelined_requests_are_answered_in_order(stage: Stage) -> None:
    asked = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(19))
    answer = raw(stage, asked + b"GET /19 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", hang_up=False)
    assert answer.count(b"HTTP/1.1 404") == 20
    targets = [stage.judged().board.exchange(f"c{number}") for number in range(1, 21)]
    assert all(f"GET /{number}<" in (page or "") for number, page in enumerate(targets))


def test_wrong_signatures_without_end_do_not_stall_the_judge(stage: Stage) -> None:
    """The search for causes has a budget; the verdicts come all the same."""
    stage.session.explainer.spent = 1e9
    client = stage.client(Ways(key=lambda _: b"another"))
    client.good_token()
    for _ in range(20):
        client.bind("H2H")
    assert "KKI-SIG-010" in stage.broken()
    row = next(row for row in stage.session.board.broken() if row.id == "KKI-SIG-010")
    assert row.times == 20
    assert stage.session.explainer.spent == 1e9, "nothing more was searched for"
