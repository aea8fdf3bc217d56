"""What continuous integration gets to see, and the action and the template as far as a shell can try them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from kki.edges import ci
from kki.model.requirement import Level
from kki.report import annotations as shown

from .made import finding, row, run

ROOT = Path(__file__).resolve().parents[2]
SAYS = "A wrong, bad: signature is refused."
WORST = run(
    row(
        "KKI-SIG-110", "violated", finding("status", "100 %, really\r\nyes"), says="A wrong, bad: signature is refused."
    ),
    row("KKI-SIG-120", "warned", finding(), carried=None, waived="known (until 2027-01-31)"),
    row("KKI-SIG-130", "not-exercised", missing="no exchange put it to the test"),
    row("KKI-SIG-140", "not-exercised", level=Level.SHOULD),
    row("KKI-SIG-150"),
    row("KKI-SIG-010", "violated", finding(), in_scope=False),
)


def test_github_gets_a_command_for_each() -> None:
    assert shown.github(WORST) == (
        "::error title=KKI-SIG-110 (MUST)::A wrong, bad: signature is refused.%0A"
        "status: expected HTTP 401; got 100 %25, really%0D%0Ayes (x7)",
        "::warning title=KKI-SIG-120 (MUST)::KKI-SIG-120 is kept.%0Astatus: expected HTTP 401; got HTTP 200 (x7)%0A"
        "Waived: known (until 2027-01-31)",
        "::notice title=KKI-SIG-130 (MUST)::KKI-SIG-130 is kept.%0Anot-exercised: no exchange put it to the test",
    )


def test_github_shows_ten_of_a_kind_and_the_tenth_says_what_is_left_out() -> None:
    lines = shown.github(run(*(row(f"KKI-SIG-{n}", "violated", finding()) for n in range(100, 113))))
    assert len(lines) == 10
    assert lines[-1] == "::error title=4 more::KKI-SIG-109, KKI-SIG-110, KKI-SIG-111, KKI-SIG-112"


def test_no_text_can_start_a_command_of_its_own() -> None:
    evil = finding("x\n::set-env name=A::b", "::stop-commands::x\r::error::y")
    for line in shown.github(run(row("KKI-SIG-110", "violated", evil, says="a\n::error::b"))):
        assert "\n" not in line
        assert "\r" not in line
        assert line.startswith("::error title=KKI-SIG-110 (MUST)::")


def test_gitlab_gets_links() -> None:
    found = json.loads(shown.gitlab(WORST, job_url="https://gitlab.example/g/p/-/jobs/7", folder="reports/ci"))
    base = "https://gitlab.example/g/p/-/jobs/7/artifacts/file/reports/ci/report.html"
    assert [each["external_link"]["url"] for each in found["kki"]] == [base, f"{base}#KKI-SIG-110"]
    assert found["kki"][1]["external_link"]["label"] == "KKI-SIG-110: A wrong, bad: signature is refused."


def test_github_files_are_appended_to(tmp_path: Path) -> None:
    (tmp_path / "summary.md").write_text("# kki\n")
    (tmp_path / "step").write_text("before\n")
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "step"),
        "GITHUB_OUTPUT": str(tmp_path / "out"),
    }
    lines = ci.announced(WORST, tmp_path, env)
    assert lines == shown.github(WORST)
    assert (tmp_path / "step").read_text() == "before\n# kki\n\n"
    assert (tmp_path / "out").read_text() == f"overall=conforms\nreport={tmp_path}\n"


def test_gitlab_file_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "ci"
    folder.mkdir(parents=True)
    env = {"GITLAB_CI": "true", "CI_JOB_URL": "https://g.example/-/jobs/7", "CI_PROJECT_DIR": str(tmp_path)}
    assert ci.announced(WORST, folder, env) == ()
    assert "/jobs/7/artifacts/file/reports/ci/report.html" in (folder / "gl-annotations.json").read_text()


def test_elsewhere_nothing_happens_and_nothing_here_ends_a_run(tmp_path: Path) -> None:
    assert ci.announced(WORST, tmp_path, {}) == ()
    assert list(tmp_path.iterdir()) == []
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "/nowhere/x", "GITHUB_OUTPUT": "/nowhere/y"}
    assert len(ci.announced(WORST, tmp_path / "none", env)) == 3
    assert ci.announced(WORST, tmp_path / "none", {"GITLAB_CI": "true", "CI_JOB_URL": "https://g"}) == ()


# --- the action and the template ----------------------------------------------------------------


def fake_kki(folder: Path) -> Path:
    """A `kki` that writes its arguments down, a line each, and ends with KKI_ENDS."""
    path = folder / "kki"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$KKI_CALLS"\nexit "${KKI_ENDS:-0}"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def action() -> Any:
    return yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))


def run_step(tmp_path: Path, **inputs: str) -> tuple[int, list[str]]:
    """The action's own check, in a shell, with these inputs over its defaults."""
    fake_kki(tmp_path / "kki" / "bin")
    step = next(each for each in action()["runs"]["steps"] if each.get("id") == "check")
    env = {**os.environ, "RUNNER_TEMP": str(tmp_path), "KKI_CALLS": str(tmp_path / "calls")}
    for name, given in step["env"].items():
        key = given.removeprefix("${{ inputs.").removesuffix(" }}")
        assert key in action()["inputs"], f"{name} reads an input that there is not"
        env[name] = inputs.get(key, action()["inputs"][key]["default"])
    env["KKI_ENDS"] = inputs.get("ends", "0")
    ended = subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], env=env, cwd=tmp_path, check=False)
    return ended.returncode, (tmp_path / "calls").read_text().splitlines()


