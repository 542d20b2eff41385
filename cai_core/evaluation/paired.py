"""Means of what was measured twice on the same prompts: of differences, never differences of means."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cai_core.stats.bootstrap import interval, resample_counts

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over n rows with its 95 % interval; None where there is no row, or but one prompt to draw from."""

    n: int
    value: float | None
    low: float | None
    high: float | None


@dataclass
class Values:
    """Values with the prompt each belongs to."""

    prompts: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, prompt: int, value: float) -> None:
        """One more."""
        self.prompts.append(prompt)
        self.values.append(value)


def mean(prompts: Sequence[int], values: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 0) -> Mean:
    """The mean of values with the interval that drawing whole prompts with replacement gives it."""
    if not values:
        return Mean(0, None, None, None)
    _, place = np.unique(np.asarray(prompts, dtype=np.int64), return_inverse=True)
    sums, counts = np.bincount(place, weights=np.asarray(values, dtype=np.float64)), np.bincount(place)
    value = float(sums.sum() / len(values))
    if len(sums) < 2:
        return Mean(len(values), value, None, None)
    total, rows = np.zeros(resamples), np.zeros(resamples)
    for start, drawn in resample_counts(len(sums), resamples=resamples, seed=seed):
        own = slice(start, start + drawn.shape[1])
        total += drawn @ sums[own]
        rows += drawn @ counts[own]
    low, high = interval(total / rows)
    return Mean(len(values), value, float(low), float(high))
