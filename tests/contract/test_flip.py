"""Limits stand in the OpenAPI document alone: alter one there, and other values are tried and other values fail.

Each limit is altered in a copy of the folder, by its digits in the text and by nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from kki.drafting.bounds import ABSENT, field_cases
from kki.edges.contract import data_root, load
from kki.fuzz.coverage import _cases
from kki.judge import Judge
from kki.model.contract import Contract, FieldFact, Operation
from kki.model.exchange import Exchange
from kki.model.http import Headers, Request, Response
from kki.model.verdict import Broken, Holds, Judgement
from kki.rules.knowledge import Knowledge

TEXT = (data_root() / "kki.openapi.yaml").read_text(encoding="utf-8")
AT = datetime(2026, 5, 26, 3, 0, tzinfo=UTC)

# Contradiction 50: the page allows one to seven characters, its own composition gives seven digits and nothing else.
# Transcribed, but overruled by the stricter of the two statements, so that the row does not move with them.
OVERRULED = {("payment", "responseCode"), ("refund", "responseCode")}

Key = tuple[str, str, str, str]  # operation, place, variant, name


@dataclass(frozen=True)
class Limit:
    keyword: str
    value: int
    start: int  # where its digits stand in the text
    end: int
    name: str

    @property
    def other(self) -> int:
        if self.keyword == "maxLength":
            return self.value + 3
        return self.value - 3 if self.value > 3 else self.value + 2

    @property
    def between(self) -> int:
        """A length that one of the two limits allows and the other does not."""
        return max(self.value, self.other) - 1 if self.keyword == "minLength" else self.value + 1

    @property
    def looser(self) -> bool:
        return self.keyword == "maxLength" or self.other < self.value


def limits() -> Iterator[Limit]:
    """Every minLength and maxLength of the document, once; an alias leads to a node that was there before."""
    waiting: list[tuple[Any, tuple[str, ...]]] = [(yaml.compose(TEXT, Loader=yaml.SafeLoader), ())]
    seen: set[int] = set()
    while waiting:
        node, path = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [(one, (*path, str(number))) for number, one in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            waiting += [(value, (*path, key.value)) for key, value in node.value]
            for key, value in node.value:
                if key.value in ("minLength", "maxLength") and value.tag.endswith(":int"):
                    name = "-".join(one.split("/")[-1] for one in path)
                    yield Limit(key.value, int(value.value), value.start_mark.index, value.end_mark.index, name)


LIMITS = sorted(limits(), key=lambda one: one.start)


def altered(root: Path, text: str) -> Contract:
    copy = root / "openapi"
    shutil.copytree(data_root(), copy, ignore=shutil.ignore_patterns("__pycache__", "vectors", "examples", "cases"))
    (copy / "kki.openapi.yaml").write_text(text, encoding="utf-8")
    return load(copy)


def facts(contract: Contract) -> dict[Key, FieldFact]:
    found: dict[Key, FieldFact] = {}
    for operation in contract.operations.values():
        found |= {(operation.name, fact.place, "", fact.name): fact for fact in (*operation.headers, *operation.reply)}
        for variant in operation.variants:
            found |= {(operation.name, "body", variant.name, fact.name): fact for fact in variant.fields}
    return found


# --- what is tried ----------------------------------------------------------------------------------------


def lengths(contract: Contract, key: Key) -> set[tuple[int, bool]]:
    """(length, allowed) of every text that the field's own cases try."""
    operation = contract.operations[key[0]]
    variant = operation.variant(key[2])
    assert variant is not None
    cases = [case for case in field_cases(operation, variant) if case.field == key[3]]
    return {(len(case.value), case.good) for case in cases if isinstance(case.value, str) and case.value is not ABSENT}


def compiled(contract: Contract, operation: str) -> set[str]:
    """What Schemathesis makes of the operation, each request as text."""
    cases = _cases(contract.operations[operation], contract, every_reading(contract))
    return {json.dumps([case.mode, dict(case.headers), case.omit, case.body], sort_keys=True) for case in cases}


