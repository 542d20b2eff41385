"""Who meets whom, and in which position."""

from itertools import combinations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from cai_core.evaluation.battles import AXIS_OF, meetings
from cai_core.types import PromptKind

names = st.lists(st.text(min_size=1, max_size=3), unique=True, max_size=6)


@given(st.text(), names, st.randoms(use_true_random=False))
def test_every_pair_meets_once_whatever_the_order(prompt: str, models: list[str], rng: Random) -> None:
    met = list(meetings(prompt, models))
    assert {frozenset(pair) for pair in met} == {frozenset(pair) for pair in combinations(models, 2)}
    assert len(met) == len(models) * (len(models) - 1) // 2
    shuffled = rng.sample(models, len(models))
    assert list(meetings(prompt, shuffled)) == met


def test_positions_are_half_and_half_over_prompts() -> None:
    first = [next(iter(meetings(f"prompt {n}", ["x", "y"])))[0] for n in range(2000)]
    assert abs(first.count("x") - 1000) < 4 * 2000**0.5 / 2


def test_every_kind_of_prompt_has_its_axis() -> None:
    assert set(AXIS_OF) == set(PromptKind)
