"""Mann-Whitney by hand, against published values and a plain count of pairs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kki import statistics

# The example of SciPy's documentation of mannwhitneyu: U = 17, and p = 0.1113 by the asymptotic method.
MALES, FEMALES = [19.0, 22, 16, 29, 24], [20.0, 11, 17, 12]
SAMPLES = st.lists(st.integers(0, 30).map(float), min_size=1, max_size=25)


def test_a_published_example() -> None:
    u = statistics._u(FEMALES, MALES)
    assert u == 17.0
    assert statistics._p(u, FEMALES, MALES) == pytest.approx(0.11134688653314041, rel=1e-9)


@settings(deadline=None)
@given(SAMPLES, SAMPLES)
def test_u_counts_the_pairs(old: list[float], new: list[float]) -> None:
    pairs = sum(1.0 if b > a else 0.5 if b == a else 0.0 for a in old for b in new)
    assert statistics._u(old, new) == pairs
    assert 0.0 <= statistics._p(pairs, old, new) <= 1.0


def test_two_samples_that_do_not_overlap() -> None:
    found = statistics.shift([float(n) for n in range(8)], [float(n) for n in range(100, 108)])
    assert found is not None
    assert (found.old_median, found.new_median, found.slower) == (3.5, 103.5, 1.0)
    assert found.p == pytest.approx(math.erfc(31.5 / math.sqrt(8 * 8 * 17 / 12) / math.sqrt(2)))
    assert found.matters


def test_what_does_not_matter() -> None:
    assert statistics.shift([], [1.0]) is None
    few = statistics.shift([1.0] * 7, [9.0] * 7)
    assert few is not None
    assert few.p is None
    assert not few.matters
    alike = statistics.shift([5.0] * 20, [5.0] * 20)
    assert alike is not None
    assert (alike.p, alike.slower, alike.matters) == (1.0, 0.5, False)
    tiny = statistics.shift([100.0 + n / 100 for n in range(50)], [103.0 + n / 100 for n in range(50)])
    assert tiny is not None
    assert tiny.p is not None
    assert tiny.p < 1e-9
    assert not tiny.matters  # certain, and by 3 % only


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 2.5), (0.95, 3.85), (1.0, 4.0)])
def test_quantiles(share: float, value: float) -> None:
    assert statistics.quantile([4.0, 1.0, 3.0, 2.0], share) == pytest.approx(value)
