"""The one door to Schemathesis: compiles the contract's shapes into coverage cases, and makes further valid bodies.

`python -m kki.fuzz` writes openapi/cases/coverage.ndjson. The same contract gives the same bytes, so that the file can
be reviewed, committed and compared. `iter_coverage_cases` is not documented API; the version is pinned for its sake.

Schemathesis loses positive cases in silence where a header's pattern is beyond it, and invents bodies that satisfy
nothing under `anyOf`. Hence small documents: one per shape of a body, without headers, and one per operation for its
headers, with one fixed body.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kki.drafting.coverage import CoverageCase, compiled_from, read_cases
from kki.edges import contract as contracts
from kki.edges import datafiles
from kki.model.contract import Contract, FieldFact, Operation, Tag, Variant

FILE = Path("cases") / "coverage.ndjson"  # under the contract's root

_SENDABLE = re.compile(r"([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?")  # what any HTTP client can send as a header
_CLIENTS_OWN = {"x-timestamp", "x-signature", "x-partner-id", "x-external-id", "x-client-key", "authorization",
                "authorization-customer", "x-ip-address"}  # fmt: skip
"""Headers whose right value only the client knows: no fixed value of theirs can be a positive case."""

_NO_EMPTY_MEMBER = "KKI-FLD-110"
_BODY_IS_OBJECT = "KKI-FLD-120"
_BODY_IS_JSON = "KKI-ROB-210"
_CONTENT_TYPE = "KKI-HDR-190"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    """A case as Schemathesis has it, reduced to what is used here."""

    positive: bool
    scenario: str
    description: str
    parameter: str | None
    in_header: bool
    headers: Mapping[str, str]
    has_body: bool
    body: Any


# --- the file ---------------------------------------------------------------------------------------------


def cases_for(contract_root: Path | None = None, readings: Mapping[str, str] | None = None) -> list[CoverageCase]:
    """The cases of a contract: from its file if that was compiled from it and for these readings, else compiled now."""
    root = contract_root or contracts.data_root()
    contract = contracts.load(root)
    defaults = all(contract.readings[name].default == choice for name, choice in (readings or {}).items())
    path = root / FILE
    if defaults and path.is_file():
        data = path.read_bytes()
        if compiled_from(data) == contract.digest:
            return read_cases(data)
    return read_cases(compile_cases(root, readings))


def compile_cases(contract_root: Path | None = None, readings: Mapping[str, str] | None = None) -> bytes:
    """Every coverage case of the contract, as NDJSON; the first line names contract, Schemathesis and readings."""
    from schemathesis.core.version import SCHEMATHESIS_VERSION

    contract = contracts.load(contract_root)
    cases = _distinct(case for op in contract.operations.values() for case in _cases(op, contract, readings or {}))
    head = {"contract": contract.digest, "schemathesis": SCHEMATHESIS_VERSION,
            "readings": dict(sorted((readings or {}).items())), "cases": len(cases)}  # fmt: skip
    return "".join(f"{_line(row)}\n" for row in (head, *map(_row, cases))).encode()


def positive_bodies(
    contract_root: Path | None, operation: str, variant: str, count: int, seed: int
) -> list[dict[str, Any]]:
    """`count` distinct valid bodies (fewer, if there are no more), drawn at random; the same for the same seed."""
    from schemathesis import GenerationMode
    from schemathesis.generation.hypothesis.examples import generate_many

    contract = contracts.load(contract_root)
    found = contract.operations[operation]
    one = found.variant(variant)
    if one is None:
        raise KeyError(f"{operation} has no variant {variant!r}")
    pool: dict[str, dict[str, Any]] = {}
    draws = 2 * count + 30
    for shape in map(_filled, _grants(_in_force(one, contract, {}))):
        strategy = _raw_operation(found, shape, headers=()).as_strategy(generation_mode=GenerationMode.POSITIVE)
        # the pool does not depend on the seed: Schemathesis draws it under a fixed one
        bodies = [case.body for case in generate_many(strategy, max_examples=draws)]
        pool.update((_line(body), body) for body in bodies if not datafiles.broken(body, shape))
    texts = sorted(text for text in pool if text.startswith("{"))
    return [pool[text] for text in random.Random(seed).sample(texts, min(count, len(texts)))]


def _row(case: CoverageCase) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": case.id, "operation": case.operation, "variant": case.variant, "mode": case.mode,
        "parameter": case.parameter, "location": case.location, "description": case.description,
        "headers": dict(case.headers), "omit": list(case.omit), "requirements": list(case.requirements),
    }  # fmt: skip
    return {**row, **({"body": case.body} if case.body_text is None else {"body_text": case.body_text})}


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)  # in ASCII: whoever reviews it sees each character


def _distinct(cases: Iterable[CoverageCase]) -> list[CoverageCase]:
    """Each request once; positive ones once per variant, since they are that variant's specimens. Ids made unique."""
    seen: set[str] = set()
    used: dict[str, int] = {}
    kept: list[CoverageCase] = []
    for case in cases:
        variant = case.variant if case.mode == "positive" else ""
        key = _line([case.operation, case.mode, variant, dict(case.headers), case.omit, case.body, case.body_text])
        if key in seen:
            continue
        seen.add(key)
        used[case.id] = used.get(case.id, 0) + 1
        kept.append(case if used[case.id] == 1 else replace(case, id=f"{case.id}-{used[case.id]}"))
    return kept


