"""A run to report on: the real ledger, made-up verdicts, and traffic with all that reports must survive."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response
from kki.model.requirement import Level, Party, Source, Standing
from kki.model.run import CaseResult, Evidence, NotTried, Quoted, RequirementResult, Run
from kki.model.verdict import Grade, Outcome, Overall

LEDGER = Path(__file__).parents[2] / "openapi" / "requirements"
START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PATHS = {
    "/direct-debit/core/v1/debit/payment-host-to-host": "payment",
    "/direct-debit/core/v1/registration-card-bind": "bind",
    "/direct-debit/core/v1/registration-card-unbind": "unbind",
    "/direct-debit/core/v1/debit/refund": "refund",
    "/authorization/v1/access-token/b2b": "b2b",
}
# Every fifth kind of answer a stranger might give; none may break a document or be taken for one.
HOSTILE = (
    "<script>alert(1)</script>",
    "</style></pre><img src=x onerror=alert(1)>",
    '=HYPERLINK("http://evil.example","x")',
    "@SUM(1)|'\"`*_[x](y)",
    "\x00\x01\x0b\x1b[31m\x7f\x85\ufffe",
    "\u202egnirts desrever\u2066\u200b",
    "{{ 7*7 }} {% raw %} ${x} ]]> &amp; é 😀",
)


def make_record(number: int, **changes: Any) -> Record:
    path = list(PATHS)[number % len(PATHS)]
    body = {"partnerReferenceNo": f"INV-{number:04d}", "otp": "‹otp:1a2b3c›", "reason": "a refund for the customer"}
    code = "2005400" if number % 3 else "4015400"
    reply = {"responseCode": code, "responseMessage": "Successful" if number % 3 else "Unauthorized. [signature]"}
    sent = START + timedelta(milliseconds=70 * number + (900 if number > 30 else 0))
    exchange = Exchange(
        id=f"x{number}",
        request=Request(
            method="POST",
            origin="http://127.0.0.1:9000",
            target=path,
            headers=Headers.of(
                [
                    ("Content-Type", "application/json"),
                    ("X-TIMESTAMP", sent.isoformat(timespec="seconds")),
                    ("X-SIGNATURE", "lmBsSjwx…"),
                    ("X-PARTNER-ID", "BRN-0001-0000000000001"),
                    ("X-EXTERNAL-ID", f"{4100000000 + number}"),
                    ("Authorization", "Bearer ‹bearer:7f31c2›"),
                ]
            ),
            body=json.dumps(body, ensure_ascii=False).encode(),
        ),
        response=Response(
            status=int(code[:3]),
            headers=Headers.of([("Content-Type", "application/json"), ("Date", "Sun, 22 Nov 2026 10:00:00 GMT")]),
            body=json.dumps(reply).encode(),
        ),
        sent_at=sent,
        answered_at=sent + timedelta(milliseconds=8 + number % 13 * 3),
    )
    record = Record(exchange=exchange, made_by="suites/server/test_signing.py::test_a_changed_body", mutations=())
    return replace(record, **changes)


def make_records(count: int = 60) -> tuple[Record, ...]:
    records = [make_record(number) for number in range(1, count + 1)]
    records[6] = replace(records[6], mutations=("body changed after signing",))
    lost = replace(records[8].exchange, response=None, answered_at=None, failure="timeout")
    records[8] = replace(records[8], exchange=lost)
    for number, text in enumerate(HOSTILE):
        odd = records[20 + number].exchange
        odd = replace(
            odd,
            request=replace(odd.request, target=f"/x?{text}", headers=odd.request.headers.adding("X-Odd", text)),
            response=Response(status=200, headers=Headers.of([("X-Odd", text)]), body=text.encode("utf-8", "replace")),
        )
        records[20 + number] = replace(records[20 + number], exchange=odd, made_by=f"listener {text}")
    binary = replace(records[28].exchange, response=Response(status=500, body=bytes(range(256)) * 40))
    records[28] = replace(records[28], exchange=binary)
    return tuple(records)


def ledger() -> tuple[list[dict[str, Any]], dict[str, str]]:
    rows: list[dict[str, Any]] = []
    areas = {}
    for path in sorted(LEDGER.glob("*.toml")):
        data = tomllib.loads(path.read_text())
        areas[data["area"]] = data["title"]
        rows += data["requirement"]
    return rows, areas


BROKEN: dict[str, tuple[Evidence, ...]] = {
    "KKI-SIG-110": (
        Evidence(
            exchange="x7",
            where="reply /responseCode",
            expected="401 with a case of 4015400, since the signature does not match the body that was sent",
            actual="200 2005400 Successful",
            diagnosis="the server does not compare the signature, or compares it over another body",
        ),
        Evidence(exchange="x8", where="status", expected="401", actual="200"),
    ),
    "KKI-RSP-220": tuple(
        Evidence(exchange=f"x{number}", where="reply /responseCode", expected="4005402", actual="2005402")
        for number in range(9, 30)
    ),
    "KKI-ROB-320": (Evidence(exchange="x9", where="reply", expected="a reply within 10 s", actual="timeout"),),
    "KKI-SIG-010": (  # the client's: not on trial in a check
        Evidence(
            exchange="x17",
            where="header X-SIGNATURE",
            expected="lmBsSjwx…",
            actual="mnCtTkxy…",
            diagnosis="the body was signed as pretty-printed JSON; sign the very bytes that are sent, minified",
        ),
    ),
    "KKI-RFD-216": (Evidence(exchange="", where="the run", expected="once", actual="twice: " + " ".join(HOSTILE)),),
}


def make_result(row: dict[str, Any], number: int, use: str) -> RequirementResult:
    party = Party(row["party"])
    in_scope = use == "judge" or (party is Party.SERVER) == (use == "check")
    standing = Standing(row["standing"])
    findings: tuple[Evidence, ...] = ()
    missing = ""
    if row.get("untestable"):
        outcome, grade = Outcome.NOT_EXERCISED, Grade.NONE
    elif row["id"] in BROKEN and in_scope:
        findings, outcome = BROKEN[row["id"]], Outcome.BROKEN
        grade = Grade.WARNING if standing is Standing.CONFLICTED else Grade.VIOLATION
    elif number % 37 == 5:
        outcome, grade, missing = Outcome.UNKNOWN, Grade.NONE, "the shared key, without which no card data opens"
    elif number % 23 == 7:
        outcome, grade, missing = Outcome.NOT_EXERCISED, Grade.NONE, "no second bank_card_tokens entry in the profile"
    elif number % 41 == 9:
        outcome, grade = Outcome.NOT_APPLICABLE, Grade.NONE
    elif number % 29 == 11:
        outcome, grade = Outcome.BROKEN, Grade.WARNING if number % 2 else Grade.NOTE
        findings = (Evidence(exchange="x12", where="header Date", expected="a Date", actual="none"),)
    else:
        outcome, grade = Outcome.HOLDS, Grade.PASS
    return RequirementResult(
        id=row["id"],
        says=row["says"],
        party=party,
        level=Level(row["level"]),
        standing=standing,
        outcome=outcome,
        grade=grade,
        findings=findings,
        counts={"holds": number % 7, "broken": len(findings)},
        source=Source(**row["source"]),
        readings=tuple(row.get("readings", ())),
        evidence=tuple(f"x{1 + (number * 7 + each) % 60}" for each in range(3)) if outcome is Outcome.HOLDS else (),
        how_judged="rule signing.signature_matches",
        missing=missing,
        untestable=row.get("untestable"),
        waived="known, ticket 123 (until 2027-01-31)" if grade is Grade.NOTE else None,
        in_scope=in_scope,
    )


def make_run(use: str = "check", **changes: Any) -> Run:
    rows, areas = ledger()
    results = tuple(make_result(row, number, use) for number, row in enumerate(rows))
    violated = any(row.grade is Grade.VIOLATION for row in results)
    cases = tuple(
        CaseResult(
            id=f"test_signing.py::test_{number}",
            title=f"a payment whose body was changed after signing, case {number}",
            area="SIG",
            operation=list(PATHS.values())[number % len(PATHS)],
            outcome=("passed", "failed", "skipped", "broken")[0 if number % 9 else number % 4],
            reason="KKI-SIG-110 broken" if number % 9 == 0 else "",
            exercises=("KKI-SIG-110", "KKI-RSP-220")[: 1 + number % 2],
            exchanges=(f"x{number}",),
            seconds=0.012,
        )
        for number in range(1, 40)
    )
    run = Run(
        use=use,
        overall=Overall.DOES_NOT_CONFORM if violated else Overall.INCOMPLETE,
        harness="0.1.0",
        contract="sha256:" + "0123456789abcdef" * 4,
        target="http://127.0.0.1:9000",
        seed=42,
        level="standard",
        started=START,
        finished=START + timedelta(seconds=5.2),
        exchange_count=60,
        requirements=results,
        power={"standard": {"personas": 84, "caught": 83, "false alarms": 0}, "measured": "2026-11-20"},
        not_tried=(NotTried(what="a binding under CHANNEL-ID H2H", why="the profile has no H2H card"),),
        profile_digest="sha256:" + "fedcba98" * 8,
        replay="kki replay reports/20261122T100000-127.0.0.1-9000 --exchange {exchange}",
        cases=cases,
        areas=areas,
        documents={"page": Quoted(title="KKI host-to-host integration", url="https://developers.doku.com/x")},
        operations=PATHS,
        readings={"signature-encoding": "base64", "refund-service-code": "07"},
        signing={
            "x7": (
                ("minified body", '{"partnerReferenceNo":"INV-0007","otp":"‹otp:1a2b3c›"}'),
                ("body digest", "c" * 64),
                ("string to sign", "POST:/direct-debit/core/v1/debit/refund:‹bearer:7f31c2›:" + "c" * 64 + ":2026"),
                ("X-SIGNATURE", "lmBsSjwx…"),
            )
        },
        pseudonyms={"‹otp:1a2b3c›": "test_data.otp"},
        notes=("One waiver is active: KKI-REF-040, known, ticket 123.",),
    )
    return replace(run, **changes)


@pytest.fixture
def run() -> Run:
    return make_run()


@pytest.fixture
def run_of() -> Callable[..., Run]:
    return make_run


@pytest.fixture
def records() -> tuple[Record, ...]:
    return make_records()


@pytest.fixture(scope="session")
def made() -> tuple[Callable[..., Run], Callable[..., tuple[Record, ...]]]:
    """The two makers, for fixtures that live longer than a test."""
    return make_run, make_records


@pytest.fixture
def records_of() -> Callable[[int], tuple[Record, ...]]:
    return make_records


@pytest.fixture
def hostile() -> tuple[str, ...]:
    return HOSTILE
