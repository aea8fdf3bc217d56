"""A session: judged as it goes, nothing secret left behind, and a verdict at the end that names what is missing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from kki.certify import board
from kki.certify.progress import State
from kki.certify.session import BOTH, Plan, Session, in_order, related, written
from kki.edges import store
from kki.edges.settings import PLAN as FEATURES
from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response
from kki.model.run import Run
from kki.model.verdict import Grade, Outcome, Overall

from .memory import Memory
from .small_client import Kit, SmallClient, Ways
from .stage import Stage, a_stage, until
from .trial import CHECKLIST, CONTRACT, PROFILE, a_world

PLAN = Plan(profile=PROFILE, contract=CONTRACT, use="certify", target="t", checklist=CHECKLIST)
CARD = {"bankCardToken": PROFILE.test_data.bank_card_tokens[0]}
PATHS = {op.name: op.path for op in CONTRACT.operations.values()}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with a_stage(output=tmp_path / "run") as staged:
        yield staged


def of_a_day(ways: Ways | None = None) -> list[Exchange]:
    """A small client's day in memory, troubles and all."""
    memory = Memory(a_world({}))
    SmallClient(Kit.of(PROFILE), memory, ways or Ways()).day()
    return memory.exchanges


def session_over(exchanges: list[Exchange], **changes: Any) -> tuple[Session, Run]:
    session = Session(replace(PLAN, **changes))
    for exchange in exchanges:
        session.watch(exchange)
    return session, session.finish()


# --- verdicts ----------------------------------------------------------------------------------------------


def test_a_correct_merchant_completes_the_checklist_and_breaks_nothing() -> None:
    session, run = session_over(of_a_day())
    assert session.progress is not None
    assert [place.step.id for place in session.progress.missing] == []
    assert [row.id for row in run.requirements if row.grade is Grade.VIOLATION] == []
    assert run.overall is Overall.CONFORMS
    assert session.exit_code(run) == 0
    assert session.complete.is_set()


def test_a_violation_decides_the_end() -> None:
    session, run = session_over(of_a_day(Ways(text=lambda parts: f"{parts.method}:{parts.path}")))
    assert run.overall is Overall.DOES_NOT_CONFORM
    assert session.exit_code(run) == 1
    row = run.of("KKI-SIG-010")
    assert row is not None
    assert row.grade is Grade.VIOLATION
    assert row.findings[0].exchange
    assert row.findings[0].diagnosis, "the cause is named with the finding"


def test_an_unfinished_checklist_is_incomplete_and_says_what_to_do() -> None:
    session, run = session_over(of_a_day()[:2])
    assert run.overall is Overall.INCOMPLETE
    assert session.exit_code(run) == 4
    missing = {row.what: row.why for row in run.not_tried}
    assert "A refund" in missing
    assert "INSUFFICIENTFUNDS" in missing["Insufficient funds (403/14)"]
    assert "steps of the checklist are missing" in session.sentence(run)


def test_a_missing_step_alone_makes_it_incomplete() -> None:
    exchanges = [each for each in of_a_day() if "SLOWREPLY" not in each.request.body.decode()]
    session, run = session_over(exchanges)
    assert session.progress is not None
    assert [place.step.id for place in session.progress.missing] == ["slow-reply"]
    assert run.overall is Overall.INCOMPLETE
    assert [row.what for row in run.not_tried] == ["A slow reply (4 seconds)"]


def test_the_plan_leaves_out_what_is_not_implemented() -> None:
    profile = replace(PROFILE, plan={"refund": False})
    exchanges = [each for each in of_a_day() if each.request.path != PATHS["refund"]]
    session, run = session_over(exchanges, profile=profile)
    refunds = [row for row in run.requirements if row.area == "RFD" and row.party.value == "client"]
    assert refunds
    assert not any(row.in_scope for row in refunds)
    assert run.overall is Overall.CONFORMS
    assert session.exit_code(run) == 0


def test_the_servers_rows_are_not_on_trial() -> None:
    _, run = session_over(of_a_day())
    servers = [row for row in run.requirements if row.party.value == "server"]
    assert servers
    assert not any(row.in_scope for row in servers)
    assert {row.outcome for row in servers} <= {Outcome.NOT_EXERCISED, Outcome.NOT_APPLICABLE}


def test_only_narrows_the_verdict_and_leaves_the_checklist_aside() -> None:
    only = frozenset(row.id for row in CONTRACT.requirements.values() if row.area == "SIG")
    session, run = session_over(of_a_day()[:4], only=only)
    assert {row.area for row in run.requirements if row.in_scope} == {"SIG"}
    assert run.overall is Overall.CONFORMS
    assert session.exit_code(run) == 0


