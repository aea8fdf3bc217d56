"""One header at a time: what the client breaks by it, what a server that accepts it, and by which refusal."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace

import pytest

from kki.judge import Judge
from kki.model.exchange import Exchange
from kki.model.requirement import Party
from kki.model.verdict import Broken

from .stage import NOW, Stage, broken, refused

STAMP, PARTNER, ADDRESS, KIND, KEY = "X-TIMESTAMP", "X-PARTNER-ID", "X-IP-ADDRESS", "Content-Type", "X-CLIENT-KEY"
TOKEN, CUSTOMER = "Authorization", "Authorization-customer"
Row = tuple[str, str, str | None, str, str, dict[str, str]]
# Operation, header, value; client's rows; server's rows once it accepts; replies, and the rows that each breaks.
TABLE: list[Row] = [
    # The page's own examples, and what the SDKs send, are right; a server need not take every form.
    ("payment", STAMP, "2026-11-24T10:00:00+07:00", "", "", {}),
    ("payment", STAMP, "2026-11-24T03:00:00Z", "", "", {"4005401": "", "4015400": ""}),
    ("payment", STAMP, "2026-11-24T03:00:00.000Z", "", "", {"4005401": ""}),
    ("payment", STAMP, "2026-11-24T10:00:00.123+07:00", "", "", {"4005401": ""}),
    ("payment", STAMP, "2026-11-24T03:00:00-00:00", "HDR-012", "", {"4005401": ""}),
    ("payment", STAMP, "24 November 2026", "HDR-012", "HDR-112", {"4005401": "", "4015400": "", "4045401": "RSN-150"}),
    ("payment", STAMP, "", "HDR-012", "HDR-112", {"4005402": "", "4005401": "", "4045401": "RSN-140"}),
    ("payment", STAMP, "2026-11-24T10:00+07:00", "HDR-012", "HDR-112", {"4005402": "RSN-150"}),
    ("payment", STAMP, "2026-11-31T10:00:00+07:00", "HDR-016", "HDR-116", {"4005401": "", "4045401": "RSN-150"}),
    ("bind", STAMP, "2026-11-24T24:30:00+07:00", "HDR-016", "HDR-116", {"4000101": "", "4000102": "RSN-150"}),
    # How far a clock may be off no document says: a day is plainly wrong, a quarter of an hour is not "current".
    ("payment", STAMP, "2026-11-24T10:05:00+07:00", "", "", {}),
    ("payment", STAMP, "2026-11-24T10:05:01+07:00", "", "", {"4015400": "", "4005401": "", "4035400": ""}),
    ("payment", STAMP, "2026-11-24T09:45:00+07:00", "", "", {"4015400": ""}),
    ("payment", STAMP, "2026-11-24T09:44:59+07:00", "HDR-018", "", {"4015400": ""}),
    ("payment", STAMP, "2026-11-23T09:59:59+07:00", "HDR-018", "HDR-118", {"4015400": "", "4045401": "RSN-250"}),
    ("payment", STAMP, "2026-11-25T10:00:02+07:00", "HDR-018", "HDR-118", {"4035400": "", "4005402": "RSN-250"}),
    ("b2b", STAMP, "yesterday", "TOK-022", "TOK-122", {"4007301": "", "4007302": "", "4047301": "RSN-150"}),
    ("b2b", STAMP, "2026-02-29T10:00:00+07:00", "TOK-022", "TOK-122", {"4007301": "", "4017300": ""}),
    ("b2b", STAMP, "2026-11-20T10:00:00+07:00", "TOK-024", "TOK-124", {"4007302": "", "4047301": "RSN-250"}),
    ("b2b", KEY, "BRN-somebody", "TOK-020", "TOK-120", {"4017300": "", "4047316": "", "4007301": "RSN-220"}),
    ("payment", PARTNER, "BRN-somebody", "HDR-026", "HDR-126", {
        "4015400": "", "4015401": "", "4015403": "", "4045416": "", "4045408": "", "4005402": "RSN-240",
    }),
    ("refund", ADDRESS, "192.168.1.1", "", "", {}), ("refund", ADDRESS, "2001:db8::1:2:3", "", "", {}),
    ("refund", ADDRESS, "999.168.1.1", "HDR-074", "HDR-174", {"4000701": ""}),
    ("unbind", ADDRESS, "not an address", "HDR-074", "HDR-174", {"4000501": ""}),
    # Without the right type a body is read all the same, or not: both are orderly.
    ("payment", KIND, "application/json; charset=UTF-8", "", "", {}),
    ("payment", KIND, "APPLICATION/JSON", "", "", {}),
    ("payment", KIND, "text/plain", "HDR-090", "", {"4005400": "", "4155400": "", "5005400": "HDR-190"}),
    ("payment", KIND, None, "HDR-090", "", {"4005400": "", "5005400": "HDR-190"}),
]  # fmt: skip
# Tokens. {b2b} and {customer} are those at hand, {old} the B2B token before. {altered} has another signature, {foreign}
# says nothing that can be read, and {made} says the right things with nobody's signature.
TABLE += [
    ("payment", TOKEN, "bearer {b2b}", "", "", {}),
    ("payment", TOKEN, "{b2b}", "HDR-052", "HDR-152", {"4015401": "", "4005401": ""}),
    ("payment", TOKEN, "Basic {b2b}", "HDR-052 TOK-040", "HDR-152 TOK-144", {
        "4015403": "", "4005401": "", "4045401": "RSN-120",
    }),
    ("payment", TOKEN, "Bearer", "HDR-052 TOK-040", "HDR-152 TOK-140", {"4015400": "", "4015401": ""}),
    ("payment", TOKEN, "Bearer 0123456789abcdef", "TOK-040", "TOK-140", {
        "4015401": "", "4015403": "", "4015400": "", "4045401": "RSN-120", "4015402": "RSN-120",
    }),
    ("payment", TOKEN, "Bearer {altered}", "TOK-040", "TOK-144", {"4015401": "", "4005402": "RSN-120"}),
    ("payment", TOKEN, "Bearer {foreign}", "TOK-040", "TOK-144", {"4015401": "", "4005402": "RSN-120"}),
    ("payment", TOKEN, "Bearer {made}", "TOK-040", "TOK-144", {"4015403": "", "4005402": "RSN-120"}),
    ("payment", TOKEN, "Bearer {customer}", "TOK-048", "TOK-148", {"4015401": "", "4045401": "RSN-120"}),
    ("payment", CUSTOMER, "Bearer {customer}", "", "", {}), ("payment", CUSTOMER, "{customer}", "", "", {}),
    ("payment", CUSTOMER, "Basic {customer}", "HDR-062 TOK-050", "TOK-150", {
        "4015402": "", "4005401": "", "4015400": "",
    }),
    ("payment", CUSTOMER, "Bearer 0123456789abcdef", "TOK-050", "TOK-150", {
        "4015402": "", "4015404": "", "4015400": "", "4015401": "RSN-130", "4045401": "RSN-130",
    }),
    ("payment", CUSTOMER, "Bearer {b2b}", "TOK-052", "TOK-152", {"4015402": "", "4015401": "RSN-130"}),
    ("payment", CUSTOMER, "Bearer {old}", "TOK-052", "TOK-152", {"4015402": "", "4015401": "RSN-130"}),
    ("payment", CUSTOMER, "", "HDR-062 TOK-050", "TOK-150", {"4015402": "", "4005402": "", "4045401": "RSN-130"}),
]  # fmt: skip
JUDGED = (
    "HDR-05", "HDR-06", "HDR-15", "HDR-16", "TOK-04", "TOK-05", "TOK-14", "TOK-15",
    "HDR-01", "HDR-02", "HDR-07", "HDR-09", "HDR-11", "HDR-12", "HDR-17", "HDR-19", "TOK-02", "TOK-12",
    "RSN-1", "RSN-22", "RSN-24", "RSN-25",
)  # fmt: skip


def accepted(stage: Stage, operation: str, header: str, value: str | None) -> Exchange:
    """Sent with this header, correctly signed, and answered as if nothing were wrong."""
    right = stage.client.send(stage.a(operation), "right")
    stage.judge.judge(right)  # so that what a wrong secret might explain is not open
    stage.client.clock = NOW
    value = value and filled(stage, value)
    draft = stage.a(operation)
    draft = draft.without_header(header) if value is None else draft.with_header(header, value)
    stage.client.clock = NOW
    return replace(stage.client.send(draft, "r"), response=right.response)


def filled(stage: Stage, value: str) -> str:
    held = stage.session.tokens
    head, payload, signature = held.b2b.split(".")
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    made = urlsafe_b64encode(json.dumps(claims | {"exp": claims["exp"] + 1}).encode()).decode().rstrip("=")
    old = held.b2b
    if "{old}" in value:
        stage.session.fetch_b2b()
    return value.format(
        b2b=held.b2b, customer=held.customer, old=old, made=f"{head}.{made}.{signature}",
        altered=f"{head}.{payload}.{signature[::-1]}",
        foreign=f"{head}.{payload[:-4]}AAAA.{signature[::-1]}",
    )  # fmt: skip


def rows(found: set[str]) -> set[str]:
    return {row.removeprefix("KKI-") for row in found if row.removeprefix("KKI-").startswith(JUDGED)}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]} {row[2]}")
def test_a_header(row: Row) -> None:
    operation, header, value, client, server, replies = row
    stage = Stage()
    taken = accepted(stage, operation, header, value)
    verdicts = stage.judge.judge(taken)
    assert rows(broken(verdicts, Party.CLIENT)) == set(client.split())
    assert rows(broken(verdicts, Party.SERVER)) == set(server.split())
    for code, expected in replies.items():
        assert rows(broken(stage.judge.judge(refused(taken, code)), Party.SERVER)) == set(expected.split()), code


@pytest.mark.parametrize(
    ("readings", "value", "client", "server"),
    [
        ({"timestamp_form": "offset-only"}, "2026-11-24T03:00:00Z", "HDR-012", "HDR-112"),
        ({"timestamp_form": "offset-only"}, "2026-11-24T10:00:00.123+07:00", "HDR-012", "HDR-112"),
        ({"timestamp_form": "offset-only"}, "2026-11-24T10:00:00+07:00", "", ""),
        ({"timestamp_window": "five-minutes"}, "2026-11-24T10:05:00+07:00", "", ""),
        ({"timestamp_window": "five-minutes"}, "2026-11-24T10:05:01+07:00", "HDR-018", "HDR-118"),
        ({"timestamp_window": "none"}, "2026-11-29T10:05:01+07:00", "", ""),
    ],
)
def test_a_time_under_another_reading(readings: dict[str, str], value: str, client: str, server: str) -> None:
    stage = Stage(**readings)
    verdicts = stage.judge.judge(accepted(stage, "payment", STAMP, value))
    assert rows(broken(verdicts, Party.CLIENT)) == set(client.split())
    assert rows(broken(verdicts, Party.SERVER)) == set(server.split())


@pytest.mark.parametrize(
    ("header", "second", "client", "server"),
    [
        (STAMP, "2026-11-24T10:00:01+07:00", "HDR-092", "HDR-192"), (STAMP, None, "HDR-092", ""),
        ("X-Request-Id", "2", "", ""),
    ],
)  # fmt: skip
def test_a_header_that_stands_twice(header: str, second: str | None, client: str, server: str) -> None:
    stage = Stage()
    taken = stage.client.send(stage.a("payment").with_header("X-Request-Id", "1"), "r")
    again = second or taken.request.headers.get(header) or ""
    taken = replace(taken, request=replace(taken.request, headers=taken.request.headers.adding(header, again)))
    verdicts = stage.judge.judge(taken)
    assert {"HDR-092"} & rows(broken(verdicts, Party.CLIENT)) == set(client.split())
    assert {"HDR-192"} & rows(broken(verdicts, Party.SERVER)) == set(server.split())
    findings = [each.judgement.findings[0] for each in verdicts if each.requirement == "KKI-HDR-092"
                and isinstance(each.judgement, Broken)]  # fmt: skip
    assert [finding.where for finding in findings] == ["header X-TIMESTAMP"] * bool(client)
    assert all(("different values" if second else "one value") in finding.actual for finding in findings)


def test_an_offset_that_iso_8601_forbids_is_explained() -> None:
    stage = Stage()
    verdicts = stage.judge.judge(accepted(stage, "payment", STAMP, "2026-11-24T03:00:00-00:00"))
    (said,) = (each.judgement for each in verdicts if each.requirement == "KKI-HDR-012")
    assert isinstance(said, Broken)
    assert "write +00:00 or Z" in said.findings[0].diagnosis


def test_a_token_in_both_places_is_the_partners_where_nobody_saw_it_issued() -> None:
    stage = Stage()
    taken = accepted(stage, "payment", CUSTOMER, "Bearer {b2b}")
    later = Judge(replace(stage.judge.knowledge, complete=False, staged=False, left_out=frozenset()))
    assert rows(broken(later.judge(taken), Party.CLIENT)) == {"TOK-052"}
