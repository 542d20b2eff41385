"""Agreement of reviewers: of every two, on the chains that both spoke of."""

from collections.abc import Mapping
from dataclasses import dataclass

from cai_core.stats.agreement import accuracy, cohens_kappa, wilson_interval
from cai_core.types import Verdict

Confusion = Mapping[tuple[Verdict, Verdict], int]
"""How often the first said this and the second said that."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two reviewers agree."""

    first: str
    second: str
    chains: int
    """That both have a standing verdict on."""
    share: float
    """Of those, the share on which both say the same."""
    low: float
    high: float
    """Wilson's 95 % interval of the share."""
    kappa: float | None
    """Cohen's; None where both always say one and the same thing."""


def agreements(found: Mapping[tuple[str, str], Confusion]) -> list[Agreement]:
    """Of every two reviewers, the pair with the most chains in common first."""
    made = [_agreement(first, second, counts) for (first, second), counts in found.items()]
    return sorted(made, key=lambda one: (-one.chains, one.first, one.second))


def _agreement(first: str, second: str, counts: Confusion) -> Agreement:
    pairs = [both for both, count in counts.items() for _ in range(count)]
    said, also = [one for one, _ in pairs], [other for _, other in pairs]
    same = sum(one == other for one, other in pairs)
    low, high = wilson_interval(same, len(pairs)) or (0.0, 1.0)
    return Agreement(first, second, len(pairs), accuracy(said, also) or 0.0, low, high, cohens_kappa(said, also))
