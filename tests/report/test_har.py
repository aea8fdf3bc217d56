"""HAR out and in: valid HAR 1.2, nothing lost on the way round, and a sentence for what cannot be read."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import harfile
import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kki.edges.errors import ConfigurationError
from kki.edges.har import is_har, read_har
from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response
from kki.model.run import Run
from kki.report.har import entry, har

TEXT = {"type": "string"}
NAMED = {
    "type": "array",
    "items": {"type": "object", "required": ["name", "value"], "properties": {"name": TEXT, "value": TEXT}},
}
SIZE = {"type": "integer", "minimum": -1}
MESSAGE = ["httpVersion", "cookies", "headers", "headersSize", "bodySize"]
# What HAR 1.2 asks of each object, written from its text (http://www.softwareishard.com/blog/har-12-spec/).
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["log"],
    "properties": {
        "log": {
            "type": "object",
            "required": ["version", "creator", "entries"],
            "properties": {
                "version": {"const": "1.2"},
                "creator": {"type": "object", "required": ["name", "version"]},
                "entries": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["startedDateTime", "time", "request", "response", "cache", "timings"],
                        "patternProperties": {
                            "^(?!startedDateTime|time|request|response|cache|timings|comment|_)": False
                        },
                        "properties": {
                            "startedDateTime": {
                                "type": "string",
                                "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)$",
                            },
                            "time": {"type": "number", "minimum": 0},
                            "request": {
                                "type": "object",
                                "required": ["method", "url", "queryString", *MESSAGE],
                                "properties": {
                                    "url": {"type": "string", "pattern": "^https?://[^/]+/"},
                                    "headers": NAMED,
                                    "queryString": NAMED,
                                    "cookies": {"type": "array"},
                                    "headersSize": SIZE,
                                    "bodySize": SIZE,
                                    "postData": {"type": "object", "required": ["mimeType", "params", "text"]},
                                },
                            },
                            "response": {
                                "type": "object",
                                "required": ["status", "statusText", "content", "redirectURL", *MESSAGE],
                                "properties": {
                                    "status": {"type": "integer"},
                                    "headers": NAMED,
                                    "content": {"type": "object", "required": ["size", "mimeType"]},
                                    "headersSize": SIZE,
                                    "bodySize": SIZE,
                                },
                            },
                            "timings": {"type": "object", "required": ["send", "wait", "receive"]},
                        },
                    },
                },
            },
        }
    },
}


def own_members(kind: Any, data: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    kept = {name: value for name, value in data.items() if not name.startswith("_")}
    assert kept.keys() <= names, f"{kind.__name__} has no {kept.keys() - names}"
    return kept


def as_harfile(each: dict[str, Any]) -> dict[str, Any]:
    """The entry in harfile's own classes, which take the members of HAR 1.2 and no others."""
    request, response = dict(each["request"]), dict(each["response"])
    if "postData" in request:
        request["postData"] = harfile.PostData(**own_members(harfile.PostData, request["postData"]))
    response["content"] = harfile.Content(**own_members(harfile.Content, response["content"]))
    for side in (request, response):
        side["headers"] = [harfile.Record(**own_members(harfile.Record, row)) for row in side["headers"]]
    request["queryString"] = [harfile.Record(**row) for row in request["queryString"]]
    return {
        "startedDateTime": datetime.fromisoformat(each["startedDateTime"]),
        "time": each["time"],
        "request": harfile.Request(**own_members(harfile.Request, request)),
        "response": harfile.Response(**own_members(harfile.Response, response)),
        "timings": harfile.Timings(**own_members(harfile.Timings, each["timings"])),
    }


def test_the_file_is_valid_har_with_hostile_traffic_in_it(run: Run, records: tuple[Record, ...]) -> None:
    document = json.loads(har(run, records))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert len(document["log"]["entries"]) == len(records)


def test_every_entry_has_the_members_that_harfile_knows(run: Run, records: tuple[Record, ...]) -> None:
    entries = json.loads(har(run, records))["log"]["entries"]
    written = io.StringIO()
    with harfile.HarFile.open(written) as file:
        for each in entries:
            file.add_entry(**as_harfile(each))
    again = json.loads(written.getvalue())["log"]["entries"]
    for ours, theirs in zip(entries, again, strict=True):
        assert ours["request"]["url"] == theirs["request"]["url"]
        assert ours["response"]["status"] == theirs["response"]["status"]


def test_findings_stand_beside_the_entry_they_were_made_in(run: Run, records: tuple[Record, ...]) -> None:
    found = {each["_kki"]["id"]: each["_kki"]["findings"] for each in json.loads(har(run, records))["log"]["entries"]}
    assert [row["requirement"] for row in found["x7"]] == ["KKI-SIG-110"]
    assert found["x1"] == []


