"""How much of what takes long: less in an ordinary test run, all of it in `tox -e campaign` (KKI_CAMPAIGN=all)."""

from __future__ import annotations

import os

LONG = os.environ.get("KKI_CAMPAIGN") == "all"


def of(usual: int, whole: int) -> int:
    return whole if LONG else usual
