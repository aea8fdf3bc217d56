"""`kki judge`: recordings of every kind give the verdicts of the live session; broken files get a sentence."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kki.cli.main import main
from kki.edges.store import record_as_json
from kki.judge import Judge as Bench
from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response
from kki.model.requirement import Party
from kki.model.verdict import Broken, Faulty, Verdict

from .memory import Memory
from .merchants import CORRECT, MERCHANTS
from .small_client import Kit, SmallClient, Ways
from .trial import CLIENT_ROWS, PROFILE, a_world, judged, tried

WRONG: dict[str, Ways] = {
    "a signature over the path alone": Ways(text=lambda parts: parts.path),
    "a card in clear": Ways(seal=lambda _kit, plain: plain.decode()),
    "a timestamp without a zone": Ways(stamp=lambda _operation, now: now.strftime("%Y-%m-%dT%H:%M:%S")),
    "a second charge after a lost reply": Ways(charges_anew_after=frozenset({"lost"})),
    "the token that was refused": Ways(renews_token=False),
}
BUSY = {"expired": "EXPIREDTOKEN", "lost": "NOREPLY"}


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def run(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def broken(self) -> set[str]:
        """The client's rows."""
        rows = self.run["requirements"]
        return {row["id"] for row in rows if row["party"] == "client" and row["outcome"] == "broken"}


Judge = Callable[..., Ended]


