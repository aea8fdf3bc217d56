"""`kki certify` and `kki relay` from outside: READY, the command, the ends of a session, exit codes, TLS, mistakes."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kki.edges.settings import PLAN as FEATURES

from .conftest import SECRET, SHARED, Kki, WriteProfile

ROOT = Path(__file__).resolve().parents[2]
MERCHANT = ROOT / "examples" / "merchant" / "merchant.py"
PATIENCE_S = 60.0
# One request without anything in it, by a client of three lines: wrong in several ways.
WRONG = """
import os, urllib.request, urllib.error
asked = urllib.request.Request(os.environ["KKI_BASE_URL"] + "/authorization/v1/access-token/b2b", b"{}", method="POST")
try: urllib.request.urlopen(asked)
except urllib.error.HTTPError as error: print("told", error.code)
"""


@pytest.fixture
def wrong_client(tmp_path: Path) -> str:
    script = tmp_path / "client.py"
    script.write_text(WRONG, encoding="utf-8")
    return f"'{sys.executable}' '{script}'"


@pytest.fixture
def profile(write_profile: WriteProfile, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARD_TOKEN", "card-token-of-the-cli-tests-02")
    return write_profile()


@dataclass
class Started:
    process: subprocess.Popen[str]
    url: str

    def ended(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, err


@contextmanager
def started(*args: str, cwd: Path) -> Iterator[Started]:
    process = subprocess.Popen(
        [sys.executable, "-m", "kki", *args], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
        assert readable, "nothing was said"
        line = process.stdout.readline()
        found = re.fullmatch(r"READY (https?://\S+)\n", line)
        assert found, (line, process.stderr.read() if process.stderr and not line else "")
        yield Started(process, found[1])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


# --- with a command ------------------------------------------------------------------------------------------


def test_the_reference_merchant_certifies(tmp_path: Path) -> None:
    """No profile at all: everything is made up, and handed to the client in its environment."""
    env = {**os.environ, "KKI_TIMEOUT_S": "5", "NO_COLOR": "1"}
    args = ["certify", "--command", f"'{sys.executable}' '{MERCHANT}'", "--output", "run", "--live", "off"]
    done = subprocess.run(
        [sys.executable, "-m", "kki", *args], cwd=tmp_path, capture_output=True, text=True, env=env,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    run = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    broken = [row["id"] for row in run["requirements"] if row["in_scope"] and row["grade"] in ("violation", "warning")]
    assert (done.returncode, run["overall"], broken) == (0, "conforms", []), done.stderr[-2000:]
    assert run["use"] == "certify"
    assert {case["outcome"] for case in run["cases"]} == {"passed"}
    assert "26 of 26" in done.stderr
    assert (tmp_path / "run" / "report.html").exists()


def test_a_client_that_does_it_wrong(kki: Kki, profile: Path, wrong_client: str, tmp_path: Path) -> None:
    ended = kki("certify", "--profile", str(profile), "--command", wrong_client, "--output", str(tmp_path / "run"))
    assert ended.code == 1
    assert ended.out.startswith("READY http://127.0.0.1:")
    assert "DOES NOT CONFORM" in ended.out
    assert "KKI-TOK-010" in ended.out
    assert "KKI-TOK-010" in ended.err, "told when it happened"
    assert "| told 401" in ended.err, "what the client writes is passed on"


def test_a_client_that_does_nothing_is_incomplete(kki: Kki, profile: Path, tmp_path: Path) -> None:
    """And is told what to do."""
    ended = kki("certify", "--profile", str(profile), "--command", "true", "--output", str(tmp_path / "run"))
    assert ended.code == 4
    assert "25 of 26 steps of the checklist are missing" in ended.out, "the 26th is advice"
    assert "A payment by CPAN" in ended.out
    assert "begins with INSUFFICIENTFUNDS" in ended.out


def test_json_is_one_document(kki: Kki, profile: Path, wrong_client: str, tmp_path: Path) -> None:
    ended = kki(
        "certify", "--profile", str(profile), "--command", wrong_client, "--output", str(tmp_path / "run"),
        "--format", "json",
    )  # fmt: skip
    document = ended.document
    assert document["use"] == "certify"
    assert document["overall"] == "does-not-conform"
    assert document["exchange_count"] == 1
    assert "READY http://" in ended.err


def test_no_secret_is_said_even_where_the_client_says_it(kki: Kki, profile: Path, tmp_path: Path) -> None:
    talkative = tmp_path / "talk.py"
    code = "import os; print(os.environ['KKI_CLIENT_SECRET'], os.environ['KKI_SHARED_KEY'])"
    talkative.write_text(code, encoding="utf-8")
    ended = kki(
        "certify", "--profile", str(profile), "--command", f"'{sys.executable}' '{talkative}'",
        "--output", str(tmp_path / "run"),
    )  # fmt: skip
    said = ended.out + ended.err
    assert "| ‹" in said, "it did speak"
    assert SECRET not in said
    assert SHARED not in said


def test_the_commands_exit_code_is_noted(kki: Kki, profile: Path, tmp_path: Path) -> None:
    kki("certify", "--profile", str(profile), "--command", "exit 3", "--output", str(tmp_path / "run"))
    run = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert "The command ended with exit code 3." in run["notes"]


def test_a_command_that_does_not_end_ends_with_the_time(kki: Kki, profile: Path, tmp_path: Path) -> None:
    ended = kki(
        "certify", "--profile", str(profile), "--command", "sleep 600 & sleep 600", "--timeout", "0.5",
        "--output", str(tmp_path / "run"),
    )  # fmt: skip
    assert ended.code == 4
    assert "The session ended at --timeout." in json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))["notes"]


def test_a_command_that_is_not_there_is_the_operators_mistake(kki: Kki, profile: Path, tmp_path: Path) -> None:
    command = "no-such-command-xyz"
    ended = kki("certify", "--profile", str(profile), "--command", command, "--output", str(tmp_path / "run"))
    assert ended.code == 2
    assert "--command" in ended.err
    assert "127" in ended.err


def test_the_clients_environment(kki: Kki, profile: Path, tmp_path: Path) -> None:
    told = tmp_path / "env.json"
    script = tmp_path / "env.py"
    script.write_text(
        "import json, os, pathlib\n"
        "found = {name: os.environ[name] for name in os.environ if name.startswith('KKI_')}\n"
        "found['key'] = pathlib.Path(found['KKI_PRIVATE_KEY']).read_text()\n"
        f"pathlib.Path({str(told)!r}).write_text(json.dumps(found))\n",
        encoding="utf-8",
    )
    command = f"'{sys.executable}' '{script}'"
    kki("certify", "--profile", str(profile), "--command", command, "--output", str(tmp_path / "r"))
    found = json.loads(told.read_text("utf-8"))
    assert found["KKI_BASE_URL"].startswith("http://127.0.0.1:")
    assert found["KKI_CLIENT_SECRET"] == SECRET
    assert found["KKI_CARD_TOKENS"].count(",") == 1
    assert found["key"].startswith("-----BEGIN")
    assert not Path(found["KKI_PRIVATE_KEY"]).exists(), "it is as short-lived as the session"


# --- without a command -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_a_session_with_its_verdict(profile: Path, tmp_path: Path, number: signal.Signals) -> None:
    with started("certify", "--profile", str(profile), "--output", "run", cwd=tmp_path) as running:
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(running.url + "/nothing", timeout=300)
        running.process.send_signal(number)
        code, out, err = running.ended()
    assert code == 4, err
    assert "INCOMPLETE" in out
    assert json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))["exchange_count"] == 1


def test_ctrl_c_while_a_command_runs_is_an_interruption(profile: Path, tmp_path: Path) -> None:
    args = ("certify", "--profile", str(profile), "--output", "run", "--command", "sleep 600")
    with started(*args, cwd=tmp_path) as running:
        running.process.send_signal(signal.SIGINT)
        code, _, err = running.ended()
    assert code == 130, err
    run = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert run["partial"] is True


def test_a_complete_checklist_ends_the_session(
    write_profile: WriteProfile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan so small that two unbindings are all of it."""
    monkeypatch.setenv("CARD_TOKEN", "card-token-of-the-cli-tests-02")
    off = "\n".join(f"{name} = false" for name in FEATURES if name != "unbind")
    path = write_profile(extra=f"[plan]\nunbind = true\n{off}\n")
    with started("certify", "--profile", str(path), "--output", "run", "--only", "SIG", cwd=tmp_path) as running:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        script = tmp_path / "unbinds.py"
        code = UNBINDS.format(url=running.url, key=str(tmp_path / "m.pem"), secret=SECRET, shared=SHARED)
        script.write_text(code, encoding="utf-8")
        subprocess.run([sys.executable, str(script)], check=True, env=env, timeout=PATIENCE_S)
        code, out, err = running.ended()
    assert code == 0, out + err
    assert "3 of 3" in err


