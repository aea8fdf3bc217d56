"""The run folder: evidence that survives a kill, and a run.json that reads back as it was."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kki.edges import folders, store
from kki.edges.errors import ConfigurationError
from kki.edges.store import ExchangeWriter, RecordingError, read_exchanges, read_recording, read_run, write_run
from kki.model.exchange import Record
from kki.model.run import Run, as_json, from_json
from kki.model.verdict import Overall
from kki.redaction import Redactor

SCHEMAS = Path(__file__).parents[2] / "openapi" / "schemas"


def schema(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / name).read_text()))


def written(folder: Path, records: tuple[Record, ...]) -> tuple[bytes, list[Record]]:
    with ExchangeWriter(folder / store.EXCHANGES, Redactor(salt=b"a salt"), operations={"/x": "payment"}) as writer:
        shown = [writer.write(record) for record in records]
    return (folder / store.EXCHANGES).read_bytes(), shown


# --- evidence ----------------------------------------------------------------------------------------------------


def test_each_line_is_valid_and_reads_back_as_what_the_writer_returned(
    tmp_path: Path, records: tuple[Record, ...]
) -> None:
    data, shown = written(tmp_path, records)
    lines = data.splitlines(keepends=True)
    assert len(lines) == len(records)
    for line in lines:
        schema("exchange.schema.json").validate(json.loads(line))
    assert list(read_exchanges(tmp_path / store.EXCHANGES)) == shown


def test_cut_at_any_byte_every_whole_line_is_read(tmp_path: Path, records: tuple[Record, ...]) -> None:
    data, shown = written(tmp_path, (records[0], records[8], records[22]))
    ends = [at + 1 for at, byte in enumerate(data) if byte == 0x0A]
    for cut in range(len(data) + 1):
        whole = sum(end <= cut for end in ends)
        # a line whose feed alone is missing is whole too
        complete = whole + (cut + 1 in ends)
        assert list(read_exchanges(io.BytesIO(data[:cut]))) == shown[:complete], cut
        problems = read_recording(io.BytesIO(data[:cut])).problems
        assert bool(problems) is (cut not in (0, *ends) and cut + 1 not in ends), cut


def test_a_killed_run_goes_on_in_a_new_line(tmp_path: Path, records: tuple[Record, ...]) -> None:
    path = tmp_path / store.EXCHANGES
    data, shown = written(tmp_path, records[:2])
    path.write_bytes(data[:-40])
    _, more = written(tmp_path, records[2:4])
    recording = read_recording(path)
    assert list(recording.records) == [shown[0], *more]
    assert len(recording.problems) == 1
    assert "line 2" in recording.problems[0]


def test_a_broken_line_in_the_middle_is_named_and_the_others_are_read(
    tmp_path: Path, records: tuple[Record, ...]
) -> None:
    data, shown = written(tmp_path, records[:3])
    lines = data.splitlines(keepends=True)
    for broken in (b"{}\n", b"[]\n", b"\xff\n", b"{\n", b"[" * 100_000 + b"\n"):
        spoiled = io.BytesIO(lines[0] + broken + lines[2])
        recording = read_recording(spoiled, name="x.jsonl")
        assert list(recording.records) == [shown[0], shown[2]]
        assert recording.problems[0].startswith("x.jsonl, line 2: Expected")
        spoiled.seek(0)
        with pytest.raises(RecordingError, match="line 2"):
            list(read_exchanges(spoiled))


def test_two_writers_may_share_a_file(tmp_path: Path, records: tuple[Record, ...]) -> None:
    redactor = Redactor(salt=b"a salt")
    path = tmp_path / store.EXCHANGES
    with ExchangeWriter(path, redactor) as one, ExchangeWriter(path, redactor) as other:
        for first, second in zip(records[:10], records[10:20], strict=True):
            one.write(first)
            other.write(second)
    assert {record.exchange.id for record in read_exchanges(path)} == {f"x{number}" for number in range(1, 21)}


def test_evidence_is_for_its_owner_only(tmp_path: Path, records: tuple[Record, ...]) -> None:
    written(tmp_path, records[:1])
    assert (tmp_path / store.EXCHANGES).stat().st_mode & 0o077 == 0


# --- run.json ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", ["check", "certify", "judge"])
def test_a_run_is_valid_by_its_schema_and_reads_back_as_it_was(
    tmp_path: Path, run_of: Callable[..., Run], use: str
) -> None:
    run = replace(run_of(use), partial=use == "judge", overall=Overall.INCOMPLETE)
    path = write_run(tmp_path, run)
    schema("run.schema.json").validate(json.loads(path.read_bytes()))
    assert read_run(tmp_path) == run
    assert read_run(path) == run


def test_every_member_of_a_run_is_written(run: Run) -> None:
    assert set(as_json(run)) == {field.name for field in fields(Run)}
    row = as_json(run)["requirements"][0]
    assert set(row) == {field.name for field in fields(run.requirements[0])}


def test_the_members_of_the_interface_are_enough(run: Run) -> None:
    fixed = (
        "schema", "use", "overall", "harness", "contract", "target", "seed", "level", "started", "finished",
        "exchange_count",
    )  # fmt: skip
    row = ("id", "party", "level", "standing", "outcome", "grade", "findings")
    data = as_json(run)
    least = {name: data[name] for name in fixed}
    least["requirements"] = [{name: each[name] for name in row} for each in data["requirements"]]
    back = from_json(least)
    assert [each.outcome for each in back.requirements] == [each.outcome for each in run.requirements]
    assert [each.in_scope for each in back.requirements] == [each.in_scope for each in run.requirements]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data.pop("use"), "the member 'use'"),
        (lambda data: data.update(schema=2), "schema=2"),
        (lambda data: data.update(overall="fine"), "fine"),
        (lambda data: data.update(started="noon"), "noon"),
        (lambda data: data.update(requirements=None), "run.json"),
        (lambda data: data["requirements"][0].update(grade="A+"), "A+"),
    ],
)
def test_a_run_json_of_another_kind_is_a_sentence(
    tmp_path: Path, run: Run, change: Callable[[dict[str, Any]], object], says: str
) -> None:
    data = as_json(run)
    change(data)
    (tmp_path / store.RUN).write_text(json.dumps(data))
    with pytest.raises(RecordingError) as caught:
        read_run(tmp_path)
    assert says in caught.value.problems[0]


def test_no_run_json_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no such file"):
        read_run(tmp_path)


# --- the folder --------------------------------------------------------------------------------------------------


def test_two_runs_in_one_second_get_two_folders(tmp_path: Path) -> None:
    now = datetime(2026, 11, 22, 10, tzinfo=UTC)
    first = folders.new_run_folder(tmp_path, "https://u:p@sandbox.example:8443/x", now)
    second = folders.new_run_folder(tmp_path, "https://sandbox.example:8443", now)
    assert first.name == "20261122T100000-sandbox.example-8443"
    assert second.name == "20261122T100000-sandbox.example-8443-2"


@pytest.mark.parametrize("target", ["../../etc/passwd", "", "\x00", "/", "..", "a" * 500, "http://[::1]:80/"])
def test_a_target_never_leaves_the_reports_folder(tmp_path: Path, target: str) -> None:
    folder = folders.new_run_folder(tmp_path, target, datetime(2026, 11, 22, tzinfo=UTC))
    assert folder.parent == tmp_path
    assert len(folder.name) < 100


def test_latest_points_at_the_newest_and_never_replaces_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "ROOT", tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        folders.point_latest(tmp_path / name)
    assert (tmp_path / "latest").resolve() == tmp_path / "two"
    (tmp_path / "latest").unlink()
    (tmp_path / "latest").mkdir()
    folders.point_latest(tmp_path / "one")
    assert not (tmp_path / "latest").is_symlink()


def test_a_file_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    store.write_whole(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        store.write_whole(path, b"new, and longer")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


def test_write_reports_leaves_what_the_interface_names(tmp_path: Path, run: Run, records: tuple[Record, ...]) -> None:
    written(tmp_path, records)
    write_run(tmp_path, run)
    paths = store.write_reports(tmp_path, run)
    names = {path.name for path in paths}
    assert {"report.html", "junit.xml", "summary.md", "exchanges.har", "allure-results"} <= names
    assert all(path.exists() for path in paths)
    assert 'id="x17"' in (tmp_path / "report.html").read_text()


def test_write_reports_without_any_evidence_writes_them_all_the_same(tmp_path: Path, run: Run) -> None:
    paths = store.write_reports(tmp_path, run, into=tmp_path / "elsewhere")
    assert all(path.parent == tmp_path / "elsewhere" for path in paths)
    assert json.loads((tmp_path / "elsewhere" / "exchanges.har").read_bytes())["log"]["entries"] == []


def test_a_recording_error_is_the_operators(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected a readable file"):
        list(read_exchanges(tmp_path / "nothing.jsonl"))
