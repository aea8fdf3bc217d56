"""`kki drift`: its endings, its text, its document."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Kki = Callable[..., Any]
PAGES = Path(__file__).resolve().parents[1] / "drift" / "pages"
SHELF, MARKDOWN, UNBIND = (str(PAGES / name) for name in ("shelf.txt", "shelf.md", "unbind.txt"))
SEED = Path(__file__).resolve().parents[2].parent / "shared" / "seed" / "kki-host-to-host.txt"
seed = pytest.mark.skipif(not SEED.is_file(), reason="the page's text is not beside the checkout")


def test_two_pages_that_say_the_same_end_with_0(kki: Kki) -> None:
    ended = kki("drift", SHELF, MARKDOWN)
    assert ended.code == 0
    assert "Old: " in ended.out
    assert "2 requests with 10 fields" in ended.out
    assert "Not compared: descriptions" in ended.out
    assert ended.out.rstrip().endswith("No difference.")


def test_differences_end_with_1_and_are_told_with_both_sides(kki: Kki, tmp_path: Path) -> None:
    changed = tmp_path / "new.txt"
    changed.write_text(Path(SHELF).read_text(encoding="utf-8").replace("max: 12R", "max: 13R"), encoding="utf-8")
    ended = kki("drift", SHELF, str(changed))
    assert ended.code == 1
    for line in ("1. Lending › Lend a volume", "  header X-DESK: maxLength", "    old: 12", "    new: 13"):
        assert line in ended.out.splitlines()
    assert "1 difference, touching 0 requirements and 0 compiled cases." in ended.out
    assert "Not compared" not in ended.out


def test_one_page_is_compared_with_the_contract(kki: Kki) -> None:
    ended = kki("drift", UNBIND)
    assert ended.code == 1
    assert "Contract: " in ended.out
    assert "    contract: DH, H2H" in ended.out
    assert "    page: DH, H2H, APP" in ended.out
    assert "    touches KKI-HDR-080, KKI-HDR-180, and 4 compiled cases" in ended.out


def test_a_page_may_come_from_standard_input(kki: Kki) -> None:
    ended = kki("drift", SHELF, "-", stdin=Path(SHELF).read_bytes())
    assert ended.code == 0
    assert "New: standard input" in ended.out


def test_more_words_show_every_id(kki: Kki) -> None:
    assert "the compiled cases unbind.header.CHANNEL-ID" in kki("drift", UNBIND, "-v").out
    assert kki("drift", UNBIND, "-q").out == ""


def test_the_document_has_everything(kki: Kki) -> None:
    ended = kki("drift", UNBIND, "--format", "json")
    assert ended.code == 1
    found = ended.document
    assert found["old"]["form"] == "contract"
    assert found["new"] == {
        "source": UNBIND, "form": "text", "requests": 1, "fields": 12, "as_transcribed": False,
    }  # fmt: skip
    assert found["wording_compared"] is False
    (limit,) = [one for one in found["differences"] if one["keyword"] == "maxLength"]
    assert {name: limit[name] for name in ("kind", "place", "name", "old", "new", "requirements")} == {
        "kind": "changed", "place": "header", "name": "X-PARTNER-ID", "old": "32", "new": "30",
        "requirements": ["KKI-HDR-024", "KKI-HDR-124"],
    }  # fmt: skip
    assert set(limit["cases"]) <= set(found["touched"]["cases"])
    assert "KKI-HDR-024" in found["touched"]["requirements"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ([], "Missing argument"),
        (["nowhere.md"], "nowhere.md: expected a file, but there is none."),
        (["."], ".: expected a readable file"),
        ([SHELF, SHELF, SHELF], "Expected one page or two, but got 3."),
        (["-", "-"], "Expected standard input for one of the pages at most"),
        ([__file__], "expected a page with tables of fields, but found none"),
    ],
)
def test_bad_input_ends_with_2_and_a_sentence(kki: Kki, args: list[str], says: str) -> None:
    ended = kki("drift", *args)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert "Traceback" not in ended.err


def test_both_bad_pages_are_told_at_once(kki: Kki, tmp_path: Path) -> None:
    (tmp_path / "empty.md").write_bytes(b"")
    ended = kki("drift", str(tmp_path / "empty.md"), "nowhere.md")
    assert ended.code == 2
    assert "empty.md: expected a page, but the file is empty." in ended.err
    assert "nowhere.md" in ended.err


@seed
def test_the_real_page_and_the_contract_agree(kki: Kki) -> None:
    ended = kki("drift", str(SEED))
    assert ended.code == 0
    assert "7 requests with 100 fields, the very text that was transcribed" in ended.out
