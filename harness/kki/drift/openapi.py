"""Requests out of OpenAPI: the blocks that the site's Markdown carries in its fences, and our own document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kki.drift.model import Field, Page, Request
from kki.drift.prose import completed, spaced

_METHODS = ("get", "post", "put", "patch", "delete")
_DEEPEST = 6  # levels of nested members and of references: a schema may refer to itself
_OURS = "x-response-codes"  # a member that no page has
_ALPHABETS = {"^[0-9]+$": "numeric", "^[a-zA-Z0-9]*$": "alphanumeric"}  # ours, for what the page says in words

Node = Mapping[str, Any]


def requests_of(document: Node, *, title: str = "", section: str = "", line: int = 0) -> Iterator[Request]:
    """Each operation; where the body is one of several shapes, one request for each of them."""
    for path, item in _table(document.get("paths")).items():
        for method in _METHODS:
            node = _table(_table(item).get(method))
            if node:
                yield from _of_operation(document, path, method, node, title, section, line)


def transcription(document: Node) -> Page:
    """Our own document as if it were the page: only what it says that the page states, in tables or in words.

    `document` has its references resolved. Operations that no part of the page speaks of are left out.
    """
    found = [request for request in requests_of(document) if request.fields]
    return Page(form="contract", requests=tuple(found))


def _of_operation(
    document: Node, path: str, method: str, node: Node, title: str, section: str, line: int
) -> Iterator[Request]:
    content = _content(resolved(node.get("requestBody", {}), document))
    shapes = [
        resolved(one, document) for one in _list(content.get("anyOf")) or _list(content.get("oneOf")) or [content]
    ]
    common = (*_security(document, node), *_parameters(document, node))
    replies = [*_replies(document, node)]
    for shape in shapes:
        fields = (*common, *_members(document, shape, "body"), *(one for _, some in replies for one in some))
        yield Request(
            title=(str(shape.get("title", "")) if len(shapes) > 1 else "") or str(node.get("summary", "")) or title,
            method=method.upper(), path=path, section=str(node.get("x-section", section)),
            fields=fields if any(one.place != "security" for one in fields) else (),
            statuses=tuple(status for status, some in replies if some or "x-section" not in node),
            text=tuple(map(spaced, str(node.get("description", "")).splitlines())), line=line,
        )  # fmt: skip


def _security(document: Node, node: Node) -> Iterator[Field]:
    """A scheme of type http shows as a field Authorization of its own (contradiction 45)."""
    schemes = _table(_table(document.get("components")).get("securitySchemes"))
    wanted = _list(node.get("security", document.get("security")))
    names = {name for one in wanted for name in _table(one)}
    for name in sorted(names):
        scheme = _table(schemes.get(name))
        header = scheme.get("name") if scheme.get("type") == "apiKey" else "Authorization"
        said = str(scheme.get("description", ""))
        yield Field(place="security", name=str(header), required=True, description=spaced(said))


def _parameters(document: Node, node: Node) -> Iterator[Field]:
    for one in _list(node.get("parameters")):
        raw = resolved(one, document)
        schema = resolved(raw.get("schema", {}), document)
        merged = {**schema, **{key: value for key, value in raw.items() if key not in ("schema", "required")}}
        place = str(raw.get("in", ""))
        if place in ("header", "query", "path") and raw.get("name") and _on_page(raw, document):
            yield _field(str(raw["name"]), place, merged, bool(raw.get("required")))


def _replies(document: Node, node: Node) -> Iterator[tuple[str, list[Field]]]:
    for status, raw in _table(node.get("responses")).items():
        place = "reply" if str(status) == "200" else f"reply {status}"
        yield str(status), [*_members(document, _content(resolved(raw, document)), place)]


def _content(body: Node) -> Node:
    """The schema of a JSON body."""
    for media, node in _table(body.get("content")).items():
        if "json" in media:
            return _table(_table(node).get("schema"))
    return {}


def _members(document: Node, schema: Node, place: str, prefix: str = "", depth: int = 0) -> Iterator[Field]:
    schema = resolved(schema, document)
    if schema.get("type") == "array" and not prefix.endswith("[]"):
        yield from _members(document, _table(schema.get("items")), place, f"{prefix}[]", depth + 1)
    needed = _list(schema.get("required"))
    for name, raw in _table(schema.get("properties")).items():
        node = resolved(raw, document)
        if _on_page(node, document):
            whole = f"{prefix}.{name}" if prefix else name
            yield _field(whole, place, node, name in needed)
            if depth < _DEEPEST:
                yield from _members(document, node, place, whole, depth + 1)


def _on_page(node: Node, document: Node) -> bool:
    """Of our own document, the nodes that stand in the page's tables; of anybody else's, all."""
    if _OURS not in document:
        return True
    return "x-label" in node and any(where != "elsewhere" for where in _table(node.get("x-stated-in")).values())


def _field(name: str, place: str, node: Node, required: bool) -> Field:
    stated, label = _table(node.get("x-stated-in")), _table(node.get("x-label"))
    said = {key: value for key, value in node.items() if stated.get(key) != "elsewhere"}
    pattern, kind = said.get("pattern"), said.get("type", "any")
    alphabet = _ALPHABETS.get(str(pattern), "") if stated.get("pattern") == "prose" else ""
    found = Field(
        place=place, name=name, type=kind if isinstance(kind, str) else "|".join(map(str, _list(kind))),
        required=label["label"] == "Required" if label else required,
        min_length=_count(said.get("minLength")), max_length=_count(said.get("maxLength")),
        pattern=None if pattern is None or alphabet else str(pattern), alphabet=alphabet,
        enum=tuple(map(str, _list(said.get("enum")))), default=_text(said.get("default")), example=_example(said),
        kind="" if stated else str(said.get("format", "")),
    )  # fmt: skip
    in_words = f" | {label['text']}" if "text" in label else ""
    return completed(found, in_words.splitlines() if label or stated else str(node.get("description", "")).splitlines())


def _example(node: Node) -> str | None:
    examples = _list(node.get("examples"))
    if "example" in node:
        return _text(node["example"])
    return _text(examples[0]) if examples else None


def resolved(node: Any, document: Node, depth: int = 0) -> Node:
    """The node behind a local $ref, with what stands beside the reference over it."""
    table = _table(node)
    reference = table.get("$ref")
    if not isinstance(reference, str) or depth > _DEEPEST:
        return table
    target: Any = document if reference.startswith("#/") else {}
    for step in reference.removeprefix("#/").split("/"):
        target = _table(target).get(step.replace("~1", "/").replace("~0", "~"))
    own = {key: value for key, value in table.items() if key != "$ref"}
    return {**resolved(target, document, depth + 1), **own}


def _table(value: Any) -> Node:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
