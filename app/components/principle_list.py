"""Every principle in a row of one table: what it is, and what is unsaved of it. A press opens it beside."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.constitution_choice import select_part
from app.components.draft_edit import changes, do, edit, press_key
from app.components.notice import act
from app.components.text import caption, chips
from cai_core.constitution.diff import Change
from cai_core.constitution.problems import Problem
from cai_core.store import drafts
from cai_core.types import Draft, Principle, PrincipleKind

ROW = 35
"""Height in pixels."""
MOST_ROWS = 18
SEARCH = "constitutions.search"
COLUMNS = {
    "n": st.column_config.NumberColumn("#", width=38),
    "title": st.column_config.TextColumn("Principle", width=134),
    "marks": st.column_config.TextColumn("Marks", width=74),
    "halves": st.column_config.TextColumn("Half", width=45, help="C: critique and revision. P: comparison."),
    "kind": st.column_config.TextColumn("Kind", width=66),
    "weight": st.column_config.TextColumn("Weight", width=57),
}
KINDS = {PrincipleKind.HARMLESSNESS: "harmless", PrincipleKind.HELPFULNESS: "helpful"}


def selected(shown: Draft) -> str:
    """The key of the principle that is open: the address's, by key or by id, else the first; '' where there is none."""
    asked = st.query_params.get("principle", "")
    if asked in shown.keys:
        return asked
    by_id = {one.id: key for one, key in zip(shown.now.principles, shown.keys, strict=True)}
    return by_id.get(asked) or next(iter(shown.keys), "")


def principle_list(shown: Draft, key: str, problems: Sequence[Problem]) -> None:
    """The table with its search; the way to one more, and back to what was taken out."""
    wanted = st.text_input(
        "Search",
        key=SEARCH,
        persist_state="session",
        placeholder="Search in titles, ids, tags and texts",
        label_visibility="collapsed",
        icon=":material/search:",
    )
    rows = [n for n, one in enumerate(shown.now.principles) if _matches(one, wanted or "")]
    if rows:
        _table(shown, key, rows, problems)
    elif shown.keys:
        caption("No principle holds all of these words.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Add a principle", icon=":material/add:", on_click=act, args=(_add, shown))
        count = len(shown.now.principles)
        st.caption(
            f"{len(rows):d} of {count:d}" if wanted else f"{count:d} principles" if count != 1 else "1 principle"
        )
    _removed(shown)


def _matches(one: Principle, wanted: str) -> bool:
    texts = (one.title, one.id, *one.tags, one.critique_request, one.revision_request, one.comparison)
    said = "\n".join(filter(None, texts)).casefold()
    return all(word in said for word in wanted.casefold().split())


def _table(shown: Draft, key: str, rows: Sequence[int], problems: Sequence[Problem]) -> None:
    marks = _marks(shown, problems)
    keys = [shown.keys[n] for n in rows]
    own_key = f"principles/{shown.base or shown.id}"

    def open_it() -> None:
        picked = st.session_state[own_key].selection
        row = picked.cells[0][0] if picked.cells else next(iter(picked.rows), None)
        if row is not None and row < len(keys):
            select_part("principle", keys[row])

    _select(own_key, [keys.index(key)] if key in keys else [])
    st.dataframe(
        _frame([_row(shown.now.principles[n], n, marks[shown.keys[n]]) for n in rows]),
        hide_index=True,
        column_config=COLUMNS,
        height=min(len(rows), MOST_ROWS) * ROW + 38,
        row_height=ROW,
        on_select=open_it,
        selection_mode=["single-row", "single-cell"],
        key=own_key,
        alt="Principles",
    )


def _select(own_key: str, rows: list[int]) -> None:
    """Let the selected row be the open principle's, wherever it stands now."""
    found = st.session_state.get(own_key, {}).get("selection", {})
    if list(found.get("rows", ())) != rows or found.get("cells"):
        st.session_state[own_key] = {"selection": {"rows": rows, "columns": [], "cells": []}}


def _frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    """The rows, without the columns that say nothing here: room is for the titles."""
    table = pd.DataFrame(rows)
    dull = [name for name in ("weight", "marks") if not table[name].any()]
    return table.drop(columns=[*dull, *(["kind"] if table["kind"].nunique() == 1 else [])])


def _row(one: Principle, number: int, marks: str) -> dict[str, object]:
    halves = ("C" if one.critique_request or one.revision_request else "") + ("P" if one.comparison else "")
    title = one.title or one.id or "No title yet"
    return {
        "n": number + 1,
        "title": title,
        "marks": marks,
        "halves": halves,
        "kind": KINDS[one.kind],
        "weight": "" if one.weight == 1 else f"{one.weight:g}",
    }


def _marks(shown: Draft, problems: Sequence[Problem]) -> dict[str, str]:
    """By key: what is unsaved of a principle, whether it is off, whether something is missing."""
    wrong = {shown.keys[one.index] for one in problems if one.list == "principles"}
    words = {Change.ADDED: "new", Change.CHANGED: "changed"}
    found = {}
    for one in changes(shown).principles:
        if one.after is not None:
            parts = ["mend"] if one.id in wrong else []
            parts += [words[one.change]] if one.change in words and shown.base else []
            parts += (["moved"] if one.moved else []) + ([] if one.after.enabled else ["off"])
            found[one.id] = ", ".join(parts)
    return found


def _add(shown: Draft) -> None:
    after = shown.keys[-1] if shown.keys else None
    key = edit(shown, drafts.add_principle, Principle("", ""), after, press_key(shown, "add"))
    st.session_state.pop(SEARCH, None)
    select_part("principle", key)


def _removed(shown: Draft) -> None:
    """What was taken out, until the draft is saved."""
    gone = [one for one in shown.removed if one.place[0] == "principles"]
    if not gone:
        return
    with st.expander("Taken out", icon=":material/restore_from_trash:", expanded=True):
        for one in gone:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                if isinstance(one.entry, Principle):
                    chips([], title=one.entry.title or "No title", note=one.entry.id, width="content")
                st.button(
                    "Put back",
                    type="tertiary",
                    key=f"back.{one.place[1]}",
                    on_click=do,
                    args=(shown, drafts.put_back, one.place),
                )
