"""The contract's shapes as plain schemas, under the readings in force: what Schemathesis is given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kki.model.contract import Contract, FieldFact, Tag, Variant


def _applies(tag: Tag, contract: Contract, readings: Mapping[str, str]) -> bool:
    return tag.reading is None or contract.choice(tag.reading[0], readings) == tag.reading[1]


def dropped_words(fact: FieldFact, contract: Contract, readings: Mapping[str, str]) -> set[str]:
    """Keywords of a field that hold only under a reading which is not chosen."""
    return {word for tag in fact.tags if not _applies(tag, contract, readings) for word in tag.keywords}


def in_force(variant: Variant, contract: Contract, readings: Mapping[str, str]) -> dict[str, Any]:
    schema = json.loads(json.dumps(variant.schema))
    for fact in variant.fields:
        dropped = dropped_words(fact, contract, readings)
        node = schema["properties"][fact.name]
        schema["properties"][fact.name] = {word: value for word, value in node.items() if word not in dropped}
        if "required" in dropped and fact.name in schema.get("required", ()):
            schema["required"].remove(fact.name)
    return schema  # type: ignore[no-any-return]


def _without(schema: dict[str, Any], members: Iterable[str]) -> dict[str, Any]:
    strangers = set(members) - set(schema.get("required", ()))
    return {**schema, "properties": {key: one for key, one in schema["properties"].items() if key not in strangers}}


def without_others(schema: dict[str, Any], name: str, shapes: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Without the optional members that another variant requires: else leaving a member out gives that variant."""
    return _without(
        schema, (member for other, shape in shapes.items() if other != name for member in shape.get("required", ()))
    )


def grants(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema with if/then on one member's value → one plain schema per value; any other schema as it is."""
    rules = schema.get("allOf", [])
    rest = {key: value for key, value in schema.items() if key != "allOf"}
    plain: list[dict[str, Any]] = []
    for rule in rules:
        ((member, condition),) = rule["if"]["properties"].items()
        one = json.loads(json.dumps(rest))
        one["properties"][member] |= {"enum": [condition["const"]], "examples": [condition["const"]]}
        one["required"] = [*one["required"], *rule["then"]["required"]]
        plain.append(_without(one, (name for other in rules for name in other["then"]["required"])))
    return plain or [schema]


def with_examples(schema: dict[str, Any]) -> dict[str, Any]:
    """As Schemathesis needs it: an example for each member, to fill the body with, and a least length beside each
    pattern, or the empty text is all that ever breaks it. Members of any type have no limits to try, and go."""
    typed = {name: node for name, node in schema["properties"].items() if "type" in node}
    nodes = {
        name: {"examples": [name], **({"minLength": 1} if "pattern" in node else {}), **node}
        for name, node in typed.items()
    }
    return {**schema, "properties": nodes}


def filled(schema: dict[str, Any]) -> dict[str, Any]:
    """A required member that is empty counts as missing (case 400/02): not valid, though within its limits."""
    nodes = {
        name: {"minLength": 1, **node} if name in schema["required"] and node.get("type") == "string" else node
        for name, node in schema["properties"].items()
    }
    return {**schema, "properties": nodes}


def line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)  # in ASCII: whoever reviews it sees each character
