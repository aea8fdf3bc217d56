"""The README says only what is so: its commands and options exist, its links lead somewhere, its snippet verifies."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from kki import attestation
from kki.cli.main import COMMANDS, cli
from kki.edges.evidence import ATTESTATION
from kki.model.run import Run
from kki.model.verdict import Overall
from kki.report import attest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "sdk/README.md", "examples/merchant/README.md")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


def calls() -> list[tuple[str, list[str]]]:
    """(page, words) of every `kki …` in a shell block."""
    found = []
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line.replace("…", "DOTS"), comments=True)
                if words and words[0] == "kki":
                    found.append((page, words[1:]))
    return found


@pytest.mark.parametrize(("page", "words"), calls(), ids=lambda value: value if isinstance(value, str) else value[0])
def test_commands_and_options_of_the_pages_exist(page: str, words: list[str]) -> None:
    assert words[0] in COMMANDS
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    used = {word.partition("=")[0] for word in words[1:] if word.startswith("--")}
    assert used <= known, f"{page}: kki {words[0]} has no {used - known}"


def test_there_are_commands_to_look_at() -> None:
    assert {words[0] for _, words in calls()} >= {
        "check", "certify", "judge", "relay", "diagnose", "doctor", "replay", "compare", "attest",
    }  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    gone = [target for target in targets if not ((ROOT / page).parent / target).exists()]
    assert not gone


def test_the_two_commands_come_first_and_are_what_ci_runs() -> None:
    shell = blocks("README.md", "sh")
    assert shell[0].startswith("python3 -m venv .venv && ")
    assert shell[0].rstrip().endswith("kki check")
    assert shell[1].rstrip().endswith("-m pytest -n 2 --dist loadgroup")
    assert "README.md" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_snippet_verifies_an_attestation(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    run = Run(
        use="check", overall=Overall.CONFORMS, harness="0.1.0", contract="sha256:" + "a" * 64, target="t", seed=1,
        level="quick", started=now, finished=now, exchange_count=0,
    )  # fmt: skip
    private, public = attest.new_key()
    payload = attestation.payload(run, (), issued=now, valid_until=now + timedelta(days=1))
    envelope = attest.sealed(payload, private)
    assert isinstance(envelope, bytes)
    (tmp_path / "officer.pem.pub").write_text(public)
    (snippet,) = blocks("README.md", "python")
    for content, code in ((envelope, 0), (envelope.replace(b'"sig": "', b'"sig": "AAAA'), 1)):
        (tmp_path / ATTESTATION).write_bytes(content)
        ended = subprocess.run(
            [sys.executable, "-c", snippet], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ended.returncode == code, ended.stderr
        assert (ended.stdout == "PASSED\n") is (code == 0)
