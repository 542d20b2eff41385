"""The cluster bootstrap: seeded, whole clusters, and the standard error that theory gives."""

import numpy as np
import pytest

from cai_core.stats import bootstrap
from cai_core.stats.bootstrap import interval, resample_counts, resample_sums


def counts_of(clusters: int, resamples: int, seed: int) -> np.ndarray:
    """All blocks side by side."""
    return np.hstack([counts for _, counts in resample_counts(clusters, resamples=resamples, seed=seed)])


@pytest.fixture(params=[1, 7, 2**21], ids=["a cluster a block", "uneven blocks", "one block"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Clusters a block, for 200 resamples."""
    monkeypatch.setattr(bootstrap, "_CELLS", 200 * request.param)
    return int(request.param)


def test_counts_are_seeded_and_add_up(blocks: int) -> None:
    counts = counts_of(50, 200, 1)
    assert counts.shape == (200, 50)
    assert (counts.sum(axis=1) == 50).all()
    assert (counts == counts_of(50, 200, 1)).all()
    assert (counts != counts_of(50, 200, 2)).any()
    starts = [start for start, _ in resample_counts(50, resamples=200, seed=1)]
    assert starts == list(range(0, 50, blocks))


def test_counts_are_a_multinomial_draw(blocks: int) -> None:
    """Mean 1, variance 1 - 1/n, covariance -1/n, within a block and across."""
    counts = np.vstack([counts_of(9, 200, seed) for seed in range(200)])
    covariance = np.cov(counts.T)
    expected = np.eye(9) - 1 / 9
    # 40,000 draws: five standard errors of a variance of about 1 are 0.05.
    assert np.abs(counts.mean(axis=0) - 1).max() < 0.03
    assert np.abs(covariance - expected).max() < 0.05


def test_sums_add_whole_clusters(blocks: int) -> None:
    rng = np.random.default_rng(0)
    cluster, column = rng.integers(20, size=300), rng.integers(4, size=300)
    value = rng.integers(0, 3, size=300) / 2
    dense = np.zeros((20, 4))
    np.add.at(dense, (cluster, column), value)
    expected = counts_of(20, 200, 3) @ dense
    found = resample_sums(cluster, column, value, shape=(20, 4), resamples=200, seed=3)
    assert (found == expected).all()
    turned = rng.permutation(300)
    again = resample_sums(cluster[turned], column[turned], value[turned], shape=(20, 4), resamples=200, seed=3)
    assert (again == found).all()


def test_the_spread_of_a_mean_is_its_standard_error() -> None:
    values, place = np.random.default_rng(0).normal(size=400), np.arange(400)
    means = resample_sums(place, 0 * place, values, shape=(400, 1), resamples=4000, seed=1)[:, 0] / 400
    assert abs(means.std() / (values.std() / 20) - 1) < 0.05
    low, high = interval(means)
    assert abs((high - low) / (2 * 1.96 * values.std() / 20) - 1) < 0.08


def test_interval_by_hand() -> None:
    low, high = interval(np.arange(101.0), level=0.9)
    assert np.allclose([low, high], [5, 95])
