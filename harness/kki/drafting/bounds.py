"""Field cases read off the contract: both sides of every bound, absence, null, emptiness, wrong types, patterns.

Nothing here knows a limit: flip one in the OpenAPI document and other cases come out.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kki.model.contract import FieldFact, Operation, Tag, Variant

ABSENT = object()
# What a value may be filled with: two bytes, three bytes, four bytes (astral), and a letter with a combining accent.
ALPHABETS = (("two-byte", "é"), ("three-byte", "日"), ("astral", "𝄞"), ("combining", "e\u0301"))
WRONG_TYPES: tuple[tuple[str, Any], ...] = (
    ("number", 12345678),
    ("boolean", True),
    ("array", ["x"]),
    ("object", {"x": "y"}),
)
ON_PATTERN = (("digits", "0123456789"), ("small letters", "abcdefghij"))
AS_SHOWN = "in the form of the example"
# The strings on which regex engines disagree come first: `$` before a final newline, and digits beyond ASCII.
OFF_PATTERN = ("abc123\n", "٣٤٥", "abc-123", "abc_123", "abc 123", "é12", "ａｂｃ")


@dataclass(frozen=True, slots=True)
class FieldCase:
    """One value for one member of the body. `good`: the page allows it. `tries`: the server rows that it tests."""

    operation: str
    variant: str
    field: str
    kind: str
    value: Any
    good: bool
    tries: frozenset[str]

    def fresh(self, reference: str) -> Any:
        """The value, with a new beginning where it may be an identifier: yesterday's run must not collide with it."""
        if self.kind == AS_SHOWN:
            fresh = iter(reference)
            return "".join(next(fresh) if sign.isalnum() else sign for sign in self.value)
        if self.good and isinstance(self.value, str) and len(self.value) >= 12:
            return reference[:8] + self.value[8:]
        return self.value

    @property
    def later(self) -> bool:
        """Whether the other kinds are worth more to somebody who has little time."""
        return self.kind == AS_SHOWN or self.kind.endswith((" letters alone", " a blank"))

    @property
    def id(self) -> str:
        return f"{self.operation}-{self.variant}-{self.field}-{self.kind}".replace(" ", "-")


def field_cases(
    operation: Operation, variant: Variant, in_force: Collection[tuple[str, str]] = ()
) -> Iterator[FieldCase]:
    """Every case of every member of this variant's body, in the contract's order.

    `in_force`: (reading, choice) whose rows the cases try too, beside those that need no reading.
    """
    for fact in variant.fields:
        if fact.type != "string":
            continue
        for kind, value, good, keyword in (
            *_presence(fact), *_types(), *_lengths(fact), *_patterns(fact), *_forms(fact),
        ):  # fmt: skip
            tag = fact.tag_for(keyword) if keyword else None
            tries = _tries(tag, kind, fact, good, in_force)
            yield FieldCase(operation.name, variant.name, fact.name, kind, value, good, tries)


# Members that name something which must exist: of these no made-up value can be accepted.
REFERS = frozenset(
    ("chargeToken", "otp", "bankCardToken", "tokenId", "cardData", "originalPartnerReferenceNo", "originalExternalId")
)

_Row = tuple[str, Any, bool, str]


def _presence(fact: FieldFact) -> Iterator[_Row]:
    if fact.required:
        yield "absent", ABSENT, False, "required"
        yield "null", None, False, "null"
        yield "empty", "", False, "empty"
    else:
        yield "absent", ABSENT, True, ""


def _types() -> Iterator[_Row]:
    for name, value in WRONG_TYPES:
        yield name, value, False, "type"


