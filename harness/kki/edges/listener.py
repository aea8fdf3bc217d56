"""A simulator behind a socket. The only door to `uvicorn`.

A plain ASGI application: it keeps the raw path, the order and the duplicates of headers, which are evidence. Every
decision is made inside the event loop's thread, so that two requests never meet half-way in the world.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kki.edges import entropy
from kki.edges.errors import ConfigurationError
from kki.model.contract import Contract
from kki.model.exchange import Exchange
from kki.model.http import Headers, Request, Response
from kki.model.profile import Profile
from kki.simulator.behaviour import Behaviour
from kki.simulator.correct import CORRECT
from kki.simulator.outcomes import Drop, Hang, Result, Slow
from kki.simulator.server import commit, decide
from kki.simulator.setup import MAX_BODY, setup_from
from kki.simulator.world import World

RACE_WINDOW_S = 0.02  # how long a persona that races with itself forgets what it has decided
SILENCE_S = 600.0  # how long a hanging persona keeps a connection
READ_S = 30.0  # how long a client may keep us waiting for the next piece of a body
_HEADERS_MAX = 1024 * 1024  # octets of one request's head; beyond it h11 refuses the request itself
_OURS = "kki.transport"
_FAULT = Response(
    status=500,
    headers=Headers.of([("Content-Type", "application/json")]),
    body=b'{"responseCode":"5000000","responseMessage":"General Error"}',
)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Watch = Callable[[Exchange], None]


@lru_cache(maxsize=1)
def _issuer_key() -> str:
    """The key that signs B2B tokens: nobody else needs it, so one a process is enough."""
    return entropy.rsa_pair()[0]


def world_of(profile: Profile, contract: Contract, behaviour: Behaviour = CORRECT) -> World:
    """A fresh world for the profile's partner. ConfigurationError where a credential is missing."""
    try:
        setup = setup_from(profile, contract, issuer_key=_issuer_key())
    except ValueError as error:
        raise ConfigurationError([f"{profile.source}: {error}"]) from None
    return World(setup, behaviour)


@dataclass(slots=True)
class Application:
    """The ASGI application. `watch` is told of every exchange; `faults` holds what went wrong on our own side."""

    world: World
    watch: Watch | None = None
    now: Callable[[], datetime] = entropy.now
    fresh: Callable[[int], str] = entropy.fresh_id
    faults: list[str] = field(default_factory=list)
    _count: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        sent_at = self.now()
        body = await _body(receive)
        if body is None:  # gone, or too slow
            await _dropped(scope, receive, b"")
            return
        request = request_of(scope, body)
        result = await self._result(request)
        failure = await _perform(result, scope, receive, send)
        self._tell(scope, request, result, sent_at, failure)

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

    def _tell(self, scope: Scope, request: Request, result: Result, sent_at: datetime, failure: str | None) -> None:
        if self.watch is None:
            return
        self._count += 1
        response = result.response if isinstance(result, Slow) else result if isinstance(result, Response) else None
        self.watch(
            Exchange(
                id=f"l{self._count}",
                request=request,
                response=response,
                sent_at=sent_at,
                answered_at=self.now() if response else None,
                failure=failure,
                tls=_tls_version(scope),
            )
        )


def request_of(scope: Scope, body: bytes) -> Request:
    """The request as it came. Header octets outside ASCII are read as ISO 8859-1 (RFC 9110 section 5.5)."""
    headers = Headers(tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]))
    query = scope["query_string"].decode("latin-1")
    target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
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
    while True:
        try:
            message = await asyncio.wait_for(receive(), READ_S)
        except TimeoutError:
            return None
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body") or size > MAX_BODY:
            return b"".join(parts)[: MAX_BODY + 1]


async def _perform(result: Result, scope: Scope, receive: Receive, send: Send) -> str | None:
    """What the client will call the failure, if there is one."""
    match result:
        case Hang():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_gone(receive), SILENCE_S)
            return "timeout"
        case Drop(sent):
            await _dropped(scope, receive, sent)
            return "connection closed"
        case Slow(response, seconds):
            await asyncio.sleep(seconds)
            await _sent(response, send)
        case Response():
            await _sent(result, send)
    return None


async def _sent(response: Response, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.pairs]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _dropped(scope: Scope, receive: Receive, sent: bytes) -> None:
    transport = scope.get(_OURS)
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
    transport = scope.get(_OURS)
    tls = transport.get_extra_info("ssl_object") if transport is not None else None
    version = tls.version() if tls is not None else None
    return str(version) if version else None


class _Protocol(H11Protocol):
    """uvicorn's own, which also hands the application its transport: ASGI has no way to drop a connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope[_OURS] = self.transport
            await inner(scope, receive, send)

        self.app = with_transport


class _Server(uvicorn.Server):
    """uvicorn's server, quiet at its end: SIGTERM and Ctrl-C are how a listener is meant to stop."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.should_exit = True


def _config(application: Application, tls: tuple[str, str] | None) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=_Protocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=_HEADERS_MAX,
        ssl_certfile=tls[0] if tls else None,
        ssl_keyfile=tls[1] if tls else None,
    )


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. ConfigurationError where the address cannot be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # asyncio sets TCP_NODELAY only where the protocol is named; without it each reply waits 40 ms for an ACK
        sock = socket.socket(found[0][0], socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(found[0][4])
        sock.listen(2048)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        problem = f"--listen {host}:{port}: expected an address to listen on, but got: {why}."
        raise ConfigurationError([problem]) from None
    return sock


def _url(sock: socket.socket, host: str, tls: tuple[str, str] | None) -> str:
    shown = f"[{host}]" if ":" in host else "127.0.0.1" if host in ("", "0.0.0.0") else host
    return f"{'https' if tls else 'http'}://{shown}:{sock.getsockname()[1]}"


class Running:
    """A listener in a thread of its own. `stop` may be called twice; also a context manager."""

    def __init__(self, server: _Server, thread: threading.Thread, url: str, application: Application) -> None:
        self.url = url
        self.application = application
        self._server = server
        self._thread = thread

    @property
    def world(self) -> World:
        return self.application.world

    @property
    def faults(self) -> list[str]:
        return self.application.faults

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(
    world: World,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    watch: Watch | None = None,
    tls: tuple[str, str] | None = None,
) -> Running:
    """Answers from another thread, once this returns. `tls`: files of certificate and key, PEM."""
    sock = _bound(host, port)
    application = Application(world=world, watch=watch)
    started = threading.Event()
    server = _Server(_config(application, tls), started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="kki-listener", daemon=True)
    thread.start()
    if not started.wait(timeout=10):
        raise ConfigurationError([f"--listen {host}:{port}: expected the listener to start, but it did not."])
    return Running(server, thread, _url(sock, host, tls), application)


@contextlib.contextmanager
def serve_simulator(profile: Profile, contract: Contract, behaviour: Behaviour = CORRECT) -> Iterator[str]:
    """The address of a simulator on loopback, for as long as the block lasts."""
    with serve(world_of(profile, contract, behaviour)) as running:
        yield running.url


def run_forever(
    world: World,
    host: str,
    port: int,
    *,
    ready: Callable[[str], None],
    watch: Watch | None = None,
    tls: tuple[str, str] | None = None,
) -> None:
    """Answers in this thread until SIGTERM or Ctrl-C. `ready` gets the address once connections are accepted."""
    sock = _bound(host, port)
    application = Application(world=world, watch=watch)
    url = _url(sock, host, tls)
    _Server(_config(application, tls), lambda: ready(url)).run(sockets=[sock])
