"""Requests read from a HAR entry, a raw HTTP message, a curl line and an exchange of ours."""

from __future__ import annotations

import base64
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.diagnosis.support import quick

from kki.edges.errors import ConfigurationError
from kki.edges.messages import read_messages
from kki.model.http import Request

URL = "https://api.example:8443/direct-debit/core/v1/debit/refund?a=1&b=%2F"
BODY = '{"reason": "café & <x>", "q": "it\'s"}'


def one(data: bytes | str, **more: Any) -> Request:
    (record,) = read_messages(data.encode() if isinstance(data, str) else data, name="m", **more)
    return record.exchange.request


def entry(**changed: Any) -> dict[str, Any]:
    pairs = {":authority": "x", "X-SIGNATURE": "abc", "x-a": ""}
    headers = [{"name": name, "value": value} for name, value in pairs.items()]
    post = {"mimeType": "application/json", "text": BODY}
    request = {"method": "POST", "url": URL, "headers": headers, "postData": post}
    return {"startedDateTime": "2026-05-26T03:00:00.000Z", "request": {**request, **changed}}


def test_a_har_entry() -> None:
    request = one(json.dumps(entry()))
    assert (request.method, request.origin) == ("POST", "https://api.example:8443")
    assert request.target == "/direct-debit/core/v1/debit/refund?a=1&b=%2F"
    assert request.headers.pairs == (("X-SIGNATURE", "abc"), ("x-a", ""))
    assert request.body == BODY.encode()


def test_a_whole_har_and_a_bare_request() -> None:
    reply = {"status": 200, "headers": [], "content": {"text": base64.b64encode(b"{}").decode(), "encoding": "base64"}}
    har = {"log": {"version": "1.2", "entries": [entry(), {**entry(method="PUT"), "response": reply}]}}
    records = read_messages(json.dumps(har).encode(), name="f.har")
    assert [record.exchange.request.method for record in records] == ["POST", "PUT"]
    assert records[1].exchange.response is not None
    assert records[1].exchange.response.body == b"{}"
    assert records[0].exchange.id == "f.har, entry 0"
    assert one(json.dumps(entry()["request"])).body == BODY.encode()


def test_our_own_exchanges() -> None:
    line = {
        "id": "x7", "sent_at": "2026-05-26T10:00:00+07:00",
        "request": {"method": "POST", "target": "/a", "headers": [["X-SIGNATURE", "s"]], "body": BODY},
    }  # fmt: skip
    (record,) = read_messages(json.dumps(line).encode(), name="m")
    assert (record.exchange.id, record.exchange.request.body) == ("x7", BODY.encode())
    lines = b"\n".join(json.dumps({**line, "id": name}).encode() for name in "ab") + b"\n"
    assert [record.exchange.id for record in read_messages(lines, name="m")] == ["a", "b"]


def test_a_raw_message_keeps_the_bytes_of_its_body() -> None:
    body = BODY.encode() + b"\r\n \n"
    head = b"POST /a?b=c HTTP/1.1\r\nHost: h.example\r\nX-A:  two \r\nX-a: again\r\n folded\r\n"
    request = one(head + b"Content-Length: %d\r\n\r\n" % len(body) + body + b"more")
    assert (request.method, request.target, request.origin) == ("POST", "/a?b=c", "https://h.example")
    assert request.headers.all("x-a") == ("two", "again folded")
    assert request.body == body


def test_a_raw_message_as_an_editor_leaves_it() -> None:
    text = f"\n\nPOST https://h.example/a?b=c\nX-SIGNATURE: s\n\n{BODY}\n"
    request = one(text)
    assert (request.origin, request.target, request.body) == ("https://h.example", "/a?b=c", BODY.encode())
    assert one("GET /a HTTP/1.1\nX-SIGNATURE: s").body == b""


def test_a_chunked_message_is_put_together() -> None:
    head = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert one(head + b'5\r\n{"a":\r\n3;x=y\r\n 1}\r\n0\r\n\r\n').body == b'{"a": 1}'
    assert one(head + b'{"a": 1}').body == b'{"a": 1}'


def test_a_curl_line() -> None:
    text = (
        f"curl -sS --request POST '{URL}' \\\n -H 'X-SIGNATURE: a b' -H \"X-Q: say \\\"hi\\\"\" -HX-Short:1 \\\n"
        f"  --compressed --max-time 5 --data-raw {shlex.quote(BODY)}\n"
    )
    request = one(text)
    assert (request.method, request.origin) == ("POST", "https://api.example:8443")
    assert request.headers.pairs == (("X-SIGNATURE", "a b"), ("X-Q", 'say "hi"'), ("X-Short", "1"))
    assert request.body == BODY.encode()


