"""Somebody saved a version since a draft began: both edits side by side, and a choice where they differ."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import streamlit as st

from app import state
from app.components.changes import in_words, principle_texts, show_field, show_shot_change
from app.components.constitution_choice import go
from app.components.notice import act
from app.components.text import caption, chips, heading
from app.components.who import keep_author
from app.components.word_diff import show_diff
from app.resources import workspace
from cai_core.constitution.diff import Change, ConstitutionDiff, PrincipleChange, diff_constitutions
from cai_core.constitution.merge import ORDER, PRESENCE, Conflict, Merge, Side, merge
from cai_core.constitution.problems import find_problems
from cai_core.errors import ConstitutionError
from cai_core.store import drafts
from cai_core.store.constitutions import load_version, newest_ref
from cai_core.types import SHOT_LISTS, ComparisonShot, Constitution, CritiqueRevisionShot, Draft
from db.queries.constitutions import VersionLine

Sides = tuple[ConstitutionDiff, ConstitutionDiff]
"""What they changed, and what I changed."""
SIDES = ("Theirs", "Mine")
CHOICES = (Side.THEIRS, Side.MINE)
WORDS = {Side.THEIRS: "Theirs", Side.MINE: "Mine"}


def mergeable(shown: Draft, newest: str) -> bool:
    """Whether the newer version is of the same constitution; another one's name is taken, and that is all."""
    return shown.base is None or shown.base.rpartition("@")[0] == newest.rpartition("@")[0]


def stands_in_the_way(shown: Draft, newest: str) -> bool:
    """Whether saving the draft would undo what the newer version says."""
    with workspace().reading() as session:
        return mergeable(shown, newest) and load_version(session, newest)[1] != shown.now


def say(shown: Draft, newest: str, lines: Sequence[VersionLine]) -> None:
    """Who saved what and when, and the way to merge it."""
    if not mergeable(shown, newest):
        caption(f"There is a constitution of that name already ({newest}): choose a name that is free.")
        return
    number = int(shown.base.rpartition("@")[2]) if shown.base else 0
    since = [line for line in lines if line.number > number] if shown.base else []
    for line in since:
        why = f": {line.message}" if line.message else ""
        caption(f"{line.author or 'Somebody'} saved {line.name} on {_when(line.created_at)}{why}")
    if not since:
        caption(f"{newest} was saved since this draft began.")
    if st.session_state.get(state.MERGING) != shown.id:
        st.button("See both and merge", icon=":material/merge:", on_click=_merging, args=(shown.id,))


def _when(time: datetime) -> str:
    return f"{time:%Y-%m-%d at %H:%M} UTC"


def _merging(draft_id: int | None) -> None:
    st.session_state[state.MERGING] = draft_id


def save_conflict(shown: Draft, newest: str) -> None:
    """Both edits, principle by principle; a choice for each field that both changed; the ways on."""
    with workspace().reading() as session:
        theirs = load_version(session, newest)[1]
    with st.container(border=True, key="save-conflict"):
        chips([(newest, "blue"), ("your draft", "orange")], title="Two edits of one constitution")
        if find_problems(shown.now):
            caption("Mend what is named above first: then the two can be merged.")
            return
        base = shown.before or drafts.EMPTY
        found = merge(base, shown.now, theirs, _choices(newest))
        open_ones = [one for one in found.conflicts if st.session_state.get(_key(newest, one)) is None]
        caption(
            "What only one of you changed is taken by itself. Where both did, choose whose words hold."
            if found.conflicts
            else "Nothing was changed by both: all of it fits together."
        )
        _both(base, shown.now, theirs, newest, found)
        if open_ones:
            st.caption(f"{len(open_ones):d} of {len(found.conflicts):d} to choose.")
        _ways(shown, newest, bool(open_ones))


def _choices(newest: str) -> dict[str, Side]:
    """What is chosen already, by the conflicts' keys."""
    prefix = f"merge/{newest}/"
    found = {str(key): value for key, value in st.session_state.items() if str(key).startswith(prefix)}
    return {key.removeprefix(prefix): Side(value) for key, value in found.items() if value is not None}


def _key(newest: str, conflict: Conflict) -> str:
    return f"merge/{newest}/{conflict.key}"


def _both(base: Constitution, mine: Constitution, theirs: Constitution, newest: str, found: Merge) -> None:
    """A card for each thing that either changed."""
    sides = (diff_constitutions(base, theirs), diff_constitutions(base, mine))
    _own(sides, newest, found)
    ids = dict.fromkeys(
        one.id for side in sides for one in side.principles if one.change is not Change.SAME or one.moved
    )
    for id in ids:
        _card(id, sides, newest, [one for one in found.conflicts if one.principle == id])