@pytest.fixture
def judge(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Judge:
    profile = tmp_path / "p.toml"
    held, data = PROFILE.credentials, PROFILE.test_data
    (tmp_path / "m.pem").write_text(held.private_key or "", encoding="utf-8")
    profile.write_text(
        f"""[credentials]
client_id = "{held.client_id}"
client_secret = "{held.client_secret}"
shared_key = "{held.shared_key}"
private_key = "file:m.pem"
[test_data]
cpan = "{data.cpan}"
otp = "{data.otp}"
bank_card_tokens = {json.dumps(list(data.bank_card_tokens))}
auth_code = "{data.auth_code}"
""",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KKI_BASE_URL", raising=False)

    def call(*args: str, stdin: bytes = b"", secrets: bool = True) -> Ended:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        known = ["--profile", str(profile)] if secrets else []
        code = main(["judge", *args, *known, "--output", str(tmp_path / "run"), "--format", "json"])
        seen = capsys.readouterr()
        return Ended(code, seen.out, seen.err)

    return call


def of_a_day(ways: Ways | None = None) -> list[Exchange]:
    memory = Memory(a_world({}))
    SmallClient(Kit.of(PROFILE), memory, ways or Ways(), BUSY).day()
    return memory.exchanges


def jsonl(exchanges: list[Exchange]) -> bytes:
    """Lines of ours as they would be without redaction."""
    records = (Record(exchange=each, made_by="a test") for each in exchanges)
    return b"".join(json.dumps(record_as_json(record)).encode() + b"\n" for record in records)


def har(exchanges: list[Exchange]) -> bytes:
    """A HAR 1.2 written by hand, as browsers and proxies write it."""
    log = {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": [entry(each) for each in exchanges]}
    return json.dumps({"log": log}).encode()


def entry(exchange: Exchange) -> dict[str, Any]:
    took = (exchange.answered_at - exchange.sent_at).total_seconds() * 1000 if exchange.answered_at else 0
    request, response = exchange.request, exchange.response
    answered: dict[str, Any] = {"status": 0, "headers": [], "content": {"size": 0, "mimeType": ""}}
    if response is not None:
        text = base64.b64encode(response.body).decode()
        content = {"size": len(response.body), "mimeType": "x", "encoding": "base64", "text": text}
        answered = {"status": response.status, "headers": pairs(response.headers.pairs), "content": content}
    posted = {"postData": {"mimeType": "application/json", "text": request.body.decode()}} if request.body else {}
    return {
        "startedDateTime": exchange.sent_at.isoformat(), "time": took,
        "request": {
            "method": request.method, "url": request.origin + request.target, "httpVersion": "HTTP/1.1",
            "headers": pairs(request.headers.pairs), "queryString": [], "cookies": [], "headersSize": -1,
            "bodySize": -1, **posted,
        },
        "response": {
            **answered, "statusText": "", "httpVersion": "HTTP/1.1", "cookies": [], "redirectURL": "",
            "headersSize": -1, "bodySize": -1,
        },
        "cache": {}, "timings": {"send": 0, "wait": took, "receive": 0},
    }  # fmt: skip


def pairs(headers: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def live(exchanges: list[Exchange]) -> set[str]:
    """The client's rows that a live session finds broken."""
    tally = judged(exchanges, {}).tally
    return {name for name in CLIENT_ROWS if tally.outcome(name).value == "broken"}


# --- the same verdicts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [jsonl, har])
@pytest.mark.parametrize("ways", WRONG.values(), ids=WRONG.keys())
def test_a_recording_gives_the_verdicts_of_the_live_session(
    judge: Judge, tmp_path: Path, ways: Ways, write: Callable[[list[Exchange]], bytes]
) -> None:
    exchanges = of_a_day(ways)
    file = tmp_path / "recording"
    file.write_bytes(write(exchanges))
    ended = judge(str(file))
    assert live(exchanges)
    assert ended.broken == live(exchanges)
    assert ended.code == 1


def test_standard_input_does_too(judge: Judge) -> None:
    ended = judge("-", stdin=har(of_a_day(WRONG["a card in clear"])))
    assert "KKI-CRD-010" in ended.broken
    assert ended.run["target"] == "standard input"


def test_a_correct_recording_breaks_nothing_of_the_clients(judge: Judge) -> None:
    ended = judge("-", stdin=jsonl(of_a_day()))
    assert ended.broken == set()
    assert {"server", "client"} == {row["party"] for row in ended.run["requirements"] if row["outcome"] == "holds"}


def test_without_secrets_what_needs_them_is_open_and_says_so(judge: Judge) -> None:
    ended = judge("-", stdin=jsonl(of_a_day()), secrets=False)
    row = next(row for row in ended.run["requirements"] if row["id"] == "KKI-SIG-010")
    assert row["outcome"] == "unknown"
    assert "client secret" in row["missing"]
    assert "client_secret" in ended.err


def test_our_own_evidence_is_judged_as_far_as_redaction_lets_it(judge: Judge, tmp_path: Path) -> None:
    judge("-", stdin=jsonl(of_a_day()))
    evidence = (tmp_path / "run" / "exchanges.jsonl").read_bytes()
    assert "‹".encode() in evidence
    ended = judge("-", stdin=evidence)
    assert ended.broken == set(), "what was hidden is not held against anybody"
    outcomes = {row["id"]: row["outcome"] for row in ended.run["requirements"]}
    assert outcomes["KKI-SIG-010"] == "unknown"
    assert outcomes["KKI-HDR-010"] == "holds"


def test_order_is_that_of_sending_not_of_the_file(judge: Judge) -> None:
    exchanges = of_a_day(WRONG["a second charge after a lost reply"])
    assert judge("-", stdin=jsonl(exchanges[::-1])).broken == live(exchanges)


def test_several_files_are_one_recording(judge: Judge, tmp_path: Path) -> None:
    exchanges = of_a_day(WRONG["the token that was refused"])
    (tmp_path / "a.har").write_bytes(har(exchanges[:5]))
    (tmp_path / "b.jsonl").write_bytes(jsonl(exchanges[5:]))
    ended = judge("a.har", "b.jsonl")
    assert ended.broken == live(exchanges)
    assert ended.run["exchange_count"] == len(exchanges)


@pytest.mark.parametrize("complete", [True, False])
def test_what_is_not_shown_is_made_up_only_where_nothing_is_missing(
    judge: Judge, tmp_path: Path, complete: bool
) -> None:
    merchant = next(each for each in MERCHANTS if each.name == "refund-unpaid")
    (tmp_path / "day.har").write_bytes(har(tried(merchant, {}, {}).exchanges))
    ended = judge("day.har", *(["--complete"] if complete else []))
    row = next(each for each in ended.run["requirements"] if each["id"] == "KKI-RFD-026")
    assert row["outcome"] == ("broken" if complete else "unknown"), row
    assert complete or "--complete" in row["missing"]


def test_the_rest_of_the_day_is_left_aside(judge: Judge) -> None:
    news = Request(method="GET", target="/", origin="https://news.example")
    elsewhere = Exchange(id="news", request=news, sent_at=of_a_day()[0].sent_at)
    ended = judge("-", stdin=har([elsewhere, *of_a_day()[:2]]))
    assert ended.run["exchange_count"] == 2
    assert "1 exchange with other servers" in ended.err


def test_what_cannot_be_read_of_other_sites_stops_nothing(judge: Judge) -> None:
    day = of_a_day()
    document = json.loads(har(day[:2]))
    picture = {**entry(day[0]), "response": {"status": 200, "headers": [], "content": {"size": 9, "mimeType": "image"}}}
    picture["request"] = {**picture["request"], "method": "GET", "url": "https://cdn.example/logo.png"}
    odd = {**picture, "request": {**picture["request"], "url": "https://cdn.example/live?a=b"}, "startedDateTime": ""}
    document["log"]["entries"] = [picture, document["log"]["entries"][0], odd, document["log"]["entries"][1]]
    assert judge("-", stdin=json.dumps(document).encode()).run["exchange_count"] == 2
    document["log"]["entries"][1]["request"].pop("postData")
    ended = judge("-", stdin=json.dumps(document).encode())
    assert ended.code == 2
    assert "entry 2" in ended.err
    assert "entry 1" not in ended.err


def test_recordings_that_overlap_show_nothing_twice(judge: Judge, tmp_path: Path) -> None:
    day = of_a_day()
    (tmp_path / "a.har").write_bytes(har(day[:6]))
    (tmp_path / "b.har").write_bytes(har(day))
    ended = judge("a.har", "b.har")
    assert ended.broken == set()
    assert ended.run["exchange_count"] == len(day)
    assert "6 of" in ended.err


def test_what_a_browser_asks_before_it_sends_is_no_request_of_the_api(judge: Judge) -> None:
    day = of_a_day()[:2]
    line = Headers((("Access-Control-Request-Method", "POST"),))
    yes = Response(status=204, headers=Headers(()), body=b"")
    asked = [
        replace(each, id=each.id + "q", request=Request(method="OPTIONS", target=each.request.target, headers=line,
                origin=each.request.origin), response=yes)
        for each in day
    ]  # fmt: skip
    ended = judge("-", stdin=jsonl([each for both in zip(asked, day, strict=True) for each in both]))
    assert ended.run["exchange_count"] == 2
    assert not [row["id"] for row in ended.run["requirements"] if row["outcome"] == "broken"]


def test_a_line_that_a_recorder_leaves_out_of_everything_is_nobodys_fault(judge: Judge) -> None:
    stripped = [
        replace(each, request=replace(each.request, headers=each.request.headers.without("Authorization")))
        for each in tried(CORRECT, {}, {"expired-token": "EXPIREDTOKEN"}).exchanges
    ]
    assert any(each.response and each.response.status == 401 for each in stripped)
    ended = judge("-", stdin=jsonl(stripped))
    assert ended.broken == set()
    assert "left Authorization out" in ended.err


def test_a_line_that_a_client_leaves_out_now_and_then_is_its_own(judge: Judge) -> None:
    day = tried(CORRECT, {}, {"expired-token": "EXPIREDTOKEN"}).exchanges
    refused = next(each for each in day if each.response and each.response.status == 401)
    bare = replace(refused, request=replace(refused.request, headers=refused.request.headers.without("Authorization")))
    ended = judge("-", stdin=jsonl([bare if each is refused else each for each in day]))
    assert "KKI-HDR-050" in ended.broken


def test_the_folder_has_every_report_and_no_secret(judge: Judge, tmp_path: Path) -> None:
    judge("-", stdin=jsonl(of_a_day()))
    files = {path.name: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert {"run.json", "exchanges.jsonl", "report.html", "junit.xml"} <= set(files)
    secret = (PROFILE.credentials.client_secret or "").encode()
    assert not any(secret in octets for octets in files.values())
    assert json.loads(files["run.json"])["use"] == "judge"


# --- files that cannot be judged -------------------------------------------------------------------------------


def half(octets: bytes) -> bytes:
    return octets[: len(octets) // 2]


BROKEN: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "it is empty"),
    "blanks": (b"  \n \n", "it is empty"),
    "no JSON": (b"hello\nworld\n", "line 1"),
    "a line that is none": (jsonl(of_a_day()[:2]) + b"{oops}\n" + jsonl(of_a_day()[:1]), "line 3"),
    "a line without a request": (b'{"id":"x"}\n', "request"),
    "a HAR without a log": (b'{"log": 3}', "log.entries"),
    "half a HAR": (half(har(of_a_day()[:3])), "line 1, column"),
    "an entry without a request": (b'{"log":{"entries":[{"startedDateTime":"2026-01-01T00:00:00Z"}]}}', "entry 1"),
    "an entry without a time": (
        har(of_a_day()[:1]).replace(b"startedDateTime", b"startedDateTimes"), "entry 1",
    ),
    "another API's traffic": (
        har([replace(of_a_day()[0], request=Request(method="GET", target="/x", origin="https://y"))]), "none among 1",
    ),
    "no text": (b"\xff\xfe\x00\x01", "line 1"),
    "deep nesting": (b'{"log":' + b"[" * 100_000, "nested too deep"),
}  # fmt: skip


@pytest.mark.parametrize(("octets", "says"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_recording_gets_a_sentence(judge: Judge, tmp_path: Path, octets: bytes, says: str) -> None:
    file = tmp_path / "broken.har"
    file.write_bytes(octets)
    ended = judge(str(file))
    assert ended.code == 2
    assert "broken.har" in ended.err
    assert says in ended.err
    assert "Traceback" not in ended.err


def test_every_broken_entry_is_named_at_once(judge: Judge, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"{}\nnot json\n" + jsonl(of_a_day()[:1]))
    (tmp_path / "b.har").write_bytes(b'{"log": 3}')
    ended = judge("a.jsonl", "b.har", "c.har")
    for place in ("a.jsonl, line 1", "a.jsonl, line 2", "b.har", "c.har"):
        assert place in ended.err
    assert ended.code == 2


def test_a_line_that_was_cut_off_by_a_kill_ends_the_recording(judge: Judge) -> None:
    octets = jsonl(of_a_day()[:3])
    ended = judge("-", stdin=octets[:-40])
    assert ended.run["exchange_count"] == 2
    assert "cut off" in ended.err


def test_the_help_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", "--help"]) == 0
    assert "HAR 1.2" in capsys.readouterr().out


def test_a_rule_that_fails_is_exit_3_and_no_verdict_on_anybody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In `judge` as in all uses, as long as nothing is violated."""
    real = Bench.judge

    def failing(self: Bench, exchange: Exchange) -> list[Verdict]:
        kept = [each for each in real(self, exchange) if not isinstance(each.judgement, Broken)]
        fault = Verdict(
            requirement="KKI-SIG-010", exchange=exchange.id, party=Party.CLIENT, judgement=Faulty("Traceback of ours")
        )
        return [*kept, fault]

    monkeypatch.setattr(Bench, "judge", failing)
    sample = Path(__file__).parents[2] / "reports" / "sample" / "certify-merchant" / "exchanges.jsonl"
    code = main(["judge", str(sample), "--output", str(tmp_path / "run")])
    capsys.readouterr()
    assert code == 3