def test_what_is_written_is_read_back_whole(run: Run, records: tuple[Record, ...]) -> None:
    assert read_har(har(run, records)) == list(records)


TARGETS = st.text(st.characters(codec="utf-8", exclude_characters="#"), min_size=1, max_size=30)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


@settings(deadline=None, max_examples=60)
@given(
    target=TARGETS,
    header=st.tuples(TEXTS.filter(lambda name: not name.startswith(":")), TEXTS),
    body=st.binary(max_size=60),
    reply=st.none() | st.tuples(st.integers(100, 999), st.binary(max_size=60)),
    took=st.integers(0, 10_000_000),
)
def test_any_exchange_survives_the_way_round(
    target: str, header: tuple[str, str], body: bytes, reply: tuple[int, bytes] | None, took: int
) -> None:
    sent = datetime(2026, 11, 22, 10, tzinfo=UTC)
    record = Record(
        exchange=Exchange(
            id="x1",
            request=Request(method="POST", origin="http://h", target=target, headers=Headers((header,)), body=body),
            response=Response(status=reply[0], body=reply[1]) if reply else None,
            sent_at=sent,
            answered_at=sent + timedelta(microseconds=took) if reply else None,
            failure=None if reply else "timeout",
        ),
        made_by="listener",
    )
    written = json.dumps({"log": {"entries": [entry(record)]}}).encode()
    back = read_har(written)[0]
    near = dataclasses.replace(back.exchange, answered_at=record.exchange.answered_at)
    assert near == record.exchange
    assert back.made_by == "listener"
    if reply and record.exchange.answered_at and back.exchange.answered_at:
        assert abs(back.exchange.answered_at - record.exchange.answered_at) <= timedelta(microseconds=1)


# --- what others write -------------------------------------------------------------------------------------------


def a_browsers_entry(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "startedDateTime": "2026-11-22T10:00:00.123Z",
        "time": 42.5,
        "request": {
            "method": "POST",
            "url": "https://api.example/direct-debit/core/v1/debit/refund?a=1#part",
            "headers": [{"name": ":authority", "value": "api.example"}, {"name": "X-PARTNER-ID", "value": "B1"}],
            "postData": {"mimeType": "application/json", "text": '{"a":"é"}'},
        },
        "response": {
            "status": 200,
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"size": 2, "text": base64.b64encode(b"\xff\x00").decode(), "encoding": "base64"},
        },
    }
    return made | changes


def document(*entries: Any) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": entries}}, ensure_ascii=False).encode()


def test_a_browsers_entry_becomes_an_exchange() -> None:
    record = read_har(b"\xef\xbb\xbf" + document(a_browsers_entry()))[0]
    exchange = record.exchange
    assert record.made_by == "har:entry 1"
    assert exchange.request.origin == "https://api.example"
    assert exchange.request.target == "/direct-debit/core/v1/debit/refund?a=1"
    assert exchange.request.body == '{"a":"é"}'.encode()
    assert exchange.request.headers.pairs == (("X-PARTNER-ID", "B1"),)
    assert exchange.response == Response(
        status=200, headers=Headers((("Content-Type", "application/json"),)), body=b"\xff\x00"
    )
    assert exchange.sent_at == datetime(2026, 11, 22, 10, 0, 0, 123000, tzinfo=UTC)
    assert exchange.answered_at == datetime(2026, 11, 22, 10, 0, 0, 165500, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        ("net::ERR_TIMED_OUT", "timeout"),
        ("net::ERR_CONNECTION_REFUSED", "connection refused"),
        ("net::ERR_CONNECTION_RESET", "connection closed"),
        ("net::ERR_EMPTY_RESPONSE", "connection closed"),
        ("NS_ERROR_NET_RESET", "connection closed"),
        ("net::ERR_FAILED", None),  # CORS
        ("net::ERR_BLOCKED_BY_CLIENT", None),
        ("net::ERR_NAME_NOT_RESOLVED", None),
        ("net::ERR_ABORTED", None),
        ("NS_BINDING_ABORTED", None),
        ("", None),
    ],
)
def test_status_0_blames_the_server_for_nothing_that_the_browser_did(said: str, failure: str | None) -> None:
    exchange = read_har(document(a_browsers_entry(response={"status": 0, "_error": said, "content": {}})))[0].exchange
    assert exchange.response is None
    assert exchange.failure == failure


def test_ids_are_never_given_twice() -> None:
    again = a_browsers_entry(_kki={"id": "x1"})
    ids = [record.exchange.id for record in read_har(document(again, again, again, a_browsers_entry()))]
    assert len(set(ids)) == 4
    assert ids[0] == "x1"


