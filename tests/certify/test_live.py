"""The live page over HTTP: what it says, that it says it as text, and that it needs nothing from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser

import pytest
import requests

from kki.edges import pages

from .small_client import Ways
from .stage import Stage, a_stage, until

NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}${7*7}\u202e\x1b[31m"


class Tags(HTMLParser):
    """Elements, their attributes, and text outside of elements that hold none."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def stage() -> Iterator[Stage]:
    with a_stage(live=True) as staged:
        yield staged


def get(stage: Stage, path: str) -> requests.Response:
    return requests.get(stage.live + path, timeout=300)


def nasty_client(stage: Stage) -> None:
    """What a client can write anywhere: members, headers, paths, methods."""
    client = stage.client(Ways(members=lambda _operation, members, _kit: {**members, NASTY: NASTY, "phoneNo": NASTY}))
    client.good_token()
    client.bind("H2H")
    latin = NASTY.encode("ascii", "replace").decode().replace("\x1b", "")
    target = stage.url + "/" + latin.replace(" ", "%20")
    requests.post(target, data=NASTY.encode(), headers={"X-Evil": latin}, timeout=300)
    requests.request("BREW", stage.url + "/%3Cscript%3E?<b>=1", timeout=300)


# --- what it says -------------------------------------------------------------------------------------------


def test_an_empty_page_says_how_many_steps_are_asked_for(stage: Stage) -> None:
    page = get(stage, "/")
    assert page.status_code == 200
    assert "0 of 26" in page.text
    assert "Insufficient funds (403/14)" in page.text
    assert stage.url in page.text


def test_the_checklist_fills_up_and_links_to_its_evidence(stage: Stage) -> None:
    stage.client().bind("H2H")
    stage.judged()
    page = get(stage, "/")
    assert "2 of 26" in page.text
    links = [attrs["href"] for tag, attrs in Tags(page.text).seen if tag == "a"]
    assert "/exchange/c2" in links
    assert get(stage, "/exchange/c2").status_code == 200


def test_an_exchange_shows_its_signature_step_by_step_beside_ours(stage: Stage) -> None:
    stage.client(Ways(digest=lambda body: sha256(body).hexdigest().upper())).bind("H2H")
    stage.judged()
    page = get(stage, "/exchange/c2").text
    assert "KKI-SIG-010" in page
    assert "upper" in page, "the diagnosis names the mistake"
    rows = re.findall(r'<tr class="(differs|same)"><th scope="row">([^<]+)</th>', page)
    assert ("differs", "body digest") in rows
    assert ("differs", "string to sign") in rows
    assert ("same", "path") in rows
    assert "<mark>" in page


def test_a_right_signature_is_shown_too(stage: Stage) -> None:
    stage.client().bind("H2H")
    stage.judged()
    page = get(stage, "/exchange/c2").text
    assert "string to sign" in page
    assert "<mark>" not in page


def test_the_verdict_stands_on_the_page_when_the_session_has_ended(stage: Stage) -> None:
    stage.client().good_token()
    stage.session.finish()
    page = get(stage, "/").text
    assert "INCOMPLETE. 24 of 26 steps of the checklist are missing." in page


def test_the_state_is_there_for_scripts(stage: Stage) -> None:
    stage.client(Ways(key=lambda _: b"wrong")).bind("H2H")
    stage.judged()
    state = get(stage, "/state.json").json()
    assert state["steps"]["b2b-token"] == "done"
    assert state["broken"]["KKI-SIG-010"] == "violation"
    assert (state["done"], state["asked"], state["exchanges"]) == (1, 26, 2)


@pytest.mark.parametrize(
    "path", ["/exchange/c999", "/exchange/%3Cscript%3E", "/nothing", "/exchange/..%2f..", "/live.css/x"]
)
def test_what_is_not_there_says_so(stage: Stage, path: str) -> None:
    answer = get(stage, path)
    assert answer.status_code == 404
    assert "<script>" not in answer.text
    assert answer.headers["Content-Security-Policy"]


