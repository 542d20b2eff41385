"""Elo ratings of battles with bootstrap intervals, relative to an anchor (SL-CAI) at zero.

P(A beats B) = 1 / (1 + 10^((E_B - E_A) / 400)), Bradley-Terry by maximum likelihood, a tie being half a win for each.
Intervals come from resampling prompts, since battles on one prompt hang together. Whether two models differ is read
off the interval of their difference: two single intervals may overlap although the difference is clear.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cai_core.evaluation.battles import RATED, Battle
from cai_core.stats.bootstrap import interval, resample_sums
from cai_core.stats.bradley_terry import ELO, components, has_finite_fit, strengths
from cai_core.types import Outcome, Rating

Floats = NDArray[np.float64]
_SCORE = {Outcome.A: 1.0, Outcome.B: 0.0, Outcome.TIE: 0.5}


@dataclass(frozen=True, slots=True)
class Difference:
    """E(first) - E(second) in Elo points, with its 95 % interval; they differ if the interval leaves out zero."""

    first: str
    second: str
    mid: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Ratings:
    """What the battles of one axis say."""

    ratings: tuple[Rating, ...]
    """Best first; the anchor at zero."""
    differences: tuple[Difference, ...]
    """Every pair of rated models once, in the order of `ratings`."""
    outcomes: dict[str, int]
    """How many battles ended in each outcome, zeros included."""
    unrated: tuple[str, ...] = ()
    """Models with no rated battle that leads to the anchor: nothing places them on its scale."""
    separable: bool = False
    """Some models never lost to the others: maximum likelihood is infinite, and one virtual tie a pair bounds it."""

    def difference(self, first: str, second: str) -> Difference | None:
        """The difference of two models in the order asked for; None if either is unrated."""
        for d in self.differences:
            if (d.first, d.second) == (first, second):
                return d
            if (d.second, d.first) == (first, second):
                return Difference(first, second, -d.mid, -d.high, -d.low)
        return None


def fit_ratings(battles: Sequence[Battle], *, anchor: str, resamples: int = 1000, seed: int = 0) -> Ratings:
    """Rate the models that met the anchor, directly or through others; the order of the battles changes nothing."""
    counted = Counter(battle.outcome.value for battle in battles)
    outcomes = {outcome.value: counted[outcome.value] for outcome in Outcome}
    names = sorted({name for battle in battles for name in (battle.model_a, battle.model_b)})
    if anchor not in names:
        return Ratings((), (), outcomes, tuple(names))
    wins = _wins_by_prompt(battles, names)
    group = next(g for g in components(wins.sum(axis=0)) if names.index(anchor) in g)
    unrated = tuple(name for number, name in enumerate(names) if number not in group)
    if len(group) == 1:
        return Ratings((), (), outcomes, tuple(names))
    names = [names[number] for number in group]
    wins = wins[:, group][:, :, group]
    wins = wins[wins.any(axis=(1, 2))]
    return _rated(wins, names, names.index(anchor), resamples, seed, outcomes, unrated)


def _rated(
    wins: Floats,
    names: list[str],
    zero: int,
    resamples: int,
    seed: int,
    outcomes: dict[str, int],
    unrated: tuple[str, ...],
) -> Ratings:
    total = wins.sum(axis=0)
    met = (total + total.T) > 0
    mid = ELO * strengths(total)
    drawn = ELO * strengths(resample_sums(wins, resamples=resamples, seed=seed), met=met)
    low, high = interval(drawn - drawn[:, [zero]])
    played = (total + total.T).sum(axis=1)
    order = sorted(range(len(names)), key=lambda k: (-mid[k], names[k]))
    ratings = tuple(
        Rating(names[k], float(mid[k] - mid[zero]), float(low[k]), float(high[k]), round(float(played[k])))
        for k in order
    )
    differences = tuple(_difference(names, mid, drawn, i, j) for i, j in combinations(order, 2))
    return Ratings(ratings, differences, outcomes, unrated, not bool(has_finite_fit(total)))


def _difference(names: list[str], mid: Floats, drawn: Floats, i: int, j: int) -> Difference:
    low, high = interval(drawn[:, i] - drawn[:, j])
    return Difference(names[i], names[j], float(mid[i] - mid[j]), float(low), float(high))


def _wins_by_prompt(battles: Sequence[Battle], names: list[str]) -> Floats:
    """Win matrices (prompts, K, K), prompts in the order of their uids; only outcomes that can be rated."""
    rated = [battle for battle in battles if battle.outcome in RATED]
    prompts = {uid: row for row, uid in enumerate(sorted({battle.prompt for battle in rated}))}
    place = {name: number for number, name in enumerate(names)}
    wins = np.zeros((len(prompts), len(names), len(names)))
    row = np.array([prompts[battle.prompt] for battle in rated], dtype=np.int64)
    a = np.array([place[battle.model_a] for battle in rated], dtype=np.int64)
    b = np.array([place[battle.model_b] for battle in rated], dtype=np.int64)
    score = np.array([_SCORE[battle.outcome] for battle in rated])
    np.add.at(wins, (row, a, b), score)
    np.add.at(wins, (row, b, a), 1 - score)
    return wins
