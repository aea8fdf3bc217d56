"""What others hid before they gave their recording away, in the form in which we hide: a value nobody can judge.

Redaction of browsers, proxies and loggers has words of its own ("[REDACTED]", "***"), and some leave the line out that
bears a secret. Only of recordings: what is made for a trial is what was sent.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace

from kki.model.contract import Operation
from kki.model.exchange import Exchange
from kki.model.http import Headers

_WORD = r"[\[<({]{0,2}(?:redacted|filtered|masked|hidden|removed|scrubbed)[\])>}]{0,2}|[*•]{3,}"
_HEADER = re.compile(rf"(?P<scheme>[A-Za-z]+ +)?(?:{_WORD})", re.IGNORECASE)
_MEMBER = re.compile(rb'"(?:' + _WORD.replace("•", "").encode() + rb')"(?!\s*:)', re.IGNORECASE)
_TOKENLESS = frozenset({(401, "01"), (401, "03"), (401, "00"), (400, "01"), (400, "02")})
"""What a server says where there was no token."""


def shown_as_hidden(exchange: Exchange) -> Exchange:
    """The exchange with a pseudonym of ours in each place where somebody else's stands, each one unlike the others."""
    fresh = _pseudonyms(exchange.id)
    request, response = exchange.request, exchange.response
    request = replace(request, headers=_headers(request.headers, fresh), body=_body(request.body, fresh))
    if response is not None:
        response = replace(response, headers=_headers(response.headers, fresh), body=_body(response.body, fresh))
    return replace(exchange, request=request, response=response)


def with_the_line_left_out(exchange: Exchange, operation: Operation | None, case: tuple[int, str] | None) -> Exchange:
    """With a hidden Authorization where there is none, and the server says nothing of that: a recorder left it out."""
    request = exchange.request
    if operation is None or not operation.symmetric or request.headers.get("Authorization") is not None:
        return exchange
    if exchange.response is None or case in _TOKENLESS or exchange.response.status == 401:
        return exchange
    return replace(exchange, request=request.with_header("Authorization", "Bearer ‹bearer:000000›"))


def _pseudonyms(name: str) -> Callable[[], str]:
    count = iter(range(1_000_000))

    def fresh() -> str:
        return f"‹hidden:{hashlib.sha256(f'{name} {next(count)}'.encode()).hexdigest()[:6]}›"

    return fresh


def _headers(headers: Headers, fresh: Callable[[], str]) -> Headers:
    if not any(_HEADER.fullmatch(value.strip()) for _, value in headers.pairs):
        return headers
    return Headers.of([(name, _header(name, value, fresh)) for name, value in headers.pairs])


def _header(name: str, value: str, fresh: Callable[[], str]) -> str:
    """A scheme that was hidden with the token is taken to be the right one."""
    found = _HEADER.fullmatch(value.strip())
    if found is None:
        return value
    return (found["scheme"] or ("Bearer " if name.lower().startswith("authorization") else "")) + fresh()


def _body(body: bytes, fresh: Callable[[], str]) -> bytes:
    return _MEMBER.sub(lambda _: b'"' + fresh().encode() + b'"', body)
