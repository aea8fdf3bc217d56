"""The small pages of our own, and the real one where it is beside the checkout."""

from __future__ import annotations

from pathlib import Path

from kki.drift.model import Field, Page, Request
from kki.drift.read import read

PAGES = Path(__file__).with_name("pages")
SEED = Path(__file__).resolve().parents[2].parent / "shared" / "seed" / "kki-host-to-host.txt"


def text(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def page(name: str, *swaps: tuple[str, str]) -> Page:
    """A page with some of its text swapped; each swap has to find its text exactly once."""
    said = text(name)
    for old, new in swaps:
        assert said.count(old) == 1, old
        said = said.replace(old, new)
    return read(said.encode())


def field(request: Request, place: str, name: str) -> Field:
    (found,) = [one for one in request.fields if (one.place, one.name) == (place, name)]
    return found
