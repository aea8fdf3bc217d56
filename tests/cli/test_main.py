"""The ways in which `kki` starts and ends."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from kki.cli import byhand
from kki.cli.main import COMMANDS, cli, main
from kki.cli.terminal import OutputClosed, Terminal

Kki = Callable[..., Any]
THERE = [name for name, entry in COMMANDS.items() if importlib.util.find_spec(entry.module)]
NOT_YET = [name for name in COMMANDS if name not in THERE]


def test_help_names_every_command_that_is_there_and_no_other(kki: Kki) -> None:
    ended = kki("--help")
    assert ended.code == 0
    assert len(THERE) >= 7
    listed = [line.split()[0] for line in ended.out.split("Commands:")[1].splitlines() if line.strip()]
    assert [name for name in listed if name in COMMANDS] == THERE


@pytest.mark.parametrize("name", THERE)
def test_each_help_explains_with_an_example(kki: Kki, name: str) -> None:
    ended = kki(name, "--help")
    assert ended.code == 0
    assert "Example" in ended.out
    assert f"kki {name}" in ended.out.split("Example")[1]


@pytest.mark.parametrize("name", THERE)
def test_each_command_spells_the_shared_options_alike(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    own = {option for param in command.params for option in param.opts}
    assert {"--format", "-q", "--quiet", "-v", "--verbose", "--color"} <= own
    assert not own & {"--url", "--config", "--out", "--colour", "--json", "--host", "--port"}


def test_version(kki: Kki) -> None:
    ended = kki("--version")
    assert ended.code == 0
    assert ended.out.startswith("kki, version ")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["sing"], 'Expected a command, but got "sing". Did you mean "sign"?'),
        (["zzz"], 'Expected a command, but got "zzz".'),
        (["code", "--no-such-option"], "No such option"),
        (["code"], "Missing argument"),
        (["code", "2005400", "--format", "xml"], "xml"),
        (["seal", "--card", "-", "--shared-key", "k", "--container", "hex-no-iv"], "hex-no-iv"),
        *[([name], f'Expected a command, but got "{name}".') for name in NOT_YET],
    ],
)
def test_bad_usage_ends_with_2_and_a_sentence(kki: Kki, args: list[str], says: str) -> None:
    ended = kki(*args)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert "Traceback" not in ended.err


def test_our_own_fault_ends_with_3_says_so_and_keeps_secrets(kki: Kki, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("lost with Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJET0tVIn0.c2lnbmF0dXJl and\x1b[31m red")

    monkeypatch.setattr(byhand, "_read", fails)
    ended = kki("code", "2005400")
    assert (ended.code, ended.out) == (3, "")
    assert "says nothing about the party on trial" in ended.err
    assert "RuntimeError: lost with" in ended.err
    assert "eyJ" not in ended.err
    assert "\x1b" not in ended.err


def test_a_secret_given_by_hand_is_hidden_in_our_own_fault_too(kki: Kki, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(text: str, *, shared_key: str) -> None:
        raise RuntimeError(f"cannot open {text} with {shared_key}")

    monkeypatch.setattr(byhand.carddata, "open_any", fails)
    ended = kki("open", "--card-data", "x", "--shared-key", "by-hand-secret-77")
    assert ended.code == 3
    assert "by-hand-secret-77" not in ended.err


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (OutputClosed, 141)])
def test_other_endings_have_their_codes(
    kki: Kki, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], code: int
) -> None:
    def ends(*_: object) -> None:
        raise error

    monkeypatch.setattr(byhand, "_read", ends)
    monkeypatch.setattr("sys.stdout", sys.stdout)  # put back what a closed output leaves behind
    assert kki("code", "2005400").code == code


def test_python_m_kki_is_kki() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kki", "code", "20054000"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 1
    assert "Expected seven digits" in done.stderr


def test_a_reader_that_goes_away_is_no_fault_of_ours() -> None:
    script = "import sys; from kki.cli.main import main; sys.exit(main(['code', '4045415']))"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(60) == 141
    assert said == b""


def test_a_single_command_imports_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import sys; from kki.cli.main import main; main(['code', '4045415']); "
        "print([m for m in ('rich', 'requests', 'pytest', 'schemathesis', 'kki.cli.doctor') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("color", "no_color", "coloured"),
    [("always", "", True), ("always", "1", True), ("never", "", False), ("auto", "", False), ("auto", "1", False)],
)
def test_colour_obeys_its_option_and_no_color(
    kki: Kki, monkeypatch: pytest.MonkeyPatch, color: str, no_color: str, coloured: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    ended = kki("code", "123", "--color", color)
    assert ("\x1b[" in ended.err) is coloured


def test_people_read_standard_error_where_standard_output_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.say("for people")
    terminal.table(["a"], [["b"]])
    assert "for people" in capsys.readouterr().out
    terminal.json = True
    terminal.say("for people")
    terminal.table(["a"], [["b"]])
    seen = capsys.readouterr()
    assert seen.out == ""
    assert "for people" in seen.err


def test_quiet_and_verbose_choose_lines(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.verbosity = -1
    terminal.say("usual")
    terminal.note("note")
    terminal.say("always", level=-1)
    terminal.problem("problem")
    seen = capsys.readouterr()
    assert (seen.out, seen.err) == ("always\n", "problem\n")


def test_a_table_keeps_to_100_columns_and_takes_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    terminal.conceal("SK-secret-1")
    terminal.table(["id", "says"], [["KKI-SIG-010", "word " * 60 + "[bold] SK-secret-1 \x1b[2J"]], whole=["id"])
    out = capsys.readouterr().out
    assert max(len(line) for line in out.splitlines()) <= 100
    assert "[bold]" in out
    assert "SK-secret-1" not in out
    assert "\x1b" not in out


def test_progress_speaks_now_and_then_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    with terminal.progress(0) as steps:
        steps.total = 100
        for _ in range(100):
            steps.step("signing")
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "100 of 100, signing"
    assert 5 <= len(lines) <= 20


def test_main_takes_the_process_arguments(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["kki", "--version"])
    assert main() == 0
    assert "version" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_the_operators() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "kki", "code", "4045415"]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 2
    assert b"expected room to write, but got: No space left on device." in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_a_closed_standard_output_is_no_fault() -> None:
    command = [sys.executable, "-c", "import os, sys; os.close(1); os.execv(sys.executable, sys.argv[1:])"]
    command += [sys.executable, "-m", "kki", "code", "4045415"]
    ended = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("seconds", ["inf", "nan", "1e300"])
def test_seconds_that_no_clock_counts(kki: Kki, seconds: str) -> None:
    for command in ("check", "certify", "doctor"):
        ended = kki(command, "--timeout", seconds)
        assert ended.code == 2
        assert "expected seconds, more than 0 and at most" in ended.err


@pytest.mark.parametrize(
    ("command", "name", "says"),
    [
        ("check", "KKI-SIG-010", "KKI-SIG-010 is about the client, which `kki certify` and `kki judge` put on trial."),
        ("certify", "KKI-SIG-110", "KKI-SIG-110 is about the server, which `kki check` and `kki judge` put on trial."),
    ],
)
def test_rows_of_the_other_party_are_no_scope(kki: Kki, command: str, name: str, says: str) -> None:
    ended = kki(command, "--only", name)
    assert ended.code == 2
    assert says in ended.err


@pytest.mark.parametrize(
    "args",
    [
        ("check", "--only", "nothing", "--format", "json"),
        ("check", "--level", "fast", "--format=json"),
        ("diagnose", "/none", "--format", "json"),
    ],
)
def test_a_script_gets_its_one_document_of_what_has_to_be_mended(kki: Kki, args: tuple[str, ...]) -> None:
    ended = kki(*args)
    assert ended.code == 2
    assert ended.document["exit_code"] == 2
    assert ended.document["problems"]
    assert ended.err


def test_a_document_that_is_out_is_not_followed_by_another(kki: Kki) -> None:
    ended = kki("doctor", "--base-url", "http://127.0.0.1:1", "--format", "json")
    assert ended.code == 2
    assert ended.document["sound"] is False


@pytest.mark.parametrize(
    "args",
    [
        ("check", "--output", ""), ("check", "--profile", ""), ("check", "--baseline", ""), ("check", "--resume", ""),
        ("certify", "--command", ""), ("relay", "--to", "http://127.0.0.1:1", "--command", " "),
    ],
)  # fmt: skip
def test_an_empty_option_is_a_sentence(kki: Kki, args: tuple[str, ...]) -> None:
    ended = kki(*args)
    assert ended.code == 2
    assert "but got an empty" in ended.err


def test_relay_takes_base_url_as_every_command_does(kki: Kki) -> None:
    assert "--base-url" in kki("relay", "--help").out
    assert "--to (or --base-url): expected the address" in kki("relay").err
