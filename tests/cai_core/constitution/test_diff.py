"""Diffs of constitutions, by hand and as properties."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cai_core.constitution.diff import Change, FieldChange, diff_constitutions
from cai_core.types import Constitution, Principle


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
