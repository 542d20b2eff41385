"""Which rows share what, and how options lie in one row."""

from hypothesis import given
from hypothesis import strategies as st

from cai_core.models.forward import SharedForward
from cai_core.models.rows import Options, common_length, groups, lay_out
from tests import tiny_models

ROWS = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=60), min_size=1, max_size=12)


@given(ROWS, st.integers(0, 40))
def test_groups_cover_all_rows_and_share_what_they_say(rows: list[list[int]], shots: int) -> None:
    ordered = sorted([7] * shots + row for row in rows)
    found = groups(ordered)
    assert [begin for begin, _, _ in found] == [0, *(end for _, end, _ in found[:-1])]
    assert found[-1][1] == len(ordered)
    for begin, end, shared in found:
        assert all(row[:shared] == ordered[begin][:shared] for row in ordered[begin:end])
        assert all(shared < len(row) for row in ordered[begin:end])


def test_rows_of_two_prefixes_make_two_groups() -> None:
    one, other = list(range(100, 150)), list(range(200, 260))
    rows = sorted([[*one, i] for i in range(3)] + [[*other, i, i] for i in range(4)] + [[1], [2, 3]])
    assert groups(rows) == [(0, 2, 0), (2, 5, 50), (5, 9, 60)]


def test_common_length() -> None:
    assert common_length([1, 2, 3], [1, 2, 4]) == 2
    assert common_length([1, 2], [1, 2, 4]) == 2
    assert common_length([], [1]) == 0


def test_options_branch_from_the_context() -> None:
    tokens, branches, positions = lay_out(Options([5, 6, 7], ([1, 2], [3]), 3), shared=1)
    assert tokens == [6, 7, 1, 2, 3]
    assert branches == [0, 0, 1, 1, 2]
    assert positions == [1, 2, 3, 4, 3]


def test_a_kept_beginning_serves_later_batches_and_changes_nothing() -> None:
    model, _ = tiny_models.tiny()
    shots = [5 + i % 200 for i in range(60)]
    fresh, used = (SharedForward(model, 0) for _ in range(2))
    used.start([[*shots, 9, 10, i] for i in range(3)])
    (kept,) = used._kept
    rows = [[*shots, i, i] for i in range(20, 23)]
    assert (used.start(rows)[0] - fresh.start(rows)[0]).abs().max() < 1e-4
    assert used._kept == [kept]


def test_what_is_kept_is_bounded() -> None:
    model, _ = tiny_models.tiny()
    forward = SharedForward(model, 0)
    for n in range(60):
        shots = [5 + (i * (n + 1)) % 300 for i in range(100)]
        forward.start([[*shots, i] for i in range(2)])
    assert sum(len(known) for known, _ in forward._kept) <= 4096
