"""One request from whatever people have at hand: a HAR entry, a raw HTTP message, a curl line, an exchange of ours.

The bytes count, since a signature covers them: nothing is normalised on the way but what the format itself demands.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from kki.edges import entropy
from kki.edges.curl import read_curl, split_url
from kki.edges.errors import ConfigurationError
from kki.edges.store import record_from_json
from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response

LARGEST = 32 << 20  # octets of a file to look for one request in
_REQUEST_LINE = re.compile(
    r"(?P<method>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) (?P<target>(?:/|[A-Za-z]+://)\S*)(?: HTTP/[0-9.]+)?"
)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FORMATS = "a HAR entry, a raw HTTP message, a curl line or an exchange of ours"


def read_messages(data: bytes, *, name: str, folder: Path | None = None) -> tuple[Record, ...]:
    """All requests in the text, in its order; ConfigurationError where it is none of the four formats.

    `name`: how sentences call it. `folder`: where a curl line's @FILE starts.
    """
    if len(data) > LARGEST:
        raise ConfigurationError([f"{name}: expected one request, but got {len(data)} octets."])
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise ConfigurationError([f"{name}: expected {_FORMATS}, but it is empty."])
    if text[:1] in (b"{", b"["):
        return tuple(_from_json(text, name))
    if re.match(rb"(?:[$#>] )?curl(?:\.exe)?\s", text):
        return (_record(read_curl(_decoded(text), name=name, folder=folder or Path()), name, "curl line"),)
    return (_record(_from_raw(text, name), name, "raw message"),)


def _record(request: Request, name: str, kind: str, *, sent_at: datetime | None = None) -> Record:
    exchange = Exchange(id=name, request=request, sent_at=sent_at or entropy.now())
    return Record(exchange=exchange, made_by=kind)


def _decoded(octets: bytes) -> str:
    """Header text: UTF-8 where it is that, else one character an octet."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


# --- JSON: HAR, a HAR entry, our own lines ----------------------------------------------------------------------------


def _from_json(text: bytes, name: str) -> Iterator[Record]:
    documents = list(_documents(text, name))
    for number, document in enumerate(documents, 1):
        at = name if len(documents) == 1 else f"{name}, line {number}"
        log = document.get("log") if isinstance(document, dict) else None
        if isinstance(log, dict) and isinstance(log.get("entries"), list):
            for entry, found in enumerate(log["entries"]):
                yield _har_entry(found, f"{at}, entry {entry}")
        else:
            yield _one_object(document, at)


def _documents(text: bytes, name: str) -> Iterator[Any]:
    """The one JSON document, or one a line."""
    try:
        yield json.loads(text)
        return
    except RecursionError:
        raise ConfigurationError([f"{name}: expected {_FORMATS}, but got JSON nested too deep to read."]) from None
    except ValueError as error:
        problem = error
    lines = [line for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, 1):
        try:
            yield json.loads(line)
        except (ValueError, RecursionError) as failure:
            at, why = (f"{name}, line {number}", failure) if number > 1 else (name, problem)
            raise ConfigurationError([f"{at}: expected JSON, but could not read it: {why}."]) from None


def _one_object(document: Any, at: str) -> Record:
    request = document.get("request") if isinstance(document, dict) else None
    if isinstance(request, dict) and "target" in request:
        try:
            return record_from_json(document)
        except ValueError as error:
            raise ConfigurationError([f"{at}: {error}"]) from None
    if isinstance(request, dict):
        return _har_entry(document, at)
    if isinstance(document, dict) and "url" in document and "method" in document:
        return _har_entry({"request": document}, at)
    raise ConfigurationError([f"{at}: expected {_FORMATS}, but got JSON without a request."])


def _har_entry(entry: Any, at: str) -> Record:
    """One entry of HAR 1.2. Its text is what the recorder decoded: octets that are no UTF-8 are lost already."""
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        raise ConfigurationError([f"{at}: expected a HAR entry with a request, but it has none."])
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        raise ConfigurationError([f"{at}: expected request.method and request.url as strings."])
    origin, target = split_url(url)
    post, headers = request.get("postData"), _har_headers(request, at)
    body = _har_body(post, "text", at) if isinstance(post, dict) else b""
    if not body and _was_sent(request, headers):
        body = _LEFT_OUT
    read = Request(method=method, target=target, origin=origin, headers=headers, body=body)
    return Record(
        exchange=Exchange(id=at, request=read, response=_har_response(entry, at), sent_at=_har_time(entry)),
        made_by="HAR entry",
    )


