"""`openapi/` → one frozen `Contract`: shapes, ledger, readings, sources. The one door to `yaml`.

Limits are read from the document and stand nowhere in code. Whatever is wrong in the data is said at once, in one
`ConfigurationError`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from kki.edges import datafiles
from kki.edges.errors import ConfigurationError
from kki.model.contract import Area, CodeCase, Contract, Document, FieldFact, Operation, Tag, Variant
from kki.model.requirement import Choice, Level, Party, Reading, Requirement, Source, Standing

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is some ten times faster
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def data_root() -> Path:
    """The folder that holds the contract: package data of `kki.openapi`, or `openapi/` of the checkout we run from."""
    try:
        return Path(str(resources.files("kki.openapi")))
    except ModuleNotFoundError:  # PYTHONPATH=harness: the mapping kki.openapi → openapi/ exists only once installed
        return Path(__file__).resolve().parents[3] / "openapi"


def load(root: Path | None = None) -> Contract:
    """The contract under `root` (default: `data_root()`), read once a folder. ConfigurationError: every problem."""
    return _load((root or data_root()).resolve())


def document(root: Path | None = None) -> dict[str, Any]:
    """The OpenAPI document as it is written, extensions and all, with every local reference replaced by its target."""
    problems: list[str] = []
    whole = _document(root or data_root(), problems)
    if problems:
        raise ConfigurationError(problems)
    found: dict[str, Any] = _resolved(whole, whole)
    return found


@lru_cache(maxsize=8)
def _load(root: Path) -> Contract:
    problems: list[str] = []
    document = _document(root, problems)
    areas = [_data(path, "ledger", root, problems) for path in sorted((root / "requirements").glob("*.toml"))]
    readings_file = _data(root / "readings.toml", "readings", root, problems)
    sources_file = _data(root / "sources.toml", "sources", root, problems)
    if problems:  # nothing can be built from files that do not even have the right shape
        raise ConfigurationError(problems)
    readings = _unique((_reading(row) for row in readings_file["reading"]), "readings.toml", problems)
    requirements = _requirements(areas, problems)
    documents = {row["key"]: _source_document(row) for row in sources_file["document"]}
    operations = _operations(document, problems)
    _check_names(requirements, readings, documents, problems)
    _check_tags(operations.values(), requirements, readings, problems)
    if problems:
        raise ConfigurationError(problems)
    return Contract(
        digest=_digest(document, areas, readings_file),
        operations=operations,
        cases={(row["status"], row["case"]): CodeCase(**row) for row in document["x-response-codes"]},
        services=dict(document["x-services"]),
        requirements=requirements,
        readings=readings,
        documents=documents,
        areas={row["area"]: Area(title=row["title"], short=row["short"]) for row in areas},
    )


# --- files ---------------------------------------------------------------------------------------------------


def _document(root: Path, problems: list[str]) -> dict[str, Any]:
    path = root / "kki.openapi.yaml"
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except OSError as failure:
        problems.append(f"{path}: expected a readable file, but got: {failure.strerror}.")
        return {}
    except (yaml.YAMLError, UnicodeDecodeError) as failure:
        problems.append(f"{path}: expected YAML, but got: {' '.join(str(failure).split())}.")
        return {}
    missing = [name for name in ("paths", "components", "x-response-codes", "x-services") if name not in (data or {})]
    problems.extend(f"{path}: expected the member '{name}', but it is missing." for name in missing)
    return data if isinstance(data, dict) else {}


def _data(path: Path, schema: str, root: Path, problems: list[str]) -> dict[str, Any]:
    try:
        data = datafiles.read(path)
    except ConfigurationError as error:
        problems.extend(error.problems)
        return {}
    problems.extend(datafiles.problems(data, schema, str(path.relative_to(root)), root))
    return data if isinstance(data, dict) else {}


def _digest(document: Mapping[str, Any], areas: list[dict[str, Any]], readings: Mapping[str, Any]) -> str:
    """Over what the data say, not how they are laid out: canonical JSON, so that a comment changes nothing."""
    whole = {"openapi": document, "requirements": areas, "readings": readings}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


# --- ledger, readings, sources -------------------------------------------------------------------------------


def _unique(rows: Iterable[Any], source: str, problems: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in rows:
        if row.id in found:
            problems.append(f"{source}: expected each id once, but got '{row.id}' twice.")
        found[row.id] = row
    return found


def _requirements(areas: list[dict[str, Any]], problems: list[str]) -> dict[str, Requirement]:
    for area in areas:
        strangers = [row["id"] for row in area["requirement"] if row["id"].split("-")[1] != area["area"]]
        problems.extend(f"requirements: expected ids of area {area['area']}, but got '{name}'." for name in strangers)
    rows = (_requirement(row) for area in areas for row in area["requirement"])
    return _unique(rows, "requirements", problems)


def _requirement(row: Mapping[str, Any]) -> Requirement:
    return Requirement(
        id=row["id"],
        says=row["says"],
        level=Level(row["level"]),
        standing=Standing(row["standing"]),
        party=Party(row["party"]),
        source=Source(**row["source"]),
        readings=tuple(row.get("readings", ())),
        untestable=row.get("untestable"),
    )


def _reading(row: Mapping[str, Any]) -> Reading:
    return Reading(
        id=row["id"],
        question=row["question"],
        contradictions=tuple(row["contradictions"]),
        choices=tuple(Choice(id=one["id"], says=one["says"]) for one in row.get("choices", ())),
        default=row.get("default"),
        without_consequence=row.get("without_consequence"),
    )


def _source_document(row: Mapping[str, Any]) -> Document:
    return Document(key=row["key"], title=row["title"], url=row["url"], seen=row["seen"], note=row.get("note", ""))


# --- shapes --------------------------------------------------------------------------------------------------


def _operations(document: dict[str, Any], problems: list[str]) -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    for path, item in document["paths"].items():
        for method, raw in item.items():
            name = raw.get("operationId", f"{method} {path}")
            try:
                found[name] = _operation(path, method, _resolved(raw, document))
            except (KeyError, TypeError, ValueError) as failure:
                problems.append(f"kki.openapi.yaml: expected '{name}' to be complete, but got {failure!r}.")
    return found


def _operation(path: str, method: str, node: dict[str, Any]) -> Operation:
    service, reading, choices = _service(node["x-service-code"])
    ok = node["responses"]["200"]
    reply = ok["content"]["application/json"]["schema"]
    headers = tuple(_header(one) for one in node["parameters"])
    reply_headers = tuple(
        _header({"name": name, **one}, place="reply header") for name, one in ok.get("headers", {}).items()
    )
    body = node["requestBody"]["content"]["application/json"]["schema"]
    return Operation(
        name=node["operationId"],
        title=node["summary"],
        method=method.upper(),
        path=path,
        service=service,
        service_readings=choices,
        service_reading=reading,
        symmetric=node["x-signature"] == "symmetric",
        headers=headers,
        variants=tuple(_variant(one) for one in body.get("anyOf", [body])),
        reply=_facts(reply, "reply") + reply_headers,
        reply_schema=_schema(reply),
        section=node["x-section"],
    )


def _service(node: Any) -> tuple[str, str | None, dict[str, str]]:
    """The service code as the page prints it, and the reading that may choose another."""
    if isinstance(node, str):
        return node, None, {}
    return next(iter(node["choices"].values())), node["reading"], dict(node["choices"])


def _variant(node: dict[str, Any]) -> Variant:
    return Variant(
        name=node.get("x-variant", "default"),
        title=node.get("title", ""),
        fields=_facts(node, "body"),
        schema=_schema(node),
    )


def _facts(node: Mapping[str, Any], place: str) -> tuple[FieldFact, ...]:
    required = node.get("required", ())
    return tuple(_fact(name, place, one, one, name in required) for name, one in node.get("properties", {}).items())


def _header(node: dict[str, Any], place: str = "header") -> FieldFact:
    return _fact(node["name"], place, node, node["schema"], bool(node.get("required")))


def _fact(name: str, place: str, node: Mapping[str, Any], schema: Mapping[str, Any], required: bool) -> FieldFact:
    kind = schema.get("type", "any")
    return FieldFact(
        name=name,
        place=place,
        type=kind if isinstance(kind, str) else "|".join(kind),
        required=required,
        min_length=schema.get("minLength"),
        max_length=schema.get("maxLength"),
        pattern=schema.get("pattern"),
        format=schema.get("format"),
        enum=tuple(schema.get("enum", ())),
        default=schema.get("default"),
        example=node.get("example"),
        tags=tuple(_tag(one) for one in node.get("x-requirement", ())),
    )


def _tag(node: Mapping[str, Any]) -> Tag:
    reading: tuple[str, str] | None = None
    if "reading" in node:
        name, _, choice = node["reading"].partition("=")
        reading = (name, choice)
    return Tag(
        keywords=frozenset(node["keywords"]),
        client=node.get("client"),
        server=node.get("server"),
        reading=reading,
        rule=node.get("rule"),
    )


def _schema(node: Mapping[str, Any]) -> dict[str, Any]:
    """Plain JSON Schema 2020-12: OpenAPI's `example` as `examples`, our extensions dropped."""
    return {"$schema": _DIALECT, **_bare(node)}


