"""`kki catalogue`: every row of the ledger with the one thing that judges it, as text and as a document."""

from __future__ import annotations

import shutil
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kki.edges.contract import data_root

Kki = Callable[..., Any]
LEDGER = {
    row["id"]: row
    for path in (data_root() / "requirements").glob("*.toml")
    for row in tomllib.loads(path.read_text(encoding="utf-8"))["requirement"]
}


@pytest.fixture
def rows(kki: Kki) -> list[dict[str, Any]]:
    ended = kki("catalogue", "--format", "json")
    assert ended.code == 0
    found: list[dict[str, Any]] = ended.document["requirements"]
    return found


def test_the_document_has_every_row_of_the_ledger_as_it_stands_there(rows: list[dict[str, Any]]) -> None:
    assert Counter(row["id"] for row in rows) == Counter(list(LEDGER))
    for row in rows:
        source = LEDGER[row["id"]]
        for name in ("says", "level", "standing", "party"):
            assert row[name] == source[name]
        assert {key: row["source"][key] for key in ("document", "section")} == source["source"]
        assert row["source"]["url"].startswith("https://")
        assert row["untestable"] == source.get("untestable")
        assert [one["id"] for one in row["readings"]] == source.get("readings", [])
        assert all(one["default"] in one["choices"] for one in row["readings"])


def test_each_row_says_how_it_is_judged_or_why_it_cannot_be(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert row["kind"] in ("rule", "schema", "untestable")
        assert (row["kind"] == "untestable") == (row["untestable"] is not None), row["id"]
        assert row["how"].startswith(
            {"rule": "rule ", "schema": "schema tag ", "untestable": "untestable: "}[row["kind"]]
        )
    judged = {row["id"]: row for row in rows}
    assert judged["KKI-PAY-020"]["how"].startswith("schema tag payment body chargeToken: maxLength, type")
    assert judged["KKI-SIG-010"]["how"] == "rule signing.signature_matches"


def test_the_document_is_the_same_each_time(kki: Kki) -> None:
    assert kki("catalogue", "--format", "json").out == kki("catalogue", "--format", "json", "-v").out


def test_the_text_names_areas_rows_sources_and_judges(kki: Kki) -> None:
    ended = kki("catalogue")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert sum(line.startswith("KKI-") for line in lines) == len(LEDGER)
    assert "KKI-SIG-010  MUST, stated, client" in lines
    assert "SIG  The symmetric signature: X-SIGNATURE on payment, binding, unbinding, refund" in lines
    assert any("rule signing.signature_matches" in line for line in lines)
    assert lines[-1].startswith(f"{len(LEDGER)} requirements: ")
    assert max(map(len, lines)) <= 110  # a section's or a rule's name is never broken


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (["--only", "SIG"], lambda row: "-SIG-" in row["id"]),
        (["--only", "sig", "--only", "KKI-TOK-142"], lambda row: "-SIG-" in row["id"] or row["id"] == "KKI-TOK-142"),
        (["--party", "client"], lambda row: row["party"] == "client"),
        (["--kind", "untestable"], lambda row: "untestable" in row),
        (["--kind", "schema", "--party", "server", "--only", "UNB"],
         lambda row: row["id"] in {"KKI-UNB-110", "KKI-UNB-112", "KKI-UNB-210", "KKI-UNB-212", "KKI-UNB-214"}),
    ],
    ids=["area", "area-and-id", "party", "kind", "all-three"],
)  # fmt: skip
def test_options_choose_rows(kki: Kki, options: list[str], chosen: Callable[[dict[str, Any]], bool]) -> None:
    found = kki("catalogue", "--format", "json", *options).document
    wanted = {id_ for id_, row in LEDGER.items() if chosen(row)}
    assert wanted
    assert {row["id"] for row in found["requirements"]} == wanted
    assert set(found["areas"]) == {id_.split("-")[1] for id_ in wanted}


def test_more_words_show_readings_and_rules(kki: Kki) -> None:
    assert "by default signature-encoding=base64" not in kki("catalogue", "--only", "KKI-SIG-020").out
    assert "by default signature-encoding=base64" in kki("catalogue", "--only", "KKI-SIG-020", "-v").out


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--only", "SGI"], 'Did you mean "SIG"?'),
        (["--only", "KKI-SIG-011"], 'but got "KKI-SIG-011"'),
        (["--party", "both"], "both"),
        (["--kind", "magic"], "magic"),
    ],
)
def test_bad_usage_ends_with_2_and_a_sentence(kki: Kki, args: list[str], says: str) -> None:
    ended = kki("catalogue", *args)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err


def test_a_contract_that_our_rules_do_not_fit_ends_with_2(
    kki: Kki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "openapi"
    shutil.copytree(data_root(), root, ignore=shutil.ignore_patterns("__pycache__", "vectors", "cases"))
    ledger = root / "requirements" / "sig.toml"
    text = ledger.read_text(encoding="utf-8")
    first = text.split("[[requirement]]")[1]
    ledger.write_text(f"{text}\n[[requirement]]{first.replace('KKI-SIG-010', 'KKI-SIG-990')}", encoding="utf-8")
    monkeypatch.setenv("KKI_CONTRACT", str(root))
    ended = kki("catalogue")
    assert (ended.code, ended.out) == (2, "")
    assert "KKI-SIG-990: expected one rule, one schema tag or an untestable reason, but nothing judges it." in ended.err
