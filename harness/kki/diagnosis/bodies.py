"""The wrong ways to write the body before it is hashed.

The same JSON value has many serialisations, each with a digest of its own (fact sheet: five of one refund body).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus, urlencode

from kki.diagnosis.choices import Choice, distinct, wrong
from kki.diagnosis.encodings import UTF_16
from kki.diagnosis.serialisers import compact, dumped, serialisations
from kki.snap.canonical import Malformed, minified
from kki.snap.encoding import utf8

_TOO_LARGE = 1 << 16  # octets: above this the wrong forms are few, or the search would take seconds
_MARK = b"\xef\xbb\xbf"  # UTF-8's byte order mark


def right_body(body: bytes, reading: str) -> bytes:
    """What is to be hashed under the reading body-canonical-form; a body that is not JSON is taken as it is."""
    thin = minified(body)
    if isinstance(thin, Malformed) or reading == "as-sent":
        return body
    return _reserialised(thin) if reading == "reserialised" else thin


def _reserialised(thin: bytes) -> bytes:
    try:
        return compact(json.loads(thin)) if thin else thin
    except (ValueError, RecursionError):  # more than Python can hold or write
        return thin


def bodies(body: bytes, right: bytes, reading: str) -> tuple[Choice[bytes], ...]:
    """`right`: as `right_body` has it under this reading."""
    others = [*_as_sent(body), *_changed(body, right), *_in_place_of_it(right)]
    if reading != "minified" and isinstance(thin := minified(body), bytes):
        others.append(wrong("reserialised", thin))
    if len(right) <= _TOO_LARGE:
        others += [*_printed(body, right), *_of_value(_parsed(right))]
    return distinct(Choice(right), others)


def _parsed(text: bytes) -> Any:
    """The JSON value, or None where there is none to be had."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _of_value(value: Any) -> list[Choice[bytes]]:
    if value is None:
        return []
    try:
        return [*serialisations(value), *_lacking(value), *_printed_value(value)]
    except RecursionError:  # deeper than Python writes, though not deeper than it reads
        return []


def _as_sent(body: bytes) -> Iterator[Choice[bytes]]:
    yield wrong("body-not-minified", body)
    yield wrong("body-trimmed-only", body.strip())
    yield wrong("line-ends-removed-only", re.sub(rb"[\r\n]+", b"", body))
    yield wrong("line-ends-removed-only", re.sub(rb"[\r\n\t]+", b"", body))
    if body.startswith(_MARK):  # no JSON then, so that it counts as it is: whoever hashed his text left the mark out
        bare = body.removeprefix(_MARK)
        thin = minified(bare)
        yield wrong("body-bom-sent", thin if isinstance(thin, bytes) else bare)
        yield wrong("body-bom-sent", bare)


def _changed(body: bytes, right: bytes) -> Iterator[Choice[bytes]]:
    yield wrong("all-blanks-removed", re.sub(rb"\s+", b"", right))
    yield wrong("all-blanks-removed", right.replace(b" ", b""))
    yield wrong("body-lower-case", right.lower())
    for octets in (right, body):
        for end in (b"\n", b"\r\n"):
            yield wrong("trailing-newline", octets + end)
    yield wrong("body-other-charset", _MARK + right, "UTF-8 with a byte order mark")
    text = right.decode("utf-8", "replace")
    for charset, mark, title in UTF_16:
        yield wrong("body-other-charset", mark + text.encode(charset, "replace"), title, paired=title == "UTF-16")
    yield wrong("body-other-charset", text.encode("latin-1", "replace"), "Latin-1")
    yield wrong("body-other-charset", text.encode("ascii", "replace"), "ASCII, with “?” for what it lacks,")
    for charset in ("latin-1", "cp1252"):  # decoded by the wrong charset, and encoded by the right one
        twice = utf8(right.decode(charset, "replace"))
        yield wrong("body-other-charset", twice, "UTF-8 encoded twice", paired=False)


def _in_place_of_it(right: bytes) -> Iterator[Choice[bytes]]:
    yield wrong("body-empty", b"")
    for text in ("{}", "null", "[]", '""'):
        yield wrong("body-empty-object", utf8(text), text)
    for text in ("[object Object]", "undefined", "Array"):
        yield wrong("body-printed", utf8(text), text, paired=False)
    text = right.decode("utf-8", "replace")
    yield wrong("body-json-twice", dumped(text))
    yield wrong("body-json-twice", dumped(text, ensure_ascii=False))
    yield wrong("body-json-twice", dumped(text).replace(b"/", rb"\/"))


def _printed(body: bytes, right: bytes) -> Iterator[Choice[bytes]]:
    for octets in (right, body):
        yield wrong("body-printed", utf8(str(octets)), "Python's str() of its octets, b'…'", paired=False)
    yield wrong("body-form-encoded", utf8(quote_plus(right)), paired=False)


def _printed_value(value: Any) -> Iterator[Choice[bytes]]:
    yield wrong("body-printed", utf8(str(value)), "Python's str() of it", paired=False)
    if isinstance(value, dict):
        java = "{" + ", ".join(f"{name}={item}" for name, item in value.items()) + "}"
        yield wrong("body-printed", utf8(java), "Java's toString() of it", paired=False)
        plain = {name: item if isinstance(item, str) else json.dumps(item) for name, item in value.items()}
        yield wrong("body-form-encoded", utf8(urlencode(plain, errors="replace")), paired=False)


# --- members ----------------------------------------------------------------------------------------------------------


def _lacking(value: Any) -> Iterator[Choice[bytes]]:
    """Signed before a change: only what was added later can be found, by taking each member away in turn."""
    if not isinstance(value, dict):
        return
    texts = {name: _member(name, item) for name, item in value.items()}
    for name, item in list(value.items())[:64]:
        without = {key: text for key, text in texts.items() if key != name}
        yield wrong("member-left-out", _joined(without), name, paired=name == "additionalInfo")
        for inner in list(item)[:16] if isinstance(item, dict) else ():
            less = {key: each for key, each in item.items() if key != inner}
            text = _joined({**texts, name: _member(name, less)})
            yield wrong("member-left-out", text, f"{name}.{inner}", paired=inner == "origin")
    yield wrong("nulls-left-out", compact(_thinned(value, (None,))))
    yield wrong("empty-left-out", compact(_thinned(value, (None, "", [], {}))))


def _member(name: str, item: Any) -> bytes:
    return compact({name: item})[1:-1]


def _joined(texts: Mapping[str, bytes]) -> bytes:
    return b"{" + b",".join(texts.values()) + b"}"


def _thinned(value: Any, unwanted: tuple[Any, ...]) -> Any:
    if isinstance(value, dict):
        inner = {name: _thinned(item, unwanted) for name, item in value.items()}
        return {name: item for name, item in inner.items() if item not in unwanted or item is False}
    return [_thinned(item, unwanted) for item in value] if isinstance(value, list) else value
