"""Where continuous integration says that it is there: annotations, step summary, outputs, links."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from kki.edges import store
from kki.model.run import Run
from kki.report.annotations import github, gitlab

SUMMARY = "summary.md"
LINKS = "gl-annotations.json"


def announced(run: Run, folder: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """Lines to print as they are; on the way, GitHub's summary and outputs are appended to and GitLab's links written.

    Nothing happens elsewhere. A file that cannot be written is no reason to end a run.
    """
    if env.get("GITLAB_CI") and env.get("CI_JOB_URL"):
        where = _in_project(folder, env.get("CI_PROJECT_DIR"))
        with suppress(OSError):
            store.write_whole(folder / LINKS, gitlab(run, job_url=env["CI_JOB_URL"], folder=where))
    if env.get("GITHUB_ACTIONS") != "true":
        return ()
    with suppress(OSError):
        _append(env.get("GITHUB_STEP_SUMMARY"), (folder / SUMMARY).read_text("utf-8") + "\n")
    with suppress(OSError):
        _append(env.get("GITHUB_OUTPUT"), f"overall={run.overall.value}\nreport={folder}\n")
    return github(run)


def _append(path: str | None, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


def _in_project(folder: Path, project: str | None) -> str:
    """The folder as artifacts know it: from the project's root."""
    whole = folder.resolve()
    root = Path(project).resolve() if project else Path.cwd()
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else folder.name
