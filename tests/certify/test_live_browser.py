"""The live page in a real browser: read it, watch a request arrive, follow a link, complete the OTP page.

Screenshots are kept in reports/browser/ (or where KKI_ARTEFACTS says). Skipped where Playwright or Chromium is missing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from .small_client import Ways
from .stage import Stage, a_stage
from .trial import PROFILE, ROOT

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (pip install playwright)")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARTEFACTS = Path(os.environ.get("KKI_ARTEFACTS") or ROOT / "reports" / "browser")
PATIENCE_MS = 15_000
PHONE = {"width": 390, "height": 844}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt-get install chromium)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with a_stage(live=True) as staged:
        yield staged


class Watched:
    """A page, and what the browser complained of: refused scripts, failed or foreign requests."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def shot(self, name: str, *, whole: bool = True) -> None:
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(ARTEFACTS / f"{name}.png"), full_page=whole)

    def text(self, selector: str) -> str:
        return str(self.page.inner_text(selector))


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    found = Watched(browser)
    yield found
    found.context.close()


def test_a_request_is_seen_to_arrive_and_a_link_leads_to_it(stage: Stage, watched: Watched) -> None:
    page = watched.page
    page.goto(stage.live + "/")
    assert "0 of 26" in watched.text("#summary")
    page.wait_for_function("document.getElementById('live-state').textContent === 'live'")
    stage.client(Ways(digest=lambda body: sha256(body).hexdigest().upper())).bind("H2H")
    page.wait_for_selector("#x-c2")
    page.wait_for_function("document.title.startsWith('1 of 26')")
    assert "KKI-SIG-010" in watched.text("#found")
    assert "upper" in watched.text("#found .diagnosis")
    watched.shot("live-page")
    page.click("#found a[href='/exchange/c2']")
    page.wait_for_selector(".compared")
    assert page.url.endswith("/exchange/c2")
    assert page.locator("tr.differs mark").count() >= 2
    watched.shot("live-exchange")
    assert watched.complaints == []
    assert watched.hosts == {stage.live.split("/")[2]}


def test_an_opened_step_stays_open_while_others_are_ticked(stage: Stage, watched: Watched) -> None:
    page = watched.page
    page.goto(stage.live + "/")
    page.click("#step-conflict summary")
    assert page.is_visible("#step-conflict p")
    stage.client().bind("H2H")
    page.wait_for_selector("#step-bind-h2h.c-done")
    assert page.is_visible("#step-conflict p")


def test_the_end_is_told_without_a_reload(stage: Stage, watched: Watched) -> None:
    page = watched.page
    page.goto(stage.live + "/")
    page.wait_for_function("document.getElementById('live-state').textContent === 'live'")
    stage.client().good_token()
    stage.session.finish()
    page.wait_for_selector(".verdict")
    assert "INCOMPLETE" in watched.text(".verdict")
    page.wait_for_function("document.getElementById('live-state').textContent === 'ended'")


def test_it_reads_without_a_script(stage: Stage, browser: Any) -> None:
    found = Watched(browser, java_script_enabled=False)
    stage.client().bind("H2H")
    stage.judged()
    found.page.goto(stage.live + "/")
    assert "2 of 26" in found.text("#summary")
    found.page.click("#x-c2 a")
    assert "Exchange c2" in found.text("h1")
    assert "string to sign" in found.text(".compared")
    found.context.close()


@pytest.mark.parametrize("path", ["/", "/exchange/c2"])
def test_it_fits_a_phone(stage: Stage, browser: Any, path: str) -> None:
    found = Watched(browser, viewport=PHONE)
    stage.client(Ways(key=lambda _: b"another")).bind("H2H")
    stage.judged()
    found.page.goto(stage.live + path)
    widest = found.page.evaluate("document.documentElement.scrollWidth")
    assert widest <= PHONE["width"], "nothing has to be scrolled sideways"
    found.shot("phone-" + (path.strip("/").replace("/", "-") or "first"))
    found.context.close()


def test_a_hostile_clients_text_does_nothing(stage: Stage, watched: Watched) -> None:
    nasty = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    client = stage.client(Ways(members=lambda _operation, members, _kit: {**members, "phoneNo": nasty, nasty: 1}))
    watched.page.goto(stage.live + "/")
    client.bind(nasty)
    watched.page.wait_for_selector("#x-c2")
    watched.page.click("#x-c2 a")
    watched.page.wait_for_selector("pre.wire")
    assert nasty in watched.text("pre.wire")
    assert watched.page.locator("img").count() == 0
    assert watched.complaints == []


def test_the_otp_page_binds_the_card(stage: Stage, watched: Watched) -> None:
    page = watched.page
    page.goto(str(stage.client().bind("DH").members["redirectUrl"]))
    watched.shot("otp-page", whole=False)
    page.fill("#otp", "00000000")
    page.click("button")
    page.wait_for_selector(".wrong")
    watched.shot("otp-page-wrong", whole=False)
    page.fill("#otp", PROFILE.test_data.otp or "")
    page.keyboard.press("Enter")
    page.wait_for_selector("#token")
    assert watched.text("h1") == "Your card is bound"
    watched.shot("otp-page-bound", whole=False)
    stage.judged()
    watched.page.goto(stage.live + "/")
    page.wait_for_selector("#step-otp-page.c-done")
    assert "KKI-BEH-110" not in stage.broken()
    refused = [complaint for complaint in watched.complaints if "422" not in complaint]  # the browser notes the status
    assert refused == []
