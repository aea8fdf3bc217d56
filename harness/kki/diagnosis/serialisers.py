"""The forms in which other programmes write the JSON value of a body: blanks, escapes, numbers, order."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from kki.diagnosis.choices import Choice, doubly, named, wrong
from kki.snap.encoding import utf8

_GO, _GSON, _DOTNET = "<>&", "<>&='", "<>&'+`\x7f"
_GO_SAID, _GSON_SAID, _DOTNET_SAID = "<, > and &", "<, >, &, = and '", "<, >, &, ', + and \""
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|-?[0-9][0-9.eE+-]*+')  # strings whole, so that numbers are numbers


def dumped(value: Any, **how: Any) -> bytes:
    return utf8(json.dumps(value, **how))


def compact(value: Any) -> bytes:
    return dumped(value, ensure_ascii=False, separators=(",", ":"))


def serialisations(value: Any) -> Iterator[Choice[bytes]]:
    """As others write it. RecursionError where it is nested too deep."""
    plain, escaped = compact(value), dumped(value, separators=(",", ":"))
    yield from _spaced(value)
    yield from _pretty(value)
    yield from _escaped(plain, escaped)
    yield from _html_escaped(plain, escaped)
    yield from _numbers(plain)
    yield from _sorted(value)


def _spaced(value: Any) -> Iterator[Choice[bytes]]:
    for ascii_only in (True, False):
        text = dumped(value, ensure_ascii=ascii_only)
        yield wrong("body-spaced", text)
        yield wrong("body-spaced", dumped(value, ensure_ascii=ascii_only, separators=(",", ": ")))
        yield wrong("trailing-newline", text + b"\n", paired=False)


def _pretty(value: Any) -> Iterator[Choice[bytes]]:
    for indent, name in ((2, "2"), (4, "4"), ("\t", "a tab")):
        plain, escaped = dumped(value, ensure_ascii=False, indent=indent), dumped(value, indent=indent)
        for pretty in (escaped, plain):
            yield wrong("body-indented", pretty, name)
            yield wrong("body-indented", pretty + b"\n", name, paired=False)
            yield wrong("body-indented", pretty.replace(b"\n", b"\r\n"), name, paired=False)
            yield wrong("body-indented", pretty.replace(b"/", rb"\/"), name, paired=False)
        indented = named("body-indented", name)
        yield doubly(_html_safe(plain, _GO), indented, named("html-escaped", _GO_SAID))
        yield doubly(_html_safe(plain, _GSON), indented, named("html-escaped", _GSON_SAID))
        yield doubly(_dotnet_safe(_capital_escapes(escaped)), indented, named("html-escaped", _DOTNET_SAID))


# --- escapes ----------------------------------------------------------------------------------------------------------


def _escaped(plain: bytes, escaped: bytes) -> Iterator[Choice[bytes]]:
    yield wrong("reserialised", plain)
    for text in (escaped, _capital_escapes(escaped)):
        yield wrong("non-ascii-escaped", text)
        yield wrong("slash-and-non-ascii-escaped", text.replace(b"/", rb"\/"))
    yield wrong("slash-escaped", plain.replace(b"/", rb"\/"))


def _html_escaped(plain: bytes, escaped: bytes) -> Iterator[Choice[bytes]]:
    for text in (plain, escaped):
        yield wrong("html-escaped", _html_safe(text, _GO), _GO_SAID)
        yield wrong("html-escaped", _html_safe(text, _GSON), _GSON_SAID)
    with_line_end = _html_safe(plain, _GO) + b"\n"  # Go's json.Encoder
    yield doubly(with_line_end, named("html-escaped", _GO_SAID), named("trailing-newline"))
    for text in (plain, escaped):
        yield wrong("html-escaped", _dotnet_safe(_capital_escapes(text)), _DOTNET_SAID)


def _html_safe(text: bytes, characters: str) -> bytes:
    for character in characters:
        text = text.replace(utf8(character), b"\\u%04x" % ord(character))
    return text.replace("\u2028".encode(), rb"\u2028").replace("\u2029".encode(), rb"\u2029")


def _dotnet_safe(text: bytes) -> bytes:
    """As the default encoder of .NET's System.Text.Json: digits in capitals, and a quotation mark in a string too."""
    quoted = re.sub(rb'\\[\\"]', lambda found: rb"\u0022" if found[0] == rb"\"" else found[0], text)
    for character in _DOTNET:
        quoted = quoted.replace(utf8(character), b"\\u%04X" % ord(character))
    return quoted


def _capital_escapes(text: bytes) -> bytes:
    return re.sub(rb"\\u[0-9a-f]{4}", lambda found: b"\\u" + found[0][2:].upper(), text)


# --- numbers ----------------------------------------------------------------------------------------------------------


def _numbers(plain: bytes) -> Iterator[Choice[bytes]]:
    """As languages write numbers that they have read into a double."""
    if all(token.startswith(b'"') for token in _TOKENS.findall(plain)):
        return
    yield wrong("reserialised", _TOKENS.sub(_as_javascript, plain))
    doubles = _TOKENS.sub(_as_java, plain)
    for text in (doubles, _html_safe(doubles, _GSON)):  # Gson escapes as well, unless it is told not to
        yield wrong("numbers-as-decimals", text, paired=False)


def _as_javascript(found: re.Match[bytes]) -> bytes:
    """10000.0 becomes 10000."""
    token = found[0]
    if token.startswith(b'"') or token.lstrip(b"-").isdigit():
        return token
    value = float(token)
    return b"%d" % int(value) if value.is_integer() and abs(value) < 1e21 else token


def _as_java(found: re.Match[bytes]) -> bytes:
    """Double.toString: 2 becomes 2.0, and 10000000 becomes 1.0E7."""
    token = found[0]
    value = 0.0 if token.startswith(b'"') else float(token)
    if token.startswith(b'"') or not math.isfinite(value):
        return token
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return utf8(repr(value))
    exact = Decimal(repr(value)).normalize()
    digits = f"{exact.scaleb(-exact.adjusted()):f}"
    return utf8(f"{digits}{'' if '.' in digits else '.0'}E{exact.adjusted()}")


# --- order ------------------------------------------------------------------------------------------------------------


def _sorted(value: Any) -> Iterator[Choice[bytes]]:
    for ascii_only in (False, True):
        yield wrong("keys-sorted", dumped(value, sort_keys=True, ensure_ascii=ascii_only, separators=(",", ":")))
        yield wrong("keys-sorted", dumped(value, sort_keys=True, ensure_ascii=ascii_only))
    if isinstance(value, dict):
        yield wrong("keys-sorted", compact(dict(sorted(value.items()))))
        folded = sorted(value.items(), key=lambda member: member[0].lower())
        yield wrong("keys-sorted", compact(dict(folded)))
