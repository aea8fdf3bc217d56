"""`exchanges.har`: the evidence as HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), for browsers' tools."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response
from kki.model.run import Run
from kki.report import figures

OURS = "_kki"  # HAR 1.2: members that begin with an underscore are the writer's own
NO_ORIGIN = "http://unknown.invalid"  # a URL must be absolute; RFC 2606 keeps this name out of the world
_NOT_KNOWN = -1  # the number that HAR writes for a size or time nobody measured


def har(run: Run, records: Iterable[Record]) -> bytes:
    """The document, UTF-8. `records` are redacted; findings stand beside each entry under `_kki`."""
    found = figures.findings_by_exchange(run)
    entries = [
        entry(record, run.operation_of(record.exchange.request.target), _found(found, record)) for record in records
    ]
    log = {
        "version": "1.2",
        "creator": {"name": "doku-kki-conformance", "version": run.harness},
        "pages": [],
        "entries": entries,
        "comment": f"kki {run.use} of {run.target}: {run.overall.value}. Secrets are pseudonyms.",
    }
    return json.dumps({"log": log}, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace") + b"\n"


def _found(found: Mapping[str, list[tuple[Any, Any]]], record: Record) -> list[dict[str, str]]:
    return [
        {"requirement": row.id, "grade": row.grade.value, "where": finding.where, "expected": finding.expected,
         "actual": finding.actual}
        for row, finding in found.get(record.exchange.id, ())
    ]  # fmt: skip


def entry(record: Record, operation: str = "", findings: Iterable[Mapping[str, str]] = ()) -> dict[str, Any]:
    """One entry. The times are what we know: when it was sent, and when the reply was there."""
    exchange = record.exchange
    took = figures.milliseconds(exchange)
    return {
        "startedDateTime": exchange.sent_at.isoformat(),
        "time": took or 0,
        "request": _request(exchange.request),
        "response": _no_response(exchange) if exchange.response is None else _response(exchange.response),
        "cache": {},
        "timings": {"send": 0, "wait": took or 0, "receive": 0},
        "comment": f"{exchange.id}{' ' + operation if operation else ''}",
        OURS: {
            "id": exchange.id,
            "made_by": record.made_by,
            "mutations": list(record.mutations),
            "operation": operation,
            "answered_at": exchange.answered_at.isoformat() if exchange.answered_at else None,
            "failure": exchange.failure,
            "tls": exchange.tls,
            "origin": exchange.request.origin,
            "target": exchange.request.target,
            "findings": [dict(finding) for finding in findings],
        },
    }


def _request(request: Request) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "method": request.method,
        "url": url_of(request),
        "httpVersion": "HTTP/1.1",
        "cookies": [],  # nothing is read out of the headers: they stand below, as they were
        "headers": _headers(request.headers),
        "queryString": _query(request.target),
        "headersSize": _NOT_KNOWN,
        "bodySize": len(request.body),
    }
    if request.body:
        text, encoding = _text(request.body)
        data = {"mimeType": request.headers.get("Content-Type") or "", "params": [], "text": text}
        shown["postData"] = {**data, "_encoding": encoding} if encoding else data
    return shown


def url_of(request: Request) -> str:
    """Origin and raw target; the target stands after a slash where it lacks its own."""
    target = request.target if request.target.startswith("/") else "/" + request.target
    return (request.origin or NO_ORIGIN) + target


def _query(target: str) -> list[dict[str, str]]:
    query = target.partition("?")[2]
    return [{"name": name, "value": value} for name, value in parse_qsl(query, keep_blank_values=True)]


def _response(response: Response) -> dict[str, Any]:
    text, encoding = _text(response.body)
    content: dict[str, Any] = {
        "size": len(response.body),
        "mimeType": response.headers.get("Content-Type") or "",
        "text": text,
    }
    return {
        "status": response.status,
        "statusText": _phrase(response.status),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(response.headers),
        "content": {**content, "encoding": encoding} if encoding else content,
        "redirectURL": response.headers.get("Location") or "",
        "headersSize": _NOT_KNOWN,
        "bodySize": len(response.body),
    }


def _no_response(exchange: Exchange) -> dict[str, Any]:
    """Status 0, as browsers write it, and what came instead."""
    return {
        "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
        "content": {"size": 0, "mimeType": ""}, "redirectURL": "", "headersSize": _NOT_KNOWN,
        "bodySize": _NOT_KNOWN, "_error": exchange.failure or "no reply",
    }  # fmt: skip


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.pairs]


def _text(body: bytes) -> tuple[str, str]:
    """(text, "") for UTF-8, else (Base64, "base64")."""
    try:
        return body.decode("utf-8"), ""
    except UnicodeDecodeError:
        return base64.b64encode(body).decode("ascii"), "base64"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
