"""The reference merchant, as a newcomer runs it: a process of its own, against a simulator on loopback."""

from __future__ import annotations

import ast
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kki.certify import checklist
from kki.certify.progress import Progress
from kki.certify.scenarios import staged
from kki.edges.contract import load
from kki.edges.listener import serve, world_of
from kki.edges.settings import built_in_profile
from kki.grading import Tally
from kki.judge import Judge
from kki.model.contract import Contract
from kki.model.exchange import Exchange
from kki.model.profile import Profile
from kki.model.requirement import Party
from kki.model.verdict import Outcome
from kki.rules.knowledge import Knowledge
from kki.rules.view import look
from kki.simulator.behaviour import Behaviour
from kki.simulator.correct import CORRECT

pytestmark = pytest.mark.xdist_group("example")  # in one process: what its fixture measures is dear

FILE = Path(__file__).resolve().parent.parent / "examples" / "merchant" / "merchant.py"
Day = tuple[subprocess.CompletedProcess[str], list[Exchange]]
Run = Callable[..., Day]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


@pytest.fixture(scope="module")
def profile(contract: Contract) -> Profile:
    return built_in_profile(contract)


@pytest.fixture(scope="module")
def run(contract: Contract, profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Its day against a simulator of this behaviour, and what that saw."""

    folder = tmp_path_factory.mktemp("merchant")

    def start(behaviour: Behaviour, *options: str, file: Path = FILE, **more: str) -> Day:
        seen: list[Exchange] = []
        with serve(world_of(profile, contract, behaviour), watch=seen.append) as running:
            done = subprocess.run(
                [sys.executable, str(file), *options], capture_output=True, text=True, timeout=300, check=False,
                env=environment(profile, running.url, folder) | more,
            )  # fmt: skip
        return done, seen

    return start


@pytest.fixture(scope="module")
def hard_day(run: Run) -> Day:
    """With every trouble of the checklist in it."""
    return run(impatient())


def environment(profile: Profile, url: str, folder: Path) -> dict[str, str]:
    held, data = profile.credentials, profile.test_data
    key = folder / "merchant.pem"
    key.write_text(held.private_key or "", "utf-8")
    return {
        "PATH": os.environ["PATH"], "KKI_BASE_URL": url, "KKI_CLIENT_ID": held.client_id or "",
        "KKI_CLIENT_SECRET": held.client_secret or "", "KKI_SHARED_KEY": held.shared_key or "",
        "KKI_PRIVATE_KEY": str(key), "KKI_CPAN": data.cpan or "", "KKI_OTP": data.otp or "",
        "KKI_CARD_TOKENS": ",".join(data.bank_card_tokens), "KKI_TIMEOUT_S": "1",
    }  # fmt: skip


def broken(exchanges: list[Exchange], contract: Contract, profile: Profile, party: Party) -> set[str]:
    knowledge = Knowledge(contract=contract, credentials=profile.credentials, test_data=profile.test_data)
    judge, tally = Judge(knowledge), Tally(contract)
    for verdict in (*(one for each in exchanges for one in judge.judge(each)), *judge.finish()):
        tally.add(verdict)
    rows = contract.requirements.values()
    return {row.id for row in rows if row.party is party and tally.outcome(row.id) is Outcome.BROKEN}


def progress_of(exchanges: list[Exchange], contract: Contract, profile: Profile) -> Progress:
    knowledge = Knowledge(contract=contract, credentials=profile.credentials, test_data=profile.test_data)
    judge, progress = Judge(knowledge), Progress(checklist.load(), {}, own_cpan=profile.test_data.cpan)
    for exchange in exchanges:
        progress.take(look(exchange, knowledge), judge.judge(exchange))
    progress.finish()
    return progress


def impatient() -> Behaviour:
    """The checklist's troubles, with shorter waits, so that the test need not take longer than they."""
    whole = checklist.load()
    steps = tuple(
        replace(step, answer=replace(step.answer, seconds=step.answer.seconds / 20)) if step.answer else step
        for step in whole
    )
    return staged(checklist.Checklist(steps=steps))


def test_its_day_at_a_correct_doku_goes_well(run: Run, contract: Contract, profile: Profile) -> None:
    done, seen = run(CORRECT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "FAILS" not in done.stdout
    assert done.stdout.count("paid") >= 4
    assert "OTP at the redirectUrl: typed" in done.stdout
    assert broken(seen, contract, profile, Party.CLIENT) == set()


def test_it_survives_every_trouble_of_the_checklist(hard_day: Day, contract: Contract, profile: Profile) -> None:
    done, seen = hard_day
    assert (done.returncode, done.stderr) == (0, "")
    came = dict(line.split(": ")[-2:] for line in done.stdout.splitlines() if "in trouble" in line)
    assert came == {
        "expired token": "paid", "insufficient funds": "declined", "card blocked": "declined", "conflict": "paid",
        "duplicate": "duplicate", "too many requests": "paid", "server error": "paid", "gateway time-out": "paid",
        "no reply": "paid", "unknown case": "declined", "extra members": "paid", "slow reply": "paid",
        "closed connection": "paid",
    }  # fmt: skip
    assert "OTP at the redirectUrl: typed" in done.stdout
    assert broken(seen, contract, profile, Party.CLIENT) == set()
    # The slow reply was not slow enough to count.
    assert [place.step.id for place in progress_of(seen, contract, profile).missing] == ["slow-reply"]


def test_bodies_as_the_page_has_them_are_held_against_nobody(
    run: Run, contract: Contract, profile: Profile, tmp_path: Path
) -> None:
    """Without a member of its own nothing in a payment tells orders apart (contradiction 3)."""
    own = '{**cpan, "additionalInfo": {"order": name}}'
    text = FILE.read_text("utf-8")
    assert own in text
    (tmp_path / "plain.py").write_text(text.replace(own, "cpan"), "utf-8")
    done, seen = run(impatient(), file=tmp_path / "plain.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert broken(seen, contract, profile, Party.CLIENT) == set()
    assert [place.step.id for place in progress_of(seen, contract, profile).missing] == ["slow-reply"]


def test_it_never_charges_twice(hard_day: Day) -> None:
    """One success a reference, and as many references as orders."""
    _, seen = hard_day
    paid = [each for each in seen if b'"2005400"' in (each.response.body if each.response else b"")]
    references = [each.request.body.split(b'"partnerReferenceNo":"')[1][:32] for each in paid]
    assert len(references) == len(set(references)) == 4 + 7  # two more were carried out, and their replies lost


def test_it_uses_one_token_and_says_no_secret(run: Run, profile: Profile) -> None:
    done, seen = run(CORRECT)
    assert sum(each.request.path.endswith("/b2b") for each in seen) == 1
    held, data = profile.credentials, profile.test_data
    for secret in (held.client_secret, held.shared_key, data.cpan, data.otp, *data.bank_card_tokens):
        assert secret
        assert secret not in done.stdout + done.stderr


def test_a_dead_port_ends_it_with_a_sentence(run: Run) -> None:
    done, _ = run(CORRECT, "--base-url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "no token, no reply" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_missing_is_said_at_once(run: Run) -> None:
    done, seen = run(CORRECT, KKI_CLIENT_ID="", KKI_OTP="")
    assert (done.returncode, done.stderr) == (2, "Expected in the environment: KKI_CLIENT_ID, KKI_OTP.\n")
    assert seen == []


def test_it_knows_every_reference_of_the_checklist() -> None:
    written = ast.parse(FILE.read_text("utf-8"))
    assigned = {ast.unparse(node.targets[0]): node.value for node in written.body if isinstance(node, ast.Assign)}
    begins = set(ast.literal_eval(assigned["SCENARIOS"]).values())
    assert begins == {step.meets.reference for step in checklist.load() if step.meets and step.meets.reference}


def test_it_needs_nothing_but_requests_and_cryptography() -> None:
    tree = ast.parse(FILE.read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    foreign = {name.split(".")[0] for name in names} - set(sys.stdlib_module_names)
    assert foreign == {"requests", "cryptography"}


def test_it_is_certified(tmp_path: Path) -> None:
    """The whole of `kki certify`, with its real waits: about as long as the slow reply and the lost one together."""
    command = shlex.join([sys.executable, str(FILE)])
    done = subprocess.run(
        [sys.executable, "-m", "kki", "certify", "--listen", "127.0.0.1:0", "--output", str(tmp_path / "run"),
         "--command", command],
        env={**os.environ, "KKI_TIMEOUT_S": "5"}, cwd=tmp_path, capture_output=True, text=True, timeout=600,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert run["overall"] == "conforms"
    assert run["exchange_count"] > 30
    assert [row["id"] for row in run["requirements"] if row["grade"] in ("violation", "warning")] == []
