"""Text from strangers, made safe for the document it goes into. Nothing is dropped: what is odd becomes visible."""

from __future__ import annotations

import re

# C0 (without tab and line feed), DEL, C1, line separators, zero-width and bidirectional controls, the byte order
# mark, lone surrogates and noncharacters: illegal in XML, or able to make a reader see what is not there.
_ODD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LONGEST_CELL = 32_000  # characters; a spreadsheet takes 32,767


def visible(text: str) -> str:
    """Control characters as \\x1b, invisible ones as ⟨U+202E⟩; all other text as it is. Legal in XML."""
    return _ODD.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x80 else f"⟨U+{code:04X}⟩"


def readable(body: bytes) -> str:
    """A body for reading: UTF-8 as text, other bytes as \\xff."""
    return visible(body.decode("utf-8", "backslashreplace"))


def cell(text: str) -> str:
    """For a spreadsheet or CSV: never a formula, never longer than a cell."""
    shown = visible(text)
    if shown.lstrip(" \n").startswith(_FORMULA) or text.startswith(_FORMULA):
        shown = "'" + shown
    return shown if len(shown) <= _LONGEST_CELL else shown[:_LONGEST_CELL] + " … (cut)"


def markdown(text: str) -> str:
    """For a line or table cell of Markdown: one line, nothing in it is markup or HTML."""
    line = " ".join(visible(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~#!@])", r"\\\1", line)


def shortened(text: str, most: int) -> str:
    """At most this many characters, with … where something is cut."""
    return text if len(text) <= most else text[: max(0, most - 1)] + "…"
