"""Bradley-Terry ratings by maximum likelihood: P(i beats j) = 1 / (1 + e^(r_j - r_i)).

On the Elo scale P = 1 / (1 + 10^((E_j - E_i) / 400)), so E = r * 400 / ln 10. A tie is half a win for each side. Only
differences mean anything; strengths are given with mean zero. All functions take stacks of win matrices, so that a
whole bootstrap is fitted at once.
"""

from math import log

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ELO = 400 / log(10)
"""Elo points per unit of natural log-odds, about 173.7."""
VIRTUAL_TIE = 0.5
"""Half of a tie: what each side of a pair gets where maximum likelihood has no finite answer."""
_MAX_STEPS, _TOLERANCE = 200, 1e-10
_CELLS = 2**18
"""Cells of the matrices that are fitted at once: a few of them, with what is computed from them, fit the cache."""


def win_matrix(first: NDArray[np.int64], second: NDArray[np.int64], score: Floats, players: int) -> Floats:
    """wins[i, j] = how often i beat j; `score` is what `first` gets: 1 for a win, 0 for a loss, 0.5 for a tie."""
    cells = np.concatenate([first * players + second, second * players + first])
    wins = np.bincount(cells, weights=np.concatenate([score, 1 - score]), minlength=players**2)
    return np.asarray(wins, dtype=np.float64).reshape(players, players)


def components(wins: Floats) -> list[list[int]]:
    """The groups of players that met, directly or through others; ratings compare only within a group."""
    linked = _reach((wins + wins.T) > 0)
    return [list(map(int, np.flatnonzero(row))) for number, row in enumerate(linked) if not row[:number].any()]


def has_finite_fit(wins: Floats) -> Bools:
    """Whether maximum likelihood is finite, for each matrix (..., K, K): everybody beat everybody, through others.

    Where a group never lost to the rest, its strength would grow without end (Ford 1957).
    """
    return np.asarray(_reach(wins > 0).all(axis=(-2, -1)))


def strengths(wins: Floats, *, met: Bools | None = None, start: Floats | None = None) -> Floats:
    """Strengths r (..., K) in natural log-odds, mean zero, of win matrices (..., K, K); `start` (K) is a first guess.

    Matrices without a finite fit get one virtual tie for each pair in `met` (default: pairs that met in any matrix),
    i.e. half a win each way: with two players, the usual half added to both counts. All others are plain maximum
    likelihood. `ValueError` if the players are not all connected through `met`.
    """
    players = wins.shape[-1]
    stack = np.asarray(wins, dtype=np.float64).reshape(-1, players, players)
    if met is None:
        total = stack.sum(axis=0)
        met = (total + total.T) > 0
    if not _reach(met | met.T).all():
        raise ValueError("these players did not all meet, directly or through others; rate each group by itself")
    infinite = ~has_finite_fit(stack)
    stack = stack + VIRTUAL_TIE * infinite[:, None, None] * (met & ~np.eye(players, dtype=bool))
    r = np.zeros(players) if start is None else start - start.mean()
    size = max(1, _CELLS // players**2)
    parts = [_newton(stack[place : place + size], r) for place in range(0, len(stack), size)]
    return np.concatenate(parts).reshape(wins.shape[:-1])


def _newton(wins: Floats, start: Floats) -> Floats:
    """Newton's method on all matrices at once; the log-likelihood is concave, so a bounded step climbs surely."""
    games = wins + wins.swapaxes(-1, -2)
    players = wins.shape[-1]
    r = np.tile(start, (len(wins), 1))
    for _ in range(_MAX_STEPS):
        p = 1 / (1 + np.exp(r[:, None, :] - r[:, :, None]))  # p[i, j]: i beats j
        gradient = (wins - games * p).sum(axis=-1)
        weight = games * p * (1 - p)
        curvature = -weight
        diagonal = np.arange(players)
        curvature[:, diagonal, diagonal] = weight.sum(axis=-1) - weight[:, diagonal, diagonal]
        # Strengths are known up to a constant; the added term fixes their mean at zero.
        step = np.linalg.solve(curvature + 1 / players, gradient[..., None])[..., 0]
        longest = np.abs(step).max(axis=-1, keepdims=True)
        r = r + step / np.maximum(1, longest)
        if longest.max() < _TOLERANCE:
            break
    return np.asarray(r - r.mean(axis=-1, keepdims=True))


def _reach(edges: Bools) -> Bools:
    """Who reaches whom over edges (..., K, K), oneself included."""
    players = edges.shape[-1]
    reach = np.asarray(edges | np.eye(players, dtype=bool))
    for _ in range(max(1, (players - 1).bit_length())):
        if reach.all():
            break
        reach = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
    return reach


def expected_score(difference: float) -> float:
    """P(A beats B) for E_A - E_B in Elo points."""
    return float(1 / (1 + 10 ** (-difference / 400)))
