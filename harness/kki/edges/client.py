"""The only door to `requests`: sends drafts, signs the final bytes last, keeps what left and what came."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from kki.drafting.drafts import Draft, signed
from kki.edges import wire
from kki.model.exchange import Exchange
from kki.model.http import Headers, Request, Response
from kki.model.profile import Credentials, Limits

MAX_REPLY = 4 * 1024 * 1024  # a reply is kept up to here; what comes beyond is no API reply
CLOSED = "connection closed"
KEPT_CLOSED = "kept connection closed"  # before a reply, on a connection that had served other requests
TIME_IS_UP = "the time that --timeout gives to the run is up"
Clock = Callable[[], datetime]


class PlanEnded(Exception):  # noqa: N818  # reached as planned: no error
    """Nothing more is sent in this run: the profile's `max_requests` are used up, or the run's time is."""


class SnapAuth(requests.auth.AuthBase):
    """Signs the prepared request, so that the signature is over the bytes that leave, and spoils it afterwards."""

    def __init__(self, draft: Draft, credentials: Credentials) -> None:
        self.draft = draft
        self.credentials = credentials
        self.sent: Request | None = None

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        parts = urlsplit(prepared.url or "")
        body = prepared.body or b""
        raw = body.encode() if isinstance(body, str) else bytes(body)
        names = {name.lower() for name, _ in self.draft.request.headers.pairs}
        lines = [(name, _text(value)) for name, value in prepared.headers.items() if name.lower() in names]
        request = Request(
            method=prepared.method or "",
            target=prepared.path_url,
            headers=Headers.of(lines),
            body=raw,
            origin=f"{parts.scheme}://{parts.netloc}",
        )
        request = finished(request, self.draft, self.credentials)
        prepared.method = request.method
        prepared.url = request.origin + request.target
        prepared.body = request.body
        prepared.headers.clear()
        wire: Any = {name: _wire(value) for name, value in request.headers.pairs}  # requests sends bytes as they are
        prepared.headers.update(wire)
        prepared.headers["Content-Length"] = str(len(request.body))
        self.sent = request
        return prepared


def finished(request: Request, draft: Draft, credentials: Credentials) -> Request:
    """Signed, then broken where the draft says so."""
    request = signed(request, draft.plan, credentials)
    for change in draft.after:
        request = change(request)
    return request


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _wire(value: str) -> str | bytes:
    """Header text as bytes: Latin-1 where that holds it, else UTF-8, as common clients do."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


class _Connection(urllib3.connection.HTTPConnection):
    response_class = wire.FinalResponse


class _SafeConnection(urllib3.connection.HTTPSConnection):
    response_class = wire.FinalResponse


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SafePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SafeConnection


_POOLS: Any = {"http": _Pool, "https": _SafePool}


