"""Compiles the contract's shapes into coverage cases: `python -m kki.fuzz` writes openapi/cases/coverage.ndjson.

The same contract gives the same bytes, so that the file can be reviewed, committed and compared.

Schemathesis loses positive cases in silence where a header's pattern is beyond it, and invents bodies that satisfy
nothing under `anyOf`. Hence small documents: one per shape of a body, without headers, and one per operation for its
headers, with one fixed body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kki.drafting.coverage import CoverageCase, compiled_from, read_cases
from kki.edges import contract as contracts
from kki.edges import datafiles
from kki.fuzz.documents import Raw, raw_cases, raw_operation
from kki.fuzz.shapes import dropped_words, grants, in_force, line, with_examples, without_others
from kki.model.contract import Contract, FieldFact, Operation, Variant

FILE = Path("cases") / "coverage.ndjson"  # under the contract's root

_SENDABLE = re.compile(r"([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?")  # what any HTTP client can send as a header
_CLIENTS_OWN = {"x-timestamp", "x-signature", "x-partner-id", "x-external-id", "x-client-key", "authorization",
                "authorization-customer", "x-ip-address"}  # fmt: skip
"""Headers whose right value only the client knows: no fixed value of theirs can be a positive case."""

_NO_EMPTY_MEMBER = "KKI-FLD-110"
_BODY_IS_OBJECT = "KKI-FLD-120"
_BODY_IS_JSON = "KKI-ROB-210"
_CONTENT_TYPE = "KKI-HDR-190"


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
    return "".join(f"{line(row)}\n" for row in (head, *map(_row, cases))).encode()


def _row(case: CoverageCase) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": case.id, "operation": case.operation, "variant": case.variant, "mode": case.mode,
        "parameter": case.parameter, "location": case.location, "description": case.description,
        "headers": dict(case.headers), "omit": list(case.omit), "requirements": list(case.requirements),
    }  # fmt: skip
    return {**row, **({"body": case.body} if case.body_text is None else {"body_text": case.body_text})}


def _distinct(cases: Iterable[CoverageCase]) -> list[CoverageCase]:
    """Each request once; positive ones once per variant, since they are that variant's specimens. Ids made unique."""
    seen: set[str] = set()
    used: dict[str, int] = {}
    kept: list[CoverageCase] = []
    for case in cases:
        variant = case.variant if case.mode == "positive" else ""
        key = line([case.operation, case.mode, variant, dict(case.headers), case.omit, case.body, case.body_text])
        if key in seen:
            continue
        seen.add(key)
        used[case.id] = used.get(case.id, 0) + 1
        kept.append(case if used[case.id] == 1 else replace(case, id=f"{case.id}-{used[case.id]}"))
    return kept


# --- cases of one operation -------------------------------------------------------------------------------


def _cases(operation: Operation, contract: Contract, readings: Mapping[str, str]) -> Iterator[CoverageCase]:
    shapes = {variant.name: in_force(variant, contract, readings) for variant in operation.variants}
    for variant in operation.variants:
        shape = shapes[variant.name]
        narrow = without_others(shape, variant.name, shapes)
        members = narrow["properties"]
        told: set[tuple[str | None, str, str]] = set()
        for schema in grants(narrow):
            yield from _few(_body_cases(operation, variant, schema, shapes, contract), told)
        if shape != narrow:  # with the other variant's members beside: what concerns them, or all of them together
            wide = _body_cases(operation, variant, shape, shapes, contract)
            yield from _few((case for case in wide if case.mode == "positive" and case.parameter not in members), told)
    yield from _header_cases(operation, shapes, contract, readings)


def _few(cases: Iterable[CoverageCase], told: set[tuple[str | None, str, str]]) -> Iterator[CoverageCase]:
    """Each way of breaking a member once, wrong types once a kind; and one body with some of the optional members."""
    for case in cases:
        wrong_type = case.id.endswith("incorrect-type")
        kind = line(case.body if case.parameter is None else case.body[case.parameter]) if wrong_type else ""
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
    filled = with_examples(schema)
    for raw in raw_cases(raw_operation(operation, filled, headers=())):
        yield from _body_case(raw, operation, variant, filled, shapes, contract)


def _body_case(
    raw: Raw,
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
    narrow = without_others(shapes[variant.name], variant.name, shapes)
    body = _example_body(with_examples(grants(narrow)[0]))
    facts = {fact.name: fact for fact in operation.headers}
    schemas = {name: _header_schema(fact, dropped_words(fact, contract, readings)) for name, fact in facts.items()}
    fixed = {"type": "object", "enum": [body], "examples": [body]}
    told: set[tuple[str | None, str, str]] = set()
    for raw in raw_cases(raw_operation(operation, fixed, headers=tuple(_parameters(operation, schemas)))):
        case = _case(operation, variant, raw, location="header", body=body)
        for one, keyword in _header_case(case, raw, facts, schemas, contract):
            key = (one.parameter, keyword, raw.scenario)
            if one.mode == "positive" or key not in told:
                told.add(key)
                yield one


def _header_case(
    case: CoverageCase,
    raw: Raw,
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
    case: CoverageCase, raw: Raw, fact: FieldFact, schema: dict[str, Any], contract: Contract
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


def _case(operation: Operation, variant: Variant, raw: Raw, *, location: str, body: Any) -> CoverageCase:
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
