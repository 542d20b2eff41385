"""A constitution's few-shots in one table, and the ways to one more."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.constitution_choice import select_part
from app.components.draft_edit import do, edit, press_key
from app.components.notice import act
from app.components.text import caption, chips
from app.components.to_mend import SHOTS
from cai_core.constitution.problems import Problem
from cai_core.store import drafts
from cai_core.types import SHOT_LISTS, ComparisonShot, CritiqueRevisionShot, Draft, Place, Principle, assistant, user

KINDS = {
    "critique_revision": "Critique and revision",
    "comparison": "Comparison",
    "comparison_with_reasoning": "Comparison with reasoning",
}
BLANK: dict[str, CritiqueRevisionShot | ComparisonShot] = {
    "critique_revision": CritiqueRevisionShot((user(""), assistant("")), "", "", "", ""),
    "comparison": ComparisonShot((user(""),), "", "", "", "A"),
    "comparison_with_reasoning": ComparisonShot((user(""),), "", "", "", "A", ""),
}
"""What a new one begins as."""
COLUMNS = {
    "n": st.column_config.NumberColumn("#", width=38),
    "kind": st.column_config.TextColumn("Kind", width=92),
    "marks": st.column_config.TextColumn("Marks", width=70),
    "words": st.column_config.TextColumn("First words", width="large"),
}
ROW = 35
MOST_ROWS = 16
WORDS = 90
"""Characters of the first turn that a row shows."""


def places(shown: Draft) -> list[Place]:
    """All few-shots, list by list."""
    return [(name, key) for name in SHOT_LISTS for key in shown.shot_keys[name]]


def selected_shot(shown: Draft) -> Place | None:
    """The few-shot that is open: the address's, else the first."""
    name, _, key = st.query_params.get("shot", "").partition(":")
    found = places(shown)
    return (name, key) if (name, key) in found else next(iter(found), None)


def shot_at(shown: Draft, place: Place) -> CritiqueRevisionShot | ComparisonShot:
    """The few-shot at a place."""
    shots: Sequence[CritiqueRevisionShot | ComparisonShot] = getattr(shown.now.few_shots, place[0])
    return shots[shown.shot_keys[place[0]].index(place[1])]


def few_shot_list(shown: Draft, place: Place | None, problems: Sequence[Problem]) -> None:
    """The table, buttons to add one of each kind, and what was taken out."""
    found = places(shown)
    if found:
        _table(shown, found, place, problems)
    else:
        caption("No few-shots: requests are sent without examples. The paper's method uses a few of each kind.")
    st.caption("Add one of")
    with st.container(horizontal=True, gap="small"):
        for name in SHOT_LISTS:
            st.button(
                KINDS[name],
                icon=":material/add:",
                key=f"shot.add.{name}",
                on_click=act,
                args=(_add, shown, name),
            )
    for one in shown.removed:
        if not isinstance(one.entry, Principle):
            _gone(shown, one.place, one.entry)


def _table(shown: Draft, found: list[Place], place: Place | None, problems: Sequence[Problem]) -> None:
    wrong = {(one.list, shown.shot_keys[one.list][one.index]) for one in problems if one.list in SHOT_LISTS}
    own_key = f"shots/{shown.base or shown.id}"

    def open_it() -> None:
        picked = st.session_state[own_key].selection
        row = picked.cells[0][0] if picked.cells else next(iter(picked.rows), None)
        if row is not None and row < len(found):
            select_part("shot", ":".join(found[row]))

    rows = [found.index(place)] if place in found else []
    state = st.session_state.get(own_key, {}).get("selection", {})
    if list(state.get("rows", ())) != rows or state.get("cells"):
        st.session_state[own_key] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    table = pd.DataFrame([_row(shown, one, one in wrong) for one in found])
    st.dataframe(
        table if table["marks"].any() else table.drop(columns="marks"),
        hide_index=True,
        column_config=COLUMNS,
        height=min(len(found), MOST_ROWS) * ROW + 38,
        row_height=ROW,
        on_select=open_it,
        selection_mode=["single-row", "single-cell"],
        key=own_key,
        alt="Few-shots",
    )


def _row(shown: Draft, place: Place, wrong: bool) -> dict[str, object]:
    shot = shot_at(shown, place)
    was = getattr(shown.before.few_shots, place[0]) if shown.before else ()
    mark = "" if not shown.base or shot in was else "new" if place[1].startswith("+") else "changed"
    return {
        "n": shown.shot_keys[place[0]].index(place[1]) + 1,
        "kind": SHOTS[place[0]],
        "marks": ", ".join(filter(None, ["mend" if wrong else "", mark])),
        "words": first_words(shot),
    }


def first_words(shot: CritiqueRevisionShot | ComparisonShot) -> str:
    """How its conversation begins, on one line."""
    said = " ".join(turn.content for turn in shot.conversation if turn.content)
    return " ".join(said[: 2 * WORDS].split())[:WORDS] or "No words yet"


def _add(shown: Draft, name: str) -> None:
    key = edit(shown, drafts.add_shot, name, BLANK[name], None, press_key(shown, f"add {name}"))
    select_part("shot", f"{name}:{key}")


def _gone(shown: Draft, place: Place, shot: CritiqueRevisionShot | ComparisonShot) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        chips([("taken out", "grey")], note=first_words(shot), width="content")
        st.button(
            "Put back",
            type="tertiary",
            key=f"back.{place[0]}.{place[1]}",
            on_click=do,
            args=(shown, drafts.put_back, place),
        )
