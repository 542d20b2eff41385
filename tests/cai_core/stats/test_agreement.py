"""Agreement and Wilson intervals against published and hand-worked values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.stats.agreement import accuracy, cohens_kappa, wilson_interval


def test_kappa_by_hand() -> None:
    # 20 both yes, 15 both no, 5 and 10 apart: observed 0.7, expected 0.5, kappa 0.4.
    first = ["y"] * 25 + ["n"] * 25
    second = ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15
    assert accuracy(first, second) == 0.7
    assert cohens_kappa(first, second) == pytest.approx(0.4)


def test_undefined_is_none() -> None:
    assert accuracy([], []) is None
    assert cohens_kappa([], []) is None
    assert cohens_kappa(["y"] * 3, ["y"] * 3) is None
    assert cohens_kappa(["y"] * 3, ["n"] * 3) == 0
    assert wilson_interval(0, 0) is None
    with pytest.raises(ValueError, match="same items"):
        accuracy([1], [])


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1))
def test_kappa_is_symmetric_and_at_most_one(pairs: list[tuple[str, str]]) -> None:
    first, second = zip(*pairs, strict=True)
    kappa = cohens_kappa(first, second)
    assert kappa == cohens_kappa(second, first)
    assert kappa is None or -1 <= kappa <= 1


def test_wilson_against_published_values() -> None:
    # Newcombe (1998), table I, method 3.
    for successes, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_within_0_and_1(counted: tuple[int, int]) -> None:
    successes, n = counted
    bounds = wilson_interval(successes, n)
    assert bounds is not None
    assert 0 <= bounds[0] <= successes / n <= bounds[1] <= 1


def test_more_successes_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and n = 2"):
        wilson_interval(3, 2)
