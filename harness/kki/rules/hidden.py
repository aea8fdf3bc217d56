"""What others hid before they gave their recording away, in the form in which we hide: a value nobody can judge.

Redaction of browsers, proxies and loggers has words of its own ("[REDACTED]", "***"), and some leave the line out that
bears a secret. Only of recordings: what is made for a trial is what was sent.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from kki.model.contract import Contract, Operation
from kki.model.exchange import Exchange
from kki.model.http import Headers

_PUT_AWAY = r"(?:redacted|filtered|masked|hidden|removed|scrubbed|sanitized)"
_WORD = (
    rf"[^\w\s\"]{{0,4}}_*{_PUT_AWAY}_*[^\w\s\"]{{0,4}}"
    rf"|[\[<({{][a-z -]{{1,30}}{_PUT_AWAY}[\])>}}]|\*+ {_PUT_AWAY} \*+"
)
_ENDS = r"[^\s\"*]{0,2048}"  # what a mask leaves of a value: 9360************000
_MASK = rf"{_ENDS}(?:\*|•){{3,}}{_ENDS}|[0-9]{{0,6}}x{{4,20}}[0-9]{{0,4}}"
_CUT = rf"{_ENDS}(?:\.\.\.|…)"
_HEADER = re.compile(rf"(?P<scheme>[A-Za-z]+ +)?(?:{_WORD}|{_MASK}|{_CUT})", re.IGNORECASE)
_MEMBER = re.compile(rf'"(?:{_WORD}|{_MASK})"(?!\s*:)'.encode(), re.IGNORECASE)
_LINE = "Authorization"
_LINES = (_LINE, "Authorization-customer")
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


def with_the_line_left_out(
    exchange: Exchange, operation: Operation | None, case: tuple[int, str] | None, left_out: frozenset[str]
) -> Exchange:
    """With a hidden Authorization where there is none, and the server says nothing of that: a recorder left it out.

    `left_out`: what this recorder is known to leave out of every request, whatever the server says.
    """
    if operation is None or not operation.symmetric:
        return exchange
    request, reply, fresh = exchange.request, exchange.response, _pseudonyms(f"left out of {exchange.id}")
    taken = reply is not None and reply.status != 401 and case not in _TOKENLESS
    names = [name for name in left_out or ({_LINE} if taken else ()) if request.headers.get(name) is None]
    for name in names:
        if operation.header(name) is not None:
            request = request.with_header(name, "Bearer " + fresh())
    return replace(exchange, request=request) if names else exchange


def lines_left_out(exchanges: Sequence[Exchange], contract: Contract) -> frozenset[str]:
    """The headers with tokens that are in no request, though some that need them were accepted.

    Browsers write such recordings unless they are told to keep what is sensitive.
    """
    at = [(contract.operation_at(each.request.path), each) for each in exchanges]
    signed = [each for operation, each in at if operation is not None and operation.symmetric]
    accepted = any(each.response is not None and each.response.status == 200 for each in signed)
    missing = {name for name in _LINES if all(each.request.headers.get(name) is None for each in signed)}
    return frozenset(missing) if accepted and _LINE in missing else frozenset()


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
