"""Few-shot prefixes: seeded, without repeats inside one, and evenly shared by rows."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cai_core.chains.few_shots import draw_prefixes, prefix_of


@given(st.integers(0, 9), st.integers(1, 5), st.integers(0, 9), st.integers())
def test_prefixes_have_their_size_and_no_repeats(num: int, count: int, size: int, seed: int) -> None:
    prefixes = draw_prefixes(range(num), count=count, size=size, seed=seed)
    assert prefixes == draw_prefixes(range(num), count=count, size=size, seed=seed)
    assert len(prefixes) == (count if min(num, size) else 0)
    for prefix in prefixes:
        assert len(set(prefix)) == len(prefix) == min(size, num)


def test_prefixes_differ_and_more_of_them_leave_the_first_ones_alone() -> None:
    few, many = (draw_prefixes(range(10), count=count, size=4, seed=3) for count in (4, 8))
    assert many[:4] == few
    assert len(set(many)) == 8


def test_rows_share_the_prefixes_evenly() -> None:
    counts = Counter(prefix_of(f"row {n}", count=8, seed=1) for n in range(4000))
    assert set(counts) == set(range(8))
    assert max(counts.values()) < 1.25 * min(counts.values())
    assert prefix_of("row", count=0, seed=1) is None
