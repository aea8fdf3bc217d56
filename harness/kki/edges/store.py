"""The run folder: `exchanges.jsonl` while the run goes on, `run.json` when it ends. Redacted on the way in."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from kki.edges.errors import ConfigurationError
from kki.model.exchange import Exchange, Record
from kki.model.http import Headers, Request, Response
from kki.model.run import Run, as_json, from_json
from kki.redaction import Redactor

EXCHANGES = "exchanges.jsonl"
RUN = "run.json"
_MEMBERS_TO_SHOW = 60  # characters of a broken line that a sentence quotes


class RecordingError(ConfigurationError):
    """A recording that cannot be read: `problems` has a sentence for each place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What could be read of a recording, and a sentence for each entry that could not."""

    records: tuple[Record, ...]
    problems: tuple[str, ...] = ()


class ExchangeWriter:
    """Appends to `exchanges.jsonl`, one whole line a write: a killed run leaves every finished line readable.

    Several processes may append to one file (O_APPEND and one write each). `operations` maps request paths to
    operation names, which are noted for people who read the file; nothing here depends on them.
    """

    def __init__(self, path: Path, redactor: Redactor, *, operations: Mapping[str, str] | None = None) -> None:
        self._redactor = redactor
        self._operations = dict(operations or {})
        path.parent.mkdir(parents=True, exist_ok=True)
        _end_cut_line(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)

    def write(self, record: Record) -> Record:
        """Redacts, writes, and returns the redacted record: the one that reports may see."""
        shown = self._redactor.record(record)
        operation = self._operations.get(record.exchange.request.path, "")
        line = json.dumps(record_as_json(shown, operation), ensure_ascii=False, separators=(",", ":"))
        data = line.encode("utf-8", "replace") + b"\n"
        while data:  # a pipe or a full disk may take less than everything
            data = data[os.write(self._file, data) :]
        return shown

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> ExchangeWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _end_cut_line(path: Path) -> None:
    """Where an earlier run was killed within a line, end that line, or the next one would be lost with it."""
    with suppress(FileNotFoundError), path.open("rb+") as file:
        if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) is not None and file.read(1) != b"\n":
            file.write(b"\n")


# --- one line ----------------------------------------------------------------------------------------------------


def record_as_json(record: Record, operation: str = "") -> dict[str, Any]:
    exchange, request, response = record.exchange, record.exchange.request, record.exchange.response
    return {
        "id": exchange.id,
        "made_by": record.made_by,
        "mutations": list(record.mutations),
        "operation": operation,
        "sent_at": exchange.sent_at.isoformat(),
        "answered_at": exchange.answered_at.isoformat() if exchange.answered_at else None,
        "failure": exchange.failure,
        "tls": exchange.tls,
        "request": {
            "method": request.method,
            "origin": request.origin,
            "target": request.target,
            "headers": [[_clean(name), _clean(value)] for name, value in request.headers.pairs],
            **_body_as_json(request.body),
        },
        "response": None
        if response is None
        else {
            "status": response.status,
            "headers": [[_clean(name), _clean(value)] for name, value in response.headers.pairs],
            **_body_as_json(response.body),
        },
    }


def _body_as_json(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode("utf-8"), "encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode("ascii"), "encoding": "base64"}


def _clean(text: str) -> str:
    """Header text may hold lone surrogates, which no UTF-8 file can."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def record_from_json(data: Any) -> Record:
    """The record behind one line. ValueError with a sentence where a member is missing or of another kind."""
    line = _object(data, "the line")
    request, response = _object(line.get("request"), "request"), line.get("response")
    return Record(
        exchange=Exchange(
            id=_string(line, "id"),
            request=Request(
                method=_string(request, "method"),
                origin=request.get("origin") or "",
                target=_string(request, "target"),
                headers=_headers(request),
                body=_body(request),
            ),
            response=None if response is None else _response(_object(response, "response")),
            sent_at=_moment(line, "sent_at"),
            answered_at=_moment(line, "answered_at") if line.get("answered_at") else None,
            failure=line.get("failure"),
            tls=line.get("tls"),
        ),
        made_by=line.get("made_by") or "",
        mutations=tuple(str(name) for name in line.get("mutations") or ()),
    )


def _response(data: dict[str, Any]) -> Response:
    status = data.get("status")
    if not isinstance(status, int):
        raise ValueError(f"Expected a number in response.status but got {status!r}.")
    return Response(status=status, headers=_headers(data), body=_body(data))


