"""HAR in: recorded traffic of browsers, proxies and our own reports, as records. HAR 1.2; the order is the file's."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from kki.edges.errors import ConfigurationError
from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response

_OURS = "_kki"  # what kki.report.har adds to an entry
_INSTEAD = "\N{REPLACEMENT CHARACTER}".encode()
_PATH = re.compile(r"https?://[^/?#]*([^?#]*)", re.IGNORECASE)
_SHOWN = 60  # characters of a value that a sentence quotes
Json = Mapping[str, Any]


def read_har(
    data: bytes, *, name: str = "recording", problems: list[str] | None = None, paths: Collection[str] = ()
) -> list[Record]:
    """The entries as records, `made_by` "har:entry 3" (or what our own report noted).

    ConfigurationError with a sentence for each entry that cannot be judged, its number counted from 1; where
    `problems` is given they go there instead, and the other entries are returned. A file that is no HAR at all
    always raises. With `paths`, only entries at these count: what a browser kept of other sites is passed over.
    """
    found: list[str] = []
    records: list[Record] = []
    seen: set[str] = set()
    for number, raw in enumerate(_entries(data, name), 1):
        try:
            records.append(_record(_object(raw, "the entry"), number, seen))
        except ValueError as failure:
            if not paths or _path(raw) in (None, *paths):
                found.append(f"{name}, entry {number}: {failure}")
    if found and problems is None:
        raise ConfigurationError(found)
    if problems is not None:
        problems += found
    return records


def _path(entry: Any) -> str | None:
    """Of an entry's address; None where it has none to speak of."""
    request = entry.get("request") if isinstance(entry, dict) else None
    url = _text(request.get("url")) if isinstance(request, dict) else ""
    found = _PATH.match(url)
    return found[1] if found else None


def is_har(data: bytes) -> bool:
    """Whether this looks like a HAR rather than an `exchanges.jsonl`: one object whose first member is "log"."""
    start = data.removeprefix(b"\xef\xbb\xbf")[:400].split(b'"', 2)
    return len(start) == 3 and start[0].strip() == b"{" and start[1] == b"log"


def _entries(data: bytes, name: str) -> list[Any]:
    try:
        whole = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as failure:
        problem = f"expected UTF-8 but got other bytes at offset {failure.start}; save the recording again as HAR"
    except json.JSONDecodeError as failure:
        problem = f"expected a HAR but got {failure.msg.lower()} at line {failure.lineno}, column {failure.colno}"
    except RecursionError:
        problem = "expected a HAR but got JSON nested too deep to read"
    else:
        log = whole.get("log") if isinstance(whole, dict) else None
        entries = log.get("entries") if isinstance(log, dict) else None
        if isinstance(entries, list):
            return entries
        problem = "expected a HAR with log.entries, a list, but it is not there"
    raise ConfigurationError([f"{name}: {problem}."])


def _record(entry: Json, number: int, seen: set[str]) -> Record:
    ours = entry.get(_OURS)
    ours = ours if isinstance(ours, dict) else {}
    exchange = _exchange(entry, ours, _id(ours, number, seen))
    mutations = ours.get("mutations")
    return Record(
        exchange=exchange,
        made_by=_text(ours.get("made_by")) or f"har:entry {number}",
        mutations=tuple(str(each) for each in mutations) if isinstance(mutations, list) else (),
    )


def _id(ours: Json, number: int, seen: set[str]) -> str:
    """The id our report gave, else e1, e2 …; never one twice."""
    name = _text(ours.get("id")) or f"e{number}"
    while name in seen:
        name += "-again"
    seen.add(name)
    return name


def _exchange(entry: Json, ours: Json, name: str) -> Exchange:
    asked = entry.get("request")
    bodiless = isinstance(asked, dict) and asked.get("method") == "HEAD"
    response = _response(_object(entry.get("response"), "response"), bodiless=bodiless)
    sent = _moment(entry, "startedDateTime")
    took = entry.get("time")
    waited = float(took) if isinstance(took, (int, float)) and 0 <= took < 1e9 else 0.0
    answered = sent + timedelta(milliseconds=waited) if response is not None else None
    return Exchange(
        id=name,
        request=_request(_object(entry.get("request"), "request"), ours),
        response=response,
        sent_at=sent,
        answered_at=answered,
        failure=None if response else _text(ours.get("failure")) or _failure(entry),
        tls=_text(ours.get("tls")) or None,
    )


# What a browser or proxy says of a request without reply → what came of it. Only what the other side can be blamed for:
# a request that was blocked, cancelled or never left (CORS, DNS, an ad blocker) says nothing about the server.
_FAILURES = (
    ("timed_out", "timeout"), ("timed out", "timeout"), ("timeout", "timeout"), ("refused", "connection refused"),
    ("reset", "connection closed"), ("connection_closed", "connection closed"), ("closed", "connection closed"),
    ("empty_response", "connection closed"), ("empty reply", "connection closed"),
    ("incomplete", "connection closed"), ("disconnected", "connection closed"),
    ("invalid_http_response", "malformed reply"), ("malformed", "malformed reply"),
)  # fmt: skip


def _failure(entry: Json) -> str | None:
    """Why no reply came, by the net::ERR_… that browsers write as `_error`; None where nothing tells it."""
    said = " ".join(_text(part.get("_error")) for part in (entry, entry["response"])).lower()
    return next((failure for word, failure in _FAILURES if word in said), None)