def test_the_action_calls_check(tmp_path: Path) -> None:
    code, arguments = run_step(tmp_path)
    assert code == 0
    assert arguments == ["check", "--level", "standard", "--output", "reports/ci", "--color", "never"]


def test_the_actions_inputs_become_arguments_and_never_commands(tmp_path: Path) -> None:
    given = {"profile": "a b.toml", "base-url": "https://x/$(touch pwned)", "baseline": "b;touch pwned", "ends": "4"}
    code, arguments = run_step(tmp_path, **given, arguments="--seed 7 $(touch pwned)")
    assert code == 4
    assert arguments[7:] == [
        "--profile", "a b.toml", "--base-url", "https://x/$(touch pwned)", "--baseline", "b;touch pwned",
        "--seed", "7", "$(touch", "pwned)",
    ]  # fmt: skip
    assert not (tmp_path / "pwned").exists()


def test_the_action_is_well_formed() -> None:
    found = action()
    assert found["runs"]["using"] == "composite"
    for step in found["runs"]["steps"]:
        assert ("shell" in step) is ("run" in step)
        assert "${{" not in step.get("run", ""), "an input in a script could become a command"
    assert set(found["outputs"]) == {"overall", "report"}


@pytest.mark.parametrize(
    ("variables", "more"),
    [
        ({}, []),
        ({"KKI_PROFILE": "a b.toml", "KKI_BASELINE": "k.toml"}, ["--profile", "a b.toml", "--baseline", "k.toml"]),
    ],
)
def test_the_template_calls_check(tmp_path: Path, variables: dict[str, str], more: list[str]) -> None:
    job = yaml.safe_load((ROOT / "ci" / "kki.gitlab-ci.yml").read_text("utf-8"))[".kki"]
    fake_kki(tmp_path / ".kki-venv" / "bin")
    script = "\n".join(line for line in job["script"] if "pip" not in line and "venv .kki" not in line)
    env = {**os.environ, **job["variables"], **variables, "KKI_CALLS": str(tmp_path / "calls"), "KKI_ENDS": "1"}
    ended = subprocess.run(["sh", "-e", "-c", script], env=env, cwd=tmp_path, check=False)
    assert ended.returncode == 1
    base = ["check", "--level", "standard", "--output", "reports/ci", "--color", "never"]
    assert (tmp_path / "calls").read_text().splitlines() == base + more
    assert job["artifacts"]["reports"]["annotations"] == f"$KKI_OUTPUT/{ci.LINKS}"