def spoiled(path: str, value: object) -> dict[str, Any]:
    made = json.loads(json.dumps(a_browsers_entry()))
    place = made
    *above, last = path.split(".")
    for name in above:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return dict(made)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("startedDateTime", "yesterday", "startedDateTime but got a text of 9 characters"),
        ("startedDateTime", "2026-11-22T10:00:00", "with its zone"),
        ("request", ..., "JSON object in request but got nothing"),
        ("request.url", "ftp://x/y", "http:// or https://"),
        ("request.url", 5, "a string in request.url but got 5"),
        ("request.method", "", "request.method but got an empty text"),
        ("request.headers", [1], "request.headers as a list"),
        ("request.postData", {"text": 5}, "a string in request.postData.text"),
        ("request.postData", {"text": None}, "request.postData.text, but nothing says that there was none"),
        ("response.status", "200", "a number in response.status"),
        ("response.content.encoding", "gzip", "no encoding, or base64"),
        ("response.content.text", "%%%", "Base64 in response.content.text"),
        ("response.content", {"size": 9}, "9 bytes came, but the recording left the body out"),
    ],
)
def test_what_cannot_be_read_is_a_sentence_with_the_entrys_number(path: str, value: object, says: str) -> None:
    data = document(a_browsers_entry(), spoiled(path, value))
    with pytest.raises(ConfigurationError) as caught:
        read_har(data, name="traffic.har")
    (problem,) = caught.value.problems
    assert problem.startswith("traffic.har, entry 2: expected ")
    assert says in problem
    problems: list[str] = []
    assert len(read_har(data, name="traffic.har", problems=problems)) == 1
    assert problems == [problem]


def test_a_request_whose_body_was_left_out_is_not_judged_as_empty() -> None:
    entry_ = spoiled("request.postData", ...)
    entry_["request"]["bodySize"] = 30
    with pytest.raises(ConfigurationError, match="30 bytes were sent, but the recording left the body out"):
        read_har(document(entry_))


@pytest.mark.parametrize("posted", [None, {"text": ""}, {"text": None}, {"params": []}])
@pytest.mark.parametrize("size", [-1, 0, None])
def test_a_body_that_content_length_counted_was_left_out(posted: object, size: object) -> None:
    entry_ = spoiled("request.postData", posted)
    entry_["request"]["bodySize"] = size
    entry_["request"]["headers"].append({"name": "content-length", "value": "30"})
    with pytest.raises(ConfigurationError, match="30 bytes were sent, but the recording left the body out"):
        read_har(document(entry_))


@pytest.mark.parametrize("size", [0, -1])
def test_a_request_without_a_body_is_one_where_the_recording_says_so(size: int) -> None:
    entry_ = spoiled("request.postData", ...)
    entry_["request"]["bodySize"] = size
    if size:
        entry_["request"]["headers"].append({"name": "content-length", "value": "0"})
    assert read_har(document(entry_))[0].exchange.request.body == b""


def test_a_reply_whose_body_was_left_out_is_not_judged_as_empty() -> None:
    entry_ = spoiled("response.content", {"size": 0, "mimeType": "application/json"})
    entry_["response"] |= {"bodySize": -1, "headers": [{"name": "content-length", "value": "67"}]}
    with pytest.raises(ConfigurationError, match="67 bytes came, but the recording left the body out"):
        read_har(document(entry_))
    entry_["request"]["method"] = "HEAD"
    assert read_har(document(entry_))[0].exchange.response is not None


def test_of_a_packed_reply_only_the_size_unpacked_counts() -> None:
    entry_ = spoiled("response.content", {"size": 0, "mimeType": "application/json"})
    packed = [{"name": "Content-Encoding", "value": "gzip"}, {"name": "Content-Length", "value": "20"}]
    entry_["response"] |= {"bodySize": 20, "headers": packed}
    (record,) = read_har(document(entry_))
    assert record.exchange.response is not None
    assert record.exchange.response.body == b""


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_har(document(1, a_browsers_entry(), spoiled("request.url", "")))
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["recording, entry 1", "recording, entry 3"]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"log": {}}', b'{"log": {"entries": {}}}', b"\xff\xfe{}", b"[" * 100_000]
)
def test_what_is_no_har_is_refused_with_one_sentence(data: bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_har(data)
    assert len(caught.value.problems) == 1
    assert "expected" in caught.value.problems[0]


def test_no_sentence_quotes_what_a_recording_holds() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_har(document(spoiled("request.url", "SK-canary-url"), spoiled("response.content.text", "SK-canary%")))
    assert "canary" not in " ".join(caught.value.problems)


@pytest.mark.parametrize(
    ("data", "yes"),
    [
        (b'{"log":{"entries":[]}}', True),
        (b'\xef\xbb\xbf{\n  "log" : {', True),
        (b'{"id":"x1","made_by":"log"}', False),
        (b"", False),
        (b"GET / HTTP/1.1", False),
    ],
)
def test_a_har_is_told_from_our_own_recording(data: bytes, yes: bool) -> None:
    assert is_har(data) is yes
