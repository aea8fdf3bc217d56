"""The nearest match to a misspelt word, as a sentence to put behind an error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean "…"?` with the blank in front, or nothing where no known word is near. Case does not count."""
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f' Did you mean "{by_lower[near[0]]}"?' if near else ""