_LEFT_OUT = "‹body:000000›".encode()  # in the form of what redaction hides: nobody can say what was signed


def _was_sent(request: dict[str, Any], headers: Headers) -> bool:
    """Whether there was a body, which the recorder did not keep."""
    size = request.get("bodySize")
    return (isinstance(size, int) and size > 0) or (headers.get("Content-Length") or "0").strip("0").isdigit()


def _har_headers(message: dict[str, Any], at: str) -> Headers:
    rows = message.get("headers") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "name" in row for row in rows):
        raise ConfigurationError([f"{at}: expected headers as a list of objects with name and value."])
    pairs = ((str(row["name"]), str(row.get("value", ""))) for row in rows)
    return Headers(tuple(pair for pair in pairs if not pair[0].startswith(":")))  # HTTP/2's own


def _har_body(part: dict[str, Any], member: str, at: str) -> bytes:
    text = part.get(member) or ""
    if not isinstance(text, str):
        raise ConfigurationError([f"{at}: expected the body's {member} as a string."])
    if (part.get("_encoding") or part.get("encoding")) != "base64":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError([f"{at}: expected a body in Base64, but got other characters."]) from None


def _har_response(entry: dict[str, Any], at: str) -> Response | None:
    response = entry.get("response")
    if not isinstance(response, dict) or not isinstance(response.get("status"), int) or response["status"] <= 0:
        return None
    content = response.get("content")
    body = _har_body(content, "text", at) if isinstance(content, dict) else b""
    return Response(status=response["status"], headers=_har_headers(response, at), body=body)


def _har_time(entry: dict[str, Any]) -> datetime:
    try:
        found = datetime.fromisoformat(str(entry.get("startedDateTime")))
    except ValueError:
        return entropy.now()
    return found if found.tzinfo is not None else entropy.now()


# --- a raw HTTP message -----------------------------------------------------------------------------------------------


def _from_raw(text: bytes, name: str) -> Request:
    gap = _BLANK_LINE.search(text)
    head, body = (text[: gap.start()], text[gap.end() :]) if gap else (text.rstrip(b"\r\n"), b"")
    lines = _decoded(head).splitlines()
    match = _REQUEST_LINE.fullmatch(lines[0].rstrip())
    if match is None:
        begins = f'it begins with "{lines[0][:40]}"' if lines[0].isprintable() else "it is no text"
        raise ConfigurationError([f"{name}: expected {_FORMATS}, but {begins}."])
    headers = Headers(tuple(_header_lines(lines[1:], name)))
    origin, target = split_url(match["target"])
    host = headers.get("Host")
    return Request(
        method=match["method"], target=target, headers=headers, body=_raw_body(body, headers),
        origin=origin or (f"https://{host}" if host else ""),
    )  # fmt: skip


def _header_lines(lines: Sequence[str], name: str) -> Iterator[tuple[str, str]]:
    problems: list[str] = []
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 2):
        field, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and pairs:  # a folded line (RFC 9112 section 5.2)
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {line.strip()}")
        elif not colon or not field.strip():
            problems.append(f'{name}, line {number}: expected "Name: value", but there is no colon.')
        else:
            pairs.append((field.strip(), value.strip(" \t")))
    if problems:
        raise ConfigurationError(problems)
    yield from pairs


def _raw_body(body: bytes, headers: Headers) -> bytes:
    """As long as Content-Length says; without one, without the line end that a file ends with."""
    length = headers.get("Content-Length") or ""
    if "chunked" in (headers.get("Transfer-Encoding") or "").lower():
        whole = _unchunked(body)
        if whole is not None:
            return whole
    if length.isascii() and length.isdigit() and int(length) <= len(body):
        return body[: int(length)]
    return body.removesuffix(b"\n").removesuffix(b"\r")


def _unchunked(body: bytes) -> bytes | None:
    """None where it is not chunked after all, as when a tool has put it together already."""
    whole = b""
    while True:
        head, _, body = body.partition(b"\n")
        size = head.split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
            return None
        count = int(size, 16)
        if count == 0:
            return whole
        if len(body) < count:
            return None
        whole, body = whole + body[:count], body[count:].lstrip(b"\r").removeprefix(b"\n")
