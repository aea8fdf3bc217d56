"""What goes over the wire: kept connections that turn out to be closed, and what is told before a reply."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kki.drafting.drafts import Draft
from kki.edges import entropy
from kki.edges.client import Client
from kki.model.exchange import Exchange
from kki.model.http import Headers, Request
from kki.model.profile import Credentials, Limits

BODY = b'{"responseCode":"2005400","responseMessage":"Successful"}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"


@contextmanager
def serving(*connections: list[bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """For each connection that comes, what each of its requests is answered; then it is closed. And the requests."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[bytes] = []

    def serve() -> None:
        for answers in connections:
            connection, _ = listener.accept()
            with connection:
                for answer in answers:
                    heard.append(_request(connection))
                    connection.sendall(answer)
                if answers is not connections[-1]:
                    heard.append(_request(connection))  # the next one is read, and the connection closed on it

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
        thread.join(timeout=5)


def _request(connection: socket.socket) -> bytes:
    octets = b""
    while b"\r\n\r\n" not in octets or not octets.endswith(b"{}"):
        more = connection.recv(4096)
        if not more:
            break
        octets += more
    return octets


def a_draft(*, exact: bool = False) -> Draft:
    headers = Headers.of([("Content-Type", "application/json")])
    request = Request(method="POST", target="/direct-debit/core/v1/debit/refund", headers=headers, body=b"{}")
    return Draft(operation="refund", request=request, exact=exact)


def a_client(url: str) -> Client:
    return Client(url, Credentials(client_secret="secret"), Limits(timeout_s=5), now=entropy.now)


def test_a_kept_connection_that_is_closed_is_no_fault_of_the_server() -> None:
    with serving([REPLY], [REPLY]) as (url, heard):
        client = a_client(url)
        lost: list[Exchange] = []
        first, second = client.send(a_draft(), "x1", lost.append), client.send(a_draft(), "x2", lost.append)
    assert first.response is not None
    assert second.response is not None, second.failure
    assert second.id == "x2"
    assert len(heard) == 3
    assert [(each.id, each.failure, each.response) for each in lost] == [("x2-lost", "kept connection closed", None)]
    assert (lost[0].request, client.pace.sent) == (second.request, 3), "what left twice is told twice, and counts twice"


def test_a_new_connection_that_is_closed_is() -> None:
    with serving([], [REPLY]) as (url, heard):
        client = a_client(url)
        assert client.send(a_draft(), "x1").failure == "connection closed"
        assert client.send(a_draft(), "x2").response is not None
    assert len(heard) == 2


@pytest.mark.parametrize("exact", [False, True])
def test_what_is_told_before_a_reply_is_not_the_reply(exact: bool) -> None:
    with serving([HINTS + HINTS + REPLY]) as (url, heard):
        exchange = a_client(url).send(a_draft(exact=exact), "x1")
    assert exchange.response is not None, exchange.failure
    assert (exchange.response.status, exchange.response.body) == (200, BODY)
    assert b"accept-encoding: identity" in heard[0].lower()
