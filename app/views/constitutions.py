"""Constitutions: read, write, save versions; every edit is kept as it is committed."""

import streamlit as st

from app.components.advice_panel import advice_panel
from app.components.constitution_choice import Chosen, choice, go, select_part
from app.components.constitution_files import files_view
from app.components.draft_bar import draft_bar, other_drafts
from app.components.draft_edit import commit, field_key, hold
from app.components.few_shot_form import few_shot_form
from app.components.few_shot_list import few_shot_list, selected_shot
from app.components.new_constitution import new_constitution
from app.components.notice import empty
from app.components.principle_drafting import drafting
from app.components.principle_form import principle_form
from app.components.principle_list import principle_list, selected
from app.components.text import caption
from app.components.version_history import history_view
from app.components.who import person_id, you_write_as
from app.resources import workspace
from cai_core.constitution.problems import Problem, find_problems
from cai_core.types import Draft
from db.queries.drafts import draft_lines

VIEWS = ("Principles", "Few-shots", "History", "Files")
VIEW = "constitutions.view"


def begin_view() -> None:
    """Show what the address asks for, where nothing was chosen here yet."""
    asked = "History" if "diff" in st.query_params else st.query_params.get("view", "").capitalize()
    st.session_state.setdefault(VIEW, asked if asked in VIEWS else VIEWS[0])


def keep_view(view: str) -> None:
    """Let the address name the view, so that a reload shows it again; the first one goes without saying."""
    if view == VIEWS[0]:
        st.query_params.pop("view", None)
    elif st.query_params.get("view") != view.lower():
        st.query_params["view"] = view.lower()


def principles(shown: Draft, problems: tuple[Problem, ...]) -> None:
    """The list on the left, the open one on the right."""
    left, right = st.columns([6, 7], gap="medium")
    key = selected(shown)
    select_part("principle", key)
    with left:
        principle_list(shown, key, problems)
        drafting(shown)
    with right:
        if key:
            principle_form(shown, key, problems)
            advice_panel(shown.now, shown.now.principles[shown.keys.index(key)].id, "principles")
        else:
            empty("No principle yet", "Add the first one on the left.")


def few_shots(shown: Draft, problems: tuple[Problem, ...]) -> None:
    """The list on the left, the open one on the right."""
    left, right = st.columns([6, 7], gap="medium")
    place = selected_shot(shown)
    select_part("shot", ":".join(place or ()))
    with left:
        few_shot_list(shown, place, problems)
    with right:
        if place:
            few_shot_form(shown, place, problems)
        advice_panel(shown.now, None, "few-shots")


def about(shown: Draft) -> None:
    """What the constitution is for."""
    with st.expander("Description", icon=":material/notes:", type="compact"):
        st.text_area(
            "Description",
            shown.now.description,
            key=hold(field_key(shown, None, "description"), shown.now.description),
            on_change=commit,
            args=(shown, None, "description"),
            placeholder="What this constitution is for",
            height="content" if len(shown.now.description) < 1500 else 160,
            label_visibility="collapsed",
        )


def page(chosen: Chosen, view: str) -> None:
    """What the chosen view shows."""
    shown = chosen.shown
    if view in ("History", "Files") and not chosen.lines:
        empty("Not saved yet", "A first version makes its history, and can be written to a file. Save one first.")
    elif view == "History":
        history_view(chosen.name)
    elif view == "Files":
        files_view(chosen.name)
    else:
        problems = find_problems(shown.now) if shown.id else ()
        # Each in a place of its own, used or not: what comes and goes must not move the fields below. The browser would
        # build them anew, and what is being typed there, while the edit before is kept, would be gone.
        with st.container():
            draft_bar(chosen, problems)
        with st.container():
            if not shown.id and chosen.lines and shown.base != chosen.lines[0].name:
                newest = chosen.lines[0].name
                caption(f"{newest} is the newest version: edits of this one are merged with it when saved.")
        about(shown)
        (principles if view == "Principles" else few_shots)(shown, problems)


title, who = st.columns([3, 2], vertical_alignment="bottom")
title.title("Constitutions")
with who:
    you_write_as()
me = person_id()
if "new" in st.query_params:
    new_constitution(me)
    st.stop()

with workspace().reading() as session:
    lines = draft_lines(session, me)
    left, middle, right = st.columns([5, 5, 2], vertical_alignment="bottom")
    with left:
        chosen = choice(session, me, lines)
right.button("New", icon=":material/add:", width="stretch", on_click=go, kwargs={"new": "1"})
if chosen is None:
    empty("No constitution yet", "Press New to write one, or to read one from a file.")
    st.stop()
begin_view()
view = middle.segmented_control("Show", VIEWS, required=True, key=VIEW, label_visibility="collapsed")
keep_view(view or VIEWS[0])
with st.container():
    other_drafts(lines, chosen.shown)
page(chosen, view or "Principles")
