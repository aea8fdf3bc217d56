"""The live page of a session behind a socket. The only door to `starlette`.

It shows what a `Source` has, as it stands; changes follow as server-sent events. Nothing is loaded from outside, and a
page that a stranger's text got into could still run no script of his: see HEADERS.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from kki.edges.listener import Running, serve_application

LOOK_S = 0.25  # how often a stream looks for changes
KEEP_ALIVE_S = 15.0  # how often it says that it still lives
MOST_STREAMS = 50  # at once; beyond it a page has to do without
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Source(Protocol):
    """What there is to show. Called from the page's own thread."""

    def overview(self) -> str:
        """The first page."""

    def exchange(self, name: str) -> str | None:
        """The page of one exchange; None where there is none of this id."""

    def missing(self) -> str:
        """The page for what is not here."""

    def state(self) -> dict[str, object]:
        """The same in short, for scripts."""

    def changes(self, version: int, seq: int) -> tuple[int, int, str] | None:
        """(version, last exchange, JSON) since then; None where nothing has changed."""

    def asset(self, name: str) -> tuple[str, str] | None:
        """(content type, text) of a file beside the pages."""

    @property
    def over(self) -> bool:
        """Whether nothing will change any more."""


class Pages:
    """The routes over one source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.streams = 0

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self.first),
                Route("/exchange/{name}", self.one),
                Route("/events", self.events),
                Route("/state.json", self.state),
                Route("/live.css", self.asset),
                Route("/live.js", self.asset),
            ],
            exception_handlers={404: self.missing, 405: self.missing},
        )

    async def first(self, _request: Request) -> Response:
        return HTMLResponse(self.source.overview(), headers=HEADERS)

    async def one(self, request: Request) -> Response:
        page = self.source.exchange(request.path_params["name"])
        return self._missing() if page is None else HTMLResponse(page, headers=HEADERS)

    async def missing(self, _request: Request, _error: Exception) -> Response:
        return self._missing()

    def _missing(self) -> Response:
        return HTMLResponse(self.source.missing(), status_code=404, headers=HEADERS)

    async def state(self, _request: Request) -> Response:
        return JSONResponse(self.source.state(), headers=HEADERS)

    async def asset(self, request: Request) -> Response:
        found = self.source.asset(request.url.path.removeprefix("/"))
        if found is None:
            return self._missing()
        kind, text = found
        return Response(text, media_type=kind, headers=HEADERS)

    async def events(self, request: Request) -> Response:
        if self.streams >= MOST_STREAMS:
            return PlainTextResponse("Too many pages are open at once.", status_code=503, headers=HEADERS)
        since = request.query_params.get("since", "")
        seq = int(since) if since.isascii() and since.isdigit() and len(since) < 12 else 0
        return StreamingResponse(self._stream(request, seq), media_type="text/event-stream", headers=HEADERS)

    async def _stream(self, request: Request, seq: int) -> AsyncIterator[str]:
        version, quiet = -1, 0.0
        self.streams += 1
        try:
            yield "retry: 2000\n\n"
            while not await request.is_disconnected():
                over = self.source.over
                found = self.source.changes(version, seq)
                if found is not None:
                    version, seq, data = found
                    quiet = 0.0
                    yield f"event: update\ndata: {data}\n\n"
                elif quiet >= KEEP_ALIVE_S:
                    quiet = 0.0
                    yield ": still here\n\n"
                if over:
                    return
                await asyncio.sleep(LOOK_S)
                quiet += LOOK_S
        finally:
            self.streams -= 1


def serve_pages(source: Source, host: str = "127.0.0.1", port: int = 0) -> Running:
    """The live page, from a thread of its own. ConfigurationError where the address cannot be had."""
    return serve_application(Pages(source).application(), host, port, option="live")