# --- what is in force -------------------------------------------------------------------------------------


def _applies(tag: Tag, contract: Contract, readings: Mapping[str, str]) -> bool:
    return tag.reading is None or contract.choice(tag.reading[0], readings) == tag.reading[1]


def _dropped(fact: FieldFact, contract: Contract, readings: Mapping[str, str]) -> set[str]:
    """Keywords of a field that hold only under a reading which is not chosen."""
    return {word for tag in fact.tags if not _applies(tag, contract, readings) for word in tag.keywords}


def _in_force(variant: Variant, contract: Contract, readings: Mapping[str, str]) -> dict[str, Any]:
    schema = json.loads(json.dumps(variant.schema))
    for fact in variant.fields:
        dropped = _dropped(fact, contract, readings)
        node = schema["properties"][fact.name]
        schema["properties"][fact.name] = {word: value for word, value in node.items() if word not in dropped}
        if "required" in dropped and fact.name in schema.get("required", ()):
            schema["required"].remove(fact.name)
    return schema  # type: ignore[no-any-return]


def _without(schema: dict[str, Any], members: Iterable[str]) -> dict[str, Any]:
    strangers = set(members) - set(schema.get("required", ()))
    return {**schema, "properties": {key: one for key, one in schema["properties"].items() if key not in strangers}}


