"""The merchant's client as a process of ours: started with what it needs in its environment, ended with the session."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from kki.model.profile import Profile

GRACE_S = 5.0  # between the request to end and the end
NOT_STARTED = frozenset({126, 127})  # what a shell says of a command that it cannot run
_MOST_LINE = 2000  # characters of one line that are shown


class Child:
    """`say` gets each line that it writes. It has a process group of its own, so that its own children end with it."""

    def __init__(self, command: str, env: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._process = subprocess.Popen(
            command, shell=True, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, args=(say,), name="kki-command", daemon=True)
        self._reader.start()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _read(self, say: Callable[[str], None]) -> None:
        stream = self._process.stdout
        if stream is not None:
            for line in iter(lambda: stream.readline(1 << 16), b""):
                with suppress(Exception):  # nobody reads what we say: the client goes on all the same
                    say(line.decode("utf-8", "replace").rstrip("\r\n")[:_MOST_LINE])

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ends it and what it started, politely at first."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_S)
        self._signal(signal.SIGKILL)  # what it left behind in its group
        self._process.wait(GRACE_S)
        self._reader.join(timeout=1.0)
        if self._process.stdout is not None and not self._reader.is_alive():  # else somebody still holds its other end
            self._process.stdout.close()


class Kit:
    """What the merchant was given, as files in a folder that only we can read, and as its environment.

    `keep`: leave the folder behind; its owner is told where it is.
    """

    def __init__(self, profile: Profile, *, keep: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kki-merchant-"))  # mode 0700
        self.keep = keep
        self._profile = profile
        self.key_file = self._write("merchant.pem", profile.credentials.private_key)
        self.public_file = self._write("merchant.pub.pem", profile.credentials.public_key)

    def _write(self, name: str, text: str | None) -> Path | None:
        if text is None:
            return None
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return path

    def write_profile(self) -> Path:
        """The whole of it as a profile in TOML."""
        held, data = self._profile.credentials, self._profile.test_data
        rows = ["[credentials]"]
        rows += [f"{name} = {_quoted(getattr(held, name))}" for name in ("client_id", "client_secret", "shared_key")]
        rows += [f'private_key = "file:{self.key_file}"'] if self.key_file else []
        rows += [f'public_key = "file:{self.public_file}"'] if self.public_file else []
        rows += ["", "[test_data]"]
        names = ("cpan", "otp", "auth_code", "ip_address")
        rows += [f"{name} = {_quoted(getattr(data, name))}" for name in names if getattr(data, name)]
        rows += [f"bank_card_tokens = [{', '.join(_quoted(token) for token in data.bank_card_tokens)}]"]
        if data.card:
            rows += [f"card = {{ {', '.join(f'{name} = {_quoted(value)}' for name, value in data.card.items())} }}"]
        path = self._write("profile.toml", "\n".join(rows) + "\n")
        assert path is not None  # there is a text
        return path

    def environment(self, base_url: str, certificate: Path | None = None) -> dict[str, str]:
        """KKI_BASE_URL first of all; the rest saves the client from reading a profile."""
        held, data = self._profile.credentials, self._profile.test_data
        values = {
            "KKI_BASE_URL": base_url,
            "KKI_CLIENT_ID": held.client_id,
            "KKI_CLIENT_SECRET": held.client_secret,
            "KKI_SHARED_KEY": held.shared_key,
            "KKI_PRIVATE_KEY": str(self.key_file) if self.key_file else None,
            "KKI_CPAN": data.cpan,
            "KKI_OTP": data.otp,
            "KKI_CARD_TOKENS": ",".join(data.bank_card_tokens),
            "KKI_AUTH_CODE": data.auth_code,
            "KKI_IP_ADDRESS": data.ip_address,
            "KKI_CARD_EXPIRY": (data.card or {}).get("expiryDate"),
            "KKI_CA_FILE": str(certificate) if certificate else None,
            "NODE_EXTRA_CA_CERTS": str(certificate) if certificate else None,
        }
        return {name: value for name, value in values.items() if value}

    def close(self) -> None:
        if self.keep:
            return
        for path in self.folder.iterdir():
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()


def _quoted(text: str | None) -> str:
    """A TOML basic string."""
    escaped = (text or "").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in escaped) + '"'
