"""What the statement says, and what keeps a run from being attested in passing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kki import attestation
from kki.edges.evidence import files_of
from kki.model.requirement import Level
from kki.model.run import Run
from kki.model.verdict import Overall

from .made import LATER, NOON, folder_of, row, run

OPEN = row("KKI-SIG-110", "unknown", "none")
UNTRIED = row("KKI-SIG-110", "not-exercised", "none")
FAULTY = row("KKI-SIG-110", "faulty", "none")


def stated(kept: Run, folder: Path) -> dict[str, Any]:
    files = files_of(folder_of(folder, kept))
    found: dict[str, Any] = json.loads(attestation.payload(kept, files, issued=NOON, valid_until=LATER))
    return found


def test_the_statement_has_the_form_that_in_toto_asks_for(tmp_path: Path) -> None:
    found = stated(run(), tmp_path / "r")
    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    report = (tmp_path / "r" / "report.html").read_bytes()
    assert {"name": "report.html", "digest": {"sha256": hashlib.sha256(report).hexdigest()}} in found["subject"]
    names = ["allure-results/a-result.json", "exchanges.jsonl", "junit.xml", "report.html", "run.json"]
    assert [each["name"] for each in found["subject"]] == names
    predicate = found["predicate"]
    assert predicate["result"] == "PASSED"
    assert predicate["passedTests"] == ["KKI-SIG-110", "KKI-SIG-120"]
    assert predicate["configuration"] == [
        {"name": "contract", "digest": {"sha256": "a" * 64}},
        {"name": "profile without secrets", "digest": {"sha256": "b" * 64}},
    ]


def test_ours_says_what_was_tried_with_what(tmp_path: Path) -> None:
    ours = stated(run(row("KKI-SIG-110"), row("KKI-SIG-010", in_scope=False)), tmp_path / "r")["predicate"]["kki_run"]
    assert ours["scope"] == ["KKI-SIG-110"]
    assert (ours["level"], ours["seed"], ours["harness"], ours["target"]) == (
        "standard",
        7,
        "0.1.0",
        "http://127.0.0.1:9",
    )
    assert ours["power"] == {"standard": {"stated": 1.0}}
    lines = (f"{name}\tMUST\tstated\tserver\t{name} is kept.\n" for name in ("KKI-SIG-110", "KKI-SIG-010"))
    line = "".join(lines)
    assert ours["ledger"] == {"rows": 2, "sha256": hashlib.sha256(line.encode()).hexdigest()}
    assert ours["caveats"] == []


def test_the_evidence_is_a_chain(tmp_path: Path) -> None:
    chain = hashlib.sha256(b"kki evidence").hexdigest()
    rows = stated(run(), tmp_path / "r")["predicate"]["kki_run"]["evidence"]
    assert len(rows) == 5
    for each in rows:
        text = f"{chain}\n{each['name']}\n{each['size']}\n{each['sha256']}\n"
        chain = hashlib.sha256(text.encode()).hexdigest()
        assert each["chain"] == chain


@pytest.mark.parametrize(
    ("kept", "words", "result"),
    [
        (run(), [], "PASSED"),
        (run(row("KKI-SIG-110"), row("KKI-SIG-120", "broken", "warning")), [], "WARNED"),
        (run(row("KKI-SIG-110", "broken", "violation"), overall=Overall.DOES_NOT_CONFORM), [], "FAILED"),
        (run(OPEN, overall=Overall.INCOMPLETE), ["Not decided", "KKI-SIG-110"], "FAILED"),
        (run(UNTRIED, overall=Overall.INCOMPLETE), ["Not decided"], "FAILED"),
        (run(row("KKI-SIG-110", "not-exercised", "none", level=Level.SHOULD)), [], "PASSED"),
        (run(FAULTY, overall=Overall.INCOMPLETE), ["The harness itself failed"], "FAILED"),
        (run(partial=True), ["The run is partial"], "FAILED"),
        (run(overall=Overall.INCOMPLETE), ["calls itself incomplete"], "FAILED"),
        (
            run(row("KKI-SIG-110", "broken", "violation", carried="ticket 1 (owner o, until 2027-01-31)"),
                overall=Overall.DOES_NOT_CONFORM),
            ["Violated and carried by a baseline: KKI-SIG-110, ticket 1 (owner o, until 2027-01-31)."],
            "FAILED",
        ),
        (run(row("KKI-SIG-110", "broken", "warning", waived="known")), ["Violated and waived"], "WARNED"),
    ],
)  # fmt: skip
def test_what_is_not_complete_is_said_in_words(kept: Run, words: list[str], result: str, tmp_path: Path) -> None:
    text = " ".join(attestation.caveats(kept))
    assert bool(text) is bool(words)
    assert all(word in text for word in words)
    found = stated(kept, tmp_path / "r")["predicate"]
    assert found["result"] == result
    assert found["kki_run"]["caveats"] == list(attestation.caveats(kept))


def attested(tmp_path: Path) -> attestation.Attested:
    files = files_of(folder_of(tmp_path / "r", run()))
    found = attestation.read(attestation.payload(run(), files, issued=NOON, valid_until=LATER))
    assert isinstance(found, attestation.Attested)
    return found


def test_a_statement_is_valid_from_and_until(tmp_path: Path) -> None:
    found = attested(tmp_path)
    second = timedelta(seconds=1)
    assert attestation.out_of_time(found, NOON) is None
    assert attestation.out_of_time(found, LATER) is None
    assert "valid until 2026-08-30" in (attestation.out_of_time(found, LATER + second) or "")
    assert "valid from 2026-06-01" in (attestation.out_of_time(found, NOON - second) or "")


def test_each_difference_is_named(tmp_path: Path) -> None:
    found = attested(tmp_path)
    folder = tmp_path / "r"
    assert list(attestation.differences(found, files_of(folder))) == []
    (folder / "report.html").write_bytes(b"shorter")
    (folder / "exchanges.jsonl").unlink()
    (folder / "new.txt").write_bytes(b"")
    there = files_of(folder)
    assert list(attestation.differences(found, there)) == [
        "exchanges.jsonl: it is attested, but it is not there",
        "report.html: its content has changed since it was attested; it has 7 octets and had 600",
    ]
    assert attestation.beyond(found, there) == ("new.txt",)


def test_a_link_is_no_evidence(tmp_path: Path) -> None:
    found = attested(tmp_path)
    path = tmp_path / "r" / "report.html"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert list(attestation.differences(found, files_of(tmp_path / "r"))) == [
        "report.html: it is attested, but it is not there"
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(_type="https://in-toto.io/Statement/v0.1"), "expected https://in-toto.io/Statement/v1"),
        (lambda d: d["predicate"].pop("kki_run"), "could not read it: KeyError"),
        (lambda d: d["subject"].pop(), "expected the subject, the evidence and its chain to agree"),
        (
            lambda d: d["predicate"]["kki_run"]["evidence"][0].update(chain="0" * 64),
            "expected the subject, the evidence",
        ),
        (lambda d: d["predicate"]["kki_run"].update(issued="soon"), "could not read it: ValueError"),
    ],
)
def test_a_signed_statement_of_another_kind_is_none_of_ours(change: Any, says: str, tmp_path: Path) -> None:
    document = stated(run(), tmp_path / "r")
    change(document)
    found = attestation.read(json.dumps(document).encode())
    assert isinstance(found, str)
    assert says in found


@pytest.mark.parametrize("octets", [b"", b"\xff", b"[]", b"null", b"[" * 100_000, b'{"predicate":3}'])
def test_rubbish_is_no_statement(octets: bytes) -> None:
    assert isinstance(attestation.read(octets), str)


def test_what_a_statement_says_does_not_depend_on_anything_but_the_run(tmp_path: Path) -> None:
    files = files_of(folder_of(tmp_path / "r", run()))
    one = attestation.payload(run(), files, issued=NOON, valid_until=LATER)
    assert one == attestation.payload(run(), files, issued=NOON, valid_until=LATER)
    assert one != attestation.payload(replace(run(), seed=8), files, issued=NOON, valid_until=LATER)


@pytest.mark.parametrize(("readings", "count"), [(("member-types=coerced",), 0), (("member-types",), 1), ((), 1)])
def test_a_stated_breach_is_a_warning_only_where_the_row_names_the_choice_that_permits_it(
    readings: tuple[str, ...], count: int
) -> None:
    broken = row("KKI-BND-120", "broken", "warning", counts={"broken": 1}, readings=readings)
    found = list(attestation.inconsistencies(run(broken, exchange_count=0, overall=Overall.CONFORMS), ()))
    assert found == ["KKI-BND-120 is broken and graded warning"] * count
