"""The body: unusual and right, or hardly a body at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlencode

from kki.drafting.drafts import Draft
from kki.drafting.mutations.base import Mutation, before, header, reordered


def _respaced(draft: Draft) -> Draft:
    """Pretty-printed on the wire, signed over the minified form."""
    pretty = json.dumps(draft.json, indent=2, ensure_ascii=False).encode()
    return draft.with_body(pretty)


HARMLESS: tuple[Mutation, ...] = (
    before("pretty-printed body, signed minified", _respaced, "", "SIG-160"),
    before(
        "members in another order",
        lambda d: d.with_body(reordered(d.request.body)),
        "",
        "SIG-170",
        ("payment", "bind", "refund"),
    ),
    before(
        "an extra member",
        lambda d: d.having(additionalInfo={"origin": {"source": "kki"}, "list": [1, None]}),
        "",
        "FLD-130",
    ),
    before(
        "non-ASCII text in an extra member",
        lambda d: d.having(note=" Pengembalian  <dana> & café/50% cafe\u0301 日本 𝄞 "),
        "",
        "SIG-170 FLD-130",
    ),
    before(
        "escapes in an extra member",
        lambda d: d.with_body(d.request.body[:-1] + b',"note":"caf\\u00e9 \\/ \\u003cb\\u003e"}'),
        "",
        "SIG-170 FLD-130",
    ),
)


def _inside(text: bytes) -> Callable[[Draft], Draft]:
    """One more member, written like this."""
    return lambda d: d.with_body(d.request.body[:-1] + b',"x":' + text + b"}")


def _behind(text: bytes) -> Callable[[Draft], Draft]:
    return lambda d: d.with_body(d.request.body + text)


_TEXTS = {"bind": "journeyId", "refund": "reason"}


def _with_nul(draft: Draft) -> Draft:
    """In a documented text, which goes on to a database: what is not documented may be read by nobody."""
    name = _TEXTS[draft.operation]
    return draft.having(**{name: str(draft.json.get(name, "text"))[:-1] + "\0"})


_NO_JSON = ("FLD-060", "ROB-210 RSN-160")
LENIENT: tuple[Mutation, ...] = (
    before("text behind the JSON", _behind(b" ok"), *_NO_JSON, ("payment",)),
    before("a second object behind the JSON", _behind(b"{}"), *_NO_JSON, ("refund",)),
    before("NaN as a value", _inside(b"NaN"), *_NO_JSON, ("bind",)),
    before("a number with a leading zero", _inside(b"012"), *_NO_JSON, ("payment",)),
    before("a line feed inside a string", _inside(b'"a\nb"'), *_NO_JSON, ("unbind",)),
    before("a comment in the JSON", _inside(b"1/* one */"), *_NO_JSON, ("bind",)),
    before("single quotes in the JSON", lambda d: d.with_body(d.request.body.replace(b'"', b"'")), *_NO_JSON,
           ("refund",)),
    before("body in UTF-16", lambda d: d.with_body(d.request.body.decode().encode("utf-16")), "FLD-060",
           "ROB-250 RSN-160", ("payment",)),
    before("a byte order mark before the JSON", lambda d: d.with_body(b"\xef\xbb\xbf" + d.request.body), "FLD-060", "",
           ("bind",)),
    before("a member of 100,000 characters", _inside(b'"' + b"a" * 100_000 + b'"'), "", "", ("unbind",)),
    before("NUL escape in a documented member", _with_nul, "", "", ("bind", "refund")),
)  # fmt: skip
"""What a reader takes that is more lenient than JSON, each on one operation."""


def _nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def _as_form(draft: Draft) -> Draft:
    body = urlencode({name: str(value) for name, value in draft.json.items()}).encode()
    return draft.with_body(body).with_header("Content-Type", "application/x-www-form-urlencoded")


ROBUSTNESS: tuple[Mutation, ...] = (
    before(
        "body that is not JSON",
        lambda d: d.with_body(b"partnerReferenceNo=INV-0001"),
        "FLD-060",
        "ROB-210 RSN-160",
    ),
    before(
        "body cut half-way",
        lambda d: d.with_body(d.request.body[: len(d.request.body) // 2]),
        "FLD-060",
        "ROB-210 RSN-160",
    ),
    before(
        "comma before the last brace", lambda d: d.with_body(d.request.body[:-1] + b",}"), "FLD-060", "ROB-210 RSN-160"
    ),
    before("form in place of JSON", _as_form, "FLD-060 HDR-090", ""),
    before("empty body", lambda d: d.with_body(b""), "FLD-060", "ROB-210 RSN-160"),
    before("body that is an array", lambda d: d.with_body(b"[" + d.request.body + b"]"), "FLD-020", "FLD-120"),
    before("body that is a string", lambda d: d.with_body(b'"text"'), "FLD-020", "FLD-120"),
    before("body that is null", lambda d: d.with_body(b"null"), "FLD-020", "FLD-120"),
    before(
        "repeated member",
        lambda d: d.with_body(d.request.body[:-1] + b',"partnerReferenceNo":"OTHER"}'),
        "FLD-050",
        "ROB-220",
        ("payment", "bind"),
    ),
    before(
        "nested 1,000 deep", lambda d: d.with_body(d.request.body[:-1] + b',"x":' + _nested(1000) + b"}"), "", "ROB-230"
    ),
    before(
        "nested 100,000 deep",
        lambda d: d.with_body(d.request.body[:-1] + b',"x":' + _nested(100_000) + b"}"),
        "",
        "ROB-230",
    ),
    before(
        "1 MiB of text",
        lambda d: d.with_body(d.request.body[:-1] + b',"x":"' + b"a" * 1_048_576 + b'"}'),
        "",
        "ROB-240",
    ),
    before(
        "invalid UTF-8", lambda d: d.with_body(d.request.body[:-1] + b',"x":"\xff\xfe"}'), "FLD-060", "ROB-250 RSN-160"
    ),
    before("lone surrogate escape", lambda d: d.with_body(d.request.body[:-1] + b',"x":"\\ud800"}'), "", ""),
    before("NUL escape", lambda d: d.with_body(d.request.body[:-1] + b',"x":"\\u0000"}'), "", ""),
    before(
        "very large numbers",
        lambda d: d.with_body(d.request.body[:-1] + b',"x":1e999999,"y":' + b"9" * 400 + b"}"),
        "",
        "ROB-260",
    ),
    before("a header of 8,000 characters", header("X-EXTRA", "a" * 8000), "", "ROB-270"),
    before("a header of 60,000 characters", header("X-EXTRA", "a" * 60_000), "", "ROB-270"),
)