def _own(sides: Sides, newest: str, found: Merge) -> None:
    """Description, order and few-shots."""
    conflicts = [one for one in found.conflicts if one.principle is None]
    shots = [[one for one in side.shots if one.change is not Change.SAME or one.moved] for side in sides]
    if not any(side.fields for side in sides) and not any(shots) and not conflicts:
        return
    with st.container(border=True):
        heading("The constitution itself")
        for number, column in enumerate(st.columns(2, gap="medium")):
            with column:
                own = [field for field in sides[number].fields if field.name != "name"]
                _side(number, newest, "changed" if own or shots[number] else "")
                for field in own:
                    caption(field.name.capitalize())
                    show_diff(str(field.before), str(field.after))
                for shot in shots[number]:
                    show_shot_change(shot)
        for conflict in conflicts:
            _choose(newest, conflict)


def _side(number: int, newest: str, change: str) -> None:
    """Whose column it is, and what they did."""
    note = newest if number == 0 else "your draft"
    chips([(change, "blue")] if change else [], title=SIDES[number], note=note if change else f"{note}: as it was")


def _card(id: str, sides: Sides, newest: str, conflicts: Sequence[Conflict]) -> None:
    found = [next((one for one in side.principles if one.id == id), None) for side in sides]
    known = next(one for each in found if each for one in (each.after, each.before) if one)
    with st.container(border=True):
        chips([("both changed it", "red")] if conflicts else [], title=known.title, note=id)
        for number, column in enumerate(st.columns(2, gap="medium")):
            with column:
                change = found[number]
                _side(number, newest, _what(change))
                for name, before, after in principle_texts(change) if change else ():
                    show_field(name, before, after)
        for conflict in conflicts:
            _choose(newest, conflict)


def _what(change: PrincipleChange | None) -> str:
    if change is None or (change.change is Change.SAME and not change.moved):
        return ""
    return "moved" if change.change is Change.SAME else change.change.value


def _choose(newest: str, conflict: Conflict) -> None:
    """Whose words hold, for one thing that both changed."""
    if conflict.principle is None and conflict.field.partition(" ")[0] in SHOT_LISTS:
        for column, side in zip(st.columns(2, gap="medium"), (conflict.theirs, conflict.mine), strict=True):
            with column:
                show_diff(_shots(conflict.base), _shots(side))
    with st.container(horizontal=True, vertical_alignment="center"):
        chips([(_about(conflict), "red")], width="content")
        st.segmented_control(
            "Whose words hold",
            CHOICES,
            format_func=WORDS.__getitem__,
            key=_key(newest, conflict),
            label_visibility="collapsed",
        )


def _shots(value: Any) -> str:
    """A few-shot, or a stretch of them, as one text."""
    if isinstance(value, tuple):
        return "\n\n".join(map(_shots, value))
    return "\n".join(f"{name.replace('_', ' ').capitalize()}: {in_words(part)}" for name, part in _parts(value))


def _parts(shot: CritiqueRevisionShot | ComparisonShot) -> list[tuple[str, object]]:
    return [(field.name, getattr(shot, field.name)) for field in fields(shot) if getattr(shot, field.name) is not None]


def _about(conflict: Conflict) -> str:
    if conflict.field == PRESENCE:
        gone, changed = ("You", "they") if conflict.mine is None else ("They", "you")
        return f"{gone} took it out, {changed} changed it"
    if conflict.field == ORDER:
        return "Both moved principles: whose order"
    if conflict.principle is None and conflict.field.partition(" ")[0] in SHOT_LISTS:
        return "A few-shot that both changed"
    return conflict.field.replace("_", " ").capitalize()


def _ways(shown: Draft, newest: str, unsure: bool) -> None:
    with st.container(horizontal=True):
        st.button(
            "Merge and save",
            type="primary",
            icon=":material/merge:",
            disabled=unsure,
            on_click=act,
            args=(_merge, shown, newest, True),
        )
        st.button("Merge and go on editing", disabled=unsure, on_click=act, args=(_merge, shown, newest, False))
        st.button("Not now", type="tertiary", on_click=_merging, args=(None,))
    st.caption("Until then your draft stays as it is. Another name in Save as keeps both, each on its own.")


def _merge(shown: Draft, newest: str, save: bool) -> str:
    author = keep_author() if save else ""
    with workspace().writing() as session:
        now = drafts.get(session, shown.id)
        if newest_ref(session, newest.rpartition("@")[0]) != newest:
            raise ConstitutionError(f"somebody saved a version after {newest} this moment. Look at both again.")
        found = merge(now.before or drafts.EMPTY, now.now, load_version(session, newest)[1], _choices(newest))
        if any(one.key not in _choices(newest) for one in found.conflicts):
            raise ConstitutionError("not everything is chosen: choose whose words hold wherever both of you changed.")
        drafts.rebase(session, shown.id, base=newest, merged=found.merged)
        left = drafts.find(session, shown.id) is not None
        saved = (
            drafts.save(session, shown.id, author=author, message=now.message.strip())[0] if save and left else newest
        )
    _merging(None)
    go(**({"draft": str(shown.id)} if left and not save else {"version": saved}))
    if not left:
        return f"{newest} says all of yours already. No version was saved."
    return f"Merged and saved as {saved}." if save else f"Merged: your draft goes on from {newest}, not saved yet."