def _request(data: Json, ours: Json) -> Request:
    url = _string(data, "request.url")
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in ("http", "https"):
        raise ValueError(f"expected request.url with http:// or https:// but got {_quoted(url)}.")
    place = min((at for at in (rest.find(mark) for mark in "/?#") if at >= 0), default=len(rest))
    target = rest[place:].partition("#")[0]  # a fragment never goes over the wire
    target = target if target.startswith("/") else "/" + target
    origin = f"{scheme}://{rest[:place]}"
    noted = _text(ours.get("target"))
    if noted and noted in (target, target[1:]):  # a target without its slash cannot stand in a URL
        origin, target = _text(ours.get("origin")), noted
    headers = _headers(data, "request")
    return Request(
        method=_string(data, "request.method"), target=target, origin=origin, headers=headers, body=_posted(data)
    )


def _posted(data: Json) -> bytes:
    where = "request.postData.text"
    posted = {} if data.get("postData") is None else _object(data["postData"], "request.postData")
    text = posted.get("text")
    if text is None and posted.get("params") and isinstance(posted["params"], list):
        return urlencode([(_text(row.get("name")), _text(row.get("value"))) for row in posted["params"]]).encode()
    body = _bytes("" if text is None else text, posted.get("_encoding") or posted.get("encoding"), where)
    sizes = _sizes(data, data.get("bodySize"))
    if not body and data.get("method") in _WITH_BODY:
        _is_really_empty(sizes, where, "were sent")
    return _as_sent(body, data.get("bodySize"), where)


def _response(data: Json, *, bodiless: bool) -> Response | None:
    status, where = data.get("status"), "response.content.text"
    if not isinstance(status, int) or isinstance(status, bool):
        raise ValueError(f"expected a number in response.status but got {_quoted(status)}.")
    if status == 0:
        return None
    content = _object(data.get("content", {}), "response.content")
    size, headers = content.get("size"), _headers(data, "response")
    body = _bytes(content.get("text") or "", content.get("encoding"), where)
    if not (body or bodiless or status in _WITHOUT_BODY):
        # Of a body that was compressed, the other two count what went over the wire, which is never nothing.
        packed = headers.get("Content-Encoding") is not None
        _is_really_empty([size] if packed else _sizes(data, size, data.get("bodySize")), where, "came")
    return Response(status=status, headers=headers, body=_as_sent(body, size, where))


_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_WITHOUT_BODY = frozenset({204, 304})


def _sizes(data: Json, *sizes: object) -> list[object]:
    """What the entry says of a body's size in one place and another; HAR has -1 for "not known"."""
    told = _headers(data, "request or response").get("Content-Length") or ""
    return [*sizes, int(told) if told.isascii() and told.isdigit() and len(told) < 12 else None]


def _is_really_empty(sizes: Sequence[object], where: str, went: str) -> None:
    """Many recorders keep no bodies, and some write nothing where one was: nobody may be blamed for that."""
    known = [size for size in sizes if isinstance(size, int) and not isinstance(size, bool) and size >= 0]
    if known and max(known) == 0:
        return
    told = f"for {max(known)} bytes {went}, but" if known else "but nothing says that there was none:"
    raise ValueError(f"expected {where}, {told} the recording left the body out; record again with bodies.")


def _headers(data: Json, side: str) -> Headers:
    rows = data.get("headers", [])
    named = isinstance(rows, list) and all(isinstance(row, dict) and isinstance(row.get("name"), str) for row in rows)
    if not named:
        raise ValueError(f'expected {side}.headers as a list of {{"name": …, "value": …}}.')
    # ":authority" and the like are HTTP/2's own, and no header of the message
    return Headers(tuple((row["name"], _text(row.get("value"))) for row in rows if not row["name"].startswith(":")))


def _bytes(text: object, encoding: object, where: str) -> bytes:
    if not isinstance(text, str):
        raise ValueError(f"expected a string in {where} but got {_quoted(text)}.")
    if not encoding:
        return text.encode("utf-8", "surrogatepass")
    if encoding != "base64":
        raise ValueError(f"expected no encoding, or base64, for {where} but got {_quoted(encoding)}.")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"expected Base64 in {where} but got other characters.") from None


def _as_sent(body: bytes, size: object, where: str) -> bytes:
    """The body, unless the recorder put U+FFFD for octets that are no UTF-8: a signature over those would look wrong.

    That character may have been sent. It was not where the octets of the text are not as many as the size says.
    """
    counted = isinstance(size, int) and not isinstance(size, bool) and size > 0
    if counted and size != len(body) and _INSTEAD in body:
        raise ValueError(
            f"expected {size} bytes in {where} but got {len(body)}, with replacement characters for what is no UTF-8; "
            "record again with a tool that keeps bytes."
        )
    return body


def _moment(entry: Json, name: str) -> datetime:
    text = entry.get(name)
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"expected a date and time with its zone in {name} but got {_quoted(text)}.")
    return moment


def _object(data: object, where: str) -> Json:
    if not isinstance(data, dict):
        raise ValueError(f"expected a JSON object in {where} but got {_quoted(data)}.")
    return data


def _string(data: Json, where: str) -> str:
    value = data.get(where.rpartition(".")[2])
    if not isinstance(value, str) or not value:
        raise ValueError(f"expected a string in {where} but got {_quoted(value)}.")
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _quoted(value: object) -> str:
    """A value in a sentence. Recordings hold secrets, so of a text only how long it is."""
    if isinstance(value, str):
        return f"a text of {len(value)} characters" if value else "an empty text"
    if value is None:
        return "nothing"
    text = repr(value)
    return text if isinstance(value, (int, float)) and len(text) <= _SHOWN else f"a {type(value).__name__}"