def _filled(fact: FieldFact, length: int, unit: str = "") -> str | None:
    """A value of this many characters that the pattern allows, or None where the alphabet cannot."""
    seed = str(fact.example) if isinstance(fact.example, str) and fact.example else "A1"
    if unit:
        text = (unit * length)[:length]
    else:
        base = re.sub(r"[^A-Za-z0-9]", "", seed) or "A1"
        text = (base * (length // len(base) + 1))[:length]
    if fact.pattern and not re.fullmatch(fact.pattern.removeprefix("^").removesuffix("$"), text, re.ASCII):
        return None
    return text


def _lengths(fact: FieldFact) -> Iterator[_Row]:
    for bound, keyword, inside, outside in (
        (fact.min_length, "minLength", 0, -1),
        (fact.max_length, "maxLength", 0, 1),
    ):
        if not bound:
            continue
        good = _filled(fact, bound + inside)
        if good is not None and outside > 0 and not fact.pattern and fact.name not in REFERS:
            yield f"{bound} characters and a blank", good + " ", False, keyword
        bad = _filled(fact, bound + outside) if bound + outside > 0 else None
        if good is not None:
            yield f"{bound} characters ({keyword[:3]})", good, True, keyword
        if bad is not None:
            yield f"{bound + outside} characters ({keyword[:3]} {outside:+d})", bad, False, keyword
    if fact.max_length and fact.name not in REFERS:
        for name, unit in ALPHABETS:
            text = _filled(fact, fact.max_length, unit)
            if text is not None and not fact.pattern:
                yield f"{fact.max_length} {name} characters", text, True, "maxLength"
        over = _filled(fact, fact.max_length + 1, "𝄞")
        if over is not None and not fact.pattern:
            yield f"{fact.max_length + 1} astral characters", over, False, "maxLength"


def _patterns(fact: FieldFact) -> Iterator[_Row]:
    if not fact.pattern:
        return
    strict = re.compile(fact.pattern.removeprefix("^").removesuffix("$"), re.ASCII)
    for number, text in enumerate(OFF_PATTERN, 1):
        if not strict.fullmatch(text):
            yield f"off the pattern {number}", text, False, "pattern"
    for name, text in ON_PATTERN:
        if strict.fullmatch(text):
            yield f"of {name} alone", text, True, ""


def _forms(fact: FieldFact) -> Iterator[_Row]:
    """The page's own example, where it has more than letters and digits: that much the page allows by showing it."""
    shown = fact.example
    if not isinstance(shown, str) or fact.pattern or fact.name in REFERS or " " in shown:
        return
    if not shown.isalnum():
        yield AS_SHOWN, shown, True, ""


def _tries(
    tag: Tag | None, kind: str, fact: FieldFact, good: bool, in_force: Collection[tuple[str, str]]
) -> frozenset[str]:
    if good:
        return frozenset({"KKI-FLD-140"}) if "-byte" in kind or "astral" in kind or "combining" in kind else frozenset()
    if kind in ("null", "empty"):
        return frozenset({"KKI-FLD-110"}) if fact.tag_for("required") and _always(fact) else frozenset()
    awake = tag is not None and (tag.reading is None or tag.reading in in_force)
    return frozenset({tag.server}) if tag and tag.server and awake else frozenset()


def _always(fact: FieldFact) -> bool:
    tag = fact.tag_for("required")
    return tag is not None and tag.reading is None


# --- values that are nearly right --------------------------------------------------------------------


def _other(letter: str) -> str:
    """Another digit for a digit, another letter for a letter."""
    return str((int(letter) + 5) % 10) if letter.isascii() and letter.isdigit() else "b" if letter in "aA" else "a"


NEAR: Mapping[str, Callable[[str], str]] = {
    "shortened": lambda text: text[:-1],
    "in other case": str.swapcase,
    "with another beginning": lambda text: _other(text[:1]) + text[1:],
    "with another end": lambda text: text[:-3] + "".join(map(_other, text[-3:])),
    "with a blank behind": lambda text: text + " ",
    "with an apostrophe behind": lambda text: text + "'",  # the end of a text in SQL
    "in Base64": lambda text: base64.b64encode(text.encode("utf-8", "surrogatepass")).decode(),
}
"""What a server takes for the value itself if it compares only a part, without regard to case, trimmed or decoded."""
