"""The pages in a real browser, its network watched. Skipped where no Chromium is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kki.edges.allure_renderer import render_allure
from kki.model.exchange import Record
from kki.model.run import Run
from kki.report.allure import write_allure
from kki.report.html import report_html

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
)  # fmt: skip
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on the PATH")


def opened(page: Path, anchor: str, scratch: Path, *more: str) -> tuple[str, set[str]]:
    """The document as the browser left it, and every address that a page asked the network for."""
    log = scratch / "net.json"
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={scratch / 'profile'}", f"--log-net-log={log}", "--dump-dom", *more,
         f"{page.as_uri()}{anchor}"],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    asked = set(re.findall(r'"url":"((?:https?|wss?):[^"]+)"', log.read_text(errors="replace")))
    ours = {url for url in asked if not re.match(r"https?://[^/]*\.(google|googleapis|gvt1)\.com/", url)}
    return done.stdout, ours | {url for url in asked if "tagmanager" in url or "analytics" in url}


def test_a_deep_link_unfolds_its_exchange_and_nothing_is_fetched(
    tmp_path: Path, run: Run, records: tuple[Record, ...]
) -> None:
    page = tmp_path / "report.html"
    page.write_text(report_html(run, records))
    dom, asked = opened(page, "#x17", tmp_path)
    assert asked == set()
    assert re.search(r'<details class="row exchange[^"]*" id="x17" open="', dom)
    assert re.search(r'<details class="row exchange[^"]*" id="x18">', dom)
    assert "<script>alert(1)</script>" not in dom


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_never_wider_than_its_window(
    tmp_path: Path, run_of: Callable[..., Run], records: tuple[Record, ...], width: int
) -> None:
    # a headless window is never narrower than 500 pixels; a frame in it may be
    tell = "<script>parent.postMessage(`${document.documentElement.scrollWidth} of ${innerWidth}`, '*')</script></body>"
    hear = "<script>onmessage = (said) => document.body.id = said.data</script>"
    page, frame = tmp_path / "report.html", tmp_path / "frame.html"
    page.write_text(report_html(run_of("judge"), records).replace("<details", "<details open").replace("</body>", tell))
    frame.write_text(f'<body>{hear}<iframe src="report.html" width="{width}"></iframe>')
    dom, _ = opened(frame, "", tmp_path, "--virtual-time-budget=4000", "--allow-file-access-from-files")
    said = re.search(r'<body id="(\d+) of (\d+)"', dom)
    assert said is not None, dom[:300]
    assert int(said[1]) <= int(said[2]) <= width


def test_the_watch_on_the_network_sees_a_page_that_calls_out(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<img src="http://127.0.0.1:9/a.png"><p>x')
    assert opened(page, "", tmp_path)[1] == {"http://127.0.0.1:9/a.png"}


@pytest.mark.skipif(not shutil.which("allure"), reason="Allure 3 is not on the PATH (npm i -g allure@3)")
def test_a_rendered_allure_report_shows_its_results_and_calls_nobody(
    tmp_path: Path, run: Run, records: tuple[Record, ...]
) -> None:
    write_allure(tmp_path, run, records, {})
    page = render_allure(tmp_path, call=["allure"], history=tmp_path / "history.jsonl")
    dom, asked = opened(page, "", tmp_path, "--virtual-time-budget=6000")
    assert asked == set()
    assert "KKI-" in dom
