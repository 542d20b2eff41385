"""Draws: by weight, independent between rows, and changed only where a principle was taken away."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cai_core.constitution.draw import candidates, draw_principle, draw_principles
from cai_core.errors import ConstitutionError
from cai_core.types import Constitution, Principle, PrincipleKind

ROWS = [f"row {n}" for n in range(60)]


def constitution(weights: list[float]) -> Constitution:
    principles = tuple(Principle(f"p{n}", "t", comparison="c", weight=w) for n, w in enumerate(weights))
    return Constitution("c", "", principles)


def drawn(given_: Constitution, seed: int, rows: list[str] = ROWS) -> list[str]:
    return [draw_principle(given_, kind=None, half="comparison", seed=seed, row=r, round=1).id for r in rows]


weights = st.lists(st.floats(min_value=0.01, max_value=100), min_size=2, max_size=6)


@settings(max_examples=40)
@given(weights, st.integers(0, 2**63 - 1), st.data())
def test_removing_a_principle_changes_only_the_rows_that_drew_it(
    given_: list[float], seed: int, data: st.DataObject
) -> None:
    whole = constitution(given_)
    gone = data.draw(st.sampled_from(whole.principles))
    left = replace(whole, principles=tuple(p for p in whole.principles if p != gone))
    off = replace(whole, principles=tuple(replace(p, enabled=p != gone) for p in whole.principles))
    before, after = drawn(whole, seed), drawn(left, seed)
    assert drawn(off, seed) == after
    assert all(a == b for b, a in zip(before, after, strict=True) if b != gone.id)
    assert gone.id not in after


@settings(max_examples=20)
@given(weights, st.integers(0, 2**63 - 1))
def test_order_and_wording_change_nothing(given_: list[float], seed: int) -> None:
    whole = constitution(given_)
    edited = tuple(replace(p, comparison="other words", title="new") for p in reversed(whole.principles))
    assert drawn(replace(whole, principles=edited), seed) == drawn(whole, seed)


def test_frequencies_follow_the_weights() -> None:
    rows = [str(n) for n in range(8000)]
    counts = Counter(drawn(constitution([1.0, 2.0, 5.0]), 7, rows))
    for name, share in (("p0", 1 / 8), ("p1", 2 / 8), ("p2", 5 / 8)):
        # Four standard errors of a share over 8,000 draws.
        assert abs(counts[name] / 8000 - share) < 4 * (share * (1 - share) / 8000) ** 0.5


def test_rounds_seeds_and_rows_draw_apart() -> None:
    even = constitution([1.0] * 16)
    one = [draw_principle(even, kind=None, half="comparison", seed=1, row=r, round=1).id for r in ROWS]
    two = [draw_principle(even, kind=None, half="comparison", seed=1, row=r, round=2).id for r in ROWS]
    assert sum(a == b for a, b in zip(one, two, strict=True)) < 15
    assert sum(a == b for a, b in zip(one, drawn(even, 2), strict=True)) < 15


def test_only_what_qualifies_is_drawn() -> None:
    principles = (
        Principle("a", "t", comparison="c"),
        Principle("b", "t", PrincipleKind.HELPFULNESS, comparison="c"),
        Principle("c", "t", critique_request="c", revision_request="r"),
        Principle("d", "t", critique_request="c", revision_request="r", enabled=False),
    )
    whole = Constitution("c", "", principles)
    assert [p.id for p in candidates(whole, kind=None, half="comparison")] == ["a", "b"]
    assert [p.id for p in candidates(whole, kind=PrincipleKind.HELPFULNESS, half="comparison")] == ["b"]
    assert [p.id for p in candidates(whole, kind=None, half="critique")] == ["c"]
    with pytest.raises(
        ConstitutionError, match="'c' has no enabled principle of kind helpfulness with critique_request"
    ):
        draw_principle(whole, kind=PrincipleKind.HELPFULNESS, half="critique", seed=0, row="r", round=1)


def several(given_: Constitution, seed: int, count: int) -> list[list[str]]:
    """The ids that each row draws, in order of arrival."""
    drawn_ = (
        draw_principles(given_, kind=None, half="comparison", seed=seed, row=r, round=0, count=count) for r in ROWS
    )
    return [[p.id for p in one] for one in drawn_]


@settings(max_examples=40)
@given(weights, st.integers(0, 2**63 - 1), st.integers(1, 8), st.data())
def test_of_several_a_removed_principle_leaves_its_place_to_the_next_alone(
    given_: list[float], seed: int, count: int, data: st.DataObject
) -> None:
    """Rows that had not drawn it are the same; the others keep the rest, in order, and draw one more at the end."""
    whole = constitution(given_)
    gone = data.draw(st.sampled_from(whole.principles))
    left = replace(whole, principles=tuple(p for p in whole.principles if p != gone))
    for before, after in zip(several(whole, seed, count), several(left, seed, count), strict=True):
        kept = [name for name in before if name != gone.id]
        assert len(after) == min(count, len(left.principles))
        assert after[: len(kept)] == kept
        assert gone.id in before or before == after


@settings(max_examples=20)
@given(weights, st.integers(0, 2**63 - 1), st.integers(1, 8))
def test_several_are_different_ones_and_fewer_are_the_first_of_more(given_: list[float], seed: int, count: int) -> None:
    """One alone is the present draw; more than there are is all of them."""
    whole = constitution(given_)
    for few, more in zip(several(whole, seed, count), several(whole, seed, count + 1), strict=True):
        assert few == more[:count]
        assert len(set(few)) == len(few) == min(count, len(given_))
    alone = [draw_principle(whole, kind=None, half="comparison", seed=seed, row=r, round=0).id for r in ROWS]
    assert [one[0] for one in several(whole, seed, count)] == alone


def test_a_heavy_principle_is_among_several_the_more_often() -> None:
    """Of two out of three with weights 1, 1 and 8: drawn first with 0.8, else second with 8/9 of the rest."""
    rows = [str(n) for n in range(4000)]
    whole = constitution([1.0, 1.0, 8.0])
    drawn_ = (draw_principles(whole, kind=None, half="comparison", seed=3, row=r, round=0, count=2) for r in rows)
    share = sum("p2" in [p.id for p in one] for one in drawn_) / len(rows)
    wanted = 0.8 + 0.2 * 8 / 9
    assert abs(share - wanted) < 4 * (wanted * (1 - wanted) / len(rows)) ** 0.5
