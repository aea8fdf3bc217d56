"""Targets that are not there, not what they should be, or that go away: a sentence and an exit code, never a hang."""

from __future__ import annotations

import socket

import pytest

from .conftest import Check, Ended, Written, raw_server, request_from

PAGE = b"<html><body>Welcome to nginx!</body></html>"
FEW = ("--level", "quick", "--only", "SIG")


def answer(status: str, kind: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def refused(ended: Ended) -> None:
    """It did not start, said why, and what to do."""
    assert ended.code == 2, ended.said
    assert ended.run is None
    assert "Traceback" not in ended.said
    assert "127.0.0.1" in ended.err or "token" in ended.err


def test_a_dead_port(check: Check, written: Written) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening: nobody else gets it meanwhile
        ended = check("--base-url", f"http://127.0.0.1:{taken.getsockname()[1]}", "--profile", str(written()), *FEW)
    refused(ended)


@pytest.mark.parametrize(
    "reply",
    [
        answer("200 OK", "text/html", PAGE),
        answer("404 Not Found", "text/html", PAGE),
        answer("200 OK", "application/json", b"[]"),
        answer("200 OK", "application/json", b'{"responseCode":"2007300"}'),
        answer("401 Unauthorized", "application/json", b'{"responseCode":"4017300","responseMessage":"Unauthorized"}'),
        answer("200 OK", "application/json", b'{"responseCode":"2007300"}')[:-9],  # closes half-way
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
    ],
    ids=["a page", "a page not found", "an array", "no token", "unauthorised", "half a reply", "no HTTP", "nothing"],
)  # fmt: skip
def test_a_target_that_is_no_such_api(check: Check, written: Written, reply: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        if request_from(connection):
            connection.sendall(reply)

    with raw_server(talk) as url:
        refused(check("--base-url", url, "--profile", str(written()), *FEW))


def test_a_target_that_never_answers(check: Check, written: Written) -> None:
    def talk(connection: socket.socket) -> None:
        request_from(connection)
        connection.recv(1)  # until the other side gives up

    with raw_server(talk) as url:  # that it ends at all is what `check` waits for
        refused(check("--base-url", url, "--profile", str(written()), "--timeout", "0.5", *FEW))


class Passage:
    """To the simulator and back, for so many requests; from then on each connection is cut."""

    def __init__(self, target: str, most: int) -> None:
        self.target = ("127.0.0.1", int(target.rsplit(":", 1)[1].rstrip("/")))
        self.left = most
        self.met = 0

    def __call__(self, connection: socket.socket) -> None:
        while request := request_from(connection):
            self.met += 1
            if self.left <= 0:
                return
            self.left -= 1
            with socket.create_connection(self.target, timeout=300) as behind:
                head, _, body = request.partition(b"\r\n\r\n")
                behind.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
                while part := behind.recv(65536):
                    connection.sendall(part)
            return


def test_a_target_that_fails_half_way(check: Check, written: Written, simulator: str) -> None:
    passage = Passage(simulator, most=15)
    with raw_server(passage) as url:
        ended = check("--base-url", url, "--profile", str(written()), "--level", "quick")
    assert ended.code in (1, 4), ended.said
    assert "Traceback" not in ended.said
    assert ended.run is not None
    assert ended.run["partial"]
    assert "stopped answering" in " ".join([*ended.run["notes"], *(row["why"] for row in ended.run["not_tried"])])
    assert passage.met < 60, "it goes on knocking"
    open_rows = [row for row in ended.run["requirements"] if row["in_scope"] and row["outcome"] == "not-exercised"]
    assert len(open_rows) > 100


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_limit_of_requests(check: Check, written: Written, simulator: str, workers: str) -> None:
    plan = written(limits="max_requests = 25")
    ended = check("--base-url", simulator, "--profile", str(plan), "--level", "quick", "-n", workers)
    assert ended.code == 4, ended.said
    assert ended.run is not None
    assert ended.run["exchange_count"] <= 25
    assert ended.run["partial"]
    assert ended.run["overall"] == "incomplete"
    assert "max_requests" in " ".join([*ended.run["notes"], *(row["why"] for row in ended.run["not_tried"])])
