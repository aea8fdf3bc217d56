"""`kki attest` from the outside."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kki.edges import entropy, store
from kki.model.requirement import Level, Party, Standing
from kki.model.run import RequirementResult, Run
from kki.model.verdict import Grade, Outcome, Overall

Kki = Callable[..., Any]
NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def a_run(outcome: str = "holds", grade: str = "pass", overall: str = "conforms") -> Run:
    row = RequirementResult(
        id="KKI-SIG-110",
        says="A wrong signature is refused.",
        party=Party.SERVER,
        level=Level.MUST,
        standing=Standing.STATED,
        outcome=Outcome(outcome),
        grade=Grade(grade),
        counts={outcome: 1},
    )
    return Run(
        use="check",
        overall=Overall(overall),
        harness="0.1.0",
        contract="sha256:" + "a" * 64,
        target="t",
        seed=1,
        level="quick",
        started=NOON,
        finished=NOON,
        exchange_count=0,
        requirements=(row,),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir()
    store.write_run(made, a_run())
    (made / "report.html").write_text("<p>")
    return made


@pytest.fixture
def key(kki: Kki, tmp_path: Path) -> str:
    path = tmp_path / "officer.pem"
    assert kki("attest", "--new-key", str(path)).code == 0
    return str(path)


def test_sign_and_verify(kki: Kki, folder: Path, key: str) -> None:
    signed = kki("attest", str(folder), "--key", key)
    assert signed.code == 0
    path = str(folder / "attestation.intoto.json")
    verified = kki("attest", "--verify", path, "--public-key", f"{key}.pub")
    assert verified.code == 0
    assert "ended as conforms (PASSED), 1 requirements in scope" in verified.out
    assert "all 2 files" in verified.out
    assert "Not proved:" in verified.out
    document = kki("attest", "--verify", path, "--public-key", f"{key}.pub", "--format", "json").document
    assert (document["verified"], document["evidence_verified"], document["result"]) == (True, True, "PASSED")


def test_a_change_is_exit_1_and_named(kki: Kki, folder: Path, key: str) -> None:
    kki("attest", str(folder), "--key", key)
    (folder / "report.html").write_text("<b>")
    ended = kki("attest", "--verify", str(folder / "attestation.intoto.json"), "--public-key", f"{key}.pub")
    assert ended.code == 1
    assert f"{folder}/report.html: its content has changed since it was attested." in ended.err
    path = folder / "attestation.intoto.json"
    path.write_bytes(path.read_bytes().replace(b"payload", b"Payload", 1))
    ended = kki("attest", "--verify", str(path), "--public-key", f"{key}.pub", "--format", "json")
    assert (ended.code, ended.document["verified"]) == (1, False)
    assert "attestation.intoto.json" in ended.err


def test_elsewhere_the_evidence_has_to_be_named(kki: Kki, folder: Path, key: str, tmp_path: Path) -> None:
    path = str(tmp_path / "statement.json")
    assert kki("attest", str(folder), "--key", key, "--to", path).code == 0
    alone = kki("attest", "--verify", path, "--public-key", f"{key}.pub")
    assert (alone.code, "Not looked at: the evidence." in alone.out) == (0, True)
    both = kki("attest", "--verify", path, "--public-key", f"{key}.pub", "--run", str(folder))
    assert "octet for octet" in both.out
    (folder / "later.txt").write_text("x")
    assert (
        "Not covered: later.txt."
        in kki("attest", "--verify", path, "--public-key", f"{key}.pub", "--run", str(folder)).out
    )


def test_an_expired_statement_is_exit_1(kki: Kki, folder: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kki("attest", str(folder), "--key", key, "--valid-days", "3")
    args = ("attest", "--verify", str(folder / "attestation.intoto.json"), "--public-key", f"{key}.pub")
    now = entropy.now()
    monkeypatch.setattr(entropy, "now", lambda: now + timedelta(days=2))
    assert kki(*args).code == 0
    monkeypatch.setattr(entropy, "now", lambda: now + timedelta(days=4))
    late = kki(*args)
    assert late.code == 1
    assert "the statement was valid until" in late.err


def test_what_is_incomplete_is_signed_in_words_only(kki: Kki, folder: Path, key: str) -> None:
    store.write_run(folder, a_run("not-exercised", "none", "incomplete"))
    refused = kki("attest", str(folder), "--key", key)
    assert refused.code == 2
    assert "Not decided, though each is a MUST: KKI-SIG-110." in refused.err
    assert not (folder / "attestation.intoto.json").exists()
    assert kki("attest", str(folder), "--key", key, "--allow-incomplete").code == 0
    told = kki("attest", "--verify", str(folder / "attestation.intoto.json"), "--public-key", f"{key}.pub").out
    assert "ended as incomplete (FAILED)" in told
    assert "It says so itself: Not decided, though each is a MUST: KKI-SIG-110." in told


def test_a_key_is_made_on_purpose_and_never_over_another(kki: Kki, key: str, folder: Path) -> None:
    assert stat.S_IMODE(Path(key).stat().st_mode) == 0o600
    assert "PRIVATE KEY" in Path(key).read_text()
    assert "PUBLIC KEY" in Path(f"{key}.pub").read_text()
    again = kki("attest", "--new-key", key)
    assert (again.code, "a key is never overwritten" in again.err) == (2, True)
    missing = kki("attest", str(folder))
    assert (missing.code, "the key is yours to give" in missing.err) == (2, True)


def test_the_private_key_is_in_no_output(kki: Kki, folder: Path, key: str) -> None:
    body = "".join(Path(key).read_text().splitlines()[1:-1])
    ended = kki("attest", str(folder), "--key", key, "-vv", "--format", "json")
    assert json.loads(ended.out)["files"] == 2
    for text in (ended.out, ended.err, (folder / "attestation.intoto.json").read_text()):
        assert body not in text


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ((), "Expected one of RUN (with --key), --verify and --new-key, but got none of them."),
        (("x", "--verify", "y"), "but got RUN and --verify."),
        (("--verify", "y"), "Expected --public-key FILE"),
        (("--verify", "y", "--public-key", "nowhere"), "--public-key nowhere: expected a key in PEM"),
        (("nowhere", "--key", "{key}"), "expected a finished run"),
        (("{folder}", "--key", "{key}.pub"), "--key: Expected an unencrypted Ed25519 private key"),
        (("--verify", "{folder}/run.json", "--public-key", "{key}"), "--public-key: expected an Ed25519 public key"),
        (("--verify", "{folder}/none", "--public-key", "{key}.pub"), "expected an attestation"),
    ],
)
def test_wrong_use_is_exit_2(kki: Kki, folder: Path, key: str, args: tuple[str, ...], says: str) -> None:
    ended = kki("attest", *(arg.format(key=key, folder=folder) for arg in args))
    assert ended.code == 2
    assert says in ended.err


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"overall": "conforms"}, "It calls itself conforms, and its requirements make it does-not-conform"),
        ({"grade": "pass", "overall": "conforms"}, "KKI-SIG-110 is broken and graded pass"),
        ({"outcome": "holds", "grade": "pass", "overall": "conforms"}, "KKI-SIG-110 is said to hold, with findings"),
        ({"exchange_count": 7}, "It counts 7 exchanges, and the evidence has 0"),
        ({"exchange": "x9"}, "It names exchanges that the evidence lacks: x9"),
    ],
)
def test_a_run_that_was_written_in_is_not_signed(
    kki: Kki, folder: Path, key: str, changes: dict[str, Any], says: str
) -> None:
    store.write_run(folder, a_run("broken", "violation", "does-not-conform"))
    document = json.loads((folder / "run.json").read_text())
    row = document["requirements"][0]
    row["findings"] = [{"exchange": changes.pop("exchange", ""), "where": "status", "expected": "", "actual": ""}]
    row |= {name: changes.pop(name) for name in ("outcome", "grade") if name in changes}
    (folder / "run.json").write_text(json.dumps(document | changes))
    ended = kki("attest", str(folder), "--key", key, "--allow-incomplete")
    assert ended.code == 2
    assert says in ended.err
    assert not (folder / "attestation.intoto.json").exists()