UNBINDS = """
from pathlib import Path
from tests.certify.small_client import Kit, SmallClient, Socket
kit = Kit(client_id="BRN-0001-0000000000001", client_secret="{secret}", shared_key="{shared}",
          private_key=Path("{key}").read_text(), cpan="", otp="12345678",
          card_tokens=("de52e5820f4c381db88a1cf91d57b73e", "card-token-of-the-cli-tests-02"))
client = SmallClient(kit, Socket("{url}"))
for token in kit.card_tokens:
    assert client.ask("unbind", {{"tokenId": token}}).done
"""


def test_the_live_page_is_where_it_says(profile: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    args = ("certify", "--profile", str(profile), "--output", "run", "--live", f"127.0.0.1:{port}")
    with started(*args, cwd=tmp_path) as running:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=300) as page:
            text = page.read().decode()
        running.process.send_signal(signal.SIGTERM)
        _, _, err = running.ended()
    assert "0 of 26" in text
    assert running.url in text
    assert f"http://127.0.0.1:{port}/" in err


# --- TLS -----------------------------------------------------------------------------------------------------


def test_tls_under_a_certificate_of_our_own(profile: Path, tmp_path: Path) -> None:
    with started("certify", "--profile", str(profile), "--output", "run", "--tls", cwd=tmp_path) as running:
        assert running.url.startswith("https://127.0.0.1:")
        host, port = running.url.removeprefix("https://").split(":")
        pem = ssl.get_server_certificate((host, int(port)))
        trusting = ssl.create_default_context(cadata=pem)
        plain = socket.create_connection((host, int(port)), timeout=300)
        with trusting.wrap_socket(plain, server_hostname=host) as line:
            line.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert line.recv(100).startswith(b"HTTP/1.1 404")
            spoken = line.version()
        running.process.send_signal(signal.SIGTERM)
        running.ended()
    (exchange,) = [json.loads(line) for line in (tmp_path / "run" / "exchanges.jsonl").read_text("utf-8").splitlines()]
    assert exchange["tls"] == spoken


