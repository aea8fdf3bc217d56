"""`kki check` against a correct server: its verdict, that it repeats itself, and that workers change nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kki.edges.listener import serve_simulator
from kki.model.profile import Profile
from kki.simulator.correct import CORRECT
from kki.simulator.variants import VARIANTS

from .conftest import CONTRACT, Check, Written

SOME = ("--only", "SIG", "--only", "RFD", "--level", "quick")


def verdicts(run: dict[str, Any]) -> dict[str, Any]:
    """What a run claims, without times, addresses and counts of what took how many tries."""
    return {
        row["id"]: (row["outcome"], row["grade"], row["in_scope"], row["missing"], row["how_judged"])
        for row in run["requirements"]
    }


def cases(run: dict[str, Any]) -> list[tuple[str, ...]]:
    return sorted((row["title"], row["operation"], row["outcome"], *row["exercises"]) for row in run["cases"])


def test_the_embedded_simulator_conforms_at_quick_level(check: Check, tmp_path: Path) -> None:
    ended = check("--level", "quick", "--seed", "1")
    assert ended.code == 0, ended.said
    assert "CONFORMS" in ended.out
    assert ended.run is not None
    assert ended.run["overall"] == "conforms"
    assert not ended.run["partial"]
    grades = [row["grade"] for row in ended.run["requirements"] if row["in_scope"]]
    assert "violation" not in grades
    assert grades.count("pass") >= 180
    # Every row of the server's that can be seen at all under the readings in force is seen to hold.
    optional = {"KKI-BND-226", "KKI-BND-228"}  # "where present": our simulator leaves these members out
    rows = [row for row in ended.run["requirements"] if row["in_scope"] and row["id"] not in optional]
    other = [row for row in rows if row["outcome"] != "holds"]
    assert {row["outcome"] for row in other} <= {"not-applicable", "not-exercised"}
    assert all(row["untestable"] or "in force only under" in row["missing"] for row in other)
    kept = {path.name for path in (tmp_path / "run1").iterdir()}
    assert kept >= {"run.json", "exchanges.jsonl", "report.html", "junit.xml", "summary.md"}
    first = next(each for each in ended.run["cases"] if each["operation"] == "unbind")
    assert "not_trusted_was_not_made" in first["title"], "tried while no card is unbound yet"


def test_one_seed_makes_one_verdict_whatever_the_workers(check: Check) -> None:
    first, second, shared = (check(*SOME, "--seed", "42", *more) for more in ((), (), ("-n", "2")))
    assert first.run and second.run and shared.run, shared.said  # noqa: PT018  # one thing: all have ended
    assert first.code == second.code == shared.code == 0
    assert verdicts(first.run) == verdicts(second.run) == verdicts(shared.run)
    assert cases(first.run) == cases(second.run) == cases(shared.run)
    assert [row["title"] for row in first.run["cases"]] == [row["title"] for row in second.run["cases"]]
    assert first.run["exchange_count"] == second.run["exchange_count"]
    assert first.run["seed"] == shared.run["seed"] == 42


def test_workers_unbind_when_the_others_are_done(
    check: Check, written: Written, profile: Profile, tmp_path: Path
) -> None:
    """Page, section 3, flow: an unbinding may end all active tokens of the card, also those that others hold."""
    sweeping = VARIANTS["unbinds-all-tokens-of-the-card"].change(CORRECT)
    only = [f"--only={area}" for area in ("UNB", "PAY", "SIG", "STA")]
    with serve_simulator(profile, CONTRACT, sweeping) as url:
        ended = check("--base-url", url, "--profile", str(written()), "-n", "2", "--level", "quick", *only)
    assert ended.code == 0, ended.said
    assert ended.run is not None
    lines = (tmp_path / "run1" / "exchanges.jsonl").read_text("utf-8").splitlines()
    sent = {each["id"]: each["sent_at"] for each in map(json.loads, lines)}
    times: dict[bool, list[str]] = {True: [], False: []}
    for case in ended.run["cases"]:
        times["unbind" in case["title"] or "test_state" in case["title"]] += [sent[each] for each in case["exchanges"]]
    assert max(times[False]) < min(times[True])


@pytest.mark.parametrize("timeout", ["0", "-1", "soon"])
def test_a_bad_timeout_is_a_sentence(check: Check, timeout: str) -> None:
    ended = check("--timeout", timeout)
    assert ended.code == 2
    assert "--timeout" in ended.err
    assert "Traceback" not in ended.said


def test_an_unknown_requirement_is_a_sentence(check: Check) -> None:
    ended = check("--only", "KKI-SIG-01O")
    assert ended.code == 2
    assert "KKI-SIG-010" in ended.err
    assert ended.run is None


def test_a_wrong_secret_is_the_operators_to_mend(
    check: Check, written: Written, simulator: str, tmp_path: Path
) -> None:
    plan = written(secret="SK-a-secret-that-the-server-does-not-know")
    ended = check("--base-url", simulator, "--profile", str(plan), "--only", "PAY", "--level", "quick")
    assert ended.code == 2
    assert "client secret: the target gave a B2B token, but refused every request" in ended.err
    assert "SK-a-secret" not in ended.said
    assert "Traceback" not in ended.said
    assert not (tmp_path / "run1").exists()


@pytest.mark.parametrize("area", ["RSP", "SEC"])
def test_an_area_alone_is_decided_too(check: Check, area: str) -> None:
    ended = check("--only", area, "--level", "quick")
    assert ended.code == 0, ended.said


def test_the_right_secret_conforms(check: Check, written: Written, simulator: str) -> None:
    ended = check("--base-url", simulator, "--profile", str(written()), "--only", "PAY", "--level", "quick")
    assert ended.code == 0, ended.said
