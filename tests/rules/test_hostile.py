"""Whatever comes over the wire, the judge judges it: it never raises, and no rule fails on the way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import campaign

from kki.drafting.mutations import EVERY
from kki.judge import Judge
from kki.model.exchange import Exchange
from kki.model.http import Headers, Request, Response
from kki.model.verdict import Faulty

from .stage import CONTRACT, NOW, Stage, knowledge, profile

_SEEN = Stage()
CORRECT = {name: _SEEN.send(_SEEN.a(name))[0] for name in EVERY}
REPLY_NAMES = sorted({fact.name for op in CONTRACT.operations.values() for fact in op.reply})
BODY_NAMES = sorted({fact.name for op in CONTRACT.operations.values() for v in op.variants for fact in v.fields})
HEADER_NAMES = sorted({fact.name for op in CONTRACT.operations.values() for fact in op.headers})
FAILURES = ("timeout", "connection refused", "connection closed", "malformed reply", "TLS failed", "anything else")
TARGETS = [*(op.path for op in CONTRACT.operations.values()), "", "/", "*", "/x?y=%zz", "//", "/ü\ud800"]

texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", "2005400", "4015401", "20054٠٠", "9" * 400]),
    st.sampled_from(["\x00", "Bearer ", "eyJ.e.x", "\ud800", "|", "a|"]),
    st.sampled_from(["2026-13-45T99:99:99+99:99", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]),
    st.characters(categories=["Cs", "Cc", "Nd"]).map(lambda c: c * 3),
)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([10**400, -(10**30)]), st.floats(), texts
)


def values(names: list[str]) -> st.SearchStrategy[Any]:
    keys = st.one_of(st.sampled_from(names), texts)

    def larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6)

    return st.recursive(leaves, larger, max_leaves=12)


def _written(value: Any) -> bytes:
    return json.dumps(value).encode()


def bodies(names: list[str]) -> st.SearchStrategy[bytes]:
    odd = [b"", b"null", b"[", b'{"a":1,"a":2}', b"\xff\xfe{}", b"[" * 3000, b'{"a":' * 3000]
    odd += [b"NaN", b"1e999999", b'"\\ud800"']
    return st.one_of(st.binary(max_size=60), st.sampled_from(odd), values(names).map(_written))


MORE_HEADERS = ["Content-Type", "Date", "Retry-After", "Location"]
header_names = st.one_of(st.sampled_from([*HEADER_NAMES, *MORE_HEADERS]), texts)
headers = st.lists(st.tuples(header_names, texts), max_size=6).map(Headers.of)
STATUSES = [0, 100, 200, 202, 204, 302, 400, 401, 404, 409, 429, 500, 504, 999]
replies = st.builds(
    Response,
    status=st.one_of(st.sampled_from(STATUSES), st.integers()),
    headers=headers,
    body=bodies(REPLY_NAMES),
)


def likely(reply: Response, base: Exchange, change: dict[str, Any]) -> Response:
    """The right reply to this request, with some members or the status replaced: it passes the first checks."""
    assert base.response is not None
    members = json.loads(base.response.body) | change
    kept = {name: value for name, value in members.items() if value != "absent"}
    return replace(base.response, status=reply.status if len(change) % 2 else 200, body=_written(kept))


def judged(judge: Judge, exchange: Exchange) -> None:
    faulty = [each for each in judge.judge(exchange) if isinstance(each.judgement, Faulty)]
    assert not faulty, faulty[0]


ONE_IN_MIND = settings(
    max_examples=campaign.of(200, 1000), derandomize=True, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@ONE_IN_MIND
@given(
    st.sampled_from(EVERY), replies, st.none() | st.sampled_from(FAILURES),
    st.none() | st.dictionaries(st.sampled_from(REPLY_NAMES), leaves | st.just("absent"), max_size=4),
    st.none() | st.integers(-(10**6), 10**6),
)  # fmt: skip
def test_no_reply_upsets_the_judge(
    name: str, reply: Response, failure: str | None, change: dict[str, Any] | None, took: int | None
) -> None:
    base = CORRECT[name]
    answer = None if failure else reply if change is None else likely(reply, base, change)
    answered = base.sent_at + timedelta(milliseconds=took) if took is not None else None
    judge = Judge(knowledge(profile()))
    judged(judge, replace(base, response=answer, failure=failure, answered_at=answered))
    judged(judge, replace(base, id="again"))
    assert not [each for each in judge.finish() if isinstance(each.judgement, Faulty)]


@ONE_IN_MIND
@given(
    st.one_of(st.sampled_from(["POST", "GET", ""]), texts), st.sampled_from(TARGETS), headers,
    st.dictionaries(st.sampled_from(HEADER_NAMES), texts, max_size=3), bodies(BODY_NAMES), st.sampled_from(EVERY),
    st.none() | replies,
)  # fmt: skip
def test_no_request_upsets_the_judge(
    method: str, target: str, lines: Headers, changed: dict[str, str], body: bytes, name: str, reply: Response | None
) -> None:
    judge = Judge(knowledge(profile()))
    strange = Request(method=method, target=target, headers=lines, body=body, origin="http://doku.test")
    failure = None if reply else "timeout"
    judged(judge, Exchange(id="strange", request=strange, response=reply, sent_at=NOW, failure=failure))
    near = replace(CORRECT[name].request, body=body)
    for header, value in changed.items():
        near = near.with_header(header, value)
    judged(judge, replace(CORRECT[name], id="near", request=near))
    assert not [each for each in judge.finish() if isinstance(each.judgement, Faulty)]
