"""Which rows share what, and how options lie in one row."""

from hypothesis import given
from hypothesis import strategies as st

from cai_core.models.rows import Options, common_length, item_length, lay_out, shared_groups

ROWS = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=60), min_size=1, max_size=12)


@given(ROWS, st.integers(0, 400))
def test_groups_share_what_they_say(rows: list[list[int]], shots: int) -> None:
    ordered = sorted([7] * shots + row for row in rows)
    last = 0
    for begin, end, shared in shared_groups(ordered):
        assert last <= begin < end <= len(ordered)
        assert all(row[:shared] == ordered[begin][:shared] for row in ordered[begin:end])
        assert all(shared < len(row) for row in ordered[begin:end])
        last = end


def test_rows_of_two_prefixes_make_two_groups() -> None:
    one, other = list(range(100, 350)), list(range(400, 500))
    rows = sorted([[*one, i] for i in range(3)] + [[*other, i, i] for i in range(4)] + [[1], [2, 3]])
    assert shared_groups(rows) == [(2, 5, 250), (5, 9, 100)]


def test_what_saves_little_is_not_shared() -> None:
    short = [[*range(24), i] for i in range(4)]  # 72 tokens would be saved
    pair = [[*range(500), i] for i in range(2)]  # a row copies from the other
    assert shared_groups(short) == shared_groups(pair) == []


@given(st.lists(st.integers(0, 1), max_size=40), st.lists(st.integers(0, 1), max_size=40))
def test_common_length_is_that_of_the_first_difference(one: list[int], other: list[int]) -> None:
    alike = common_length(one, other)
    assert one[:alike] == other[:alike]
    assert alike == min(len(one), len(other)) or one[alike] != other[alike]


def test_common_length() -> None:
    assert common_length([1, 2, 3], [1, 2, 4]) == 2
    assert common_length([1, 2], [1, 2, 4]) == 2
    assert common_length([], [1]) == 0


def test_options_branch_from_the_context() -> None:
    """The last token of a tail is not sent: nothing is asked after it."""
    options = Options([5, 6, 7], ([1, 2, 4], [3], [8, 9]), 3)
    tokens, branches, positions = lay_out(options, shared=1)
    assert tokens == [6, 7, 1, 2, 8]
    assert branches == [0, 0, 1, 1, 3]
    assert positions == [1, 2, 3, 4, 3]
    assert item_length(options) == 6
