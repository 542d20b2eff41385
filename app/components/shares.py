"""Shares and means with their 95 % intervals, in words."""

from cai_core.stats.agreement import wilson_interval
from cai_core.stats.means import mean_interval

UNKNOWN = "–"


def percent(part: float, n: int) -> float | None:
    """0..100; None of nothing."""
    return 100 * part / n if n else None


def share_words(successes: int, n: int) -> str:
    """'62 %'."""
    return UNKNOWN if not n else f"{successes / n:.0%}".replace("%", " %")


def share_span(successes: int, n: int) -> str:
    """'58 to 66 %' (Wilson)."""
    span = wilson_interval(successes, n)
    return UNKNOWN if span is None else f"{100 * span[0]:.0f} to {100 * span[1]:.0f} %"


def mean_words(total: float, n: int, *, as_percent: bool = False) -> str:
    """'+3.2', or '34 %'."""
    if not n:
        return UNKNOWN
    return f"{100 * total / n:.0f} %" if as_percent else _signed(total / n)


def mean_span(total: float, squares: float, n: int, *, as_percent: bool = False) -> str:
    """'+2.8 to +3.6', of a share within 0 to 100 %; nothing is said of a single value's."""
    found = mean_interval(total, squares, n)
    if found is None or n == 1:
        return UNKNOWN
    _, low, high = found
    return (
        f"{max(0.0, 100 * low):.0f} to {min(100.0, 100 * high):.0f} %"
        if as_percent
        else f"{_signed(low)} to {_signed(high)}"
    )


def _signed(value: float) -> str:
    """With its sign, but no '-0.0'."""
    return f"{round(value, 1) + 0.0:+.1f}"
