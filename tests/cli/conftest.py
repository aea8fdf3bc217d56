"""What the tests of the command line share: a `kki` to call, a key pair, a profile to write."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from kki.cli.main import main
from kki.edges import contract as contracts
from kki.edges import entropy
from kki.model.contract import Contract

SECRET = "SK-canary-1f0c77-never-shown"
SHARED = "shared-canary-88ab12"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, object]:
        """Standard output as the one JSON document that it has to be."""
        found: dict[str, object] = json.loads(self.out)
        return found


Kki = Callable[..., Ended]
WriteProfile = Callable[..., Path]


@pytest.fixture
def kki(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Kki:
    """`kki("sign", …, stdin=b"…")` in this process."""
    for name in ("KKI_BASE_URL", "KKI_CONTRACT", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*args: str, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = main(list(args))
        seen = capsys.readouterr()
        return Ended(code, seen.out, seen.err)

    return call


@pytest.fixture(scope="session")
def contract() -> Contract:
    return contracts.load()


@pytest.fixture(scope="session")
def pair() -> tuple[str, str]:
    return entropy.rsa_pair()


@pytest.fixture
def write_profile(tmp_path: Path, pair: tuple[str, str]) -> WriteProfile:
    """Writes a good profile to `p.toml`; `extra` goes to its end, inside [limits]; `replaced` swaps texts."""
    (tmp_path / "m.pem").write_text(pair[0])
    (tmp_path / "m.pub.pem").write_text(pair[1])

    def write(extra: str = "", replaced: dict[str, str] | None = None) -> Path:
        text = f"""
[credentials]
client_id = "BRN-0001-0000000000001"
client_secret = "{SECRET}"
shared_key = "{SHARED}"
private_key = "file:m.pem"
public_key = "file:m.pub.pem"
[test_data]
cpan = "9360001609987000000"
otp = "12345678"
bank_card_tokens = ["de52e5820f4c381db88a1cf91d57b73e", "env:CARD_TOKEN"]
auth_code = "auth-0001"
ip_address = "192.168.1.1"
card = {{ bankCardNo = "9360001609987000000", bankCardType = "D", expiryDate = "1230" }}
[limits]
timeout_s = 2
{extra}"""
        for old, new in (replaced or {}).items():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "p.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
