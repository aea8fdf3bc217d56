"""`allure-report/` by Allure 3 (npm `allure`, Apache-2.0, needs Node and no Java), made to call nobody.

Allure 3.18 writes a Google Analytics tag into every report, with no option against it. A payment report does not
call home: the tag is taken out, and a Content-Security-Policy forbids whatever else would go outside.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from kki.edges.errors import ConfigurationError

PACKAGE = "allure@3"
REPORT = "allure-report"
HISTORY = "allure-history.jsonl"
KEPT_RUNS = 50  # in the history
TIME_OUT = 600.0  # seconds; the first call may have to fetch the package
HOW_TO_GET_IT = (
    "Expected Allure 3 or Node (with npx) on the PATH to render allure-results/, but found neither. Install Node 20 "
    "or newer (https://nodejs.org), then run the same command again; or render elsewhere with "
    f"`npx --yes {PACKAGE} generate allure-results`. No Java is needed."
)
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; style-src 'unsafe-inline' data: blob:; "
    "img-src data: blob:; font-src data: blob:; media-src data: blob:; connect-src data: blob:; frame-src data: blob:; "
    "worker-src data: blob:; form-action 'none'"
)
_OUTSIDE = re.compile(r"""\ssrc\s*=\s*["']?\s*(?:https?:)?//""", re.IGNORECASE)
Which = Callable[[str], str | None]


def command(which: Which = shutil.which) -> list[str]:
    """How Allure 3 is called here. ConfigurationError where it cannot be."""
    if which("allure") and which("node") and _major(["allure", "--version"]) == 3:
        return ["allure"]
    if which("npx"):
        return ["npx", "--yes", PACKAGE]
    raise ConfigurationError([HOW_TO_GET_IT])


def _major(call: Sequence[str]) -> int:
    """The major version it names; 0 for none. Allure 2 answers here too, but wants Java."""
    try:
        said = subprocess.run(call, capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"\d+(?=\.)", said)
    return int(found[0]) if found else 0


def render_allure(
    folder: Path, *, lang: str = "en", call: Sequence[str] | None = None, history: Path | None = None
) -> Path:
    """Renders `folder/allure-results/` to `folder/allure-report/index.html`, one file, and returns its path.

    `history` (default: beside the run folder) grows by this run. ConfigurationError where there is no renderer or
    it failed, with its last words.
    """
    call = list(call) if call is not None else command()
    target = folder.resolve() / REPORT
    with tempfile.TemporaryDirectory(prefix="kki-allure-") as scratch:
        config = Path(scratch) / "allurerc.json"
        past = history or folder.resolve().parent / HISTORY
        config.write_text(json.dumps(configuration(target, past, lang)), encoding="utf-8")
        _run([*call, "generate", "--config", str(config), "--cwd", str(folder.resolve()), "allure-results"])
    page = target / "index.html"
    if not page.is_file():
        raise ConfigurationError([f"{page}: expected Allure to write it, but it is not there; is this Allure 3?"])
    page.write_text(silenced(page.read_text(encoding="utf-8")), encoding="utf-8")
    return page


def configuration(target: Path, history: Path, lang: str) -> dict[str, object]:
    """`allurerc.json`. Allure has no Bahasa Indonesia (3.18): its own words stay English then."""
    language = "en" if lang == "id" else lang
    awesome = {"singleFile": True, "reportLanguage": language, "groupBy": ["epic", "feature", "story"]}
    return {
        "name": "KKI conformance",
        "output": str(target),
        "historyPath": str(history),
        "historyLimit": KEPT_RUNS,
        "plugins": {"awesome": {"options": awesome}},
    }


def _run(call: Sequence[str]) -> None:
    quiet = {**os.environ, "NO_COLOR": "1", "npm_config_update_notifier": "false", "npm_config_fund": "false"}
    try:
        done = subprocess.run(
            call, capture_output=True, text=True, errors="replace", timeout=TIME_OUT, check=False, env=quiet
        )
    except FileNotFoundError:
        raise ConfigurationError([HOW_TO_GET_IT]) from None
    except subprocess.TimeoutExpired:
        raise ConfigurationError([f"Expected Allure to end within {TIME_OUT:.0f} s, but it did not."]) from None
    if done.returncode:
        words = " ".join((done.stderr or done.stdout).split())[-600:] or "no word"
        raise ConfigurationError(
            [
                f"Expected Allure to render allure-results/, but it ended with exit code {done.returncode}: {words}. "
                f"The results are there; try `npx --yes {PACKAGE} generate allure-results` yourself."
            ]
        )


def silenced(page: str) -> str:
    """The page without scripts from outside, without the analytics call, and with a policy against the rest."""
    kept: list[str] = []
    done = 0
    for start, end in _scripts(page):
        head = page[start : page.find(">", start) + 1]
        # only short scripts are looked into: the long ones are the report itself and its data
        analytics = end - start < 5000 and ("gtag(" in page[start:end] or "dataLayer" in page[start:end])
        if analytics or (len(head) < 5000 and _OUTSIDE.search(head)):
            kept.append(page[done:start])
            done = end
    page = "".join((*kept, page[done:]))
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    return page if policy in page else re.sub(r"<head[^>]*>", lambda head: head[0] + policy, page, count=1)


def _scripts(page: str) -> Iterator[tuple[int, int]]:
    """Where each script element starts and ends."""
    at = 0
    while (start := page.find("<script", at)) >= 0:
        end = page.find("</script>", start)
        if end < 0:
            return
        at = end + len("</script>")
        yield start, at