def test_a_curl_line_as_browsers_copy_it() -> None:
    request = one("$ curl https://h.example -X $'POST' --data-raw $'{\"a\":\"it\\'s caf\\u00e9 \\ud83d\\ude00\\n\"}'")
    assert (request.target, request.method) == ("/", "POST")
    assert request.body.decode() == '{"a":"it\'s café 😀\n"}'


FOR_CMD = r"""curl ^"https://h.example/a?b=1^&c=2^" ^
  -H ^"x-signature: a^%^b==^" ^
  --data-raw ^"^{^\^"a^\^":^\^"50^% ^<b^> ^^ ^\^\^\^"q^\^\^\^"^\^"^}^"
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_curl_line_as_browsers_copy_it_for_windows(end: str) -> None:
    request = one(FOR_CMD.replace("\n", end))
    assert (request.method, request.target) == ("POST", "/a?b=1&c=2")
    assert request.headers.get("X-SIGNATURE") == "a%b=="
    assert request.body.decode() == r'{"a":"50% <b> ^ \"q\""}'


def test_a_curl_line_with_quotation_marks_for_windows() -> None:
    lines = ('curl "http://h/a"', '-H "X-A: b c"', r'--data-raw "{\"a\":\"x y\"}"', "--compressed")
    request = one(" ^\r\n  ".join(lines))
    assert request.headers.pairs == (("X-A", "b c"),)
    assert request.body == b'{"a":"x y"}'


def test_a_caret_in_a_body_makes_no_line_of_windows() -> None:
    assert one("curl http://h/a -d '{\"form\":\"^\"}'").body == b'{"form":"^"}'


def test_a_curl_line_of_powershell() -> None:
    request = one("curl.exe `\n -X PUT `\r\n -H 'X-A: b' `\n -d '{\"a\":\"it''s\"}' `\n 'http://h/a'")
    assert (request.method, request.headers.pairs, request.body) == ("PUT", (("X-A", "b"),), b'{"a":"it\'s"}')


def test_a_curl_line_from_a_terminal() -> None:
    request = one("$ curl -sSkX PUT http://h/a -HX-A:b \\ \n -d '{\"a\": 1}' 2>/dev/null | jq . && echo done")
    assert (request.method, request.target, request.headers.pairs) == ("PUT", "/a", (("X-A", "b"),))
    assert request.body == b'{"a": 1}'


def test_curl_reads_files_as_curl_does(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_bytes(b'{\r\n"a": 1\n}\n')
    assert one("curl http://h/x -d @b.json", folder=tmp_path).body == b'{"a": 1}'
    assert one("curl http://h/x --data-binary @b.json", folder=tmp_path).body == b'{\r\n"a": 1\n}\n'
    assert one("curl http://h/x --data-raw @b.json", folder=tmp_path).body == b"@b.json"
    assert one("curl http://h/x -d a -d b --json=c").body == b"a&b&c"
    assert one("curl http://h/x").method == "GET"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "it is empty"),
        (b"hello there", 'it begins with "hello there"'),
        (b"POST /a HTTP/1.1\nno colon here\n\n", "m, line 2: expected"),
        (b"{", "m: expected JSON"),
        (b'{"a": 1}', "JSON without a request"),
        (b"[1]", "JSON without a request"),
        (b'{"request": {"method": "POST"}}', "request.method and request.url"),
        (b'{"request": {"target": "/a"}}', "m: "),
        (b'{"log": {"entries": [5]}}', "m, entry 0: expected a HAR entry"),
        (b'{"request": {"method": "P", "url": "http://h/", "headers": ["x"]}}', "headers as a list"),
        (b'{"request": {"method": "P", "url": "/", "postData": {"text": "?", "encoding": "base64"}}}', "Base64"),
        (b"curl -X", "-X: expected a value"),
        (b"curl 'http://h", "expected a closing '"),
        (b"curl -X POST -H a:b", "expected one URL, but got 0"),
        (b"curl http://h/ -d @/no/such/file", "expected the file /no/such/file"),
        (b"curl http://h/ -F a=b", "-F: expected the body in --data"),
        (b"[" * 100_000, "nested too deep"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(text: bytes, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=r".") as caught:
        read_messages(text, name="m")
    assert sentence in "\n".join(caught.value.problems)


@quick
@given(body=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60))
def test_curl_and_har_carry_any_text(body: str) -> None:
    assert one(f"curl http://h/x -H 'X-SIGNATURE: s' --data-raw {shlex.quote(body)}".encode()).body == body.encode()
    assert one(json.dumps(entry(postData={"text": body})).encode()).body == body.encode()


@quick
@given(
    data=st.binary(max_size=200),
    head=st.sampled_from([b"", b"curl ", b"{", b"POST / HTTP/1.1\r\n", b'{"request":']),
)
def test_rubbish_is_an_operators_mistake_at_most(data: bytes, head: bytes) -> None:
    records, problems = (), ()
    try:
        records = read_messages(head + data, name="m")
    except ConfigurationError as error:
        problems = error.problems
    assert bool(records) != bool(problems)
