"""How much of what takes long: less in an ordinary test run, all of it in `tox -e campaign` (KKI_CAMPAIGN=all)."""

from __future__ import annotations

import os
import zlib

LONG = os.environ.get("KKI_CAMPAIGN") == "all"


def of(usual: int, whole: int) -> int:
    return whole if LONG else usual


def share(name: str, part: int) -> bool:
    """Whether this one is tried: all are in a campaign, else one in `part`, always the same ones."""
    return LONG or zlib.crc32(name.encode()) % part == 0