def _object(data: Any, name: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValueError(f"Expected a JSON object in {name} but got {_quoted(data)}.")
    return data


def _string(data: Mapping[str, Any], name: str) -> str:
    if not isinstance(data.get(name), str):
        raise ValueError(f"Expected a string in {name} but got {_quoted(data.get(name))}.")
    return str(data[name])


def _moment(data: Mapping[str, Any], name: str) -> datetime:
    try:
        return datetime.fromisoformat(_string(data, name))
    except ValueError:
        raise ValueError(f"Expected a date and time in {name} but got {_quoted(data.get(name))}.") from None


def _headers(data: Mapping[str, Any]) -> Headers:
    pairs = data.get("headers", [])
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise ValueError("Expected headers as a list of [name, value] pairs.")
    return Headers(tuple((str(name), str(value)) for name, value in pairs))


def _body(data: Mapping[str, Any]) -> bytes:
    body, encoding = data.get("body") or "", data.get("encoding", "utf-8")
    if not isinstance(body, str) or encoding not in ("utf-8", "base64"):
        raise ValueError(f"Expected a body in utf-8 or base64 but got encoding={encoding!r}.")
    if encoding == "utf-8":
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise ValueError("Expected a body in Base64 but got other characters.") from None


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MEMBERS_TO_SHOW else text[:_MEMBERS_TO_SHOW] + "…"


# --- reading -----------------------------------------------------------------------------------------------------


def read_exchanges(
    source: Path | IO[bytes] | Iterable[bytes], *, name: str = "", problems: list[str] | None = None
) -> Iterator[Record]:
    """The records of an `exchanges.jsonl`, one by one.

    A last line that was cut off (no line feed, not readable) ends the reading; the run was killed there. Any other
    line that cannot be read raises RecordingError, or, where `problems` is given, adds a sentence to it and is
    left out. The cut line is told in `problems` too.
    """
    if isinstance(source, Path):
        try:
            with source.open("rb") as file:
                yield from read_exchanges(file, name=name or str(source), problems=problems)
        except OSError as failure:
            raise RecordingError([f"{source}: expected a readable file, but got: {failure.strerror}."]) from None
        return
    name = name or "recording"
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            yield _record(line, f"{name}, line {number}")
        except RecordingError as broken:
            cut = not line.endswith(b"\n")
            if problems is None and not cut:
                raise
            if problems is not None:
                at = f"{name}, line {number}"
                problems += [f"{at}: the last line is cut off; the run ended there."] if cut else broken.problems


def _record(line: bytes, at: str) -> Record:
    try:
        return record_from_json(json.loads(line))
    except json.JSONDecodeError as failure:
        sentence = f"Expected one JSON object but got {failure.msg.lower()} at column {failure.colno}."
    except UnicodeDecodeError as failure:
        sentence = f"Expected UTF-8 but got other bytes at offset {failure.start}."
    except RecursionError:
        sentence = "Expected an exchange but got JSON nested too deep to read."
    except ValueError as failure:
        sentence = str(failure)
    raise RecordingError([f"{at}: {sentence}"])


def read_recording(source: Path | IO[bytes] | Iterable[bytes], *, name: str = "") -> Recording:
    """All that can be read, and a sentence for each line that cannot."""
    problems: list[str] = []
    records = tuple(read_exchanges(source, name=name, problems=problems))
    return Recording(records=records, problems=tuple(problems))


def read_run(folder: Path) -> Run:
    """The finished run in a folder (or the run.json itself). RecordingError where there is none or it is broken."""
    path = folder / RUN if folder.is_dir() else folder
    try:
        return from_json(json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise RecordingError([f"{path}: expected a finished run, but there is no such file."]) from None
    except OSError as failure:
        raise RecordingError([f"{path}: expected a readable file, but got: {failure.strerror}."]) from None
    except KeyError as failure:
        raise RecordingError([f"{path}: expected the member {failure}, but it is not there."]) from None
    except (ValueError, TypeError, AttributeError, RecursionError) as failure:
        raise RecordingError([f"{path}: expected a run.json, but: {failure}"]) from None


# --- the folder --------------------------------------------------------------------------------------------------


def write_run(folder: Path, run: Run) -> Path:
    """`run.json`, whole or not at all."""
    path = folder / RUN
    write_whole(path, (json.dumps(as_json(run), ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace"))
    return path


def write_reports(folder: Path, run: Run, *, lang: str = "en", into: Path | None = None) -> tuple[Path, ...]:
    """Every document that stands beside `run.json`, and `allure-results/`; the paths of what was written.

    The evidence is read back from disk: there it is redacted, and it is what is left. A line of `exchanges.jsonl`
    that cannot be read is left out; `read_recording` names it. `into`: another folder for the documents.
    """
    from kki.report.allure import write_allure  # here: templates, spreadsheets and Allure wait for a run's end
    from kki.report.render import render

    target = into or folder
    target.mkdir(parents=True, exist_ok=True)
    documents = render(run, lambda: evidence(folder), lang)
    for name, data in documents.items():
        write_whole(target / name, data)
    return (*(target / name for name in documents), write_allure(target, run, evidence(folder), os.environ))


def evidence(folder: Path) -> Iterator[Record]:
    """The readable records of a run folder; none where nothing was recorded."""
    path = folder / EXCHANGES
    if path.is_file():
        yield from read_exchanges(path, problems=[])


def write_whole(path: Path, data: bytes) -> None:
    """Writes beside the file, then renames: a reader or a kill never sees half of it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
