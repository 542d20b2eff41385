"""Calibration of probabilities: the reliability table and the expected calibration error (Guo et al. 2017)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of the reliability table; probabilities and shares in 0..1."""

    low: float
    high: float
    count: int
    predicted: float
    """Mean predicted probability."""
    observed: float
    """Mean outcome."""


def reliability(predicted: ArrayLike, observed: ArrayLike, *, bins: int = 10) -> tuple[Bin, ...]:
    """The table over equally wide bins [low, high), the last one closed; empty bins are left out.

    `observed` is 0, 1, or itself a probability (then calibration is measured against it).
    """
    p, y, places = _binned(predicted, observed, bins)
    return tuple(
        Bin(k / bins, (k + 1) / bins, int(inside.sum()), float(p[inside].mean()), float(y[inside].mean()))
        for k in range(bins)
        if (inside := places == k).any()
    )


def expected_calibration_error(predicted: ArrayLike, observed: ArrayLike, *, bins: int = 10) -> float | None:
    """ECE = sum over bins of (count / n) * |mean predicted - mean observed|, 0..1; None without data."""
    table = reliability(predicted, observed, bins=bins)
    total = sum(row.count for row in table)
    return sum(row.count * abs(row.predicted - row.observed) for row in table) / total if total else None


def _binned(predicted: ArrayLike, observed: ArrayLike, bins: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
    p, y = np.asarray(predicted, dtype=np.float64), np.asarray(observed, dtype=np.float64)
    if p.shape != y.shape or p.ndim != 1:
        raise ValueError(f"predicted and observed are one row each of one length, not {p.shape} and {y.shape}")
    if bins < 1 or not ((p >= 0) & (p <= 1) & (y >= 0) & (y <= 1)).all():
        raise ValueError("probabilities and outcomes are in 0..1, and there is at least one bin")
    return p, y, np.minimum((p * bins).astype(np.int64), bins - 1)
