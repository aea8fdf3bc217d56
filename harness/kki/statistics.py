"""Two samples of latencies: whether the later one is slower, and by how much. Pure, no tables, no package."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

FEWEST = 8  # of each sample: with fewer the normal approximation of U says little
SIGNIFICANT = 0.01
NOTEWORTHY = 0.10  # a shift of the median by less than a tenth is nobody's concern


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Milliseconds. `p`: two-sided, Mann-Whitney; None for samples too small. `slower`: how often one of the new
    sample is above one of the old (0.5: alike).
    """

    old_count: int
    new_count: int
    old_median: float
    new_median: float
    old_p95: float
    new_p95: float
    slower: float
    p: float | None

    @property
    def matters(self) -> bool:
        """Unlikely to be chance, and large enough to care."""
        if self.p is None or self.p >= SIGNIFICANT:
            return False
        return abs(self.new_median - self.old_median) > NOTEWORTHY * max(self.old_median, 1e-9)


def shift(old: Sequence[float], new: Sequence[float]) -> Shift | None:
    """None where one of the samples is empty."""
    if not old or not new:
        return None
    u = _u(old, new)
    enough = min(len(old), len(new)) >= FEWEST
    return Shift(
        old_count=len(old),
        new_count=len(new),
        old_median=quantile(old, 0.5),
        new_median=quantile(new, 0.5),
        old_p95=quantile(old, 0.95),
        new_p95=quantile(new, 0.95),
        slower=u / (len(old) * len(new)),
        p=_p(u, old, new) if enough else None,
    )


def quantile(sample: Sequence[float], share: float) -> float:
    """Linear interpolation between order statistics (Hyndman and Fan's type 7)."""
    rows = sorted(sample)
    at = (len(rows) - 1) * share
    low = math.floor(at)
    high = min(low + 1, len(rows) - 1)
    return rows[low] + (rows[high] - rows[low]) * (at - low)


def _u(old: Sequence[float], new: Sequence[float]) -> float:
    """How many pairs have the new one above the old one; ties count a half. By the ranks of the pooled sample."""
    ranks = _ranks([*old, *new])
    return sum(ranks[len(old) :]) - len(new) * (len(new) + 1) / 2


def _ranks(values: Sequence[float]) -> list[float]:
    """From 1; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in order[start : end + 1]:
            ranks[place] = (start + end) / 2 + 1
        start = end + 1
    return ranks


def _p(u: float, old: Sequence[float], new: Sequence[float]) -> float:
    """Two-sided, by the normal approximation with the correction for ties and for continuity."""
    n, m = len(old), len(new)
    pooled = n + m
    ties = sum(count**3 - count for count in Counter([*old, *new]).values())
    variance = n * m / 12 * (pooled + 1 - ties / (pooled * (pooled - 1)))
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))
