"""Agreement of two raters over the same items: accuracy and Cohen's kappa; undefined values are None."""

from collections import Counter
from collections.abc import Hashable, Sequence
from math import sqrt

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the standard normal distribution."""


def accuracy(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Share of items on which both say the same, 0..1; None without items."""
    _same_length(first, second)
    return sum(a == b for a, b in zip(first, second, strict=True)) / len(first) if first else None


def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Kappa = (p_o - p_e) / (1 - p_e), p_e being the agreement expected by chance (Cohen 1960), at most 1.

    None without items, and where both raters always say one and the same thing: p_e is then 1.
    """
    observed = accuracy(first, second)
    if observed is None:
        return None
    counts, others, n = Counter(first), Counter(second), len(first)
    chance = sum(count * others[value] for value, count in counts.items())
    if chance == n * n:
        return None
    expected = chance / (n * n)
    return (observed - expected) / (1 - expected)


def wilson_interval(successes: int, n: int, *, z: float = Z95) -> tuple[float, float] | None:
    """Wilson's score interval of a share (95 % by default), within 0..1; None for n = 0.

    (p + z²/2n ± z * sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes are between 0 and n = {n}, not {successes}")
    if n == 0:
        return None
    p, scale = successes / n, 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    # Rounding must not push the ends past a share of exactly 0 or 1.
    return max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half))


def _same_length(first: Sequence[Hashable], second: Sequence[Hashable]) -> None:
    if len(first) != len(second):
        raise ValueError(f"both raters rate the same items, but there are {len(first)} and {len(second)}")
