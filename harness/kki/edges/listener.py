"""A simulator, or another ASGI application, behind a socket. The only door to `uvicorn`.

Every decision is made inside the event loop's thread, so that two requests never meet half-way in the world.

Clients may be hostile: a head or a body that does not come to its end, more connections than there are files, more
requests than can be judged. Each has a limit, and none of them costs another client more than a moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kki.edges import entropy
from kki.edges.errors import ConfigurationError
from kki.edges.front import TRANSPORT, App, Application, Front, Watch
from kki.model.contract import Contract
from kki.model.profile import Profile
from kki.simulator.behaviour import Behaviour
from kki.simulator.correct import CORRECT
from kki.simulator.setup import setup_from
from kki.simulator.world import World

HEAD_S = 20.0  # how long the head of a request may take from its first octet, or from the connection
MOST_CONNECTIONS = 600  # open at once; the one that idles longest makes room for the next
_HEADERS_MAX = 1024 * 1024  # octets of one request's head; beyond it h11 refuses the request itself


@lru_cache(maxsize=1)
def _issuer_key() -> str:
    """The key that signs B2B tokens: nobody else needs it, so one a process is enough."""
    return entropy.issuer_key()


def world_of(
    profile: Profile, contract: Contract, behaviour: Behaviour = CORRECT, *, more_cpans: Collection[str] = ()
) -> World:
    """A fresh world for the profile's partner. ConfigurationError where a credential is missing."""
    try:
        setup = setup_from(profile, contract, issuer_key=_issuer_key())
    except ValueError as error:
        raise ConfigurationError([f"{profile.source}: {error}"]) from None
    return World(replace(setup, cpans=setup.cpans.union(more_cpans)), behaviour)


def check_tls(certificate: Path, key: Path) -> None:
    """ConfigurationError where these are no certificate and its key."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        named = f"--certificate {certificate}, --key {key}"
        raise ConfigurationError([f"{named}: expected a certificate and its key in PEM, but got: {why}."]) from None


class _Protocol(H11Protocol):
    """uvicorn's own, which also hands the application its transport: ASGI has no way to drop a connection.

    It bounds what uvicorn does not: how many connections there are, and how long the head of a request may take.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._idle_since = 0.0
        inner = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope[TRANSPORT] = self.transport
            await inner(scope, receive, send)

        self.app = with_transport

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()
        self._time_the_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._time_the_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._idle_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timing()
        super().connection_lost(exc)

    @property
    def _waits(self) -> bool:
        """Whether no request is being answered on this connection."""
        return not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete)

    def _make_room(self) -> None:
        waiting = (each for each in self.connections if isinstance(each, _Protocol) and each._waits)
        longest = min(waiting, key=lambda each: each._idle_since, default=None)
        if longest is not None:
            longest.transport.abort()

    def _time_the_head(self) -> None:
        if not self._waits:
            self._stop_timing()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_S, self._too_slow)

    def _stop_timing(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self._waits:
            self.transport.abort()


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


def _config(application: App, tls: tuple[str, str] | None) -> uvicorn.Config:
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


def _bound(host: str, port: int, option: str = "listen") -> socket.socket:
    """A listening socket; port 0 takes any free one. ConfigurationError where the address cannot be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # asyncio sets TCP_NODELAY only where the protocol is named; without it each reply waits 40 ms for an ACK
        sock = socket.socket(found[0][0], socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise _no_address(host, port, option, error) from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(found[0][4])
        sock.listen(2048)
    except (OSError, OverflowError) as error:
        sock.close()
        raise _no_address(host, port, option, error) from None
    return sock


def _no_address(host: str, port: int, option: str, error: Exception) -> ConfigurationError:
    why = getattr(error, "strerror", None) or str(error)
    return ConfigurationError([f"--{option} {host}:{port}: expected an address to listen on, but got: {why}."])


def _url(sock: socket.socket, host: str, tls: tuple[str, str] | None) -> str:
    shown = f"[{host}]" if ":" in host else "127.0.0.1" if host in ("", "0.0.0.0") else host
    return f"{'https' if tls else 'http'}://{shown}:{sock.getsockname()[1]}"


class Running:
    """A listener in a thread of its own. `stop` may be called twice; also a context manager."""

    def __init__(self, server: _Server, thread: threading.Thread, url: str, application: App) -> None:
        self.url = url
        self.application = application
        self._server = server
        self._thread = thread

    @property
    def world(self) -> World:
        if not isinstance(self.application, Application):
            raise TypeError(f"Expected a simulator behind {self.url}, but there is another application.")
        return self.application.world

    @property
    def faults(self) -> list[str]:
        return self.application.faults if isinstance(self.application, Front) else []

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
    prefix: str = "l",
    backlog: Callable[[], int] = lambda: 0,
) -> Running:
    """Answers from another thread, once this returns. `tls`: files of certificate and key, PEM."""
    application = Application(world=world, watch=watch, prefix=prefix, backlog=backlog)
    return serve_application(application, host, port, tls=tls)


def serve_application(
    application: App,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tls: tuple[str, str] | None = None,
    option: str = "listen",
) -> Running:
    """Any ASGI application, as `serve` does it. `option` names the option in a problem's sentence."""
    sock = _bound(host, port, option)
    started = threading.Event()
    server = _Server(_config(application, tls), started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="kki-listener", daemon=True)
    thread.start()
    if not started.wait(timeout=10):
        raise ConfigurationError([f"--{option} {host}:{port}: expected the listener to start, but it did not."])
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
