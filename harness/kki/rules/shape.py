"""One generic rule for all field facts: schema errors → the rows that the contract's tags name.

The door to jsonschema-rs. Presence, type, length, pattern and enumeration stand in
`openapi/kki.openapi.yaml` and nowhere else. An error under no tag is a hole in our own contract,
never the party's fault: it raises `UntaggedError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs

from kki.model.contract import Contract, FieldFact, Operation, Tag
from kki.model.verdict import Broken, Finding, Holds, Judgement, NotApplicable, Unknown
from kki.rules.faults import FORMAT, MANDATORY, NOBODY, Cases, Fault, Force, cases
from kki.rules.knowledge import Knowledge
from kki.rules.view import ABSENT, View
from kki.rules.words import kind, length, masked, spoken
from kki.snap.timestamps import Timestamp

KEYWORDS = ("type", "minLength", "maxLength", "pattern", "enum")  # what the contract's fields use, besides "required"


class UntaggedError(LookupError):
    """A schema error for which the contract names no row."""


@dataclass(slots=True)
class Found:
    """Of one request: its faults, and a judgement for every client row that the contract's tags name."""

    faults: list[Fault] = field(default_factory=list)
    clients: dict[str, Judgement] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Shape:
    """One object to be judged: its validator, and the field facts by the names that the validator uses."""

    validator: Any
    facts: Mapping[str, FieldFact]

    def errors(self, value: Any) -> list[tuple[str, str]]:
        """(field name, keyword) of every error."""
        try:
            if self.validator.is_valid(value):
                return []
            return [_error(one) for one in self.validator.iter_errors(value)]
        except UnicodeEncodeError:  # the validator can neither look up nor quote half of a surrogate pair
            return [_error(one) for one in self.validator.iter_errors(_mended(value))]


def _mended(value: Any, levels: int = 8) -> Any:
    """The same with "?" for each half of a surrogate pair: as long, and as far from any pattern of the page."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_mended(name): _mended(each, levels - 1) for name, each in value.items()} if levels else {}
    if isinstance(value, list):
        return [_mended(each, levels - 1) for each in value] if levels else []
    return value


class Shapes:
    """All schemas of a contract, compiled once."""

    def __init__(self, contract: Contract) -> None:
        self._headers = {name: _headers(operation) for name, operation in contract.operations.items()}
        self._bodies = {
            (name, variant.name): _Shape(_validator(variant.schema), {fact.name: fact for fact in variant.fields})
            for name, operation in contract.operations.items()
            for variant in operation.variants
        }
        self._replies = {
            name: _Shape(_validator(operation.reply_schema), {f.name: f for f in operation.reply if f.place == "reply"})
            for name, operation in contract.operations.items()
        }

    def of_request(self, view: View, knowledge: Knowledge) -> Found:
        """Headers and body of a request to a documented operation."""
        found = Found()
        if not view.in_api:
            return found
        values = {name.lower(): value for name, value in reversed(view.exchange.request.headers.pairs)}
        self._judge(found, self._headers[view.name], values, "header", view, knowledge)
        shape = self._bodies.get((view.name, view.variant or ""))
        if shape is not None and view.body.members is not None:
            self._judge(found, shape, view.body.members, "body", view, knowledge)
        return found

    def _judge(
        self, found: Found, shape: _Shape, values: Mapping[str, Any], place: str, view: View, knowledge: Knowledge
    ) -> None:
        faults: list[Fault] = []
        hidden = {name for name in shape.facts if masked(values.get(name))}
        for name, keyword in shape.errors(values):
            if name in hidden:
                found.unknown.append(name)
            else:
                faults += _fault(shape.facts[name], keyword, values, place, view, knowledge)
        # Members that stand twice may be read in either way; then nothing is sure about any of them.
        found.faults += [fault if not view.body.repeated or place == "header" else _weak(fault) for fault in faults]
        for name, judgement in _clients(shape.facts, values, faults, hidden, knowledge):
            found.clients[name] = _stronger(found.clients.get(name), judgement)

    def of_reply(self, view: View, knowledge: Knowledge) -> dict[str, Judgement]:
        """The server's rows on the members of a reply with HTTP status 2xx that is an object."""
        members = view.reply.members
        if not view.in_api or members is None or not 200 <= view.reply.status < 300 or view.reply.replayed:
            return {}
        shape = self._replies[view.name]
        broken: dict[str, list[Finding]] = {}
        for name, keyword in shape.errors(members):
            tag = _tag(shape.facts[name], keyword)
            none = members.get(name) in (None, "") and not shape.facts[name].required
            if none and name in members and knowledge.choice("null-members") == "absent":
                continue
            if tag.server and knowledge.in_force(tag.reading) and not masked(members.get(name)):
                finding = Finding(
                    where=f"reply /{name}", expected=_expected(shape.facts[name], keyword),
                    actual=_actual(name, keyword, members.get(name, ABSENT)),
                )  # fmt: skip
                broken.setdefault(tag.server, []).append(finding)
        judged: dict[str, Judgement] = {name: Broken(tuple(findings)) for name, findings in broken.items()}
        for fact in shape.facts.values():
            for tag in fact.tags:
                if tag.server and tag.server not in broken and knowledge.in_force(tag.reading):
                    there = "required" in tag.keywords or fact.name in members
                    judged[tag.server] = _stronger(judged.get(tag.server), Holds() if there else NotApplicable())
        return judged