def _bare(node: Any, members: bool = False) -> Any:
    """`members`: the keys of this mapping are names of properties, not keywords."""
    if isinstance(node, list):
        return [_bare(one) for one in node]
    if not isinstance(node, Mapping):
        return node
    bare = {key: _bare(one, members=key == "properties" and not members) for key, one in node.items()
            if members or not key.startswith("x-")}  # fmt: skip
    if not members and "example" in bare:
        bare["examples"] = [bare.pop("example")]
    return bare


def _resolved(node: Any, document: Mapping[str, Any]) -> Any:
    """With every local $ref replaced by its target; keywords beside it stay, and lists of tags are joined."""
    if isinstance(node, list):
        return [_resolved(one, document) for one in node]
    if not isinstance(node, dict):
        return node
    own = {key: _resolved(one, document) for key, one in node.items() if key != "$ref"}
    if "$ref" not in node:
        return own
    target = _resolved(_target(node["$ref"], document), document)
    tags = target.get("x-requirement", []) + own.get("x-requirement", [])
    return {**target, **own, **({"x-requirement": tags} if tags else {})}


def _target(reference: str, document: Mapping[str, Any]) -> Any:
    node: Any = document
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


# --- agreement between the files -----------------------------------------------------------------------------


def _check_names(
    requirements: Mapping[str, Requirement],
    readings: Mapping[str, Reading],
    documents: Mapping[str, Document],
    problems: list[str],
) -> None:
    for row in requirements.values():
        if row.source.document not in documents:
            problems.append(f"{row.id}: expected a document of sources.toml, but got '{row.source.document}'.")
        for name in row.readings:
            if name not in readings or not readings[name].choices:
                problems.append(f"{row.id}: expected a reading with choices, but got '{name}'.")
    for reading in readings.values():
        names = [choice.id for choice in reading.choices]
        if len(set(names)) != len(names):
            problems.append(f"readings.toml, {reading.id}: expected each choice once, but got {names}.")
        if names and reading.default not in names:
            problems.append(f"readings.toml, {reading.id}: expected a default among {names}, got '{reading.default}'.")


