"""The envelope: standard tools verify it, and no octet of it or of the evidence changes unseen."""

from __future__ import annotations

import base64
import json
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from kki import attestation
from kki.edges import entropy
from kki.edges.evidence import ATTESTATION, files_of
from kki.report import attest

from .made import LATER, NOON, folder_of, run

EDITS = 1000


@pytest.fixture(scope="module")
def keys() -> tuple[str, str]:
    return attest.new_key()


@pytest.fixture
def folder(tmp_path: Path, keys: tuple[str, str]) -> Path:
    """An attested run."""
    made = folder_of(tmp_path / "r", run())
    envelope = attest.sealed(attestation.payload(run(), files_of(made), issued=NOON, valid_until=LATER), keys[0])
    assert isinstance(envelope, bytes)
    (made / ATTESTATION).write_bytes(envelope)
    return made


def problems(folder: Path, public: str) -> list[str]:
    """What verification says, as `kki attest --verify` does, but for the validity."""
    content = attest.opened((folder / ATTESTATION).read_bytes(), public)
    read = content if isinstance(content, str) else attestation.read(content)
    if isinstance(read, str):
        return [f"{ATTESTATION}: {read}"]
    return list(attestation.differences(read, files_of(folder)))


def test_an_untouched_run_verifies(folder: Path, keys: tuple[str, str]) -> None:
    assert problems(folder, keys[1]) == []


def test_any_changed_octet_is_found_and_its_file_named(folder: Path, keys: tuple[str, str]) -> None:
    seed = entropy.seed()
    chance = random.Random(seed)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size]
    seen: Counter[str] = Counter()
    for _ in range(EDITS):
        path = chance.choice(paths)
        good = path.read_bytes()
        at = chance.randrange(len(good))
        path.write_bytes(good[:at] + bytes([good[at] ^ chance.randrange(1, 256)]) + good[at + 1 :])
        found = problems(folder, keys[1])
        name = path.relative_to(folder).as_posix()
        assert [line.partition(":")[0] for line in found] == [name], f"seed {seed}, octet {at} of {name}: {found}"
        path.write_bytes(good)
        seen[name] += 1
    assert len(seen) == len(paths) == 5
    assert problems(folder, keys[1]) == []


def test_every_single_octet_of_the_envelope_counts(folder: Path, keys: tuple[str, str]) -> None:
    """Blanks, padding bits and upper case included: three other values for each octet of a short one."""
    envelope = attest.sealed(b"{}", keys[0])
    assert isinstance(envelope, bytes)
    assert attest.opened(envelope, keys[1]) == b"{}"
    for at, octet in enumerate(envelope):
        for other in {octet ^ 1, octet ^ 0x20, 0x20} - {octet}:
            changed = envelope[:at] + bytes([other]) + envelope[at + 1 :]
            assert isinstance(attest.opened(changed, keys[1]), str), f"octet {at} as {other:#x}"
    assert isinstance(attest.opened(envelope + b"\n", keys[1]), str)
    assert isinstance(attest.opened(envelope[:-1], keys[1]), str)


def test_the_library_that_others_use_verifies_it(folder: Path, keys: tuple[str, str]) -> None:
    key = load_pem_public_key(keys[1].encode())
    assert isinstance(key, Ed25519PublicKey)
    envelope = Envelope.from_dict(json.loads((folder / ATTESTATION).read_text()))
    accepted = envelope.verify([SSlibKey.from_crypto(key)], threshold=1)
    assert len(accepted) == 1
    assert envelope.payload_type == "application/vnd.in-toto+json"
    stranger = load_pem_public_key(attest.new_key()[1].encode())
    assert isinstance(stranger, Ed25519PublicKey)
    with pytest.raises(VerificationError):
        envelope.verify([SSlibKey.from_crypto(stranger)], threshold=1)


def pae(folder: Path) -> tuple[bytes, bytes]:
    """(what is signed, signature), by the protocol alone: DSSE, protocol.md, "Pre-Authentication Encoding"."""
    envelope = json.loads((folder / ATTESTATION).read_text())
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    signed = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])
    return signed, base64.b64decode(envelope["signatures"][0]["sig"])


def test_it_verifies_by_hand(folder: Path, keys: tuple[str, str]) -> None:
    key = load_pem_public_key(keys[1].encode())
    assert isinstance(key, Ed25519PublicKey)
    signed, signature = pae(folder)
    key.verify(signature, signed)
    with pytest.raises(InvalidSignature):
        key.verify(signature, signed + b" ")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not here")
def test_openssl_verifies_it(folder: Path, keys: tuple[str, str], tmp_path: Path) -> None:
    signed, signature = pae(folder)
    for name, content in (("pae", signed), ("sig", signature), ("key.pub", keys[1].encode())):
        (tmp_path / name).write_bytes(content)
    command = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "key.pub",
        "-rawin",
        "-in",
        "pae",
        "-sigfile",
        "sig",
    ]
    good = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if "rawin" in good.stderr and good.returncode:
        pytest.skip("this openssl is too old for Ed25519 at the command line")
    assert "Verified Successfully" in good.stdout
    (tmp_path / "pae").write_bytes(signed + b" ")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_a_key_of_another_kind_signs_nothing(pair_of_rsa: tuple[str, str], keys: tuple[str, str]) -> None:
    assert attest.sealed(b"{}", pair_of_rsa[0]) == "Expected an Ed25519 private key, but got a key of another kind."
    assert "Expected an unencrypted Ed25519 private key" in str(attest.sealed(b"{}", "rubbish"))
    envelope = attest.sealed(b"{}", keys[0])
    assert isinstance(envelope, bytes)
    assert attest.opened(envelope, pair_of_rsa[1]) == "Expected an Ed25519 public key, but got a key of another kind."
    assert attest.key_id(keys[0]) is None


@pytest.fixture(scope="module")
def pair_of_rsa() -> tuple[str, str]:
    return entropy.rsa_pair()


@pytest.mark.parametrize(
    "octets", [b"", b"{}", b"\xff", b"[" * 100_000, b'{"payload":1,"payloadType":2,"signatures":3}']
)
def test_rubbish_is_no_envelope(octets: bytes, keys: tuple[str, str]) -> None:
    found = attest.opened(octets, keys[1])
    assert isinstance(found, str)
    assert "Expected a DSSE envelope" in found


def test_another_payload_type_is_another_statement(keys: tuple[str, str]) -> None:
    envelope = attest.sealed(b"{}", keys[0])
    assert isinstance(envelope, bytes)
    assert "Expected a payload of type" in str(
        attest.opened(envelope.replace(b"in-toto+json", b"in-toto+jsox"), keys[1])
    )