# --- safety ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/exchange/c1", "/live.css", "/live.js", "/state.json", "/nowhere"])
def test_every_answer_forbids_what_is_not_ours(stage: Stage, path: str) -> None:
    stage.client().good_token()
    stage.judged()
    headers = get(stage, path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["form-action"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_what_a_client_sends_is_text_and_nothing_else(stage: Stage) -> None:
    nasty_client(stage)
    count = stage.judged().exchange_count
    assert count >= 4
    for path in ("/", *(f"/exchange/c{number}" for number in range(1, count + 1))):
        tags = Tags(get(stage, path).text)
        names = {tag for tag, _ in tags.seen}
        scripts = [attrs for tag, attrs in tags.seen if tag == "script"]
        assert "img" not in names
        assert scripts in ([], [{"src": "/live.js", "defer": None}])
        assert not any(name.startswith("on") for _, attrs in tags.seen for name in attrs)
        assert "\x1b" not in tags.text
        assert "\u202e" not in tags.text
    shown = get(stage, "/exchange/c2").text
    assert "&lt;script&gt;" in shown
    assert "{{7*7}}" in shown


def test_the_stream_carries_it_escaped_too(stage: Stage) -> None:
    nasty_client(stage)
    stage.judged()
    for news in events(stage, 1):
        for html in [*news["rows"], news["found"], news["summary"], news["checklist"]]:
            assert not {"script", "img"} & {tag for tag, _ in Tags(html).seen}


def test_nothing_is_loaded_from_outside(stage: Stage) -> None:
    stage.client().good_token()
    stage.judged()
    for path in ("/", "/exchange/c1"):
        for tag, attrs in Tags(get(stage, path).text).seen:
            for name in ("src", "href", "action"):
                address = attrs.get(name)
                assert address is None or re.match(r"/(?!/)|#", address), f"{tag} {name}={address}"
    assert "url(" not in get(stage, "/live.css").text
    assert "@import" not in get(stage, "/live.css").text


# --- the stream -------------------------------------------------------------------------------------------------


def events(stage: Stage, number: int, since: int = 0) -> list[dict[str, object]]:
    """The next so many updates."""
    found: list[dict[str, object]] = []
    with requests.get(f"{stage.live}/events?since={since}", stream=True, timeout=300) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith(b"data: "):
                found.append(json.loads(line[6:]))
                if len(found) == number:
                    break
    return found


def test_the_stream_tells_of_each_exchange_once(stage: Stage) -> None:
    stage.client().bind("H2H")
    stage.judged()
    assert [len(each["rows"]) for each in events(stage, 1)] == [2]
    assert [len(each["rows"]) for each in events(stage, 1, since=1)] == [1]
    assert [len(each["rows"]) for each in events(stage, 1, since=2)] == [0]


def test_the_stream_ends_with_the_session(stage: Stage) -> None:
    stage.session.finish()
    with requests.get(f"{stage.live}/events?since=0", stream=True, timeout=300) as answer:
        data = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith(b"data: ")]
    assert [each["ended"] for each in data] == [True]


@pytest.mark.parametrize("since", ["", "x", "-1", "999999999999999999999", "²", "0;drop"])
def test_any_since_will_do(stage: Stage, since: str) -> None:
    with requests.get(stage.live + "/events", params={"since": since}, stream=True, timeout=300) as answer:
        assert answer.status_code == 200


def test_there_is_an_end_to_streams(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_STREAMS", 2)
    held = [requests.get(f"{stage.live}/events", stream=True, timeout=300) for _ in range(2)]
    lines = [answer.iter_lines() for answer in held]  # kept: a reader that is dropped hangs up
    assert [next(each) for each in lines] == [b"retry: 2000"] * 2
    assert status_of_stream(stage) == 503
    for answer in held:
        answer.close()
    until(lambda: status_of_stream(stage) == 200, "there is room again")


def status_of_stream(stage: Stage) -> int:
    with requests.get(f"{stage.live}/events", stream=True, timeout=300) as answer:
        return answer.status_code
