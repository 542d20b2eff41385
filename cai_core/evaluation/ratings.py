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

from cai_core.evaluation.battles import Battle
from cai_core.stats.bootstrap import interval, resample_sums
from cai_core.stats.bradley_terry import ELO, components, has_finite_fit, strengths, win_matrix
from cai_core.types import Outcome, Rating

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_SCORE = {outcome: {Outcome.A: 1.0, Outcome.B: 0.0, Outcome.TIE: 0.5}.get(outcome, np.nan) for outcome in Outcome}
"""What A gets; what is not rated has none."""


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
    counted = Counter([battle.outcome for battle in battles])
    outcomes = {outcome.value: counted[outcome] for outcome in Outcome}
    names = sorted({battle.model_a for battle in battles} | {battle.model_b for battle in battles})
    if anchor not in names:
        return Ratings((), (), outcomes, tuple(names))
    table = _table(battles, names)
    group = next(g for g in components(table.wins()) if names.index(anchor) in g)
    unrated = tuple(name for number, name in enumerate(names) if number not in group)
    if len(group) == 1:
        return Ratings((), (), outcomes, tuple(names))
    fitted = _fitted(table.within(group), group.index(names.index(anchor)), resamples, seed)
    return _rated(fitted, [names[number] for number in group], outcomes, unrated)


@dataclass(frozen=True, slots=True)
class _Table:
    """Rated battles as arrays: number of the prompt, of both models, and what the first got."""

    prompt: Ints
    a: Ints
    b: Ints
    score: Floats
    players: int

    def wins(self) -> Floats:
        return win_matrix(self.a, self.b, self.score, self.players)

    def within(self, group: Sequence[int]) -> "_Table":
        """The battles of a group, its models and their prompts numbered anew, in the same order."""
        new = np.full(self.players, -1)
        new[list(group)] = range(len(group))
        # A battle has either both models within or none.
        own = new[self.a] >= 0
        fought = np.bincount(self.prompt[own]) > 0
        prompt = (np.cumsum(fought) - 1)[self.prompt[own]]
        return _Table(prompt, new[self.a[own]], new[self.b[own]], self.score[own], len(group))

    def resampled(self, resamples: int, seed: int) -> Floats:
        """Win matrices of bootstrap samples over prompts: (resamples, K, K)."""
        k = self.players
        cells = np.concatenate([self.a * k + self.b, self.b * k + self.a])
        value = np.concatenate([self.score, 1 - self.score])
        shape = (int(self.prompt.max()) + 1, k * k)
        sums = resample_sums(np.tile(self.prompt, 2), cells, value, shape=shape, resamples=resamples, seed=seed)
        return sums.reshape(resamples, k, k)


def _table(battles: Sequence[Battle], names: Sequence[str]) -> _Table:
    """Prompts in the order of their uids; only outcomes that can be rated."""
    prompts = {uid: row for row, uid in enumerate(sorted({battle.prompt for battle in battles}))}
    place = {name: number for number, name in enumerate(names)}
    prompt = np.array([prompts[battle.prompt] for battle in battles], dtype=np.int64)
    a = np.array([place[battle.model_a] for battle in battles], dtype=np.int64)
    b = np.array([place[battle.model_b] for battle in battles], dtype=np.int64)
    score = np.array([_SCORE[battle.outcome] for battle in battles])
    rated = ~np.isnan(score)
    return _Table(prompt[rated], a[rated], b[rated], score[rated], len(names))


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Elo points (K) of the whole, the anchor at zero, and of each resample (resamples, K)."""

    mid: Floats
    drawn: Floats
    played: Floats
    separable: bool


def _fitted(table: _Table, zero: int, resamples: int, seed: int) -> _Fitted:
    total = table.wins()
    met = (total + total.T) > 0
    whole = strengths(total)
    drawn = strengths(table.resampled(resamples, seed), met=met, start=whole)
    mid, drawn = ELO * (whole - whole[zero]), ELO * (drawn - drawn[:, [zero]])
    return _Fitted(mid, drawn, (total + total.T).sum(axis=1), not bool(has_finite_fit(total)))


def _rated(fitted: _Fitted, names: Sequence[str], outcomes: dict[str, int], unrated: tuple[str, ...]) -> Ratings:
    mid, drawn = fitted.mid, fitted.drawn
    order = sorted(range(len(names)), key=lambda k: (-mid[k], names[k]))
    low, high = interval(drawn)
    ratings = tuple(
        Rating(names[k], float(mid[k]), float(low[k]), float(high[k]), round(float(fitted.played[k]))) for k in order
    )
    pairs = list(combinations(order, 2))
    first, second = [i for i, _ in pairs], [j for _, j in pairs]
    lows, highs = interval(drawn[:, first] - drawn[:, second])
    differences = tuple(
        Difference(names[i], names[j], float(mid[i] - mid[j]), float(low), float(high))
        for (i, j), low, high in zip(pairs, lows, highs, strict=True)
    )
    return Ratings(ratings, differences, outcomes, unrated, fitted.separable)
