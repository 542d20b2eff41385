"""Ratings: hand-worked tables, symmetries, intervals against theory, and outcomes that are never turned into wins."""

import random
from itertools import combinations
from math import log10
from time import perf_counter

import numpy as np
import pandas as pd
import pytest
from arena_rank.models.bradley_terry import BradleyTerry
from arena_rank.utils.data_utils import PairDataset
from hypothesis import given, settings
from hypothesis import strategies as st

from cai_core.evaluation.battles import Battle
from cai_core.evaluation.ratings import Difference, fit_ratings
from cai_core.stats.bootstrap import resample_counts
from cai_core.stats.bradley_terry import strengths
from cai_core.types import Outcome

A, B, TIE = Outcome.A, Outcome.B, Outcome.TIE


def battles(counts: dict[tuple[str, str, Outcome], int]) -> list[Battle]:
    """So many battles of each kind, each on a prompt of its own."""
    listed = [key for key, count in counts.items() for _ in range(count)]
    return [Battle(f"prompt {n}", *key) for n, key in enumerate(listed)]


def simulated(strengths: dict[str, float], prompts: int, seed: int) -> list[Battle]:
    rng = random.Random(seed)
    found = []
    for n in range(prompts):
        for a, b in combinations(strengths, 2):
            p = 1 / (1 + 10 ** ((strengths[b] - strengths[a]) / 400))
            found.append(Battle(f"prompt {n}", a, b, A if rng.random() < p else B))
    return found


def test_by_hand() -> None:
    # x beats the anchor 3 to 1 over 400: 400 log10 3 = 190.85 Elo points.
    ratings = fit_ratings(battles({("x", "sl", A): 280, ("x", "sl", B): 80, ("sl", "x", TIE): 40}), anchor="sl")
    best, anchor = ratings.ratings
    assert (best.name, anchor.name) == ("x", "sl")
    assert best.mid == pytest.approx(400 * log10(3))
    assert (anchor.mid, anchor.low, anchor.high) == (0, 0, 0)
    assert best.low < best.mid < best.high
    assert best.battles == anchor.battles == 400
    assert ratings.differences == (Difference("x", "sl", best.mid, best.low, best.high),)
    assert ratings.difference("sl", "x") == Difference("sl", "x", -best.mid, -best.high, -best.low)
    assert ratings.difference("sl", "none") is None
    assert not ratings.separable


def test_only_wins_and_ties_are_rated_and_all_outcomes_are_counted() -> None:
    rated = battles({("x", "sl", A): 3, ("x", "sl", B): 1})
    rest = [Battle("p", "x", "sl", outcome) for outcome in Outcome if outcome not in (A, B, TIE)]
    with_rest, without = fit_ratings(rated + rest, anchor="sl"), fit_ratings(rated, anchor="sl")
    assert with_rest.ratings == without.ratings
    assert with_rest.outcomes == {
        "a": 3, "b": 1, "tie": 0, "order_inconsistent": 1, "unparseable": 1, "too_long": 1, "failed": 1,
    }  # fmt: skip


def test_models_that_nothing_leads_to_are_unrated() -> None:
    given_ = battles({("x", "sl", A): 3, ("x", "sl", B): 1, ("y", "z", A): 5})
    ratings = fit_ratings(given_, anchor="sl")
    assert [r.name for r in ratings.ratings] == ["x", "sl"]
    assert ratings.unrated == ("y", "z")
    assert fit_ratings(given_, anchor="nobody").unrated == ("sl", "x", "y", "z")
    broken = fit_ratings([Battle("p", "x", "sl", Outcome.UNPARSEABLE)], anchor="sl")
    assert (broken.ratings, broken.unrated, broken.outcomes["unparseable"]) == ((), ("sl", "x"), 1)
    assert fit_ratings([], anchor="sl").ratings == ()


def test_a_model_that_never_lost_gets_a_finite_rating_and_a_word_about_it() -> None:
    ratings = fit_ratings(battles({("x", "sl", A): 10}), anchor="sl")
    assert ratings.separable
    assert ratings.ratings[0].mid == pytest.approx(400 * log10(10.5 / 0.5))


@settings(max_examples=15)
@given(st.integers(0, 1000), st.permutations(["m0", "m1", "m2", "m3"]))
def test_order_and_names_do_not_matter(seed: int, names: list[str]) -> None:
    given_ = simulated({"m0": 0, "m1": 80, "m2": -60, "m3": 20}, 30, seed)
    one = fit_ratings(given_, anchor="m0", resamples=100)
    random.Random(seed).shuffle(given_)
    assert fit_ratings(given_, anchor="m0", resamples=100) == one
    turned = {Outcome.A: Outcome.B, Outcome.B: Outcome.A}
    new = dict(zip(["m0", "m1", "m2", "m3"], names, strict=True))
    renamed = [Battle(b.prompt, new[b.model_b], new[b.model_a], turned[b.outcome]) for b in given_]
    two = {r.name: r for r in fit_ratings(renamed, anchor=new["m0"], resamples=100).ratings}
    for rating in one.ratings:
        other = two[new[rating.name]]
        assert (other.mid, other.low, other.high) == pytest.approx((rating.mid, rating.low, rating.high), abs=1e-6)


