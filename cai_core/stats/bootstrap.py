"""Cluster bootstrap: whole clusters (here prompts) are drawn with replacement, since a prompt's battles hang together.

A resample is a row of counts, one for each cluster, so that any sum over the data is one matrix product. Clusters are
drawn block by block: how often each block is drawn first, then what within it, which together is the multinomial
draw over all of them; memory does not grow with their number.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_CELLS = 2**21
"""Counts held at a time: resamples times the clusters of a block."""


def resample_counts(clusters: int, *, resamples: int, seed: int) -> Iterator[tuple[int, Ints]]:
    """For each block of clusters its first one, and how often each of it is drawn: (resamples, of the block).

    Over all blocks, each resample's counts add up to `clusters`.
    """
    rng = np.random.default_rng(seed)
    starts = range(0, clusters, _block(resamples))
    sizes = np.diff([*starts, clusters])
    drawn = rng.multinomial(clusters, sizes / clusters, size=resamples)
    for start, size, often in zip(starts, sizes, drawn.T, strict=True):
        places = np.repeat(np.arange(resamples) * size, often) + rng.integers(size, size=often.sum())
        yield start, np.bincount(places, minlength=resamples * size).reshape(resamples, size)


def resample_sums(
    cluster: Ints, column: Ints, value: Floats, *, shape: tuple[int, int], resamples: int, seed: int
) -> Floats:
    """Sums of `value` by column over the drawn clusters, (resamples, columns); `shape` is (clusters, columns).

    Values are given by what is there: each with its cluster and its column. Sums are exact where values are halves
    and none exceeds 2²³; else they are within a millionth.
    """
    clusters, columns = shape
    cells = cluster * columns + column
    if clusters > _block(resamples):
        order = np.argsort(cells)
        cells, value = cells[order], value[order]
    sums = np.zeros((resamples, columns))
    for start, counts in resample_counts(clusters, resamples=resamples, seed=seed):
        size = counts.shape[1]
        own = slice(None)
        if size < clusters:
            own = slice(*np.searchsorted(cells, [start * columns, (start + size) * columns]))
        block = np.bincount(cells[own] - start * columns, weights=value[own], minlength=size * columns)
        # In single precision, twice as fast as in double.
        sums += counts.astype(np.float32) @ block.reshape(size, columns).astype(np.float32)
    return sums


def _block(resamples: int) -> int:
    return max(1, _CELLS // resamples)


def interval(samples: Floats, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Percentile interval over the first axis: its lower and upper ends."""
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray(low), np.asarray(high)
