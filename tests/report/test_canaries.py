"""Planted secrets reach none of the outputs, whatever place they stood in and whatever encoding they wore."""

from __future__ import annotations

import base64
import html
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from tests import campaign

from kki.edges import contract as contracts
from kki.edges import entropy, store
from kki.edges.listener import serve_simulator
from kki.edges.settings import load_profile
from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response
from kki.model.profile import Credentials, Profile, TestData
from kki.model.run import Evidence, Run
from kki.model.verdict import Finding
from kki.redaction import redactor_for
from kki.simulator.correct import CORRECT
from kki.simulator.personas import PERSONAS

CANARIES = {
    "client_secret": "SK-cAnArY/+0001==tail",
    "shared_key": "cAnArY-shared-key-0002",
    "private": "cAnArYprivatekeyline0003MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj",
    "otp": "84207731",
    "auth_code": "cAnArY-auth-0004",
    "customer_token": "cAnArY.customer.token.0005",
    "card_token": "cAnArY-bound-card-0006",
    "cpan": "9360001609987123450",
    "bearer": "cAnArY-bearer-from-the-traffic-0007",
    "other_secret": "SK-cAnArY-other-partner-0008",
}


def every_shape(value: str) -> set[bytes]:
    data = value.encode()
    shapes = {
        value, value.lower(), value.upper(), quote(value, safe=""), html.escape(value), json.dumps(value)[1:-1],
        value.replace("/", "\\/"), data.hex(), data.hex().upper(), "".join(f"\\u{ord(char):04x}" for char in value),
    }  # fmt: skip
    for shift in range(3):
        whole = base64.b64encode(b"." * shift + data).decode()
        inner = whole[-(-8 * shift // 6) : 8 * (shift + len(data)) // 6]
        shapes |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {shape.encode() for shape in shapes}


FORBIDDEN = {name: every_shape(value) for name, value in CANARIES.items()}


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, its name, and what is packed in it."""
    for path in sorted(folder.rglob("*")):
        yield f"name of {path}", str(path.relative_to(folder)).encode()
        if path.is_file():
            data = path.read_bytes()
            yield str(path), data
            if data.startswith(b"PK"):
                with zipfile.ZipFile(io.BytesIO(data)) as book:
                    yield from ((f"{path}!{name}", book.read(name)) for name in book.namelist())


def leaks(where: str, data: bytes) -> list[str]:
    return [f"{name} in {where}" for name, shapes in FORBIDDEN.items() if any(shape in data for shape in shapes)]


PROFILE = Profile(
    credentials=Credentials(
        client_id="BRN-0001-0000000000001",
        client_secret=CANARIES["client_secret"],
        shared_key=CANARIES["shared_key"],
        private_key=f"-----BEGIN PRIVATE KEY-----\n{CANARIES['private']}\n-----END PRIVATE KEY-----",
    ),
    other_partner=Credentials(client_id="BRN-2", client_secret=CANARIES["other_secret"]),
    test_data=TestData(
        cpan=CANARIES["cpan"],
        otp=CANARIES["otp"],
        bank_card_tokens=(CANARIES["card_token"],),
        auth_code=CANARIES["auth_code"],
        customer_token=CANARIES["customer_token"],
    ),
)


def talkative(number: int) -> Record:
    """An exchange in which a stranger writes every canary everywhere, in every shape."""
    shapes = [shape.decode() for shapes in FORBIDDEN.values() for shape in sorted(shapes)]
    everything = " ; ".join(shapes)
    body = json.dumps(
        {"accessToken": CANARIES["bearer"], "echo": everything, "deep": [{"x": value} for value in shapes]}
    )
    return Record(
        exchange=Exchange(
            id=f"x{number}",
            request=Request(
                method="POST",
                origin="http://127.0.0.1:1",
                target="/pay?" + "&".join(f"a={quote(value, safe='')}" for value in CANARIES.values()),
                headers=Headers(
                    (
                        ("Authorization", f"Bearer {CANARIES['bearer']}"),
                        ("Authorization-customer", f"Bearer {CANARIES['customer_token']}"),
                        ("X-Echo", everything),
                        (CANARIES["card_token"], "a name"),
                    )
                ),
                body=body.encode(),
            ),
            response=Response(
                status=500,
                headers=Headers((("X-Echo", everything),)),
                body=f"<b>{html.escape(everything)}</b>".encode(),
            ),
            sent_at=datetime(2026, 11, 22, tzinfo=UTC),
            answered_at=datetime(2026, 11, 22, tzinfo=UTC),
            failure=None,
        ),
        made_by=f"test[{CANARIES['otp']}]",
        mutations=(f"secret replaced by {CANARIES['client_secret']}",),
    )


def test_no_document_holds_a_planted_secret(tmp_path: Path, run: Run) -> None:
    redactor = redactor_for(PROFILE, salt=b"a salt for tests")
    redactor.learn("bearer", CANARIES["bearer"])
    with store.ExchangeWriter(tmp_path / store.EXCHANGES, redactor) as writer:
        for number in range(1, 4):
            writer.write(talkative(number))
    everything = " ; ".join(shape.decode() for shapes in FORBIDDEN.values() for shape in sorted(shapes))
    said = redactor.finding(
        Finding(where=f"body {everything}", expected=everything, actual=everything, diagnosis=everything)
    )
    found = Evidence(
        exchange="x1", where=said.where, expected=said.expected, actual=said.actual, diagnosis=said.diagnosis
    )
    rows = tuple(
        replace(row, findings=(found,), missing=redactor.text(everything)) if row.grade.value != "pass" else row
        for row in run.requirements
    )
    noisy = replace(
        run, requirements=rows, notes=(redactor.text(everything),),
        signing={"x1": (("string to sign", redactor.text(everything)),)}, pseudonyms=redactor.pseudonyms(),
    )  # fmt: skip
    store.write_run(tmp_path, noisy)
    store.write_reports(tmp_path, noisy)
    seen = list(contents(tmp_path))
    assert len(seen) > 200
    assert [leak for where, data in seen for leak in leaks(where, data)] == []
    assert "‹client-secret:" in (tmp_path / "report.html").read_text()


def test_the_search_itself_finds_what_is_there() -> None:
    for name, value in CANARIES.items():
        for text in (f"x {value} y", f"x {base64.b64encode(b'ab' + value.encode()).decode()} y", value.encode().hex()):
            assert any(leak.startswith(name) for leak in leaks("here", text.encode())), (name, text)


# --- the whole way, as an operator runs it ------------------------------------------------------------------------


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    private, public = entropy.rsa_pair()
    (tmp_path / "secret.pem").write_text(private)
    (tmp_path / "public.pem").write_text(public)
    path = tmp_path / "plan.toml"
    path.write_text(f"""
[credentials]
client_id = "BRN-0001-0000000000001"
client_secret = "{CANARIES["client_secret"]}"
shared_key = "{CANARIES["shared_key"]}"
private_key = "file:secret.pem"
public_key = "file:public.pem"
[test_data]
cpan = "{CANARIES["cpan"]}"
otp = "{CANARIES["otp"]}"
bank_card_tokens = ["{CANARIES["card_token"]}", "{CANARIES["card_token"]}-2"]
auth_code = "{CANARIES["auth_code"]}"
ip_address = "192.168.1.1"
card = {{ bankCardNo = "{CANARIES["cpan"]}", bankCardType = "D", expiryDate = "1230" }}
""")
    return path


def ended(where: Path, *args: str) -> tuple[int, bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "kki", *args], cwd=where, capture_output=True, timeout=600, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_check_and_a_judgement_of_its_recording_leak_nothing(tmp_path: Path, plan: Path) -> None:
    contract = contracts.load()
    work = tmp_path / "work"
    work.mkdir()
    with serve_simulator(load_profile(plan, contract=contract), contract) as url:
        code, said = ended(
            work, "check", "--base-url", url, "--profile", str(plan), "--output", "run", "--level", "quick",
            "--only", "SIG", "--only", "CRD", "--only", "TOK", "-vv",
        )  # fmt: skip
    assert code in (0, 1, 4), said.decode()
    assert (work / "run" / store.RUN).is_file(), said.decode()
    assert leaks("the terminal", said) == []
    code, said = ended(work, "judge", "run/exchanges.har", "--profile", str(plan), "--output", "judged", "-vv")
    assert code in (0, 1, 4), said.decode()
    assert leaks("the terminal of judge", said) == []
    private = "".join((tmp_path / "secret.pem").read_text().splitlines()[3:5])[:60].encode()
    seen = list(contents(work))
    assert [leak for where, data in seen for leak in leaks(where, data)] == []
    assert not [where for where, data in seen if private in data]


# Clients that are right, and some that put secrets where they do not belong.
_CLIENTS = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.certify.merchants import CORRECT, MERCHANTS
from tests.certify.small_client import Kit
env = os.environ
kit = Kit(
    client_id=env["KKI_CLIENT_ID"], client_secret=env["KKI_CLIENT_SECRET"], shared_key=env["KKI_SHARED_KEY"],
    private_key=Path(env["KKI_PRIVATE_KEY"]).read_text(), cpan=env["KKI_CPAN"], otp=env["KKI_OTP"],
    card_tokens=tuple(env["KKI_CARD_TOKENS"].split(",")), auth_code=env.get("KKI_AUTH_CODE", ""),
    card={"bankCardNo": env["KKI_CPAN"], "bankCardType": "D", "expiryDate": "1230"},
)
bad = ("secret-in-header", "shared-key-in-body", "card-number-in-info", "card-plain", "secret-wrong", "path-full-url")
for merchant in (CORRECT, *(each for each in MERCHANTS if each.name in bad)):
    merchant.run(env["KKI_BASE_URL"], kit, scenarios={})
print(*(value for name, value in env.items() if name.startswith("KKI_")))  # a client that says everything
"""


def test_a_certification_leaks_nothing(tmp_path: Path, plan: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "client.py").write_text(_CLIENTS)
    command = f"{sys.executable} {tmp_path / 'client.py'} {Path(__file__).parents[2]}"
    code, said = ended(
        work, "certify", "--profile", str(plan), "--output", "run", "--live", "off", "--command", command, "-vv"
    )
    assert code == 1, said.decode()
    # What the client itself prints is the client's own; everything else on the terminal is ours.
    ours = b"\n".join(line for line in said.splitlines() if not line.startswith(b"http://127.0.0.1"))
    assert leaks("the terminal", ours) == []
    for more in (("report", "run", "--lang", "id"), ("judge", "run/exchanges.jsonl", "--output", "judged", "-vv")):
        code, said = ended(work, *more)
        assert code in (0, 1, 4), said.decode()
        assert leaks(f"the terminal of {more[0]}", said) == []
    seen = list(contents(work))
    assert len(seen) > 50
    assert [leak for where, data in seen for leak in leaks(where, data)] == []


@pytest.mark.skipif(not campaign.LONG, reason="a thorough run: tox -e campaign")
def test_long_flows_leak_nothing(tmp_path: Path, plan: Path) -> None:
    contract = contracts.load()
    work = tmp_path / "work"
    work.mkdir()
    with serve_simulator(load_profile(plan, contract=contract), contract) as url:
        code, said = ended(
            work, "check", "--base-url", url, "--profile", str(plan), "--output", "run", "--level", "thorough", "-vv"
        )
    assert code in (0, 1, 4), said.decode()
    assert leaks("the terminal", said) == []
    flows = [each for each in store.read_run(work / "run").cases if "test_flows" in each.title and each.exchanges]
    assert flows, "no flow was run"
    assert [leak for where, data in contents(work) for leak in leaks(where, data)] == []


_CRASH = """
import sys
import kki.rules.registry as registry
from dataclasses import replace
import kki.judge, kki.cli.main
from kki.edges import store
def broken(*_args, **_names):
    raise RuntimeError(f"cannot write {SECRETS}")
SECRETS = " ; ".join(sys.argv[1].split("|"))
store.write_reports = broken
sys.exit(kki.cli.main.main(sys.argv[2:]))
"""


def test_a_crash_of_ours_leaks_nothing(tmp_path: Path, plan: Path) -> None:
    contract = contracts.load()
    (tmp_path / "crash.py").write_text(_CRASH)
    work = tmp_path / "work"
    work.mkdir()
    planted = "|".join(CANARIES[name] for name in ("client_secret", "shared_key", "cpan", "card_token", "auth_code"))
    with serve_simulator(load_profile(plan, contract=contract), contract) as url:
        done = subprocess.run(
            [sys.executable, str(tmp_path / "crash.py"), planted, "check", "--base-url", url, "--profile", str(plan),
             "--output", "run", "--level", "quick", "--only", "SIG", "-vv"],
            cwd=work, capture_output=True, timeout=600, check=False,
        )  # fmt: skip
    assert done.returncode == 3, done.stderr.decode()
    assert leaks("the terminal", done.stdout + done.stderr) == []
    assert [leak for where, data in contents(work) for leak in leaks(where, data)] == []


def test_what_a_run_keeps_to_go_on_with_leaks_nothing(tmp_path: Path, plan: Path) -> None:
    """journal.jsonl of a run that its limit cut short; and pytest's own cache, where pytest is the front."""
    contract = contracts.load()
    work = tmp_path / "work"
    work.mkdir()
    plan.write_text(plan.read_text() + "\n[limits]\nmax_requests = 14\n")
    suites = Path(__file__).parents[2] / "suites"
    behaviour = PERSONAS["accepts-any-signature"].change(CORRECT)
    with serve_simulator(load_profile(plan, contract=contract), contract, behaviour) as url:
        code, said = ended(
            work, "check", "--base-url", url, "--profile", str(plan), "--output", "run", "--level", "quick",
            "--only", "SIG", "-vv",
        )  # fmt: skip
        assert (work / "run" / "journal.jsonl").is_file(), said.decode()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", str(suites / "server"), "-c", str(suites / "pytest.ini"), "-q",
             "--kki-base-url", url, "--kki-profile", str(plan), "--kki-only", "KKI-SIG-110", "--kki-level", "quick",
             "-o", f"cache_dir={work / '.pytest_cache'}", "--kki-output", str(work / "own")],
            cwd=work, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
    assert code == 1
    assert (work / ".pytest_cache" / "v" / "cache" / "lastfailed").is_file(), done.stdout.decode()
    assert leaks("the terminals", said + done.stdout + done.stderr) == []
    assert [leak for where, data in contents(work) for leak in leaks(where, data)] == []
