"""Pairs: two seeds, one request otherwise, and a failed response that is told but not made up."""

from collections.abc import Sequence

import pytest

from cai_core.config import ComparisonsConfig
from cai_core.preferences.pairs import PairResult, pair_seeds, sample_pair
from cai_core.types import (
    Answer,
    Comparison,
    Failed,
    Failure,
    Prompt,
    PromptKind,
    Request,
    RowState,
    Sample,
    Split,
    Text,
    prompt_uid,
    user,
)

TURNS = (user("hi"),)
PROMPT = Prompt(prompt_uid(TURNS), TURNS, PromptKind.HELPFUL, Split.TRAIN, "s")
LONG, BROKEN = Failed(Failure.TOO_LONG, "long"), Failed(Failure.FAILED, "broken")


def pair(answers: Sequence[Answer], sample: int = 0) -> tuple[PairResult, list[Request]]:
    made = sample_pair(PROMPT, sample=sample, config=ComparisonsConfig(), seed=3)
    asked = [next(made)[1]]
    try:
        for answer in answers:
            asked.append(made.send(answer)[1])
    except StopIteration as stop:
        return stop.value, asked
    raise AssertionError("it wants more answers")


def test_both_are_sampled_alike_with_seeds_of_their_own() -> None:
    made, asked = pair([Text("one", True, 1, "h"), Text("two", True, 1, "h")])
    assert made.comparison == Comparison(PROMPT, "one", "two")
    assert (made.state, made.sent, made.error) == (RowState.DONE, "h", None)
    assert asked == [Sample(TURNS, seed, 256, 1.0) for seed in (made.seed_a, made.seed_b)]
    assert (made.seed_a, made.seed_b) == pair_seeds(PROMPT, sample=0, seed=3)
    seeds = {*pair_seeds(PROMPT, sample=0, seed=3), *pair_seeds(PROMPT, sample=1, seed=3)}
    assert len(seeds) == 4


@pytest.mark.parametrize(
    ("answers", "state", "texts", "error"),
    [
        ([LONG, LONG], RowState.TOO_LONG, (None, None), "long"),
        ([LONG, Text("two", True, 1, "h")], RowState.TOO_LONG, (None, "two"), "long"),
        ([Text("one", True, 1, "h"), BROKEN], RowState.FAILED, ("one", None), "broken"),
        ([BROKEN, LONG], RowState.FAILED, (None, None), "broken; long"),
    ],
)
def test_a_missing_response_is_a_state(
    answers: list[Answer], state: RowState, texts: tuple[str | None, str | None], error: str
) -> None:
    made, _ = pair(answers)
    assert (made.state, (made.response_a, made.response_b), made.error) == (state, texts, error)
    assert made.comparison is None
