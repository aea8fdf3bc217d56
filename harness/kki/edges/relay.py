"""Between a merchant and a real server: the request goes on as it came, and so does the reply.

What only concerns one connection (RFC 9110 section 7.6.1), the Host and the length are the connection's own; everything
else stays, in its order. What is judged is the reply as the client reads it: without its content coding.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace

from kki.edges import wire
from kki.model.http import Headers, Request, Response

MOST_PLAIN = 4 * 1024 * 1024  # octets of a reply without its coding
_CONNECTION = frozenset(
    {
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "content-length", "expect",
    }
)  # fmt: skip


def forwarding(target: str, timeout_s: float) -> Callable[[Request], tuple[Response | None, str | None]]:
    """(reply, None) or (None, failure) for a request; blocks until then. `target`: scheme, host and port."""

    def forward(request: Request) -> tuple[Response | None, str | None]:
        onward = replace(request, headers=_without(request.headers, also=frozenset({"host"})))
        response, failure = wire.exchange(target, onward, timeout_s, encoding="latin-1")
        if response is None:
            return None, failure
        return replace(response, headers=_without(response.headers)), failure

    return forward


def _without(headers: Headers, *, also: frozenset[str] = frozenset()) -> Headers:
    named = {name.strip().lower() for value in headers.all("connection") for name in value.split(",")}
    gone = _CONNECTION | also | named
    return Headers(tuple((name, value) for name, value in headers.pairs if name.lower() not in gone))


def evident(response: Response) -> Response:
    """The reply as its reader sees it: gzip and deflate undone; as it is where that does not work."""
    coding = (response.headers.get("content-encoding") or "").strip().lower()
    if coding not in ("gzip", "x-gzip", "deflate"):
        return response
    try:
        plain = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(response.body, MOST_PLAIN)
    except zlib.error:
        return response
    return replace(response, body=plain)