def tried(contract: Contract, key: Key) -> set[str]:
    """All of it: what is compiled, and the field's own cases."""
    operation = contract.operations[key[0]]
    variant = operation.variant(key[2])
    cases = field_cases(operation, variant) if variant else ()
    return compiled(contract, key[0]) | {f"{case.id} {case.value!r} {case.good}" for case in cases}


@cache
def compiled_as_it_is(operation: str) -> set[str]:
    return compiled(load(), operation)


def every_reading(contract: Contract) -> dict[str, str]:
    """The choices under which every keyword is in force."""
    return {tag.reading[0]: tag.reading[1] for fact in facts(contract).values() for tag in fact.tags if tag.reading}


# --- what fails -------------------------------------------------------------------------------------------


def value_of(fact: FieldFact) -> Any:
    return fact.example if fact.example is not None else "A1"


def exchange(operation: Operation, key: Key, value: str | None) -> Exchange:
    """Everything as in the contract's examples, but for one field; None leaves it out."""
    variant = operation.variant(key[2]) or operation.variants[0]
    parts: dict[str, dict[str, Any]] = {
        "header": {fact.name: value_of(fact) for fact in operation.headers if fact.required},
        "body": {fact.name: value_of(fact) for fact in variant.fields if fact.required},
        "reply": {fact.name: value_of(fact) for fact in operation.reply if fact.place == "reply" and fact.required},
    }
    parts[key[1]].pop(key[3], None)
    if value is not None:
        parts[key[1]][key[3]] = value
    headers = Headers.of({**parts["header"], "Content-Type": "application/json"})
    body = json.dumps(parts["body"]).encode()
    return Exchange(
        id="x1",
        request=Request(method="POST", target=operation.path, headers=headers, body=body, origin="http://127.0.0.1:1"),
        response=Response(
            status=200,
            headers=Headers.of({"Content-Type": "application/json"}),
            body=json.dumps(parts["reply"]).encode(),
        ),
        sent_at=AT,
        answered_at=AT,
    )


def judged(contract: Contract, key: Key, value: str | None) -> Mapping[str, Judgement]:
    judge = Judge(Knowledge(contract=contract, readings=every_reading(contract), complete=False))
    verdicts = judge.judge(exchange(contract.operations[key[0]], key, value))
    return {verdict.requirement: verdict.judgement for verdict in verdicts}


def fails(contract: Contract, key: Key, value: str | None, keyword: str) -> bool:
    """Whether the rows that the field names for this keyword are broken: the client's, and with it the server's."""
    tag = facts(contract)[key].tag_for(keyword)
    assert tag is not None
    rows = judged(contract, key, value)
    broken = [isinstance(rows.get(name), Broken) for name in (tag.client, tag.server) if name]
    assert len(set(broken)) == 1, (key, tag, {name: rows.get(name or "") for name in (tag.client, tag.server)})
    return broken[0]


# --- the proof --------------------------------------------------------------------------------------------


def test_there_are_limits_to_alter() -> None:
    assert len(LIMITS) >= 40
    for limit in LIMITS:
        assert TEXT[limit.start : limit.end] == str(limit.value)


@pytest.mark.parametrize("limit", LIMITS, ids=lambda one: f"{one.name}-{one.keyword}")
def test_an_altered_limit_changes_what_is_tried_and_what_fails(limit: Limit, tmp_path: Path) -> None:
    contract = altered(tmp_path, TEXT[: limit.start] + str(limit.other) + TEXT[limit.end :])
    before, after = facts(load()), facts(contract)
    attribute = {"minLength": "min_length", "maxLength": "max_length"}[limit.keyword]
    changed = [key for key in before if before[key] != after[key]]
    assert changed, f"{limit.name}: {limit.keyword} reaches no field"
    for key in changed:
        assert after[key] == replace(before[key], **{attribute: limit.other})
        if (key[0], key[3]) in OVERRULED:
            assert isinstance(judged(contract, key, "1" * 8)["KKI-RSP-210"], Broken)
            assert isinstance(judged(contract, key, before[key].example)["KKI-RSP-210"], Holds)
            continue
        text = "1" * limit.between
        assert fails(load(), key, text, limit.keyword) is limit.looser, key
        assert fails(contract, key, text, limit.keyword) is not limit.looser, key
        if key[1] == "body":
            was, now = lengths(load(), key), lengths(contract, key)
            assert (limit.value, True) in was
            assert (limit.other, True) in now
            over = 1 if limit.keyword == "maxLength" else -1
            assert (limit.value + over, False) in was
            assert (limit.other + over, False) in now
            assert was != now
    for name in {key[0] for key in changed if key[1] != "reply"}:
        assert compiled(contract, name) != compiled_as_it_is(name), name


