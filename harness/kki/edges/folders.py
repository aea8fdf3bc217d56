"""The folder of one run: made or emptied for it, held against a second run, and `latest` pointing at it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from kki.edges.errors import ConfigurationError
from kki.redaction import PSEUDONYM, Redactor

try:
    import fcntl
except ImportError:  # Windows: there two runs at once in one folder are not kept apart
    fcntl = None  # type: ignore[assignment]

ROOT = Path("reports")
LATEST = "latest"
LOCK = ".kki.lock"
EVIDENCE = ("run.json", "exchanges.jsonl", "journal.jsonl")
_DOCUMENTS = (
    "report.html", "junit.xml", "summary.md", "exchanges.har", "traceability.csv", "traceability.md",
    "functional-test.xlsx", "functional-test.csv", "allure-results", "allure-report", "attestation.intoto.json",
)  # fmt: skip


def _tells_a_secret(folder: Path, redactor: Redactor) -> bool:
    """Part by part too: a long path looks like a signature as a whole, and is cut short for that."""
    return any(PSEUDONYM.search(redactor.text(text)) for text in (str(folder), *folder.parts))


@contextmanager
def run_folder(
    given: Path | None, target: str, now: datetime, *, redactor: Redactor | None = None, resumed: bool = False,
    inputs: Sequence[Path] = (),
) -> Iterator[Path]:  # fmt: skip
    """The folder that the run writes to, for as long as this lasts; a fresh one where none is given.

    One that holds an earlier run is emptied of it, so that no report mixes two; not where it is gone on with. One that
    holds other things, or one of `inputs`, and one that another run is writing to: ConfigurationError, as is any
    folder that cannot be written. A name with a secret in it would stand in every report: the same.
    """
    if given is not None and redactor is not None and _tells_a_secret(given, redactor):
        raise ConfigurationError(["--output: expected a name without a secret of the profile, but it has one in it."])
    try:
        folder = new_run_folder(ROOT, target, now) if given is None else _made(given)
        lock = _locked(folder)
        if given is not None and not resumed:
            _emptied(folder, inputs)
    except OSError as error:
        where = error.filename or given or ROOT
        raise ConfigurationError([f"{where}: expected a folder to write to, but got: {error.strerror}."]) from None
    try:
        yield folder
    finally:
        _let_go(folder, lock)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _locked(folder: Path) -> int:
    """Held until the process ends, whatever ends it."""
    held = os.open(folder / LOCK, os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    if fcntl is not None:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            raise ConfigurationError([
                f"{folder}: expected a folder of its own, but another run is writing there. Wait for its end, or give "
                "another --output."
            ]) from None
    return held


def _let_go(folder: Path, lock: int) -> None:
    with suppress(OSError):
        (folder / LOCK).unlink(missing_ok=True)
    os.close(lock)
    with suppress(OSError):
        folder.rmdir()  # of a run that did not begin; one that holds anything stays


def _emptied(folder: Path, inputs: Sequence[Path]) -> None:
    there = [path for path in folder.iterdir() if path.name != LOCK]
    inside = [path for path in inputs if path.resolve().is_relative_to(folder.resolve())]
    if inside:
        _refuse(folder, f"--output {folder}: expected another folder than that of {inside[0]}, which is to be read.")
    if there and not any((folder / name).exists() for name in EVIDENCE):
        _refuse(
            folder, f"--output {folder}: expected an empty folder, or one that holds an earlier run, but it holds "
            f"other things, such as {min(path.name for path in there)}."
        )  # fmt: skip
    for name in (*EVIDENCE, *_DOCUMENTS):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _refuse(folder: Path, sentence: str) -> None:
    (folder / LOCK).unlink(missing_ok=True)
    raise ConfigurationError([sentence])


def new_run_folder(root: Path, target: str, now: datetime) -> Path:
    """Makes `root/<time>-<target>/`; a number is added where two runs start in one second."""
    name = f"{now:%Y%m%dT%H%M%S}-{safe_name(target)}"
    root.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, 1000):
        folder = root / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise ConfigurationError([f"{root}: expected room for {name}, but a thousand such folders are there already."])


def safe_name(target: str) -> str:
    """A target as part of a file name: host and port of a URL, else the letters and digits of the text."""
    host = urlsplit(target).netloc.rsplit("@", 1)[-1] if "://" in target else target
    return re.sub(r"[^A-Za-z0-9._]+", "-", host).strip("-.")[:60] or "target"


def point_latest(folder: Path) -> None:
    """`reports/latest` points at a folder beside it; of one that is elsewhere nothing is noted.

    Where links cannot be made, it is left alone.
    """
    link, fresh = folder.parent / LATEST, folder.parent / f".{LATEST}.{os.getpid()}"
    if folder.parent.resolve() != ROOT.resolve() or (link.exists() and not link.is_symlink()):
        return
    with suppress(OSError, NotImplementedError):
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(folder.name, target_is_directory=True)
        fresh.replace(link)
