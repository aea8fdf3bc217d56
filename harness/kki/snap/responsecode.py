"""responseCode: HTTP status, service and case in seven digits, 2005400 ⇄ 200 · 54 · 00.

What the parts mean is the contract's affair. The page limits the length to 1–7 (contradiction 50); it is always 7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kki.snap.canonical import Malformed

_SEVEN_DIGITS = re.compile(r"([0-9]{3})([0-9]{2})([0-9]{2})")  # [0-9]: \d would let in the digits of other scripts


@dataclass(frozen=True, slots=True)
class ResponseCode:
    """`status`: 0–999; `service` and `case`: two ASCII digits each."""

    status: int
    service: str
    case: str

    @property
    def text(self) -> str:
        """The seven digits."""
        return f"{self.status:03d}{self.service}{self.case}"

    def agrees_with(self, status: int) -> bool:
        """Whether the first three digits are this HTTP status (ASPI, response code)."""
        return self.status == status


def parse(text: object) -> ResponseCode | Malformed:
    """The parts of a responseCode as it came out of JSON: a string of exactly seven ASCII digits.

    Malformed("type") for another JSON type: some SDKs send a number. Malformed("length") for 6 or 8 digits, as found
    in an SDK and in the national sample; Malformed("digits") for anything else.
    """
    if not isinstance(text, str):
        return Malformed("type", f"Expected a string of seven digits, but got {_kind(text)}.")
    match = _SEVEN_DIGITS.fullmatch(text)
    if match is not None:
        return ResponseCode(int(match[1]), match[2], match[3])
    if re.fullmatch(r"[0-9]*", text):
        return Malformed("length", f"Expected seven digits, but got {len(text)}.")
    strange = re.search(r"[^0-9]", text)
    return Malformed("digits", "Expected ASCII digits only, but got another character.", strange and strange.start())


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case dict():
            return "an object"
        case list():
            return "an array"
        case _:
            return "another type"