def _check_tags(
    operations: Iterable[Operation],
    requirements: Mapping[str, Requirement],
    readings: Mapping[str, Reading],
    problems: list[str],
) -> None:
    for operation in operations:
        if operation.service_reading is not None:
            chosen = {choice.id for choice in readings[operation.service_reading].choices}
            if chosen != set(operation.service_readings):
                problems.append(f"{operation.name}: expected service codes for {sorted(chosen)}, but got others.")
        bodies = [fact for variant in operation.variants for fact in variant.fields]
        for fact in (*operation.headers, *bodies, *operation.reply):
            for tag in fact.tags:
                problems.extend(
                    f"kki.openapi.yaml, {operation.name}, {fact.place} {fact.name}: {problem}"
                    for problem in _tag_problems(tag, requirements, readings)
                )


def _tag_problems(tag: Tag, requirements: Mapping[str, Requirement], readings: Mapping[str, Reading]) -> Iterable[str]:
    for name, party in ((tag.client, Party.CLIENT), (tag.server, Party.SERVER), (tag.rule, None)):
        if name is None:
            continue
        row = requirements.get(name)
        if row is None:
            yield f"expected an id of the ledger, but got '{name}'."
        elif party is not None and row.party is not party:
            yield f"expected a row with the {party.value} on trial, but got '{name}'."
    if not (tag.client or tag.server or tag.rule):
        yield "expected client, server or rule in each tag, but got none."
    if tag.reading is not None:
        reading, choice = tag.reading
        if reading not in readings or choice not in {one.id for one in readings[reading].choices}:
            yield f"expected a reading and one of its choices, but got '{reading}={choice}'."
