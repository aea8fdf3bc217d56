"""What stands behind a listener, as ASGI applications: a simulator's world, or another server that is forwarded to.

Here a request becomes evidence, and what comes of it a reply, a silence or a closed connection. Plain ASGI keeps the
raw path, the order and the duplicates of headers.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kki.edges import entropy
from kki.model.exchange import Exchange
from kki.model.http import Headers, Request, Response
from kki.simulator.outcomes import Drop, Hang, Result, Slow
from kki.simulator.server import commit, decide
from kki.simulator.setup import MAX_BODY
from kki.simulator.world import World

RACE_WINDOW_S = 0.02  # how long a persona that races with itself forgets what it has decided
SILENCE_S = 600.0  # how long a hanging persona keeps a connection
READ_S = 30.0  # how long a client may keep us waiting for the next piece of a body
BODY_S = 120.0  # and for all of it
MOST_WAITING = 1000  # exchanges that nobody has judged yet; beyond it new requests wait for their turn
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
TRANSPORT = "kki.transport"  # under which the listener puts the connection into the scope
_FAULT = Response(
    status=500,
    headers=Headers.of([("Content-Type", "application/json")]),
    body=b'{"responseCode":"5000000","responseMessage":"General Error"}',
)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Watch = Callable[[Exchange], None]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Forward = Callable[[Request], tuple[Response | None, str | None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the client is to be given, and what goes into the evidence: a reply, or how it failed to come."""

    result: Result
    response: Response | None = None
    failure: str | None = None


@dataclass(slots=True)
class Front:
    """The ASGI application, but for what it answers. `watch` is told of every exchange, in the order of the answers,
    before the client can know of the answer; `backlog` says how many of those it has not yet dealt with. `faults`
    holds what went wrong on our own side.
    """

    watch: Watch | None = None
    now: Callable[[], datetime] = entropy.now
    prefix: str = "l"
    backlog: Callable[[], int] = lambda: 0
    faults: list[str] = field(default_factory=list)
    _count: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        sent_at = self.now()
        while self.backlog() > MOST_WAITING:
            await asyncio.sleep(RACE_WINDOW_S)
        body = await _body(receive)
        if body is None:  # gone, or too slow
            await _dropped(scope, receive, b"")
            return
        request = request_of(scope, body)
        outcome = await self.outcome(request)
        slow = isinstance(outcome.result, Slow)
        if not slow:
            self._tell(scope, request, outcome, sent_at)
        gave_up = await _perform(outcome.result, scope, receive, send)
        if slow:
            self._tell(scope, request, Outcome(outcome.result, None, "timeout") if gave_up else outcome, sent_at)

    async def outcome(self, request: Request) -> Outcome:
        raise NotImplementedError

    def _tell(self, scope: Scope, request: Request, outcome: Outcome, sent_at: datetime) -> None:
        if self.watch is None:
            return
        self._count += 1
        self.watch(
            Exchange(
                id=f"{self.prefix}{self._count}",
                request=request,
                response=outcome.response,
                sent_at=sent_at,
                answered_at=self.now() if outcome.response else None,
                failure=outcome.failure,
                tls=_tls_version(scope),
            )
        )


@dataclass(slots=True, kw_only=True)
class Application(Front):
    """Answers as the world's behaviour does."""

    world: World
    fresh: Callable[[int], str] = entropy.fresh_id

    async def outcome(self, request: Request) -> Outcome:
        result = await self._result(request)
        match result:
            case Hang():
                return Outcome(result, None, "timeout")
            case Drop():
                return Outcome(result, None, "connection closed")
            case Slow(response, _):
                return Outcome(result, response)
        return Outcome(result, result)

    async def _result(self, request: Request) -> Result:
        try:
            decision = decide(self.world, request, self.now(), self.fresh)
            commit(self.world, decision.early)
        except Exception as error:  # our own fault must not look like the network's
            self.faults.append(f"{type(error).__name__}: {error}")
            return _FAULT
        if decision.late:
            await asyncio.sleep(RACE_WINDOW_S)
            commit(self.world, decision.late)
        return decision.result


@dataclass(slots=True, kw_only=True)
class Forwarding(Front):
    """Answers as another server does. `forward` may block: it is called in threads of its own."""

    forward: Forward
    evident: Callable[[Response], Response] = lambda response: response
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(32, "kki-relay"))

    async def outcome(self, request: Request) -> Outcome:
        loop = asyncio.get_running_loop()
        try:
            response, failure = await loop.run_in_executor(self.threads, self.forward, request)
        except Exception as error:  # as above
            self.faults.append(f"{type(error).__name__}: {error}")
            return Outcome(_FAULT, None, "connection closed")
        if response is None:
            return Outcome(Drop(), None, failure)
        return Outcome(response, self.evident(response), failure)


def request_of(scope: Scope, body: bytes) -> Request:
    """The request as it came. Header octets outside ASCII are read as ISO 8859-1 (RFC 9110 section 5.5)."""
    headers = Headers(tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]))
    query = scope["query_string"].decode("latin-1")
    # A client that believes us to be its proxy sends the whole address: a server takes that too (RFC 9112, 3.2.2).
    path = scope["raw_path"].decode("latin-1")
    whole = _ABSOLUTE.match(path)
    target = (path[whole.end() :] or "/" if whole else path) + (f"?{query}" if query else "")
    host = headers.get("host") or ""
    return Request(
        method=scope["method"],
        target=target,
        headers=headers,
        body=body,
        origin=f"{scope['scheme']}://{host}" if host else "",
    )


async def _body(receive: Receive) -> bytes | None:
    """The body, at most one octet beyond the limit; None when the client went away or made us wait too long."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await asyncio.wait_for(receive(), READ_S)
                if message["type"] == "http.disconnect":
                    return None
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if not message.get("more_body") or size > MAX_BODY:
                    return b"".join(parts)[: MAX_BODY + 1]
    except TimeoutError:
        return None


async def _perform(result: Result, scope: Scope, receive: Receive, send: Send) -> bool:
    """Gives the client what it is to have. True: it did not wait for a slow reply."""
    match result:
        case Hang():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_gone(receive), SILENCE_S)
        case Drop(sent):
            await _dropped(scope, receive, sent)
        case Slow(response, seconds):
            try:
                await asyncio.wait_for(_gone(receive), seconds)
            except TimeoutError:
                await _sent(response, send)
            else:
                return True
        case Response():
            await _sent(result, send)
    return False


async def _sent(response: Response, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.pairs]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _dropped(scope: Scope, receive: Receive, sent: bytes) -> None:
    transport = scope.get(TRANSPORT)
    if transport is not None:
        if sent:
            transport.write(sent)
            transport.close()
        else:
            transport.abort()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _tls_version(scope: Scope) -> str | None:
    transport = scope.get(TRANSPORT)
    tls = transport.get_extra_info("ssl_object") if transport is not None else None
    version = tls.version() if tls is not None else None
    return str(version) if version else None