def test_a_session_without_traffic_is_incomplete() -> None:
    session, run = session_over([])
    assert run.exchange_count == 0
    assert session.exit_code(run) == 4
    assert run.overall is Overall.INCOMPLETE


def test_the_checklist_stands_in_the_run_as_cases() -> None:
    _, run = session_over(of_a_day())
    cases = {case.id: case for case in run.cases}
    assert set(cases) == {step.id for step in CHECKLIST}
    assert {case.outcome for case in cases.values()} == {"passed"}
    assert cases["conflict"].exchanges


def test_a_fault_of_ours_is_said_and_has_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(PLAN)

    def fail(*_: object) -> None:
        raise RuntimeError("no more paper")

    monkeypatch.setattr(session.judge, "judge", fail)
    session.watch(of_a_day()[0])
    run = session.finish()
    assert session.exit_code(run) == 3
    assert run.partial
    assert any("no more paper" in note and "nothing about the party" in note for note in run.notes)


# --- while it goes on --------------------------------------------------------------------------------------


def test_each_request_is_judged_as_it_comes(stage: Stage) -> None:
    client = stage.client(Ways(key=lambda _: b"another key"))
    client.bind("H2H")
    assert "KKI-SIG-010" in stage.broken()
    row = next(row for row in stage.session.board.broken() if row.id == "KKI-SIG-010")
    assert row.grade == "violation"
    assert row.exchange == "c2"


