"""Which rows of the ledger, and which compiled cases, a change of the page touches: what to look at again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kki.drafting.coverage import CoverageCase
from kki.drift.compare import likeness
from kki.drift.model import Change
from kki.model.contract import Contract, FieldFact, Operation, Tag, Variant

# How the keywords of a change are called in the contract's tags.
_TAGGED = {
    "type": "type", "required": "required", "required, in words": "required", "minLength": "minLength",
    "maxLength": "maxLength", "alphabet": "pattern", "pattern": "pattern", "enum": "enum",
}  # fmt: skip
_TABLES = {"header": "Header parameters", "security": "Header parameters", "body": "Body", "reply": "Responses"}
_SHARED = ("HDR", "RSP")  # areas whose rows cite a field in one section and mean it in all
_PAGE = "page"  # the key of the page in sources.toml


class Touched:
    """Looks changes up in one contract and its compiled cases."""

    def __init__(self, contract: Contract, cases: Sequence[CoverageCase]) -> None:
        self._contract = contract
        self._cases = cases
        self._moved: dict[str, str] = {}  # new path → old path

    def all(self, changes: Iterable[Change]) -> list[Change]:
        """The changes, each with the rows and cases that it touches."""
        found = list(changes)
        self._moved = {change.new: change.old for change in found if change.keyword == "path"}
        return [self._one(change) for change in found]

    def _one(self, change: Change) -> Change:
        operation = self._operation(change)
        rows = set(self._rows(change, operation))
        cases = tuple(case.id for case in self._cases if operation is not None and _tries(case, change, operation))
        return replace(change, rows=tuple(row for row in self._contract.requirements if row in rows), cases=cases)

    def _operation(self, change: Change) -> Operation | None:
        return self._contract.operation_at(change.path) or self._contract.operation_at(self._moved.get(change.path, ""))

    def _rows(self, change: Change, operation: Operation | None) -> Iterator[str]:
        if not change.name:
            yield from self._cited(operation.section if operation else change.section, None)
            if change.keyword == "request" and operation is not None:
                yield from (row for fact in _every(operation) for tag in fact.tags for row in self._of_tag(tag))
            return
        if operation is None:
            return
        facts = list(_facts(operation, change))
        keyword = _TAGGED.get(change.keyword)
        tags = [tag for fact in facts for tag in fact.tags]
        stated = [tag for tag in tags if keyword in tag.keywords]
        for tag in stated or tags:
            yield from self._of_tag(tag)
        if not stated:  # a new limit, another example, other words: whatever rests on this field
            table = _TABLES.get(change.place.split()[0], "")
            yield from self._cited(operation.section, (table, change.name) if facts else (table,))

    def _of_tag(self, tag: Tag) -> Iterator[str]:
        yield from (name for name in (tag.client, tag.server) if name)
        if tag.rule:
            yield tag.rule
            area, _, number = tag.rule.rpartition("-")
            refusal = f"{area}-{int(number) + 100:03}"  # a client's row n, and the server that refuses what breaks it
            if refusal in self._contract.requirements:
                yield refusal

    def _cited(self, section: str, field: tuple[str, ...] | None) -> Iterator[str]:
        """Rows that cite this place of the page: a table, a field, or what stands in the section outside of tables."""
        for row in self._contract.requirements.values():
            parts = [part.strip() for part in row.source.section.split("›")]
            shared = field is not None and row.area in _SHARED
            if row.source.document != _PAGE or (parts[0] != section and not shared):
                continue
            outside = not set(_TABLES.values()) & set(parts)
            if outside if field is None else field == tuple(parts[1:]):
                yield row.id


def _every(operation: Operation) -> Iterator[FieldFact]:
    yield from (*operation.headers, *operation.reply, *(fact for one in operation.variants for fact in one.fields))


def _facts(operation: Operation, change: Change) -> Iterator[FieldFact]:
    place = "header" if change.place == "security" else change.place
    facts = operation.headers if place == "header" else operation.reply if place == "reply" else ()
    if place == "body":
        facts = tuple(fact for one in variants(operation, change.requests) for fact in one.fields)
    name = change.old if change.keyword == "name" else change.name
    yield from (fact for fact in facts if fact.name == name)


def variants(operation: Operation, titles: Sequence[str]) -> list[Variant]:
    """The variants that requests of these titles are: the nearest by title, since the page words them at length."""
    if len(operation.variants) == 1:
        return list(operation.variants)
    found = [max(operation.variants, key=lambda one: likeness(one.title, title)) for title in titles]
    return list({one.name: one for one in found}.values())


def _tries(case: CoverageCase, change: Change, operation: Operation) -> bool:
    if case.operation != operation.name or change.keyword in ("wording", "prose", "title", "section"):
        return False
    if not change.name:
        return True
    name = change.old if change.keyword == "name" else change.name
    if case.parameter != name or case.location != {"security": "header"}.get(change.place, change.place):
        return False
    return case.location == "header" or case.variant in {one.name for one in variants(operation, change.requests)}
