"""What changed between two constitutions, principle by principle and few-shot by few-shot, as word diffs."""

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from app.components.text import caption, chips
from app.components.word_diff import show_diff
from cai_core.constitution.diff import Change, ConstitutionDiff, PrincipleChange, ShotChange
from cai_core.types import Message

TINTS = {Change.ADDED: "green", Change.REMOVED: "red", Change.CHANGED: "blue", Change.SAME: "grey"}
WORDS = {
    "critique_revision": "critique and revision",
    "comparison": "comparison",
    "comparison_with_reasoning": "comparison with reasoning",
}
LABELS = {"response_a": "Response A", "response_b": "Response B"}
VALUES = ("kind", "weight", "enabled", "answer")
"""Fields that are no texts."""


def changes_in_words(changes: ConstitutionDiff) -> str:
    """'2 changed, 1 added, few-shots: 1 removed, description'."""
    parts = [_counts(changes.principles)]
    if shots := _counts(changes.shots):
        parts.append(f"few-shots: {shots}")
    parts += [field.name for field in changes.fields]
    return ", ".join(filter(None, parts)) or "nothing yet"


def _counts(changes: Sequence[PrincipleChange | ShotChange]) -> str:
    counts = {change.value: sum(one.change is change for one in changes) for change in TINTS}
    counts[Change.SAME.value] = 0
    counts["moved"] = sum(one.moved for one in changes)
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def show_changes(changes: ConstitutionDiff, ids: Mapping[str, str] | None = None) -> None:
    """Everything that differs; `ids`, by what a change goes by, where that is not the principle's id."""
    for field in changes.fields:
        caption(field.name.capitalize())
        show_diff(str(field.before), str(field.after))
    for principle in changes.principles:
        if principle.change is not Change.SAME or principle.moved:
            with st.container(gap="xsmall"):
                show_principle_change(principle, ids)
    for shot in changes.shots:
        if shot.change is not Change.SAME or shot.moved:
            with st.container(gap="xsmall"):
                show_shot_change(shot)


def show_principle_change(principle: PrincipleChange, ids: Mapping[str, str] | None = None) -> None:
    """One principle's change: its fields, or all its texts where it came or went."""
    labels = [] if principle.change is Change.SAME else [(principle.change.value, TINTS[principle.change])]
    labels += [("moved", "grey")] if principle.moved else []
    one = principle.after or principle.before
    title = one.title if one else principle.id
    chips(labels, title=title or "No title yet", note=(ids or {}).get(one.id, one.id) if one else "")
    for name, before, after in principle_texts(principle):
        show_field(name, before, after)


def show_field(name: str, before: str, after: str) -> None:
    """One field's change: a text as a word diff, a value of few characters as what it was and is."""
    label = LABELS.get(name, name.replace("_", " ").capitalize())
    if name in VALUES and before and after:
        caption(f"{label}: {before} → {after}")
        return
    caption(label)
    show_diff(before, after)


def principle_texts(principle: PrincipleChange) -> Iterable[tuple[str, str, str]]:
    """Name, old and new text: of the fields that changed, or of all texts where it came or went."""
    if principle.change is Change.CHANGED:
        return [(one.name, in_words(one.before), in_words(one.after)) for one in principle.fields]
    if principle.change is Change.SAME:
        return []
    texts = ("critique_request", "revision_request", "comparison")
    found = [(name, getattr(principle.before, name, None), getattr(principle.after, name, None)) for name in texts]
    return [(name, before or "", after or "") for name, before, after in found if before or after]


def in_words(value: object) -> str:
    """A field's value as a text."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple) and value and isinstance(value[0], Message):
        return "\n".join(f"{turn.role.value.capitalize()}: {turn.content}" for turn in value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def show_shot_change(shot: ShotChange) -> None:
    """One few-shot's change: its fields, or all its texts where it came or went."""
    labels = [] if shot.change is Change.SAME else [(shot.change.value, TINTS[shot.change])]
    labels += [("moved", "grey")] if shot.moved else []
    chips(labels, title=f"Few-shot {shot.number}", note=WORDS[shot.list])
    for name, before, after in _shot_texts(shot):
        show_field(name, in_words(before), in_words(after))


def _shot_texts(shot: ShotChange) -> Iterable[tuple[str, object, object]]:
    if shot.change is Change.CHANGED:
        return [(one.name, one.before, one.after) for one in shot.fields]
    if shot.change is Change.SAME:
        return []
    there = shot.after or shot.before
    names = there.__slots__ if there else ()
    found = [(name, getattr(shot.before, name, None), getattr(shot.after, name, None)) for name in names]
    return [(name, before, after) for name, before, after in found if before or after]
