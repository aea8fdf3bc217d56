"""Values by reference: a literal, "env:NAME" or "file:PATH", in the profile and on the command line alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LARGEST = 1 << 20  # octets of a referenced file; a key has some two thousand


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why there is no value: "expected …, but …", with the name or path as written and never a value."""

    why: str


def is_literal(text: str) -> bool:
    return not text.startswith(("env:", "file:"))


def resolved(text: str, *, env: Mapping[str, str], folder: Path) -> str | Unresolved:
    """The value itself. `folder`: where a relative "file:PATH" starts. A line end at a file's end is dropped."""
    kind, _, name = text.partition(":")
    if is_literal(text):
        return text
    return _from_environment(name, env) if kind == "env" else _from_file(name, folder)


# What a variable or a file is usually called. Anything else may be the secret itself, written after env: or file: in
# error, and is not quoted.
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,60}|[A-Za-z_]{1,40}")
_FILE = re.compile(r"(?=.*[./\\])[^\n]{1,400}")


def _from_environment(name: str, env: Mapping[str, str]) -> str | Unresolved:
    value = env.get(name)
    if value:
        return value
    if not _VARIABLE.fullmatch(name):
        return Unresolved(f"expected env:NAME with the name of a variable, but got {len(name)} characters")
    state = "it is not set" if value is None else "it is empty"
    return Unresolved(f"expected the environment variable {name} to hold the value, but {state}")


def _is_file(folder: Path, name: str) -> bool:
    try:
        return (folder / name).exists()
    except (OSError, ValueError):
        return False


def _from_file(name: str, folder: Path) -> str | Unresolved:
    if not _FILE.fullmatch(name) and not _is_file(folder, name):
        return Unresolved(f"expected file:PATH with the path of a file, but found none by these {len(name)} characters")
    path = folder / Path(name).expanduser()
    try:
        if path.stat().st_size > LARGEST:
            return Unresolved(f"expected a key or a secret in the file {name}, but it is larger than {LARGEST} octets")
        text = path.read_text(encoding="utf-8-sig").rstrip("\r\n")
    except FileNotFoundError:
        return Unresolved(f"expected the file {name}, but there is none at {path}")
    except UnicodeDecodeError:
        return Unresolved(f"expected text in the file {name}, but it is not UTF-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "its name is not usable"
        return Unresolved(f"expected to read the file {name}, but could not: {reason}")
    return text or Unresolved(f"expected a value in the file {name}, but it is empty")
