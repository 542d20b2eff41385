"""A mean's interval, by hand and against the many of a seeded draw."""

from math import inf, sqrt
from random import Random

import pytest

from cai_core.stats.means import mean_interval


def test_by_hand() -> None:
    """1, 2, 3: mean 2, deviation 1, standard error 1 / sqrt 3."""
    mean, low, high = mean_interval(6.0, 14.0, 3, z=2.0) or (0.0, 0.0, 0.0)
    assert (mean, low, high) == pytest.approx((2, 2 - 2 / sqrt(3), 2 + 2 / sqrt(3)))


def test_of_nothing_of_one_and_of_equals() -> None:
    """None; a mean of unknown spread; no spread, whatever rounding does to the sum of squares."""
    assert mean_interval(0.0, 0.0, 0) is None
    assert mean_interval(0.5, 0.25, 1) == (0.5, -inf, inf)
    assert mean_interval(0.3, 3 * 0.1 * 0.1 - 1e-18, 3) == pytest.approx((0.1, 0.1, 0.1))


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    """Over 400 seeded samples of 50, within four standard errors of 0.95."""
    rng, hits = Random(5), 0
    for _ in range(400):
        values = [rng.random() for _ in range(50)]
        _, low, high = mean_interval(sum(values), sum(v * v for v in values), 50) or (0, 0, 0)
        hits += low <= 0.5 <= high
    assert abs(hits / 400 - 0.95) < 4 * sqrt(0.95 * 0.05 / 400)