class Pace:
    """At most so many requests a second and in all; respects Retry-After. Shared by threads. `seconds`: the run's."""

    def __init__(
        self, limits: Limits, clock: Callable[[], float] = time.monotonic, seconds: float | None = None
    ) -> None:
        self.limits = limits
        self.sent = 0
        self._clock = clock
        self._ends = None if seconds is None else clock() + seconds
        self._next = 0.0
        self._lock = threading.Lock()

    @property
    def late(self) -> bool:
        """Whether the run's time is up."""
        return self._ends is not None and self._clock() >= self._ends

    @property
    def over(self) -> str:
        """Why nothing more is sent; "" while something may be."""
        if self.sent >= self.limits.max_requests:
            return f"The profile allows {self.limits.max_requests} requests ([limits] max_requests), and all are used."
        return TIME_IS_UP if self.late else ""

    def take(self) -> None:
        """Wait for this request's turn. PlanEnded when none is left."""
        with self._lock:
            if self.over:
                raise PlanEnded(self.over)
            self.sent += 1
            gap = 1 / self.limits.requests_per_second if self.limits.requests_per_second > 0 else 0.0
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + gap
        if turn > now:
            time.sleep(turn - now)

    def hold(self, seconds: float) -> None:
        """Nothing leaves for so long: the target asked for it."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)


class Client:
    """One target. `send` never raises for what the target does; it raises for what the operator must mend."""

    def __init__(
        self, base_url: str, credentials: Credentials, limits: Limits, *, now: Clock, pace: Pace | None = None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.credentials = credentials
        self.limits = limits
        self.now = now
        self.pace = pace or Pace(limits)
        self._local = threading.local()

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False  # a proxy or .netrc of the machine must not touch evidence
            session.headers.clear()
            adapter = HTTPAdapter(pool_connections=2, pool_maxsize=2, max_retries=urllib3.Retry(0, read=False))
            adapter.poolmanager.pool_classes_by_scheme = _POOLS
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            self._local.session = session
        return session

    def send(self, draft: Draft, exchange_id: str, lost: Callable[[Exchange], None] | None = None) -> Exchange:
        """What left and what came. Shapes: see `Exchange`.

        A connection that is kept open may be closed while a request is on its way: no fault of the server's, but the
        request may have been carried out. `lost` then gets this exchange, and the request goes over a new connection.
        """
        self.pace.take()
        kept = getattr(self._local, "session", None) is not None
        exchange = self._exactly(draft, exchange_id) if draft.exact else self._once(draft, exchange_id)
        if kept and not draft.exact and exchange.failure == CLOSED:
            if lost is not None:
                lost(replace(exchange, id=f"{exchange_id}-lost", failure=KEPT_CLOSED))
            self.pace.take()
            exchange = self._once(draft, exchange_id)
        self._heed(exchange)
        return exchange

    def _once(self, draft: Draft, exchange_id: str) -> Exchange:
        auth = SnapAuth(draft, self.credentials)
        headers = {name: _wire(value) for name, value in draft.request.headers.pairs}
        sent_at = self.now()
        response, failure = None, None
        try:
            with self._session().request(
                draft.request.method,
                self.base_url + draft.request.target,
                headers=headers,
                data=draft.request.body,
                auth=auth,
                timeout=self.limits.timeout_s,
                allow_redirects=False,
                stream=True,
            ) as reply:
                response = _received(reply, self.limits.timeout_s)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            failure = _failure(error)
            self._local.session = None  # the connection is in an unknown state; the next request gets a fresh one
        request = auth.sent or Request(
            method=draft.request.method,
            target=draft.request.target,
            headers=draft.request.headers,
            body=draft.request.body,
        )
        return Exchange(
            id=exchange_id, request=request, response=response, sent_at=sent_at,
            answered_at=self.now() if response else None, failure=failure,
        )

    def _exactly(self, draft: Draft, exchange_id: str) -> Exchange:
        origin = self.base_url
        base = Request(
            method=draft.request.method, target=draft.request.target, headers=draft.request.headers,
            body=draft.request.body, origin=origin,
        )
        request = finished(base, draft, self.credentials)
        sent_at = self.now()
        response, failure = wire.exchange(origin, request, self.limits.timeout_s)
        return Exchange(
            id=exchange_id, request=request, response=response, sent_at=sent_at,
            answered_at=self.now() if response else None, failure=failure,
        )

    def _heed(self, exchange: Exchange) -> None:
        """429 and 503 say for how long to keep quiet; we do, within reason."""
        if exchange.response is None or exchange.response.status not in (429, 503):
            return
        after = exchange.response.headers.get("Retry-After") or ""
        if after.isascii() and after.isdigit():
            self.pace.hold(min(float(after), 30.0))


def _received(reply: requests.Response, timeout_s: float) -> Response:
    """Headers as they stood (urllib3 keeps duplicates), body up to MAX_REPLY and not longer than the time-out."""
    lines = [(name, value) for name, value in reply.raw.headers.items()]
    deadline = time.monotonic() + timeout_s
    body = bytearray()
    for chunk in reply.iter_content(65536):
        body += chunk
        if len(body) > MAX_REPLY:
            break
        if time.monotonic() > deadline:
            raise requests.Timeout("the reply's body took longer than the time-out")
    return Response(status=reply.status_code, headers=Headers.of(lines), body=bytes(body))


def _failure(error: Exception) -> str:
    text = f"{type(error).__name__} {error}"
    if isinstance(error, requests.Timeout) or "timed out" in text:
        return "timeout"
    if any(sign in text for sign in ("NewConnectionError", "refused", "resolve", "unreachable", "MaxRetryError")) and (
        "reset" not in text and "aborted" not in text and "SSL" not in text
    ):
        return "connection refused"
    if "SSL" in text or "CERTIFICATE" in text:
        return "TLS failed"
    cut_off = ("reset", "aborted", "IncompleteRead", "Broken pipe", "RemoteDisconnected", "closed")
    if any(sign in text for sign in cut_off):
        return CLOSED
    return "malformed reply"
