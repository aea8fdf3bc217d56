"""The compiled coverage cases: reproducible, complete, and each of them what it says it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from kki import fuzz
from kki.drafting.coverage import CoverageCase, compiled_from, read_cases
from kki.edges import datafiles
from kki.edges.contract import data_root, load
from kki.fuzz import generated_bodies
from kki.fuzz.shapes import in_force
from kki.model.requirement import Party

FILE = data_root() / fuzz.FILE
OPERATIONS = ("payment", "bind", "unbind", "refund", "b2b", "b2b2c")


@pytest.fixture(scope="module")
def cases() -> list[CoverageCase]:
    return read_cases(FILE.read_bytes())


def test_compiling_again_gives_the_committed_bytes() -> None:
    assert fuzz.compile_cases() == FILE.read_bytes(), "python -m kki.fuzz, then review the difference"


def test_bytes_do_not_depend_on_hash_order_or_on_ci() -> None:
    source = str(Path(fuzz.__file__).parents[1])
    code = "import sys, kki.fuzz; sys.stdout.buffer.write(kki.fuzz.compile_cases())"
    env = {**os.environ, "PYTHONHASHSEED": "4711", "CI": "1", "PYTHONPATH": source}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert done.stdout == FILE.read_bytes()


def test_the_file_says_what_it_was_compiled_from(cases: list[CoverageCase]) -> None:
    head = json.loads(FILE.read_bytes().splitlines()[0])
    assert head["contract"] == load().digest == compiled_from(FILE.read_bytes())
    assert head["schemathesis"]
    assert head["cases"] == len(cases)
    assert compiled_from(b"") == ""


def test_every_line_fits_its_schema() -> None:
    for line in FILE.read_bytes().splitlines()[1:]:
        assert datafiles.problems(json.loads(line), "case", "coverage.ndjson", data_root()) == []


def test_a_sensible_number(cases: list[CoverageCase]) -> None:
    assert 180 <= len(cases) <= 240
    assert len({case.id for case in cases}) == len(cases)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_operation_and_variant_has_positive_and_negative_cases(cases: list[CoverageCase], operation: str) -> None:
    """Schemathesis loses positive cases in silence; this is the gate against it."""
    found = Counter((case.variant, case.mode) for case in cases if case.operation == operation)
    for variant in load().operations[operation].variants:
        assert found[(variant.name, "positive")] > 0, variant.name
    assert sum(count for (_, mode), count in found.items() if mode == "negative") > 10


def test_positive_bodies_satisfy_their_variant_and_negative_ones_none(cases: list[CoverageCase]) -> None:
    contract = load()
    for case in cases:
        operation = contract.operations[case.operation]
        shapes = {one.name: in_force(one, contract, {}) for one in operation.variants}
        if case.mode == "positive" or case.location == "header":
            assert datafiles.broken(case.body, shapes[case.variant]) == [], case.id
        elif case.body_text is None:
            assert all(datafiles.broken(case.body, shape) for shape in shapes.values()), case.id


def test_negative_cases_put_rows_to_the_server_and_positive_ones_none(cases: list[CoverageCase]) -> None:
    rows = load().requirements
    for case in cases:
        assert bool(case.requirements) == (case.mode == "negative"), case.id
        assert all(rows[name].party is Party.SERVER for name in case.requirements), case.id


def test_every_refusal_that_a_shape_demands_has_a_case(cases: list[CoverageCase]) -> None:
    """Under the default readings; the others' keywords are compiled on demand."""
    contract = load()
    tried = {name for case in cases for name in case.requirements}
    for operation in contract.operations.values():
        bodies = [fact for variant in operation.variants for fact in variant.fields]
        for fact in (*operation.headers, *bodies):
            for tag in fact.tags:
                if tag.server and (tag.reading is None or contract.choice(tag.reading[0], {}) == tag.reading[1]):
                    assert tag.server in tried, (operation.name, fact.name, sorted(tag.keywords))


def test_header_cases_set_or_omit_exactly_their_header(cases: list[CoverageCase]) -> None:
    for case in cases:
        if case.location == "body":
            assert not case.headers
            assert not case.omit
        else:
            assert [*case.headers, *case.omit] == [case.parameter], case.id


def test_both_sides_of_a_limit_are_tried(cases: list[CoverageCase]) -> None:
    lengths = {
        len(case.body["partnerReferenceNo"])
        for case in cases
        if (case.operation, case.variant, case.parameter) == ("payment", "cpan", "partnerReferenceNo")
        and isinstance(case.body.get("partnerReferenceNo"), str)
    }
    assert lengths == {31, 32, 33}
    channels = {case.headers["CHANNEL-ID"] for case in cases if case.mode == "positive" and case.headers}
    assert channels == {"DH", "H2H"}


def test_only_one_thing_is_wrong_in_a_negative_case(cases: list[CoverageCase]) -> None:
    contract = load()
    for case in cases:
        if case.mode == "negative" and case.location == "body" and case.parameter is not None:
            variant = contract.operations[case.operation].variant(case.variant)
            assert variant is not None
            found = datafiles.broken(case.body, in_force(variant, contract, {}))
            assert {name or path[0] for path, _, name in found} == {case.parameter}, case.id


def test_reading_and_writing_agree(cases: list[CoverageCase]) -> None:
    assert cases == fuzz.cases_for()
    case = next(one for one in cases if one.body_text is not None)
    assert case.payload == b""
    other = next(one for one in cases if one.body == {})
    assert other.payload == b"{}"


def test_other_readings_are_compiled_on_demand() -> None:
    strict = {"refund-reference-minimum": "enforced", "refund-reference-characters": "alphanumeric"}
    tried = {name for case in fuzz.cases_for(None, strict) for name in case.requirements}
    assert {"KKI-RFD-114", "KKI-RFD-116"} <= tried
    loose = {"required-or-optional": "description", "customer-token-required": "not-on-cpan"}
    tried = {name for case in fuzz.cases_for(None, loose) for name in case.requirements}
    assert not {"KKI-PAY-110", "KKI-PAY-116"} & tried


MADE = [("payment", "token"), ("refund", "default"), ("b2b2c", "default")]


@pytest.mark.parametrize("valid", [True, False])
@pytest.mark.parametrize(("operation", "variant"), MADE)
def test_bodies_made_by_chance_are_what_they_are_said_to_be(operation: str, variant: str, valid: bool) -> None:
    contract = load()
    made = generated_bodies(None, operation, variant, valid=valid, count=8, seed=5)
    assert made == generated_bodies(None, operation, variant, valid=valid, count=8, seed=5)
    assert made != generated_bodies(None, operation, variant, valid=valid, count=8, seed=6)
    assert len({json.dumps(each.body, sort_keys=True) for each in made}) == 8
    one = contract.operations[operation].variant(variant)
    assert one is not None
    shape = in_force(one, contract, {})
    for each in made:
        assert bool(each.spoiled) is not valid
        if valid:
            assert datafiles.broken(each.body, shape) == []
            assert all(each.body[name] for name in one.schema["required"])


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(KeyError, match="no variant 'cash'"):
        generated_bodies(None, "payment", "cash", valid=True, count=1, seed=0)


def test_reading_cases_does_not_need_schemathesis() -> None:
    code = "import sys, kki.fuzz; kki.fuzz.cases_for(); sys.exit('schemathesis' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(Path(fuzz.__file__).parents[1])}
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode == 0
