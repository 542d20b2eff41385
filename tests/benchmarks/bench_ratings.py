"""A whole bootstrap of ratings against one fit by evalica, from the same battles, each in the form it asks for."""

from collections.abc import Iterator
from math import ceil

import evalica
import numpy as np

from cai_core.evaluation.battles import Battle
from cai_core.evaluation.ratings import fit_ratings
from cai_core.types import Outcome
from tests.benchmarks.measure import Case, seconds

BATTLES, MODELS, RESAMPLES = 1_000_000, 50, 1000
PROMPTS = ceil(BATTLES * 2 / (MODELS * (MODELS - 1)))
"""As in a battles run: every model meets every other on each prompt."""
WINNER = {Outcome.A: evalica.Winner.X, Outcome.B: evalica.Winner.Y, Outcome.TIE: evalica.Winner.Draw}


def cases() -> Iterator[Case]:
    """Points, intervals and all differences, against points alone."""
    battles = fought()
    first, second = [b.model_a for b in battles], [b.model_b for b in battles]
    winners = [WINNER[b.outcome] for b in battles]
    yield Case(
        f"ratings: {len(battles):,} battles, {MODELS} models, {RESAMPLES:,} resamples, against one fit by evalica",
        "s",
        0.5,
        lambda: seconds(lambda: fit_ratings(battles, anchor="model 0", resamples=RESAMPLES)),
        lambda: seconds(lambda: evalica.bradley_terry(first, second, winners)),
        larger_is_better=False,
    )


def fought() -> list[Battle]:
    """Every pair of models on every prompt, a tenth of them ties."""
    rng = np.random.default_rng(0)
    strength = rng.normal(size=MODELS)
    a, b = np.triu_indices(MODELS, 1)
    wins = 1 / (1 + np.exp(strength[b] - strength[a]))
    names, pairs = [f"model {n}" for n in range(MODELS)], list(zip(a.tolist(), b.tolist(), strict=True))
    found = []
    for prompt in range(PROMPTS):
        uid, drawn, ties = f"prompt {prompt}", rng.random(len(a)) < wins, rng.random(len(a)) < 0.1
        said = [Outcome.TIE if tie else Outcome.A if win else Outcome.B for win, tie in zip(drawn, ties, strict=True)]
        found += [Battle(uid, names[i], names[j], outcome) for (i, j), outcome in zip(pairs, said, strict=True)]
    return found
