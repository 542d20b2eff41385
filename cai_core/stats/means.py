"""The mean of many values, from sums of them, with its interval."""

from math import sqrt

from cai_core.stats.agreement import Z95


def mean_interval(total: float, squares: float, n: int, *, z: float = Z95) -> tuple[float, float, float] | None:
    """(mean, low, high) from the sum of `n` values and of their squares; 95 % by default; None for n = 0.

    Mean ± z * s / √n, s being the sample's standard deviation: the values are taken to be independent. A single value
    says nothing of its spread: the interval is then without bounds.
    """
    if n == 0:
        return None
    mean = total / n
    if n == 1:
        return mean, float("-inf"), float("inf")
    spread = sqrt(max(0.0, squares - n * mean * mean) / (n - 1))
    return mean, mean - z * spread / sqrt(n), mean + z * spread / sqrt(n)
