"""Means of values that hang together in clusters (here: the chains of one prompt), from sums alone.

No value is looked at twice and nothing is drawn, so the sums can be a database's and a million rows cost what ten do.
"""

from dataclasses import dataclass
from math import pi, sqrt, tan

from cai_core.stats.agreement import Z95


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """Sums over clusters, each having n values with the sum s; clusters without a value are not counted."""

    clusters: int
    n: float
    """Σ n: how many values there are."""
    total: float
    """Σ s."""
    squares: float
    """Σ s²."""
    cross: float
    """Σ s n."""
    sizes: float
    """Σ n²."""


Span = tuple[float, float | None, float | None]
"""A mean and its 95 % interval; without bounds where there is but one cluster to go by, or no spread."""


def clustered_mean(sums: ClusterSums) -> Span | None:
    """The mean of all values with its 95 % interval; None without any.

    m = Σ s / Σ n, with the linearised standard error of a ratio, √(k / (k - 1) · Σ (s - m n)²) / Σ n over k clusters
    (Cochran 1977, chapter 9; the sandwich estimator of a mean), times Student's quantile for k - 1 degrees of freedom.
    Where all clusters say the same their spread is nothing, which bounds nothing: there is then no interval.
    """
    if not sums.n:
        return None
    mean = sums.total / sums.n
    if sums.clusters < 2:
        return mean, None, None
    reach = t95(sums.clusters - 1) * sqrt(_variance(sums))
    return (mean, mean - reach, mean + reach) if reach else (mean, None, None)


def clustered_share(sums: ClusterSums) -> Span | None:
    """As `clustered_mean` of values that are 0 or 1, with an interval within 0..1 that no share of 0 or 1 collapses.

    Wilson's, for as many independent values as would have that standard error, and never for more than there are.
    Where all values are the same their spread says nothing, and each cluster counts as one value.
    """
    if not sums.n:
        return None
    share = sums.total / sums.n
    if sums.clusters < 2:
        return share, None, None
    alone = share * (1 - share)
    n = float(sums.clusters)
    if alone > 0 and (variance := _variance(sums)) > 0:
        # With one value a cluster the standard error is √(p (1 - p) / (n - 1)), which gives all n.
        n = min(sums.n, sums.n * alone / ((sums.n - 1) * variance))
    z = Z95
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z * sqrt(alone / n + z * z / (4 * n * n)) / scale
    return share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def _variance(sums: ClusterSums) -> float:
    mean, k = sums.total / sums.n, sums.clusters
    spread = sums.squares - 2 * mean * sums.cross + mean * mean * sums.sizes
    # What rounding alone leaves of equal values is no spread.
    return (spread if spread > 1e-12 * sums.squares else 0.0) * k / (k - 1) / sums.n**2


def t95(freedom: int) -> float:
    """Two-sided 95 % quantile of Student's t, for at least 1 degree of freedom; within 0.01.

    Exact for one and two degrees; above, the expansion about the normal quantile (Abramowitz and Stegun 26.7.5).
    """
    if freedom < 1:
        raise ValueError(f"{freedom} degrees of freedom: at least 1 is needed")
    if freedom == 1:
        return tan(pi * 0.475)
    if freedom == 2:
        return 0.95 / sqrt(2 * 0.975 * 0.025)
    z, v = Z95, freedom
    terms = (
        z,
        (z**3 + z) / (4 * v),
        (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2),
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3),
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4),
    )
    return sum(terms)