def shape_rows(contract: Contract) -> dict[str, list[tuple[str, Tag]]]:
    """Every row that a tag names, with where: the catalogue's view of what this module judges."""
    rows: dict[str, list[tuple[str, Tag]]] = {}
    for operation in contract.operations.values():
        bodies = [fact for variant in operation.variants for fact in variant.fields]
        for fact in (*operation.headers, *bodies, *operation.reply):
            for tag in fact.tags:
                for name in (tag.client, tag.server):
                    if name and not tag.rule:
                        where = f"{operation.name} {fact.place} {fact.name}: {', '.join(sorted(tag.keywords))}"
                        rows.setdefault(name, []).append((where, tag))
    return rows


def holes(contract: Contract) -> list[str]:
    """Keywords of the contract for which no tag stands: what would raise `UntaggedError` if anybody broke them."""
    found: list[str] = []
    for operation in contract.operations.values():
        bodies = [fact for variant in operation.variants for fact in variant.fields]
        for fact in (*operation.headers, *bodies, *operation.reply):
            missing = [word for word in _keywords(fact) if fact.tag_for(word) is None]
            found += [f"{operation.name} {fact.place} {fact.name}: no requirement for {word}" for word in missing]
    return sorted(set(found))


def _keywords(fact: FieldFact) -> Iterable[str]:
    if fact.required:
        yield "required"
    if fact.type != "any" and "header" not in fact.place:  # a header is text in any case
        yield "type"
    for word, value in (("minLength", fact.min_length), ("maxLength", fact.max_length), ("pattern", fact.pattern)):
        if value is not None:
            yield word
    if fact.enum:
        yield "enum"


