"""Bradley-Terry against hand-worked tables, two other implementations, and its own symmetries."""

from math import isclose, log
from time import perf_counter

import evalica
import numpy as np
import pandas as pd
import pytest
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.utils.data_utils import PairDataset
from hypothesis import given, settings
from hypothesis import strategies as st

from cai_core.stats import bradley_terry
from cai_core.stats.bradley_terry import (
    ELO,
    components,
    expected_score,
    has_finite_fit,
    strengths,
    win_matrix,
)


def random_wins(players: int, games: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=players)
    a = rng.integers(players, size=games)
    b = (a + rng.integers(1, players, size=games)) % players
    p = 1 / (1 + np.exp(truth[b] - truth[a]))
    score = np.where(rng.random(games) < 0.15, 0.5, (rng.random(games) < p).astype(float))
    return win_matrix(a, b, score, players)


def test_elo_scale() -> None:
    assert isclose(ELO, 173.717793, abs_tol=1e-6)
    assert expected_score(0) == 0.5
    assert isclose(expected_score(400), 10 / 11)
    assert isclose(expected_score(-200) + expected_score(200), 1)


def test_two_players_by_hand() -> None:
    # 3 wins to 1: odds of 3, so ln 3 apart, which is 190.85 Elo points.
    r = strengths(np.array([[0.0, 3.0], [1.0, 0.0]]))
    assert np.allclose(r, [log(3) / 2, -log(3) / 2])
    assert isclose(ELO * (r[0] - r[1]), 190.848, abs_tol=1e-3)


def test_ties_are_half_a_win_each() -> None:
    first, second = np.array([0, 0, 0, 1]), np.array([1, 1, 1, 0])
    wins = win_matrix(first, second, np.array([1.0, 0.5, 0.5, 0.0]), 2)
    assert wins.tolist() == [[0, 3], [1, 0]]


def test_three_players_by_hand() -> None:
    # Strengths 4 : 2 : 1, six games a pair: expected wins 4:2, 4.8:1.2 and 4:2 are fitted exactly.
    wins = np.array([[0, 4, 4.8], [2, 0, 4], [1.2, 2, 0]])
    r = strengths(wins)
    assert np.allclose(r - r[2], [log(4), log(2), 0])
    # A cycle of one win each leaves all equal.
    assert np.allclose(strengths(np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0.0]])), 0)


def test_separable_data_stay_finite_by_a_virtual_tie() -> None:
    wins = np.array([[0.0, 10.0], [0.0, 0.0]])
    assert not has_finite_fit(wins)
    r = strengths(wins)
    assert isclose(r[0] - r[1], log(10.5 / 0.5))
    chain = np.array([[0, 10, 0], [0, 0, 10], [0, 0, 0.0]])
    r = strengths(chain)
    assert np.allclose([r[0] - r[1], r[1] - r[2]], log(10.5 / 0.5))


def test_players_that_never_met_are_refused() -> None:
    wins = np.zeros((4, 4))
    wins[0, 1] = wins[1, 0] = wins[2, 3] = wins[3, 2] = 1
    assert components(wins) == [[0, 1], [2, 3]]
    with pytest.raises(ValueError, match="did not all meet"):
        strengths(wins)


def test_a_resample_that_lost_a_pair_leans_on_the_pairs_that_met() -> None:
    whole = np.array([[0, 3.0], [1.0, 0]])
    stack = np.stack([whole, np.zeros((2, 2))])
    assert np.allclose(strengths(stack)[1], 0)


@pytest.mark.parametrize("seed", range(3))
def test_against_evalica(seed: int) -> None:
    wins = random_wins(5, 400, seed)
    names = [f"m{n}" for n in range(5)]
    pairs = [(i, j) for i in range(5) for j in range(5) if wins[i, j]]
    result = evalica.bradley_terry(
        [names[i] for i, _ in pairs],
        [names[j] for _, j in pairs],
        [evalica.Winner.X] * len(pairs),
        weights=[float(wins[pair]) for pair in pairs],
        tolerance=1e-12,
        limit=10_000,
    )
    theirs = np.log([result.scores[name] for name in names])
    assert np.allclose(strengths(wins), theirs - theirs.mean(), atol=1e-5)


def test_against_arena_rank() -> None:
    rng = np.random.default_rng(7)
    a = rng.integers(4, size=400)
    b = (a + rng.integers(1, 4, size=400)) % 4
    winner = rng.choice(["model_a", "model_b", "tie"], size=400)
    table = pd.DataFrame({"model_a": [f"m{n}" for n in a], "model_b": [f"m{n}" for n in b], "winner": winner})
    theirs = BradleyTerry(n_competitors=4)
    theirs.fit(PairDataset.from_pandas(table))
    r = np.asarray(theirs.params["ratings"], dtype=float)
    score = np.array([{"model_a": 1.0, "model_b": 0.0, "tie": 0.5}[w] for w in winner])
    assert np.allclose(strengths(win_matrix(a, b, score, 4)), r - r.mean(), atol=1e-4)


@settings(max_examples=30)
@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_names_do_not_matter(players: int, seed: int) -> None:
    wins = random_wins(players, 30 * players, seed) + 0.01 * (1 - np.eye(players))
    order = np.random.default_rng(seed).permutation(players)
    assert np.allclose(strengths(wins[order][:, order]), strengths(wins)[order], atol=1e-8)


@settings(max_examples=30)
@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_expected_wins_equal_wins(players: int, seed: int) -> None:
    """The condition of a maximum: each player's expected wins are its wins."""
    wins = random_wins(players, 40 * players, seed) + 0.01 * (1 - np.eye(players))
    r = strengths(wins)
    p = 1 / (1 + np.exp(r[None, :] - r[:, None]))
    assert np.allclose(((wins + wins.T) * p).sum(axis=1), wins.sum(axis=1), atol=1e-6)


def test_a_stack_is_fitted_like_its_parts() -> None:
    stack = np.stack([random_wins(4, 60, seed) for seed in range(20)])
    assert np.allclose(strengths(stack), [strengths(wins) for wins in stack])


def test_neither_the_first_guess_nor_the_size_of_a_part_changes_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = np.stack([random_wins(4, 60, seed) for seed in range(20)])
    plain = strengths(stack)
    assert np.allclose(strengths(stack, start=np.array([3.0, -2, 0, 9])), plain, atol=1e-9)
    monkeypatch.setattr(bradley_terry, "_CELLS", 3 * 16)
    assert np.allclose(strengths(stack), plain, atol=1e-12)
    assert strengths(stack.reshape(4, 5, 4, 4)).shape == (4, 5, 4)


def test_extreme_scores_converge() -> None:
    wins = np.array([[0, 1e6, 5], [1, 0, 1e5], [1e-3, 1, 0.0]])
    r = strengths(wins)
    p = 1 / (1 + np.exp(r[None, :] - r[:, None]))
    assert np.allclose(((wins + wins.T) * p).sum(axis=1), wins.sum(axis=1), rtol=1e-6)


def test_a_thousand_resamples_of_ten_models_are_fast() -> None:
    stack = np.stack([random_wins(10, 1000, seed) for seed in range(5)]).repeat(200, axis=0)
    start = perf_counter()
    strengths(stack)
    # 0.1 s on an idle core; the room is for a busy machine.
    assert perf_counter() - start < 3
