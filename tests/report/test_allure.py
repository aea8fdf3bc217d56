"""Allure's raw results: what Allure 3 groups, finds again and must not lose; and a rendered page that calls nobody."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kki.edges.allure_renderer import HOW_TO_GET_IT, command, configuration, render_allure, silenced
from kki.edges.errors import ConfigurationError
from kki.model.exchange import Record
from kki.model.run import Run
from kki.model.verdict import Grade, Outcome
from kki.report.allure import categories, environment, executor, write_allure

Results = dict[str, dict[str, Any]]


def read(folder: Path) -> Results:
    found = [json.loads(path.read_bytes()) for path in folder.glob("*-result.json")]
    return {next(label["value"] for label in each["labels"] if label["name"] == "requirement"): each for each in found}


@pytest.fixture
def folder(tmp_path: Path, run: Run, records: tuple[Record, ...]) -> Path:
    return write_allure(tmp_path, run, records, {})


def labels(result: dict[str, Any], name: str) -> list[str]:
    return [label["value"] for label in result["labels"] if label["name"] == name]


def test_there_is_one_result_a_requirement_on_trial_and_none_swallows_another(folder: Path, run: Run) -> None:
    raw = [json.loads(path.read_bytes()) for path in folder.glob("*-result.json")]
    wanted = [row.id for row in run.requirements if row.in_scope]
    assert sorted(read(folder)) == sorted(wanted)
    for member in ("uuid", "historyId", "testCaseId", "fullName", "name"):
        assert len({each[member] for each in raw}) == len(wanted), f"{member} is not unique"
    assert {each["parameters"][0]["value"] for each in raw} == set(wanted)


def test_history_ids_are_the_same_on_another_day_against_another_target(
    tmp_path: Path, run: Run, records: tuple[Record, ...]
) -> None:
    other = replace(run, target="https://other.example", started=run.finished, seed=7)
    one = read(write_allure(tmp_path / "a", run, records, {}))
    two = read(write_allure(tmp_path / "b", other, records[:5], {}))
    assert {name: each["historyId"] for name, each in one.items()} == {
        name: each["historyId"] for name, each in two.items()
    }
    assert {each["uuid"] for each in one.values()}.isdisjoint(each["uuid"] for each in two.values())


def test_epic_feature_story_and_severity(folder: Path) -> None:
    broken = read(folder)["KKI-SIG-110"]
    assert labels(broken, "epic") == ["unbind", "refund"]  # x7 and x8
    assert labels(broken, "feature")[0].startswith("SIG ")
    assert labels(broken, "story")[0].startswith("KKI-SIG-110 A request whose X-SIGNATURE")
    assert labels(broken, "severity") == ["critical"]
    assert Counter(labels(each, "severity")[0] for each in read(folder).values())["critical"] == 4


def test_a_violation_has_steps_for_the_signing_chain_and_both_messages(folder: Path) -> None:
    broken = read(folder)["KKI-SIG-110"]
    assert broken["status"] == "failed"
    step = broken["steps"][0]
    assert [each["name"] for each in step["steps"]][:4] == [
        "minified body",
        "body digest",
        "string to sign",
        "X-SIGNATURE",
    ]
    assert step["steps"][-1]["status"] == "failed"
    assert "200 2005400 Successful" in step["steps"][-1]["statusDetails"]["message"]
    request, reply = ((folder / each["source"]).read_text() for each in step["attachments"])
    assert request.startswith("POST /direct-debit/core/v1/registration-card-unbind\n")
    assert "X-PARTNER-ID: BRN-0001-0000000000001" in request
    assert reply.startswith("200\n")


def test_links_lead_to_the_clause_and_to_the_exchange(folder: Path) -> None:
    links = [link["url"] for link in read(folder)["KKI-SIG-110"]["links"]]
    assert links == [
        "https://developers.doku.com/x",
        "../report.html#KKI-SIG-110",
        "../report.html#x7",
        "../report.html#x8",
    ]


def test_every_attachment_exists_and_every_file_is_referred_to(folder: Path) -> None:
    steps = [step for result in read(folder).values() for step in result.get("steps", ())]
    used = {each["source"] for step in steps for each in step["attachments"]}
    assert used == {path.name for path in folder.glob("*-attachment.*")}
    assert used


@pytest.mark.parametrize(
    ("changes", "category", "status"),
    [
        ({"outcome": Outcome.BROKEN, "grade": Grade.VIOLATION}, "Violation", "failed"),
        ({"outcome": Outcome.BROKEN, "grade": Grade.WARNING}, "Documented contradiction", "skipped"),
        ({"outcome": Outcome.BROKEN, "grade": Grade.NOTE, "waived": "ticket 1"}, "Recommendation or waiver", "skipped"),
        ({"outcome": Outcome.UNKNOWN}, "Configuration: something was missing to judge it", "unknown"),
        ({"outcome": Outcome.NOT_EXERCISED}, "Incomplete: not exercised", "unknown"),
        ({"outcome": Outcome.FAULTY}, "Harness fault", "broken"),
        ({"outcome": Outcome.HOLDS, "grade": Grade.PASS}, None, "passed"),
        ({"outcome": Outcome.NOT_APPLICABLE}, None, "skipped"),
        ({"outcome": Outcome.NOT_EXERCISED, "untestable": "nobody sees it"}, None, "skipped"),
    ],
)
def test_each_result_falls_into_its_category(
    tmp_path: Path, run: Run, changes: dict[str, Any], category: str | None, status: str
) -> None:
    row = next(row for row in run.requirements if row.in_scope and row.standing.value == "conflicted")
    plain = replace(row, findings=(), missing="", untestable=None, waived=None, grade=Grade.NONE)
    folder = write_allure(tmp_path, replace(run, requirements=(replace(plain, **changes),)), (), {})
    (result,) = read(folder).values()
    assert result["status"] == status
    message = result.get("statusDetails", {}).get("message", "")
    chosen = [
        each["name"]
        for each in json.loads((folder / "categories.json").read_bytes())
        if status in each["matchedStatuses"] and re.fullmatch(each["messageRegex"], message)
    ]
    assert chosen == ([category] if category else [])


def test_the_six_kinds_have_categories() -> None:
    assert len(categories()) == 6


def test_environment_properties_hold_one_property_a_line(run: Run) -> None:
    text = environment(replace(run, target="http://x\nevil = 1\\", readings={"a b=c": "d"}))
    keys = [line.split(" = ", 1)[0] for line in text.splitlines()]
    assert "evil" not in keys
    assert "target" in keys
    assert "reading.a\\ b\\=c" in keys


@pytest.mark.parametrize(
    ("env", "kind", "url", "order"),
    [
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "9", "GITHUB_RUN_NUMBER": "3"},
            "github", "https://github.com/a/b/actions/runs/9", 3,
        ),
        (
            {"GITLAB_CI": "true", "CI_JOB_URL": "https://g.example/7", "CI_PIPELINE_IID": "4", "CI_JOB_NAME": "kki"},
            "gitlab", "https://g.example/7", 4,
        ),
        (
            {"JENKINS_URL": "https://j.example", "BUILD_URL": "https://j.example/5", "BUILD_NUMBER": "5"},
            "jenkins", "https://j.example/5", 5,
        ),
    ],
)  # fmt: skip
def test_in_ci_the_executor_is_named(env: dict[str, str], kind: str, url: str, order: int) -> None:
    made = json.loads(executor(env | {"CI_TOKEN": "SK-canary"})["executor.json"])
    assert (made["type"], made["buildUrl"], made["buildOrder"]) == (kind, url, order)
    assert "canary" not in json.dumps(made)


def test_elsewhere_there_is_no_executor(folder: Path) -> None:
    assert executor({"HOME": "/root"}) == {}
    assert not (folder / "executor.json").exists()


def test_rendering_again_leaves_nothing_of_the_first_time(
    tmp_path: Path, run: Run, records: tuple[Record, ...]
) -> None:
    write_allure(tmp_path, run, records, {"GITLAB_CI": "true"})
    folder = write_allure(tmp_path, replace(run, requirements=run.requirements[:1]), (), {})
    assert len(list(folder.glob("*-result.json"))) <= 1
    assert not (folder / "executor.json").exists()


# --- rendering ---------------------------------------------------------------------------------------------------

PAGE = """<!DOCTYPE html><html><head lang="en"><meta charset="utf-8"><script async
 src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>
