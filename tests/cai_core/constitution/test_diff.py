"""Diffs of constitutions, by hand and as properties."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cai_core.constitution.diff import Change, FieldChange, diff_constitutions, diff_shots
from cai_core.types import ComparisonShot, Constitution, FewShots, Principle, user


def constitution(ids: str | list[str]) -> Constitution:
    return Constitution("c", "", tuple(Principle(id, "t", comparison="c") for id in ids))


def test_added_removed_changed_and_moved() -> None:
    old = constitution("abcde")
    b = replace(old.principles[1], comparison="new", weight=2.0)
    new = replace(
        old,
        description="d",
        principles=(old.principles[4], old.principles[0], b, Principle("x", "t"), old.principles[3]),
    )
    diff = diff_constitutions(old, new)
    assert [(p.id, p.change, p.moved) for p in diff.principles] == [
        ("e", Change.SAME, True),
        ("a", Change.SAME, False),
        ("b", Change.CHANGED, False),
        ("c", Change.REMOVED, False),
        ("x", Change.ADDED, False),
        ("d", Change.SAME, False),
    ]
    assert diff.principles[2].fields == (FieldChange("comparison", "c", "new"), FieldChange("weight", 1.0, 2.0))
    assert diff.fields == (FieldChange("description", "", "d"),)
    assert not diff.is_empty


ids = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(ids, ids)
def test_every_principle_appears_once_and_moves_are_few(old: list[str], new: list[str]) -> None:
    diff = diff_constitutions(constitution(old), constitution(new))
    assert sorted(p.id for p in diff.principles) == sorted(set(old) | set(new))
    assert [p.id for p in diff.principles if p.change is not Change.REMOVED] == new
    stayed = [p.id for p in diff.principles if p.change is Change.SAME and not p.moved]
    assert [id for id in old if id in stayed] == stayed
    assert diff.is_empty == (old == new)
    assert len(stayed) >= 1 or not set(old) & set(new)


def shot(prompt: str, comparison: str = "Choose.", answer: str = "A") -> ComparisonShot:
    return ComparisonShot((user(prompt),), comparison, "one", "two", answer)


A, B, C, D = (shot(prompt) for prompt in "abcd")


def shots(old: list[ComparisonShot], new: list[ComparisonShot]) -> list[tuple[int, str, bool, tuple[str, ...]]]:
    """Number, change, moved and names of the fields, one a few-shot."""
    found = diff_shots("comparison", old, new)
    return [(one.number, one.change.value, one.moved, tuple(field.name for field in one.fields)) for one in found]


def test_few_shots_that_say_the_same_are_the_same() -> None:
    assert shots([A, B], [A, B]) == [(1, "same", False, ()), (2, "same", False, ())]
    assert shots([A, A], [A]) == [(1, "same", False, ()), (2, "removed", False, ())]


def test_an_edited_few_shot_is_found_by_its_conversation_wherever_it_stands() -> None:
    edited = replace(C, answer="B")
    assert shots([A, B, C], [A, edited]) == [
        (1, "same", False, ()),
        (2, "removed", False, ()),
        (2, "changed", False, ("answer",)),
    ]
    assert [(one[1], one[2]) for one in shots([A, B, C], [edited, A, B])] == [
        ("changed", True),
        ("same", False),
        ("same", False),
    ]


def test_a_few_shot_whose_conversation_changed_is_found_by_its_place() -> None:
    assert shots([A, B, C], [A, D, C])[1] == (2, "changed", False, ("conversation",))
    # Behind another neighbour it is another one.
    assert shots([A, B], [B, D]) == [(1, "removed", False, ()), (1, "same", False, ()), (2, "added", False, ())]


def test_few_shots_are_part_of_the_diff_of_constitutions() -> None:
    old = replace(constitution("a"), few_shots=FewShots(comparison=(A, B)))
    swapped = replace(old, few_shots=FewShots(comparison=(B, A)))
    reasoned = replace(old, few_shots=FewShots(comparison=(A, B), comparison_with_reasoning=(C,)))
    assert diff_constitutions(old, old).is_empty
    assert not diff_constitutions(old, swapped).is_empty
    assert sum(one.moved for one in diff_constitutions(old, swapped).shots) == 1
    assert [(s.list, s.change) for s in diff_constitutions(old, reasoned).shots if s.change is not Change.SAME] == [
        ("comparison_with_reasoning", Change.ADDED)
    ]


some_shots = st.lists(st.builds(shot, st.sampled_from("abc"), st.sampled_from(["Choose.", "Which?"])), max_size=6)


@given(some_shots, some_shots)
def test_every_few_shot_appears_once_and_the_fields_say_what_differs(
    old: list[ComparisonShot], new: list[ComparisonShot]
) -> None:
    changes = diff_shots("comparison", old, new)
    assert [one.after for one in changes if one.after is not None] == new
    assert sorted(repr(one.before) for one in changes if one.before is not None) == sorted(map(repr, old))
    for one in changes:
        if one.before is not None and one.after is not None:
            told: dict[str, Any] = {field.name: field.after for field in one.fields}
            assert replace(one.before, **told) == one.after
    gone = [one for one in changes if one.change is Change.REMOVED]
    come = [one for one in changes if one.change is Change.ADDED]
    assert not {one.before for one in gone} & {one.after for one in come}
