"""The cluster bootstrap: seeded, whole clusters, and the standard error that theory gives."""

import numpy as np

from cai_core.stats.bootstrap import interval, resample_counts, resample_sums


def test_counts_are_seeded_and_add_up() -> None:
    counts = resample_counts(50, resamples=200, seed=1)
    assert counts.shape == (200, 50)
    assert (counts.sum(axis=1) == 50).all()
    assert (counts == resample_counts(50, resamples=200, seed=1)).all()
    assert (counts != resample_counts(50, resamples=200, seed=2)).any()


def test_sums_add_whole_clusters() -> None:
    values = np.arange(24.0).reshape(6, 2, 2)
    counts = resample_counts(6, resamples=7, seed=3)
    expected = np.einsum("rc,cij->rij", counts, values)
    assert np.allclose(resample_sums(values, resamples=7, seed=3), expected)


def test_the_spread_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=400)
    means = resample_sums(values, resamples=4000, seed=1) / 400
    assert abs(means.std() / (values.std() / 20) - 1) < 0.05
    low, high = interval(means)
    assert abs((high - low) / (2 * 1.96 * values.std() / 20) - 1) < 0.08


def test_interval_by_hand() -> None:
    low, high = interval(np.arange(101.0), level=0.9)
    assert np.allclose([low, high], [5, 95])