def _without_others(schema: dict[str, Any], name: str, shapes: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Without the optional members that another variant requires: else leaving a member out gives that variant."""
    return _without(
        schema, (member for other, shape in shapes.items() if other != name for member in shape.get("required", ()))
    )


def _grants(schema: dict[str, Any]) -> list[dict[str, Any]]:
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


def _with_examples(schema: dict[str, Any]) -> dict[str, Any]:
    """As Schemathesis needs it: an example for each member, to fill the body with, and a least length beside each
    pattern, or the empty text is all that ever breaks it. Members of any type have no limits to try, and go."""
    typed = {name: node for name, node in schema["properties"].items() if "type" in node}
    nodes = {
        name: {"examples": [name], **({"minLength": 1} if "pattern" in node else {}), **node}
        for name, node in typed.items()
    }
    return {**schema, "properties": nodes}


def _filled(schema: dict[str, Any]) -> dict[str, Any]:
    """A required member that is empty counts as missing (case 400/02): not valid, though within its limits."""
    nodes = {
        name: {"minLength": 1, **node} if name in schema["required"] and node.get("type") == "string" else node
        for name, node in schema["properties"].items()
    }
    return {**schema, "properties": nodes}


# --- cases of one operation -------------------------------------------------------------------------------


def _cases(operation: Operation, contract: Contract, readings: Mapping[str, str]) -> Iterator[CoverageCase]:
    shapes = {variant.name: _in_force(variant, contract, readings) for variant in operation.variants}
    for variant in operation.variants:
        shape = shapes[variant.name]
        narrow = _without_others(shape, variant.name, shapes)
        members = narrow["properties"]
        told: set[tuple[str | None, str, str]] = set()
        for schema in _grants(narrow):
            yield from _few(_body_cases(operation, variant, schema, shapes, contract), told)
        if shape != narrow:  # with the other variant's members beside: what concerns them, or all of them together
            wide = _body_cases(operation, variant, shape, shapes, contract)
            yield from _few((case for case in wide if case.mode == "positive" and case.parameter not in members), told)
    yield from _header_cases(operation, shapes, contract, readings)


def _few(cases: Iterable[CoverageCase], told: set[tuple[str | None, str, str]]) -> Iterator[CoverageCase]:
    """Each way of breaking a member once, wrong types once a kind; and one body with some of the optional members."""
    for case in cases:
        wrong_type = case.id.endswith("incorrect-type")
        kind = _line(case.body if case.parameter is None else case.body[case.parameter]) if wrong_type else ""
        key = (case.parameter, case.id, kind)
        boundary = case.mode == "positive" and not case.id.endswith("object-required-and-optional")
        if boundary or key not in told:
            told.add(key)
            yield case


def _body_cases(
    operation: Operation,
    variant: Variant,
    schema: dict[str, Any],
    shapes: Mapping[str, dict[str, Any]],
    contract: Contract,
) -> Iterator[CoverageCase]:
    filled = _with_examples(schema)
    for raw in _raw_cases(_raw_operation(operation, filled, headers=())):
        yield from _body_case(raw, operation, variant, filled, shapes, contract)


def _body_case(
    raw: _Raw,
    operation: Operation,
    variant: Variant,
    schema: Mapping[str, Any],
    shapes: Mapping[str, dict[str, Any]],
    contract: Contract,
) -> Iterator[CoverageCase]:
    if raw.in_header:
        return
    case = _case(operation, variant, raw, location="body", body=raw.body)
    if not raw.has_body:
        if not raw.positive and raw.scenario == "missing_parameter":
            yield replace(_named(case, None), body=None, body_text="", requirements=(_BODY_IS_JSON,))
        return
    faults = {name: datafiles.broken(raw.body, shape) for name, shape in shapes.items()}
    if raw.positive and not faults[variant.name]:
        yield _named(case, _changed(raw.body, schema))
    elif not raw.positive and all(faults.values()):
        yield from _negative_body(case, faults[variant.name], variant, contract)


def _negative_body(
    case: CoverageCase, faults: list[tuple[tuple[str | int, ...], str, str]], variant: Variant, contract: Contract
) -> Iterator[CoverageCase]:
    (path, keyword, missing), *_ = faults
    if not path and not missing:
        if case.body is None or isinstance(case.body, list):  # these two stand for all that is no object
            yield replace(_named(case, None), requirements=(_BODY_IS_OBJECT,))
        return
    name = missing or str(path[0])
    if keyword == "type" and case.body[name] is not None and type(case.body[name]) is not int:
        return  # a number and null stand for all wrong types
    fact = next(one for one in variant.fields if one.name == name)
    rows = _server_rows(fact, keyword, contract)
    empty = (_NO_EMPTY_MEMBER,) if fact.required and name in case.body and case.body[name] is None else ()
    yield replace(_named(case, name), requirements=rows + empty)


def _changed(body: Mapping[str, Any], schema: Mapping[str, Any]) -> str | None:
    """The one member whose value is not its example; None if there is none, or more than one."""
    examples = {name: node["examples"][0] for name, node in schema["properties"].items()}
    changed = [name for name, value in body.items() if value != examples.get(name, value)]
    return changed[0] if len(changed) == 1 else None


def _server_rows(fact: FieldFact, keyword: str, contract: Contract) -> tuple[str, ...]:
    """The ledger ids that ask for a refusal. A rule's client row n has its server row at n + 100."""
    found: list[str] = []
    for tag in fact.tags:
        if keyword not in tag.keywords:
            continue
        if tag.server is not None:
            found.append(tag.server)
        elif tag.rule is not None:
            head, _, number = tag.rule.rpartition("-")
            row = f"{head}-{int(number) + 100}"
            found += [row] if row in contract.requirements else []
    return tuple(found)


def _header_cases(
    operation: Operation, shapes: Mapping[str, dict[str, Any]], contract: Contract, readings: Mapping[str, str]
) -> Iterator[CoverageCase]:
    variant = operation.variants[0]
    narrow = _without_others(shapes[variant.name], variant.name, shapes)
    body = _example_body(_with_examples(_grants(narrow)[0]))
    facts = {fact.name: fact for fact in operation.headers}
    schemas = {name: _header_schema(fact, _dropped(fact, contract, readings)) for name, fact in facts.items()}
    fixed = {"type": "object", "enum": [body], "examples": [body]}
    told: set[tuple[str | None, str, str]] = set()
    for raw in _raw_cases(_raw_operation(operation, fixed, headers=tuple(_parameters(operation, schemas)))):
        case = _case(operation, variant, raw, location="header", body=body)
        for one, keyword in _header_case(case, raw, facts, schemas, contract):
            key = (one.parameter, keyword, raw.scenario)
            if one.mode == "positive" or key not in told:
                told.add(key)
                yield one


def _header_case(
    case: CoverageCase,
    raw: _Raw,
    facts: Mapping[str, FieldFact],
    schemas: Mapping[str, dict[str, Any]],
    contract: Contract,
) -> Iterator[tuple[CoverageCase, str]]:
    name = raw.parameter or ""
    if raw.positive and not raw.in_header:  # all headers right: the first value of each enumeration among them
        for fact in facts.values():
            if fact.enum and fact.name in raw.headers:
                yield from _header_value(_renamed(case, "enum-value"), raw, fact, schemas[fact.name], contract)
    elif raw.scenario == "unsupported_content_type":
        sent = {key: value for key, value in raw.headers.items() if key.lower() == "content-type"}
        if sent:
            named = replace(_named(case, "Content-Type"), headers=sent)
            yield replace(named, requirements=(_CONTENT_TYPE,)), raw.scenario
    elif not raw.in_header or name not in facts:
        return
    elif raw.scenario == "missing_parameter":
        rows = _server_rows(facts[name], "required", contract)
        yield replace(_named(case, name), omit=(name,), requirements=rows), "required"
    elif name in raw.headers and _SENDABLE.fullmatch(raw.headers[name]):
        yield from _header_value(case, raw, facts[name], schemas[name], contract)


def _header_value(
    case: CoverageCase, raw: _Raw, fact: FieldFact, schema: dict[str, Any], contract: Contract
) -> Iterator[tuple[CoverageCase, str]]:
    value = raw.headers[fact.name]
    keywords = [keyword for _, keyword, _ in datafiles.broken(value, schema)]
    set_here = replace(_named(case, fact.name), headers={fact.name: value})
    if raw.positive:
        if not keywords and fact.name.lower() not in _CLIENTS_OWN:
            yield set_here, "positive"
        return
    if not keywords and "format" in schema and raw.scenario in ("invalid_format", "incorrect_type"):
        keywords = ["format"]  # formats are annotations to the validator; Schemathesis knows what it broke
    if keywords:
        rows = tuple(row for keyword in keywords for row in _server_rows(fact, keyword, contract))
        yield replace(set_here, requirements=tuple(dict.fromkeys(rows))), keywords[0]


def _example_body(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The required members, each with its example."""
    return {name: node["examples"][0] for name, node in schema["properties"].items() if name in schema["required"]}


def _case(operation: Operation, variant: Variant, raw: _Raw, *, location: str, body: Any) -> CoverageCase:
    """The case without its parameter: `_named` completes the id."""
    shape = [variant.name] if len(operation.variants) > 1 else []
    kind = raw.scenario.replace("_", "-")
    mode = "positive" if raw.positive else "negative"
    parts = (operation.name, *shape, location, "*", kind)
    return CoverageCase(
        id=".".join(parts), operation=operation.name, variant=variant.name, mode=mode, parameter=None,
        location=location, description=raw.description, body=body,
    )  # fmt: skip


def _named(case: CoverageCase, name: str | None) -> CoverageCase:
    return replace(case, parameter=name, id=case.id.replace("*", name or "whole"))


def _renamed(case: CoverageCase, kind: str) -> CoverageCase:
    return replace(case, id=f"{case.id.rpartition('.')[0]}.{kind}", description="Enum value")


# --- schemathesis -----------------------------------------------------------------------------------------


def _header_schema(fact: FieldFact, dropped: set[str]) -> dict[str, Any]:
    limits = {
        "minLength": fact.min_length, "maxLength": fact.max_length, "pattern": fact.pattern, "format": fact.format,
        "enum": list(fact.enum) or None,
    }  # fmt: skip
    kept = {word: value for word, value in limits.items() if value is not None and word not in dropped}
    return {"type": "string", **kept}


def _parameters(operation: Operation, schemas: Mapping[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for fact in operation.headers:
        node = {"name": fact.name, "in": "header", "required": fact.required, "schema": schemas[fact.name]}
        # an example would stand in every case, so that its value would never be a case of its own
        yield {**node, **({"example": fact.example} if fact.example and not fact.enum else {})}


def _raw_operation(operation: Operation, body: Mapping[str, Any], *, headers: tuple[dict[str, Any], ...]) -> Any:
    """Schemathesis's own operation object for a document with this one body."""
    import schemathesis
    from schemathesis.config import SchemathesisConfig

    item = {
        "operationId": operation.name,
        "parameters": list(headers),
        "requestBody": {"required": True, "content": {"application/json": {"schema": dict(body)}}},
        "responses": {"200": {"description": "OK"}},
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": operation.title, "version": "1"},
        "paths": {operation.path: {operation.method.lower(): item}},
    }
    config = SchemathesisConfig.from_dict({"seed": 0, "generation": {"deterministic": True, "database": "none"}})
    (found,) = schemathesis.openapi.from_dict(document, config=config).get_all_operations()
    result: Any = found
    return result.ok()


def _raw_cases(raw_operation: Any) -> Iterator[_Raw]:
    from schemathesis import GenerationMode

    schema = raw_operation.schema
    cases = schema.iter_coverage_cases(
        operation=raw_operation,
        generation_modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE],
        generation_config=schema.config.generation_for(operation=raw_operation),
    )
    return (_raw(case) for case in cases if case.method == raw_operation.method.upper())


def _raw(case: Any) -> _Raw:
    from schemathesis.core import NotSet
    from schemathesis.core.parameters import ParameterLocation

    meta = case.meta
    data = meta.phase.data
    return _Raw(
        positive=not meta.generation.mode.is_negative,
        scenario=str(data.scenario.value),
        description=data.description,
        parameter=data.parameter,
        in_header=data.parameter_location == ParameterLocation.HEADER,
        headers={str(key): str(value) for key, value in dict(case.headers or {}).items()},
        has_body=not isinstance(case.body, NotSet),
        body=None if isinstance(case.body, NotSet) else case.body,
    )


def main() -> None:
    """Writes the file of cases beside the contract."""
    path = contracts.data_root() / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(compile_cases())


if __name__ == "__main__":
    main()