def _validator(schema: Mapping[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=False)


def _headers(operation: Operation) -> _Shape:
    facts = {fact.name.lower(): fact for fact in operation.headers}
    properties = {name: _text_schema(fact) for name, fact in facts.items()}
    required = [name for name, fact in facts.items() if fact.required]
    return _Shape(_validator({"type": "object", "required": required, "properties": properties}), facts)


def _text_schema(fact: FieldFact) -> dict[str, Any]:
    limits = {
        "minLength": fact.min_length, "maxLength": fact.max_length, "pattern": fact.pattern,
        "enum": list(fact.enum) or None,
    }  # fmt: skip
    return {"type": "string"} | {word: value for word, value in limits.items() if value is not None}


def _error(error: Any) -> tuple[str, str]:
    word = error.kind.name
    if word == "required" and not error.instance_path:
        return error.kind.property, word
    if not error.instance_path:
        raise UntaggedError(f"the contract has no field for this schema error: {word} of the whole object")
    return str(error.instance_path[0]), word


def _tag(fact: FieldFact, keyword: str) -> Tag:
    tag = fact.tag_for(keyword)
    if tag is None:
        raise UntaggedError(f"the contract names no requirement for {keyword} of {fact.place} {fact.name}")
    return tag


def _fault(
    fact: FieldFact, keyword: str, values: Mapping[str, Any], place: str, view: View, knowledge: Knowledge
) -> list[Fault]:
    tag = _tag(fact, keyword)
    if tag.rule is not None:
        return []
    value = values.get(fact.name if place == "body" else fact.name.lower(), ABSENT)
    missing = value is ABSENT or value is None or value == ""
    fitting, reason = _reason(fact.name, missing, view)
    if not missing:
        fitting |= _also(fact, keyword, view)
    fault = Fault(
        where=f"{place} {fact.name}" if place == "header" else f"body /{fact.name}",
        expected=_expected(fact, keyword), actual=_actual(fact.name, keyword, value),
        client=tag.client or NOBODY, server=tag.server or NOBODY, reason=reason, fitting=fitting, field=fact.name,
    )  # fmt: skip
    demanded = _demanded(tag, view, knowledge) and not _read_kindly(fact, keyword, value, view, knowledge)
    return [fault if demanded else _weak(fault)]


def _weak(fault: Fault) -> Fault:
    """Disputed: nobody breaks a row by it, but a refusal would be understandable."""
    return Fault(
        where=fault.where, expected=fault.expected, actual=fault.actual, force=Force.MAY_REFUSE, client=NOBODY,
        server=NOBODY, reason=NOBODY, fitting=fault.fitting, field=fault.field,
    )  # fmt: skip


def _read_kindly(fact: FieldFact, keyword: str, value: object, view: View, knowledge: Knowledge) -> bool:
    """Whether the choices in force let a server take what the contract's words do not name."""
    if keyword == "enum" and isinstance(value, str):
        return knowledge.choice("enumeration-case") == "any-case" and value.lower() in {e.lower() for e in fact.enum}
    if keyword == "pattern" and fact.name == "X-TIMESTAMP":
        return knowledge.choice("binding-timestamp-form") == "as-payments" and isinstance(view.timestamp, Timestamp)
    if fact.required or keyword not in ("type", "minLength"):
        return False
    if value is None or value == "":
        return knowledge.choice("null-members") == "absent"
    return keyword == "type" and isinstance(value, int | float) and knowledge.choice("member-types") == "coerced"


def _demanded(tag: Tag, view: View, knowledge: Knowledge) -> bool:
    if knowledge.in_force(tag.reading):
        return True
    # Under this choice only a payment by CPAN may come without: the row stays in force for the others.
    return tag.reading == ("customer-token-required", "label") and view.variant != "cpan"


def _clients(
    facts: Mapping[str, FieldFact], values: Mapping[str, Any], faults: list[Fault], hidden: set[str],
    knowledge: Knowledge,
) -> Iterable[tuple[str, Judgement]]:  # fmt: skip
    for key, fact in facts.items():
        where = {f"header {fact.name}", f"body /{fact.name}"}
        for tag in fact.tags:
            if not tag.client:
                continue
            findings = tuple(f.finding() for f in faults if f.client == tag.client and f.where in where)
            if findings:
                yield tag.client, Broken(findings)
            elif not knowledge.in_force(tag.reading):
                continue
            elif key in hidden and tag.keywords != {"required"}:
                yield tag.client, Unknown(f"{fact.name}, which was hidden when the recording was made")
            elif "required" in tag.keywords or key in values:
                yield tag.client, Holds()
            else:
                yield tag.client, NotApplicable()


_STRENGTH = {Broken: 3, Unknown: 2, Holds: 1, NotApplicable: 0}


def _stronger(old: Judgement | None, new: Judgement) -> Judgement:
    """Of two judgements of one row: broken before unknown before holds. Two broken ones join their findings."""
    if isinstance(old, Broken) and isinstance(new, Broken):
        return Broken(old.findings + new.findings)
    return new if old is None or _STRENGTH.get(type(new), 0) > _STRENGTH.get(type(old), 0) else old


_TOKEN_REQUEST = cases("400/00", "400/01", "400/02", "401/00")
_HEADERS: Mapping[str, tuple[Cases, str]] = {
    # What the case table and the permitted readings of it allow for a missing or empty header.
    "x-signature": (cases("401/00", "400/02", "400/01"), "KKI-RSN-110"),
    "x-timestamp": (cases("400/02", "400/01", "401/00"), "KKI-RSN-140"),
    "x-partner-id": (cases("400/02", "400/01", "401/00", "404/16"), "KKI-RSN-140"),
    "x-client-key": (cases("400/02", "400/01", "401/00", "404/16"), "KKI-RSN-140"),
    "authorization": (cases("401/00", "401/01", "401/03", "400/02", "400/01"), "KKI-RSN-120"),
    "authorization-customer": (cases("401/02", "401/04", "400/02", "400/01", "401/00"), "KKI-RSN-130"),
}
_MALFORMED: Mapping[str, Cases] = {
    "x-timestamp": cases("400/01", "401/00"),
    "x-partner-id": cases("400/01", "401/00", "404/16"),
}


def _also(fact: FieldFact, keyword: str, view: View) -> Cases:
    """What fits besides: a required field out of form is an invalid mandatory field as well, a wrong type unreadable.

    A payment is one of several shapes: a body that is none of them lacks what the nearest one needs (contradiction 1).
    """
    mandatory = cases("400/02") if fact.required or view.name == "payment" else frozenset()
    return mandatory | (cases("400/00") if keyword == "type" else frozenset())


def _reason(name: str, missing: bool, view: View) -> tuple[Cases, str]:
    """The codes that fit, and the row on reasons that asks for one of them."""
    fitting, reason = (MANDATORY, "KKI-RSN-140") if missing else (FORMAT, "KKI-RSN-150")
    if missing and name.lower() in _HEADERS:
        fitting, reason = _HEADERS[name.lower()]
    elif not missing:
        fitting = _MALFORMED.get(name.lower(), fitting)
    return (fitting if view.symmetric else fitting | _TOKEN_REQUEST), reason


def _expected(fact: FieldFact, keyword: str) -> str:
    match keyword:
        case "required":
            return "present"
        case "type":
            return " or ".join(f"a {one}" for one in fact.type.split("|")).replace("a object", "an object")
        case "minLength" if fact.min_length == 1:
            return "not empty"
        case "minLength":
            return f"at least {fact.min_length} characters"
        case "maxLength":
            return f"at most {fact.max_length} characters"
        case "enum":
            return f"{' or '.join(fact.enum)}"
        case _:
            return f"of the form {fact.pattern}"


def _actual(name: str, keyword: str, value: object) -> str:
    match keyword:
        case "required":
            return "missing"
        case "type":
            return kind(value)
        case "minLength" | "maxLength":
            return length(value) if isinstance(value, str) else kind(value)
        case _:
            return spoken(name, value)
