"""The ways in which text hides a character: percent, JSON and HTML escapes, one within another."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

_ESCAPE = re.compile(
    r"\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|%([0-9a-f]{2})|&#x([0-9a-f]{1,6});|&#([0-9]{1,7});"
    r"|\\([/\"'\\bfnrt])|&(amp|lt|gt|quot|apos);|\x00",
    re.IGNORECASE,
)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ENTITY = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_MOST_LAYERS = 3  # JSON in JSON in a query is as deep as anybody goes


@dataclass(frozen=True, slots=True)
class Layer:
    """The text after some rounds of unescaping, with the way back to where each character stood."""

    text: str
    marks: tuple[int, ...] = ()  # positions in `text` from which on an offset applies
    starts: tuple[int, ...] = ()  # the position below that each mark stands for
    below: Layer | None = None

    def origin(self, position: int) -> int:
        """Where this position stands in the raw text."""
        if self.below is None:
            return position
        at = bisect_right(self.marks, position) - 1
        return self.below.origin(position if at < 0 else self.starts[at] + position - self.marks[at])


def layers_of(text: str) -> list[Layer]:
    layers = [Layer(text)]
    while len(layers) <= _MOST_LAYERS:
        above = unescaped(layers[-1])
        if above is None:
            break
        layers.append(above)
    return layers


def unescaped(layer: Layer) -> Layer | None:
    text = layer.text
    if "%" not in text and "\\" not in text and "&" not in text and "\x00" not in text:
        return None
    parts: list[str] = []
    marks: list[int] = []
    starts: list[int] = []
    done = length = 0
    for match in _ESCAPE.finditer(text):
        char = _meant(match)
        length += match.start() - done
        parts += (text[done : match.start()], char)
        done = match.end()
        if char:
            marks.append(length)
            starts.append(match.start())
            length += 1
        marks.append(length)
        starts.append(done)
    if not marks:
        return None
    parts.append(text[done:])
    return Layer("".join(parts), tuple(marks), tuple(starts), layer)


def _meant(match: re.Match[str]) -> str:
    hexadecimal = match[1] or match[2] or match[3] or match[4]
    if hexadecimal or match[5]:
        number = int(hexadecimal, 16) if hexadecimal else int(match[5])
        return chr(number) if 0 < number < 0x110000 else ""
    if match[6]:
        return _SHORT.get(match[6].lower(), match[6])
    return _ENTITY[match[7].lower()] if match[7] else ""


def lowered(text: str) -> str:
    """In lower case, with every character in its old place (str.lower lengthens some letters)."""
    lower = text.lower()
    return (
        lower if len(lower) == len(text) else "".join(low if len(low := char.lower()) == 1 else char for char in text)
    )
