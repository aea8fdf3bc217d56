"""Schemathesis itself: an operation of one small document, its coverage cases, its strategies.

`iter_coverage_cases` is not documented API; the version is pinned for its sake.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kki.model.contract import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A case as Schemathesis has it, reduced to what is used here."""

    positive: bool
    scenario: str
    description: str
    parameter: str | None
    in_header: bool
    headers: Mapping[str, str]
    has_body: bool
    body: Any


def raw_operation(operation: Operation, body: Mapping[str, Any], *, headers: tuple[dict[str, Any], ...]) -> Any:
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


def raw_cases(raw_operation: Any) -> Iterator[Raw]:
    from schemathesis import GenerationMode

    schema = raw_operation.schema
    cases = schema.iter_coverage_cases(
        operation=raw_operation,
        generation_modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE],
        generation_config=schema.config.generation_for(operation=raw_operation),
    )
    return (_raw(case) for case in cases if case.method == raw_operation.method.upper())


def _raw(case: Any) -> Raw:
    from schemathesis.core import NotSet
    from schemathesis.core.parameters import ParameterLocation

    meta = case.meta
    data = meta.phase.data
    return Raw(
        positive=not meta.generation.mode.is_negative,
        scenario=str(data.scenario.value),
        description=data.description,
        parameter=data.parameter,
        in_header=data.parameter_location == ParameterLocation.HEADER,
        headers={str(key): str(value) for key, value in dict(case.headers or {}).items()},
        has_body=not isinstance(case.body, NotSet),
        body=None if isinstance(case.body, NotSet) else case.body,
    )
