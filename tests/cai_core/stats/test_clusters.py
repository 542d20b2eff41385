"""Clustered means: worked by hand, against the plain formulas, and against a bootstrap of whole clusters."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.stats.agreement import wilson_interval
from cai_core.stats.bootstrap import interval, resample_counts
from cai_core.stats.clusters import ClusterSums, clustered_mean, clustered_share, t95

Clusters = list[list[float]]


def sums(clusters: Clusters) -> ClusterSums:
    """As a database would add them up."""
    n, s = [len(c) for c in clusters], [sum(c) for c in clusters]
    return ClusterSums(
        len(clusters), sum(n), sum(s), sum(x * x for x in s), sum(x * k for x, k in zip(s, n, strict=True)),
        sum(k * k for k in n),
    )  # fmt: skip


def test_worked_by_hand() -> None:
    """Clusters (1, 3), (5): m = 3; deviations of the sums are 4 - 6 = -2 and 5 - 3 = 2, so √(2 / 1 · 8) / 3 = 4 / 3."""
    found = clustered_mean(sums([[1.0, 3.0], [5.0]]))
    reach = 4 / 3 * 12.7062
    assert found == pytest.approx((3.0, 3 - reach, 3 + reach), abs=1e-3)


def test_one_value_a_cluster_is_the_plain_mean_with_its_standard_error() -> None:
    values = [0.2, 1.4, -0.3, 2.2, 0.9, 1.1]
    reach = t95(5) * float(np.std(values, ddof=1)) / sqrt(6)
    mean = float(np.mean(values))
    assert clustered_mean(sums([[v] for v in values])) == pytest.approx((mean, mean - reach, mean + reach))


def test_one_value_a_cluster_is_wilson_s_interval() -> None:
    found = clustered_share(sums([[1.0]] * 7 + [[0.0]] * 13))
    assert found == pytest.approx((7 / 20, *(wilson_interval(7, 20) or ())))


def test_a_share_of_nought_or_one_has_an_interval() -> None:
    """Of ten clusters, each twice the same: as of ten values, not of twenty."""
    for value, successes in ((0.0, 0), (1.0, 10)):
        found = clustered_share(sums([[value] * 2] * 10))
        assert found == pytest.approx((value, *(wilson_interval(successes, 10) or ())))


def test_values_that_repeat_within_a_cluster_count_once() -> None:
    """Twice the same of each cluster says no more than once."""
    once, twice = [[1.0]] * 6 + [[0.0]] * 14, [[1.0] * 2] * 6 + [[0.0] * 2] * 14
    assert clustered_share(sums(twice)) == pytest.approx(clustered_share(sums(once)), abs=0.01)
    assert clustered_mean(sums(twice)) == pytest.approx(clustered_mean(sums(once)))


def test_nothing_and_a_single_cluster() -> None:
    for span in (clustered_mean, clustered_share):
        assert span(sums([])) is None
        assert span(sums([[0.0, 1.0]])) == (0.5, None, None)


def test_a_spread_of_nothing_bounds_no_mean() -> None:
    found = clustered_mean(sums([[0.9], [0.9, 0.9], [0.9]]))
    assert found is not None
    assert found[0] == pytest.approx(0.9)
    assert found[1:] == (None, None)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (5, 2.5706), (10, 2.2281), (100, 1.984)],
)
def test_student_s_quantile(freedom: int, quantile: float) -> None:
    assert t95(freedom) == pytest.approx(quantile, abs=0.01)
    with pytest.raises(ValueError, match="at least 1"):
        t95(0)


def test_it_is_the_bootstrap_s_interval_for_many_clusters() -> None:
    """Clusters of unequal sizes whose values hang together."""
    rng = np.random.default_rng(0)
    clusters = [list(rng.normal(rng.normal(), 0.5, size=rng.integers(1, 6))) for _ in range(400)]
    n, s = np.array([len(c) for c in clusters]), np.array([sum(c) for c in clusters])
    [(_, counts)] = list(resample_counts(400, resamples=4000, seed=1))
    low, high = interval((counts @ s) / (counts @ n))
    found = clustered_mean(sums(clusters))
    assert found is not None
    assert found[1:] == pytest.approx((float(low), float(high)), abs=0.01)


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=4), min_size=2, max_size=30))
def test_a_share_s_interval_holds_the_share_and_stays_within_0_and_1(clusters: Clusters) -> None:
    found = clustered_share(sums(clusters))
    assert found is not None
    share, low, high = found
    assert low is not None
    assert high is not None
    assert 0 <= low <= share <= high <= 1
    assert high - low > 0
