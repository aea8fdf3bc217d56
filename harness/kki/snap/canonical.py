"""From a body to the string to sign, one function a step: minified → body_digest → string_to_sign.

`minified` drops white space and nothing else. Parsing and serialising again would give other bytes for the same
value (escapes, slashes, number forms: five serialisations of one refund, five digests), so the bytes themselves are
checked against the JSON grammar (RFC 8259) and then thinned.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Malformed:
    """Why some input could not be read: a value, never raised.

    `step` names the step that failed ("utf-8", "json", "base64", "padding", …); `why` is one sentence that quotes no
    secret; `offset` counts octets of a body or characters of a text, from 0, where that is known.
    """

    step: str
    why: str
    offset: int | None = None


# Possessive quantifiers ("*+") throughout: no backtracking, so the time is linear whatever the input.
_BLANK = rb"[ \t\n\r]*+"  # RFC 8259 section 2: these four and no others
_STRING_HEAD = rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*+'
_STRING = _STRING_HEAD + rb'"'
_NUMBER = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
# An empty container counts as an atom, so that after any other opening bracket a member must follow.
_EMPTY = rb"\[" + _BLANK + rb"\]|\{" + _BLANK + rb"\}"
_ATOM = rb"(?:" + rb"|".join((_STRING, _NUMBER, rb"true|false|null", _EMPTY)) + rb")"
_COLON = _BLANK + rb":" + _BLANK
_COMMA = _BLANK + rb"," + _BLANK

_blanks = re.compile(_BLANK).match
_string_head = re.compile(_STRING_HEAD).match
_atom = re.compile(_ATOM).match
_name = re.compile(_STRING + _COLON).match
# Runs of plain items are taken in one match; only nesting costs a turn of the loop below.
_items = re.compile(_BLANK + rb"(?:" + _ATOM + _COMMA + rb")*+").match
_members = re.compile(_BLANK + rb"(?:" + _STRING + _COLON + _ATOM + _COMMA + rb")*+").match
# Only for text that has passed the grammar: strings whole, everything else without blanks.
_kept = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[^" \t\n\r]++', re.DOTALL).findall

_CLOSERS = {b"[": b"]", b"{": b"}"}


def minified(body: bytes) -> bytes | Malformed:
    """The body without insignificant white space: member order, strings, numbers and duplicates stay byte for byte.

    No body at all (b"") is b"". Malformed("utf-8") or Malformed("json") with an octet offset for anything that is not
    one JSON text in UTF-8 without byte order mark. Linear in the length; nesting has no limit.
    Source: DOKU, symmetric signature ("minify"); its example keeps two blanks inside a string.
    """
    if not body:
        return b""
    fault = _encoding_fault(body) or _grammar_fault(body)
    return fault if fault is not None else b"".join(_kept(body))


def body_digest(minified: bytes) -> str:
    """SHA-256 of the minified body as 64 lower-case hexadecimal digits; of b"" where there is no body."""
    return hashlib.sha256(minified).hexdigest()


def string_to_sign(method: str, target: str, token: str, digest: str, timestamp: str) -> str:
    """METHOD:target:token:digest:timestamp, each part as it stands on the wire; nothing is repaired here.

    `target`: path and query, without scheme and host. `token`: the B2B access token without "Bearer "; the B2B2C
    token has no part in it. `timestamp`: the very text of X-TIMESTAMP. Source: DOKU, symmetric signature.
    """
    return f"{method}:{target}:{token}:{digest}:{timestamp}"


def _encoding_fault(body: bytes) -> Malformed | None:
    if body.startswith(b"\xef\xbb\xbf"):
        return Malformed("utf-8", "Expected JSON, but got a byte order mark, which RFC 8259 section 8.1 forbids.", 0)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return Malformed("utf-8", f"Expected UTF-8, but got {error.reason}.", error.start)
    return None


def _grammar_fault(body: bytes) -> Malformed | None:
    """None for one JSON text. `closers` holds the bracket that closes each open container, innermost last."""
    closers: list[bytes] = []
    at = 0
    while True:
        start = _value_start(body, at, closers)
        if isinstance(start, Malformed):
            return start
        atom = _atom(body, start)
        if atom is None:
            closer = _CLOSERS.get(body[start : start + 1])
            if closer is None:
                return _value_fault(body, start)
            closers.append(closer)
            at = start + 1
            continue
        at = _closed(body, atom.end(), closers)
        if not closers:
            return None if at == len(body) else _unexpected(body, at, "the end after the value")
        if body[at : at + 1] != b",":
            return _unexpected(body, at, f"',' or '{closers[-1].decode()}'")
        at += 1


def _value_start(body: bytes, at: int, closers: list[bytes]) -> int | Malformed:
    """Where the next value that is not part of a plain run begins, with its member name read past."""
    scan = _blanks if not closers else _members if closers[-1] == b"}" else _items
    at = _end(scan(body, at), at)
    if not closers or closers[-1] == b"]":
        return at
    name = _name(body, at)
    return name.end() if name is not None else _name_fault(body, at)


def _closed(body: bytes, at: int, closers: list[bytes]) -> int:
    """The place after blanks and after every container that ends here; those leave `closers`."""
    while True:
        at = _end(_blanks(body, at), at)
        if not closers or body[at : at + 1] != closers[-1]:
            return at
        closers.pop()
        at += 1


def _end(match: re.Match[bytes] | None, at: int) -> int:
    return match.end() if match is not None else at


def _value_fault(body: bytes, at: int) -> Malformed:
    if body[at : at + 1] == b'"':
        return _string_fault(body, at)
    return _unexpected(body, at, "a value")


def _name_fault(body: bytes, at: int) -> Malformed:
    if body[at : at + 1] != b'"':
        return _unexpected(body, at, "a member name in double quotes")
    end = _end(_string_head(body, at), at)
    if body[end : end + 1] != b'"':
        return _string_fault(body, at)
    return _unexpected(body, _end(_blanks(body, end + 1), end + 1), "':' after the member name")


def _string_fault(body: bytes, at: int) -> Malformed:
    end = _end(_string_head(body, at), at)
    if end == len(body):
        return Malformed("json", "Expected the closing quote of a string, but the text ends.", end)
    if body[end : end + 1] == b"\\":
        return Malformed("json", "Expected one of JSON's escapes after a backslash, but got another.", end)
    return Malformed("json", f"Expected an escape for control character 0x{body[end]:02x} in a string.", end)


def _unexpected(body: bytes, at: int, expected: str) -> Malformed:
    if at >= len(body):
        return Malformed("json", f"Expected {expected}, but the text ends.", at)
    got = body[at : at + 4].decode("utf-8", "ignore")[:1]
    return Malformed("json", f"Expected {expected}, but got {got!r}.", at)