OTHERS = [
    # keyword, text as it stands, text instead, where, and a value that falls before and passes after
    ("pattern", "pattern: ^[a-zA-Z0-9]+$", "pattern: ^[a-zA-Z0-9_]+$",
     ("bind", "body", "default", "custIdMerchant"), "a_b"),
    ("pattern", 'pattern: "^[0-9]+$"', 'pattern: "^[0-9a-z]+$"', ("payment", "header", "", "X-EXTERNAL-ID"), "17b"),
    ("enum", "enum: [DH, H2H]", "enum: [DH, H2H, APP]", ("bind", "header", "", "CHANNEL-ID"), "APP"),
    ("required", "required: [cardData, custIdMerchant]", "required: [cardData]",
     ("bind", "body", "default", "custIdMerchant"), None),
    ("required", "required: [tokenId]", "required: []", ("unbind", "body", "default", "tokenId"), None),
    ("enum", "enum: [client_credentials]", "enum: [client_credentials, password]",
     ("b2b", "body", "default", "grantType"), "password"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("keyword", "old", "new", "key", "value"), OTHERS, ids=[f"{one[3][0]}-{one[3][3]}-{one[0]}" for one in OTHERS]
)
def test_so_does_any_other_keyword(
    keyword: str, old: str, new: str, key: Key, value: str | None, tmp_path: Path
) -> None:
    assert old in TEXT
    contract = altered(tmp_path, TEXT.replace(old, new))
    assert fails(load(), key, value, keyword)
    assert not fails(contract, key, value, keyword)
    if (keyword, key[1]) != ("pattern", "header"):  # one text off the pattern stands for all, whatever the pattern
        assert tried(contract, key) != tried(load(), key)


# --- the same over a socket -------------------------------------------------------------------------------

TRIAL = """
import sys
from dataclasses import replace
from pathlib import Path
from kki.edges import settings
from kki.edges.contract import data_root, load
from kki.edges.listener import serve_simulator
from kki.engine import run_suites
from kki.run import Conductor

servers, output, root = sys.argv[1], Path(sys.argv[2]), settings.contract_root()
ours = load(root)
plan = settings.built_in_profile(ours)
with serve_simulator(plan, load(data_root()) if servers == "as it is" else ours) as url:
    conductor = Conductor(profile=replace(plan, base_url=url), contract=ours, base_url=url, level="quick", seed=7,
                          only=frozenset({"KKI-RFD-120"}), contract_root=root, output=output)
    conductor.preflight()
    run_suites(conductor, 1)
    run = conductor.run()
print(run.overall.value, next(row.outcome.value for row in run.requirements if row.id == "KKI-RFD-120"))
"""


@pytest.mark.parametrize(
    ("servers", "ends"), [("as it is", "does-not-conform broken"), ("altered", "conforms holds")], ids=["old", "new"]
)
def test_a_server_that_keeps_to_the_old_limit_no_longer_conforms(servers: str, ends: str, tmp_path: Path) -> None:
    """255 characters of a refund's reason become 252: who still takes 253 breaks the row, who knows of it does not."""
    altered(tmp_path, TEXT.replace("maxLength: 255", "maxLength: 252"))
    env = {**os.environ, "KKI_CONTRACT": str(tmp_path / "openapi")}
    command = [sys.executable, "-c", TRIAL, servers, str(tmp_path / "run")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=True)
    assert done.stdout.splitlines()[-1] == ends, done.stderr
