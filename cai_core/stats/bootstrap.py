"""Cluster bootstrap: whole clusters (here prompts) are drawn with replacement, since a prompt's battles hang together.

A resample is a row of counts, one for each cluster, so that any sum over the data is one matrix product.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def resample_counts(clusters: int, *, resamples: int, seed: int) -> Floats:
    """How often each cluster is drawn in each resample: (resamples, clusters), each row summing to `clusters`."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=resamples).astype(np.float64)


def resample_sums(values: Floats, *, resamples: int, seed: int) -> Floats:
    """Sums of `values` (clusters, ...) over the drawn clusters: (resamples, ...)."""
    counts = resample_counts(len(values), resamples=resamples, seed=seed)
    sums: Floats = counts @ values.reshape(len(values), -1)
    return sums.reshape(resamples, *values.shape[1:])


def interval(samples: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Percentile interval over the first axis: its lower and upper ends."""
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray(low), np.asarray(high)
