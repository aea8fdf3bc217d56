"""Baseline files: what is wrong is said, what is written is read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kki.edges.baselines import read_baseline, write_baseline
from kki.edges.contract import load
from kki.edges.errors import ConfigurationError

from .made import known

GOOD = """
schema = 1
[[broken]]
requirement = "KKI-SIG-110"
finding = "status"
reason = "ticket 123"
owner = "payments"
expires = 2026-12-31
"""


def told(tmp_path: Path, text: str, name: str = "b.toml") -> str:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_baseline(path, load())
    return "\n".join(caught.value.problems)


def test_a_good_file_becomes_entries(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(GOOD)
    found = read_baseline(tmp_path / "b.toml", load())
    assert found.source == str(tmp_path / "b.toml")
    assert found.known == (known("KKI-SIG-110", "status"),)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("schema = 1", "schema = 2", "schema: expected 1, but got 2."),
        ("owner", "ownr", "but got 'ownr'. Did you mean \"owner\"?"),
        ('reason = "ticket 123"', "", "broken[0]: expected the member 'reason', but it is missing."),
        ('reason = "ticket 123"', 'reason = ""', "broken[0].reason"),
        ("KKI-SIG-110", "KKI-SIG-111", "broken[0].requirement: expected a requirement's id"),
        ("2026-12-31", '"2026-13-31"', 'broken[0].expires: expected a day, but got "2026-13-31".'),
        ("2026-12-31", '"soon"', "broken[0].expires: expected text that matches"),
        ("[[broken]]", "[[broken", "expected TOML, but got:"),
        ("[[broken]]", "[[known]]", "expected one of 'broken', 'schema', but got 'known'."),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    assert says in told(tmp_path, GOOD.replace(old, new))


def test_another_suffix_and_a_missing_file_are_said(tmp_path: Path) -> None:
    assert "expected a baseline in TOML" in told(tmp_path, "{}", "b.json")
    with pytest.raises(ConfigurationError, match="there is none"):
        read_baseline(tmp_path / "none.toml", load())


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.dates())
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, finding: str, reason: str, owner: str, expires: date
) -> None:
    path = tmp_path_factory.mktemp("b") / "b.toml"
    entries = (known("KKI-SIG-110", finding, expires, reason=reason, owner=owner), known("KKI-SIG-120"))
    clean = [text.encode("utf-8", "replace").decode() for text in (finding, reason, owner)]
    write_baseline(path, entries)
    first, second = read_baseline(path, load()).known
    assert [first.finding, first.reason, first.owner, first.expires] == [*clean, expires]
    assert second == entries[1]


def test_an_empty_baseline_is_a_file_too(tmp_path: Path) -> None:
    write_baseline(tmp_path / "b.toml", ())
    assert read_baseline(tmp_path / "b.toml", load()).known == ()
