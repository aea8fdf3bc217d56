"""The files of a run's folder, with their digests: what an attestation is about."""

from __future__ import annotations

import hashlib
from pathlib import Path

from kki.attestation import File
from kki.edges.errors import ConfigurationError
from kki.edges.folders import LOCK

ATTESTATION = "attestation.intoto.json"


def _is_aside(name: str) -> bool:
    return name == LOCK or name.endswith(".intoto.json")


def files_of(folder: Path) -> tuple[File, ...]:
    """Every regular file below the folder but attestations, by name. Links are not followed."""
    found = []
    try:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_file() or _is_aside(path.name):
                continue
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found.append(File(name=path.relative_to(folder).as_posix(), size=path.stat().st_size, sha256=digest))
    except OSError as error:
        raise ConfigurationError([f"{error.filename}: expected a readable file, but got: {error.strerror}."]) from None
    return tuple(sorted(found, key=lambda each: each.name))