<script>window.dataLayer = window.dataLayer || []; function gtag(){dataLayer.push(arguments);} gtag('js', 1);</script>
<script   src="data:text/javascript;base64,AAAA"></script><script src='//cdn.example/x.js'></script></head>
<body><script defer>Promise.allSettled([d("a","Z3RhZyg=")])</script></body></html>"""


def test_the_analytics_tag_is_taken_out_and_nothing_else() -> None:
    clean = silenced(PAGE)
    for gone in ("googletagmanager", "gtag(", "dataLayer", "cdn.example"):
        assert gone not in clean
    for kept in ('src="data:text/javascript;base64,AAAA"', "Promise.allSettled", '<meta charset="utf-8">'):
        assert kept in clean
    assert clean.index("Content-Security-Policy") < clean.index("<meta charset")
    assert "default-src 'none'" in clean
    assert silenced(clean) == clean


def test_without_node_a_sentence_says_how_to_get_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        command(lambda _: None)
    assert tuple(caught.value.problems) == (HOW_TO_GET_IT,)
    assert "https://nodejs.org" in HOW_TO_GET_IT
    assert "npx --yes allure@3" in HOW_TO_GET_IT


def test_with_npx_it_is_allure_3_by_name() -> None:
    assert command(lambda name: "/bin/npx" if name == "npx" else None) == ["npx", "--yes", "allure@3"]


FAKE = """
import json, pathlib, sys
config = json.loads(pathlib.Path(sys.argv[sys.argv.index("--config") + 1]).read_text())
pathlib.Path(config["output"]).mkdir(exist_ok=True)
(pathlib.Path(config["output"]) / "index.html").write_text(PAGE)
"""


def test_the_rendered_page_is_silenced_on_disk(tmp_path: Path) -> None:
    script = tmp_path / "allure.py"
    script.write_text(f"PAGE = {PAGE!r}\n{FAKE}")
    page = render_allure(tmp_path, call=[sys.executable, str(script)])
    assert page == tmp_path.resolve() / "allure-report" / "index.html"
    assert "googletagmanager" not in page.read_text()


@pytest.mark.parametrize(
    ("script", "says"),
    [("import sys; sys.exit('no such option')", "exit code 1: no such option"), ("pass", "is this Allure 3?")],
)
def test_a_renderer_that_fails_is_a_sentence(tmp_path: Path, script: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        render_allure(tmp_path, call=[sys.executable, "-c", script])
    assert says in caught.value.problems[0]


def test_history_lies_beside_the_runs(tmp_path: Path) -> None:
    made = configuration(tmp_path / "run" / "allure-report", tmp_path / "allure-history.jsonl", "id")
    assert made["historyPath"] == str(tmp_path / "allure-history.jsonl")
    assert json.dumps(made)


def local_allure() -> list[str] | None:
    """Allure 3 where it is installed already: tests fetch nothing."""
    found = shutil.which("allure")
    if not found:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=300, check=False).stdout
    return [found] if said.startswith("3.") else None


@pytest.mark.skipif(local_allure() is None, reason="Allure 3 is not on the PATH (npm i -g allure@3)")
def test_the_real_allure_shows_every_result(tmp_path: Path, run: Run, records: tuple[Record, ...]) -> None:
    write_allure(tmp_path, run, records, {})
    page = render_allure(tmp_path, call=local_allure(), history=tmp_path / "history.jsonl").read_text()
    assert "googletagmanager" not in page
    assert set(re.findall(r'(?:src|href)="(https?://[^"]+)"', page)) <= {"https://developers.doku.com/x"}
    history = json.loads((tmp_path / "history.jsonl").read_text().splitlines()[-1])
    assert len(history["testResults"]) == sum(row.in_scope for row in run.requirements)