def test_intervals_against_arena_rank() -> None:
    """With one battle a prompt the bootstrap agrees with the sandwich estimator."""
    given_ = [
        Battle(f"{n}", b.model_a, b.model_b, b.outcome)
        for n, b in enumerate(simulated({"x": 150, "y": 30, "sl": 0}, 300, 4))
    ]
    winner = {A: "model_a", B: "model_b"}
    table = pd.DataFrame([{"model_a": b.model_a, "model_b": b.model_b, "winner": winner[b.outcome]} for b in given_])
    data = PairDataset.from_pandas(table)
    theirs = BradleyTerry(n_competitors=3)
    theirs.fit(data)
    r = dict(zip(data.competitors, np.asarray(theirs.params["ratings"]) * 400 / np.log(10), strict=True))
    hessian, spread = theirs.compute_hessian_and_covariance(
        theirs.params["ratings"], data.pairs, data.outcomes, data.counts, data.opt_weights, 0.0, 3
    )
    inverse = np.linalg.pinv(np.asarray(hessian))
    covariance = inverse @ np.asarray(spread) @ inverse * (400 / np.log(10)) ** 2
    place = {name: n for n, name in enumerate(data.competitors)}
    for d in fit_ratings(given_, anchor="sl", resamples=3000).differences:
        i, j = place[d.first], place[d.second]
        width = 2 * 1.96 * np.sqrt(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
        assert d.mid == pytest.approx(float(r[d.first] - r[d.second]), abs=0.1)
        assert d.high - d.low == pytest.approx(float(width), rel=0.1)


def test_battles_on_one_prompt_hang_together() -> None:
    """Ten copies of a battle on its prompt tell no more than one, whereas ten prompts would."""
    one = simulated({"x": 100, "sl": 0}, 100, 1)
    copies = [battle for battle in one for _ in range(10)]
    apart = [Battle(f"{b.prompt} {n}", b.model_a, b.model_b, b.outcome) for b in one for n in range(10)]
    width = [d.high - d.low for g in (one, copies, apart) for d in fit_ratings(g, anchor="sl").differences]
    assert width[1] == pytest.approx(width[0])
    assert width[2] < 0.4 * width[0]


def test_intervals_are_those_of_resampled_prompts_fitted_one_by_one() -> None:
    """Against whole battles drawn again with the same counts, each draw fitted by itself."""
    given_ = simulated({"x": 100, "y": 40, "sl": 0}, 25, 3)
    given_ += [Battle("alone", "y", "z", A), Battle("p", "x", "sl", Outcome.FAILED)]
    given_ += [Battle(f"prompt {n}", "z", "sl", TIE) for n in range(9)]
    [(_, counts)] = resample_counts(26, resamples=100, seed=5)
    names, uids = ["sl", "x", "y", "z"], sorted({b.prompt for b in given_} - {"p"})
    rows = []
    for draw in counts:
        wins = np.zeros((4, 4))
        for b in given_:
            if b.outcome in (A, B, TIE):
                i, j, times = names.index(b.model_a), names.index(b.model_b), draw[uids.index(b.prompt)]
                share = {A: 1.0, B: 0.0, TIE: 0.5}[b.outcome]
                wins[i, j] += share * times
                wins[j, i] += (1 - share) * times
        met = ~np.eye(4, dtype=bool)
        met[1, 3] = met[3, 1] = False
        rows.append(strengths(wins, met=met) * 400 / np.log(10))
    drawn = np.array(rows)
    ratings = fit_ratings(given_, anchor="sl", resamples=100, seed=5)
    for d in ratings.differences:
        apart = drawn[:, names.index(d.first)] - drawn[:, names.index(d.second)]
        assert (d.low, d.high) == pytest.approx(tuple(np.quantile(apart, [0.025, 0.975])), abs=1e-6)


def test_the_truth_lies_within_the_interval_as_often_as_promised() -> None:
    hits = 0
    for seed in range(100):
        (d,) = fit_ratings(simulated({"x": 100, "sl": 0}, 120, seed), anchor="sl", resamples=300).differences
        hits += d.low <= (100 if d.first == "x" else -100) <= d.high
    # 95 of 100, give or take four standard errors.
    assert 86 <= hits <= 100


def test_ten_thousand_battles_of_ten_models_take_a_second() -> None:
    given_ = simulated({f"m{n}": 30 * n for n in range(10)}, 223, 1)
    assert len(given_) > 10_000
    start = perf_counter()
    ratings = fit_ratings(given_, anchor="m0", resamples=1000)
    # 0.2 s on an idle core; the room is for a busy machine.
    assert perf_counter() - start < 3
    assert [r.name for r in ratings.ratings][:1] == ["m9"]
