"""Headers and members against the field facts of the Contract. No limit is known here: only what a limit means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from kki.model.contract import FieldFact
from kki.simulator.call import Call
from kki.simulator.outcomes import Refusal

# Judged by checks of their own: schemes and tokens, times, and a content type that the documents leave open.
_ELSEWHERE = frozenset({"authorization", "authorization-customer", "content-type", "x-signature"})
# Refused for what they are, rather than as a missing field. Source: DOKU, case table (401/00, 401/03, 401/04).
_ABSENT_HEADERS = {
    "x-signature": ("signature", 401, "00", "No X-SIGNATURE"),
    "authorization": ("b2b-token", 401, "03", ""),
    "authorization-customer": ("customer-token", 401, "04", ""),
}


def in_force(call: Call, fact: FieldFact, keyword: str) -> bool:
    """Whether the reading under which this keyword of the schema holds is the one in force."""
    tag = fact.tag_for(keyword)
    return tag is None or tag.reading is None or call.choice(tag.reading[0]) == tag.reading[1]


def required_headers(call: Call) -> Iterator[FieldFact]:
    for fact in call.headers:
        if not fact.required or fact.name.lower() == "content-type":
            continue
        if fact.name.lower() == "authorization-customer":
            if call.behaviour.wants_customer_token(call):
                yield fact
        elif in_force(call, fact, "required"):
            yield fact


def headers_are_there(call: Call) -> Refusal | None:
    """Page, "Header parameters": the Required ones, with a value."""
    for fact in required_headers(call):
        if not call.header(fact.name):
            cause, status, case, detail = _ABSENT_HEADERS.get(
                fact.name.lower(), ("missing-header", 400, "02", fact.name)
            )
            return Refusal(cause=cause, status=status, case=case, detail=detail)
    return None


def headers_stand_once(call: Call) -> Refusal | None:
    for fact in call.headers:
        if len(call.request.headers.all(fact.name)) > 1:
            return Refusal(cause="repeated-header", status=400, case="01", detail=fact.name)
    return None


def headers_are_well_formed(call: Call) -> Refusal | None:
    """Lengths, patterns and enumerations of the header parameters."""
    for fact in call.headers:
        value = call.header(fact.name)
        if value and fact.name.lower() not in _ELSEWHERE and fault_of(call, fact, value):
            return Refusal(cause=f"header {fact.name}", status=400, case="01", detail=fact.name)
    return None


def members_are_well_formed(call: Call) -> Refusal | None:
    """Page, "Body": what is required is there, and what is there keeps its limits."""
    for fact in call.fields:
        value = call.members.get(fact.name)
        if fact.required and in_force(call, fact, "required"):
            if fact.name not in call.members or call.behaviour.is_empty(value):
                return missing(fact.name)
        elif fact.name not in call.members:
            continue
        if fault_of(call, fact, value):
            return Refusal(cause=f"member {fact.name}", status=400, case="01", detail=fact.name)
    return None


def missing(name: str) -> Refusal:
    return Refusal(cause="missing-member", status=400, case="02", detail=name)


def fault_of(call: Call, fact: FieldFact, value: Any) -> str:
    """The first keyword that the value breaks, "" where it breaks none."""
    if not call.behaviour.of_type(fact, value):
        return "type"
    if not isinstance(value, str):
        return ""
    return next((word for word in _broken(call, fact, value) if in_force(call, fact, word)), "")


def _broken(call: Call, fact: FieldFact, value: str) -> Iterator[str]:
    # A keyword that a tag hands to a rule is judged by a check of its own here, too.
    ruled = {word for tag in fact.tags if tag.rule for word in tag.keywords}
    length = call.behaviour.measure(value)
    if fact.min_length is not None and length < fact.min_length and "minLength" not in ruled:
        yield "minLength"
    if fact.max_length is not None and length > fact.max_length and "maxLength" not in ruled:
        yield "maxLength"
    if fact.pattern is not None and "pattern" not in ruled and not call.behaviour.matches(fact.pattern, value):
        yield "pattern"
    if fact.enum and value not in fact.enum and "enum" not in ruled:
        yield "enum"


def is_empty(value: Any) -> bool:
    """Null or no character. Source: DOKU, case table, 400/02: missing or empty."""
    return value is None or value == ""


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "object": (dict,),
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


def of_type(fact: FieldFact, value: Any) -> bool:
    """The JSON type; a type that JSON Schema does not know asks for nothing."""
    wanted = _TYPES.get(fact.type)
    if wanted is None:
        return True
    return isinstance(value, wanted) and not (isinstance(value, bool) and bool not in wanted)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    # ECMA 262, which JSON Schema asks for: \d is ASCII, and $ stands at the very end, not before a last newline.
    whole = re.sub(r"(?<!\\)\$$", r"\\Z", pattern)
    return re.compile(whole, re.ASCII)


def matches(pattern: str, value: str) -> bool:
    return _compiled(pattern).search(value) is not None