def test_the_command_is_told_what_to_trust(kki: Kki, profile: Path, tmp_path: Path) -> None:
    script = tmp_path / "trusts.py"
    script.write_text(
        "import os, ssl, urllib.request, urllib.error\n"
        "context = ssl.create_default_context(cafile=os.environ['KKI_CA_FILE'])\n"
        "try: urllib.request.urlopen(os.environ['KKI_BASE_URL'] + '/nothing', context=context)\n"
        "except urllib.error.HTTPError as error: print('told', error.code)\n",
        encoding="utf-8",
    )
    ended = kki(
        "certify", "--profile", str(profile), "--tls", "--command", f"'{sys.executable}' '{script}'",
        "--output", str(tmp_path / "run"),
    )  # fmt: skip
    assert "told 404" in ended.err


# --- mistakes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--live", "nowhere"), "--live"),
        (("--live", "127.0.0.1:99999"), "--live"),
        (("--listen", "127.0.0.1"), "HOST:PORT"),
        (("--listen", "192.0.2.1:0"), "--listen 192.0.2.1:0"),
        (("--certificate", "c.pem"), "--certificate, --key"),
        (("--certificate", "c.pem", "--key", "k.pem"), "c.pem"),
        (("--timeout", "0"), "--timeout"),
        (("--only", "NONSENSE"), "NONSENSE"),
        (("--profile", "nowhere.toml"), "nowhere.toml"),
        (("--no-such-option",), "--no-such-option"),
    ],
)
def test_a_mistake_is_named_before_anything_is_heard(
    kki: Kki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = kki("certify", *args, "--command", "true")
    assert ended.code == 2
    assert says in ended.err
    assert "READY" not in ended.out
    assert "Traceback" not in ended.err


def test_a_port_in_use_is_named(kki: Kki, profile: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option in ("--listen", "--live"):
            ended = kki(
                "certify", "--profile", str(profile), option, f"127.0.0.1:{port}", "--command", "true",
                "--output", str(tmp_path / "run"),
            )  # fmt: skip
            assert ended.code == 2
            assert f"{option} 127.0.0.1:{port}" in ended.err


def test_a_profile_without_credentials_is_refused(kki: Kki, tmp_path: Path) -> None:
    path = tmp_path / "thin.toml"
    path.write_text('[credentials]\nclient_id = "BRN-1"\n', encoding="utf-8")
    ended = kki("certify", "--profile", str(path), "--command", "true", "--output", str(tmp_path / "run"))
    assert ended.code == 2
    for name in ("client_secret", "shared_key", "public_key"):
        assert f"credentials.{name}" in ended.err


# --- relay -----------------------------------------------------------------------------------------------------


def test_relay_forwards_and_judges_both(kki: Kki, profile: Path, wrong_client: str, tmp_path: Path) -> None:
    with started("simulate", "--profile", str(profile), cwd=tmp_path) as target:
        ended = kki(
            "relay", "--to", target.url, "--profile", str(profile), "--command", wrong_client,
            "--output", str(tmp_path / "run"), "--format", "json",
        )  # fmt: skip
    rows = {row["id"]: row for row in ended.document["requirements"]}  # type: ignore[attr-defined]
    assert ended.code == 1
    assert rows["KKI-TOK-010"]["outcome"] == "broken"
    held = {name for name, row in rows.items() if row["party"] == "server" and row["outcome"] == "holds"}
    assert held, "the server refused it, as it should"
    assert ended.document["target"] == target.url


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ((), "--to"),
        (("--to", "nowhere"), "nowhere"),
        (("--to", "https://api.doku.com"), "production"),
        (("--to", "http://127.0.0.1:1/path"), "path"),
    ],
)
def test_relay_names_a_mistake(
    kki: Kki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = kki("relay", *args, "--command", "true")
    assert ended.code == 2
    assert says in ended.err


# --- the baseline ------------------------------------------------------------------------------------------------


def test_a_known_violation_lets_the_gate_open_but_not_a_missing_step(
    kki: Kki, profile: Path, wrong_client: str, tmp_path: Path
) -> None:
    rows = ("KKI-TOK-010", "KKI-TOK-012", "KKI-TOK-014", "KKI-TOK-018")
    known = "schema = 1\n" + "\n".join(
        f'[[broken]]\nrequirement = "{name}"\nreason = "old"\nowner = "us"\nexpires = 2999-01-01' for name in rows
    )
    (tmp_path / "baseline.toml").write_text(known, encoding="utf-8")
    ended = kki(
        "certify", "--profile", str(profile), "--command", wrong_client, "--output", str(tmp_path / "run"),
        "--baseline", str(tmp_path / "baseline.toml"),
    )  # fmt: skip
    assert ended.code == 4, ended.out + ended.err
    assert "KKI-TOK-010" in ended.out
