"""Runs a driver of `sdk/` against a simulator, and judges what it sent."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from kki.edges.contract import load
from kki.edges.listener import serve, world_of
from kki.edges.settings import built_in_profile
from kki.judge import Judge
from kki.model.exchange import Exchange
from kki.model.requirement import Party
from kki.model.verdict import Broken
from kki.rules.knowledge import Knowledge

SDK = Path(__file__).resolve().parents[2] / "sdk"
CONTRACT = load()


@dataclass(frozen=True)
class Session:
    """`steps`: name → what the driver said of it. `broken`: client's requirement → exchanges that break it."""

    steps: Mapping[str, Mapping[str, object]]
    exchanges: Sequence[Exchange]
    broken: Mapping[str, tuple[str, ...]]
    server_broken: frozenset[str]
    output: str
    secrets: tuple[str, ...]

    def codes(self) -> dict[str, object]:
        return {name: step.get("code") for name, step in self.steps.items() if "code" in step}

    def sent(self, path_ends: str) -> list[Exchange]:
        return [each for each in self.exchanges if each.request.path.endswith(path_ends)]


def node_command() -> list[str]:
    """Skips where Node or the package is not to be had."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node on this machine")
    if not (SDK / "node" / "node_modules" / "doku-nodejs-library").is_dir():
        pytest.skip("doku-nodejs-library is not installed: npm ci --prefix sdk/node")
    return [node, str(SDK / "node" / "drive.cjs")]


def python_command() -> list[str]:
    """Skips where the package is not to be had. It has an environment of its own: it drags flask in."""
    named = os.environ.get("KKI_SDK_PYTHON")
    python = Path(named) if named else SDK / ".venv-python" / "bin" / "python"
    if not python.exists():
        pytest.skip("doku_python_library is not installed: see sdk/README.md")
    return [str(python), str(SDK / "python" / "drive.py")]


def driven(command: Sequence[str], folder: Path, **more: str) -> Session:
    """All steps of a driver against a correct simulator."""
    profile = built_in_profile(CONTRACT)
    held, data = profile.credentials, profile.test_data
    key = folder / "merchant.pem"
    key.write_text(held.private_key or "", "utf-8")
    seen: list[Exchange] = []
    with serve(world_of(profile, CONTRACT), watch=seen.append) as running:
        env = {
            "PATH": os.environ["PATH"], "KKI_BASE_URL": running.url, "KKI_CLIENT_ID": held.client_id or "",
            "KKI_CLIENT_SECRET": held.client_secret or "", "KKI_SHARED_KEY": held.shared_key or "",
            "KKI_PRIVATE_KEY": str(key), "KKI_CPAN": data.cpan or "", "KKI_OTP": data.otp or "",
            "KKI_CARD_TOKENS": ",".join(data.bank_card_tokens), "KKI_AUTH_CODE": data.auth_code or "",
            "KKI_IP_ADDRESS": data.ip_address or "", **more,
        }  # fmt: skip
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
        assert running.faults == []
    assert done.returncode == 0, done.stderr
    steps = {step["step"]: step for step in map(json.loads, done.stdout.splitlines())}
    knowledge = Knowledge(contract=CONTRACT, credentials=held, test_data=data)
    broken, server_broken = judged(seen, knowledge)
    secrets = tuple(filter(None, (held.client_secret, held.shared_key, data.cpan, data.otp, *data.bank_card_tokens)))
    return Session(steps, seen, broken, server_broken, done.stdout + done.stderr, secrets)


def judged(exchanges: Sequence[Exchange], knowledge: Knowledge) -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    judge = Judge(knowledge)
    verdicts = [*(one for each in exchanges for one in judge.judge(each)), *judge.finish()]
    bad = [verdict for verdict in verdicts if isinstance(verdict.judgement, Broken)]
    clients: dict[str, tuple[str, ...]] = {}
    for verdict in bad:
        if verdict.party is Party.CLIENT:
            clients[verdict.requirement] = (*clients.get(verdict.requirement, ()), verdict.exchange)
    return clients, frozenset(verdict.requirement for verdict in bad if verdict.party is Party.SERVER)