def test_clients_at_once_and_restarts_are_fine(stage: Stage) -> None:
    """Four processes of one merchant, each with its own token; and each of them once more from the start."""
    clients = [stage.client() for _ in range(8)]
    problems: list[str] = []

    def buy(number: int) -> None:
        client = clients[number]
        client.good_token()
        client.get_customer_token()
        for order in range(3):
            if not client.pay("", {**CARD, "additionalInfo": {"order": f"{number}-{order}"}}).done:
                problems.append(f"client {number}, order {order}")

    for start in (0, 4):
        threads = [threading.Thread(target=buy, args=(start + number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert problems == []
    assert stage.broken() <= {"KKI-TOK-060"}, "a token is fetched by each process, which the page only advises against"
    assert stage.session.exchange_count == 8 * (1 + 1 + 1 + 3)


def test_evidence_is_on_disk_while_the_session_goes_on(stage: Stage, tmp_path: Path) -> None:
    stage.client().good_token()
    stage.judged()
    lines = (tmp_path / "run" / store.EXCHANGES).read_text("utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["c1"]


def test_the_checklist_completes_over_a_socket(tmp_path: Path) -> None:
    plan = {name: name in ("bind_h2h", "b2b2c") for name in FEATURES}
    with a_stage(output=tmp_path / "run", plan=plan) as stage:
        client = stage.client()
        client.get_customer_token()
        for begin in ("CONFLICT", "EXPIREDTOKEN", "TOOMANYREQUESTS"):
            assert client.pay(begin, {**CARD, "additionalInfo": {"order": begin}}).done
        until(stage.session.complete.is_set, "the checklist is complete")
        assert stage.session.progress is not None
        assert stage.session.progress.done == len(stage.session.progress.asked)


@pytest.mark.parametrize("seldom", [3, 1], ids=["few wrong", "all wrong"])
def test_the_page_keeps_the_newest_and_the_first_wrong_ones(monkeypatch: pytest.MonkeyPatch, seldom: int) -> None:
    """Of twelve exchanges eight have a page: two wrong ones are spared, whatever comes after them."""
    monkeypatch.setattr(board, "MOST_KEPT", 8)
    first = of_a_day()[0]
    wrong = replace(first, request=first.request.with_header("X-SIGNATURE", "QUJD" * 21 + "QQ=="))
    each = [replace(wrong if seldom == 1 or n in (0, 3) else first, id=f"n{n}") for n in range(12)]
    session, _ = session_over([*each, replace(each[-1], id="n11")])
    left = [n for n in range(12) if session.board.exchange(f"n{n}")]
    assert left == ([0, 3, 6, 7, 8, 9, 10, 11] if seldom == 3 else [0, 1, 6, 7, 8, 9, 10, 11])


# --- secrets -----------------------------------------------------------------------------------------------


def test_no_secret_reaches_the_folder_or_the_page(stage: Stage, tmp_path: Path) -> None:
    client = stage.client(scenarios={"no": "CARDBLOCKED"})
    client.day()
    bound = otp_typed(stage, client)
    session = stage.judged()
    page = session.board.overview() + "".join(session.board.exchange(f"c{n}") or "" for n in range(1, 40))
    run = session.finish()
    written(run, tmp_path / "run")
    held, data = PROFILE.credentials, PROFILE.test_data
    secrets = [held.client_secret, held.shared_key, data.cpan, data.otp, *data.bank_card_tokens]
    secrets += [client.token, client.customer, bound]
    kept = {path.name: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert {"run.json", "exchanges.jsonl", "report.html"} <= set(kept)
    for secret in filter(None, secrets):
        leaks = [name for name, octets in kept.items() if secret.encode() in octets]
        assert leaks == [], f"{secret[:4]}…"
        assert secret not in page, f"{secret[:4]}…"


def otp_typed(stage: Stage, client: SmallClient) -> str:
    """The bankCardToken that the OTP page gives away."""
    url = str(client.bind("DH").members["redirectUrl"])
    page = requests.post(url, data={"otp": PROFILE.test_data.otp}, timeout=300)
    assert page.status_code == 200
    token = page.text.split('id="token">')[1].split("<")[0]
    assert client.pay("", {"bankCardToken": token, "additionalInfo": {"order": 9}}).done, "the token is good"
    return token


def test_a_wrong_otp_leaves_the_binding_open(stage: Stage) -> None:
    client = stage.client()
    url = str(client.bind("DH").members["redirectUrl"])
    assert requests.get(url, timeout=300).status_code == 200
    wrong = requests.post(url, data={"otp": "00000000"}, timeout=300)
    assert wrong.status_code == 422
    assert "<form" in wrong.text
    session = stage.judged()
    assert session.progress is not None
    assert session.progress.places["otp-page"].state is State.OPEN
    assert requests.post(url, data={"otp": PROFILE.test_data.otp}, timeout=300).status_code == 200
    stage.judged()
    assert session.progress.places["otp-page"].state is State.DONE
    assert requests.get(url, timeout=300).status_code == 404, "it is used up"


@pytest.mark.parametrize("body", [b"", b"otp", b"otp=", b"otp=1&otp=2", b"\xff\xfe", b"&" * 5000, b"x=1&" * 100])
def test_the_otp_page_takes_any_body(stage: Stage, body: bytes) -> None:
    url = str(stage.client().bind("DH").members["redirectUrl"])
    answer = requests.post(url, data=body, timeout=300)
    assert answer.status_code == 422
    assert stage.running.faults == []


# --- recordings ----------------------------------------------------------------------------------------------


def a_record(name: str, origin: str, target: str, second: int) -> Record:
    exchange = of_a_day()[0]
    request = Request(method="POST", target=target, headers=Headers(), body=b"{}", origin=origin)
    at = exchange.sent_at.replace(second=second)
    return Record(exchange=replace(exchange, id=name, request=request, sent_at=at), made_by="a test")


def test_records_are_judged_in_the_order_of_sending() -> None:
    rows = [a_record(name, "https://doku", "/x", second) for name, second in (("a", 3), ("b", 1), ("c", 3))]
    assert [each.exchange.id for each in in_order(rows)] == ["b", "a", "c"]


def test_traffic_with_others_is_left_aside() -> None:
    rows = [
        a_record("pay", "https://doku", PATHS["payment"], 1),
        a_record("page", "https://doku", "/direct-debit/kki/binding/1", 2),
        a_record("news", "https://news", "/", 3),
    ]
    assert [each.exchange.id for each in related(rows, CONTRACT)] == ["pay", "page"]


def test_both_parties_of_a_recording_are_judged() -> None:
    exchanges = of_a_day()
    wrong = replace(exchanges[1], response=Response(status=200, headers=Headers(), body=b'{"responseCode":"5005400"}'))
    session, run = session_over([exchanges[0], wrong], use="judge", parties=BOTH, checklist=None, complete=False)
    parties = {row.party.value for row in run.requirements if row.outcome is Outcome.HOLDS}
    assert parties == {"client", "server"}
    assert any(row.party.value == "server" and row.outcome is Outcome.BROKEN for row in run.requirements)
    assert session.exit_code(run) == 1


def test_the_right_steps_are_kept_of_a_signature_that_nothing_explains() -> None:
    """A client that signs in a way that no construction of ours gives: what it should have been helps all the same."""
    exchanges = of_a_day()
    at = next(place for place, each in enumerate(exchanges) if each.request.path == PATHS["payment"])
    strange = exchanges[at].request.with_header("X-SIGNATURE", "QUJD" * 21 + "QQ==")
    session, run = session_over([*exchanges[:at], replace(exchanges[at], request=strange)])
    names = [name for name, _ in run.signing[exchanges[at].id]]
    assert any("string to sign" in name.lower() for name in names), names
    assert session.exit_code(run) == 1
