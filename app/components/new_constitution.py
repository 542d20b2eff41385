"""A new constitution: from scratch, from a template, as a copy of a version, or from files. It begins as a draft."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from app.components.constitution_choice import go
from app.components.constitution_upload import from_files
from app.components.notice import act
from app.components.text import caption, chips
from app.resources import workspace
from cai_core.constitution.load import load_constitution
from cai_core.constitution.skeleton import SKELETON
from cai_core.errors import ConstitutionError
from cai_core.store import drafts
from cai_core.store.constitutions import load_version, newest_ref
from cai_core.store.shipped import constitution_files
from cai_core.types import Constitution
from db.queries.constitutions import constitution_names, versions

SCRATCH, TEMPLATE, COPY, FILES = WAYS = ("From scratch", "From a template", "As a copy", "From files")
WAY, NAME, FROM = "new.way", "new.name", "new.from"
ONE = "One worked principle"
PREVIEW = 40
"""Titles that are listed."""


def new_constitution(person: int) -> None:
    """Draw the ways to begin; the button begins a draft and opens it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("New constitution", anchor=False)
        st.button("Back", icon=":material/arrow_back:", type="tertiary", on_click=go)
    way = st.segmented_control("Begin", WAYS, default=TEMPLATE, required=True, key=WAY, label_visibility="collapsed")
    if way == FILES:
        from_files(person)
        return
    with st.container(border=True):
        left, right = st.columns([2, 3], gap="large")
        with left:
            wanted = {SCRATCH: _scratch, TEMPLATE: _template, COPY: _copy}[way or TEMPLATE]()
            st.text_input("Name", key=NAME, placeholder="One line, as runs will refer to it")
            st.button(
                "Begin writing", type="primary", icon=":material/edit:", on_click=act, args=(_begin, person, wanted)
            )
            st.caption("It is kept as a draft from the first moment; saving makes its first version.")
        with right:
            preview(wanted())


def preview(found: Constitution) -> None:
    """What it would begin with."""
    shots = found.few_shots
    count = len(shots.critique_revision) + len(shots.comparison) + len(shots.comparison_with_reasoning)
    labels = [(_count(len(found.principles), "principle"), "violet"), (_count(count, "few-shot"), "grey")]
    chips(labels, title=found.name)
    if found.description:
        caption(found.description)
    caption(" · ".join(one.title or one.id for one in found.principles[:PREVIEW]))
    if len(found.principles) > PREVIEW:
        caption(f"and {len(found.principles) - PREVIEW} more.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _scratch() -> Callable[[], Constitution]:
    caption("Nothing is there yet: write every principle yourself.")
    return lambda: drafts.EMPTY


def _template() -> Callable[[], Constitution]:
    shipped = {file.stem: file for file in constitution_files()}
    chosen = st.selectbox("Template", [ONE, *shipped], key=f"{FROM}.template")
    return lambda: SKELETON if chosen == ONE else load_constitution(shipped[chosen])


def _copy() -> Callable[[], Constitution]:
    with workspace().reading() as session:
        name = st.selectbox("Constitution", constitution_names(session), key=f"{FROM}.name")
        refs = [line.name for line in versions(session, name)] if name else []
    ref = st.selectbox("Version", refs, key=f"{FROM}.version.{name}")

    def load() -> Constitution:
        if not refs:
            return drafts.EMPTY
        with workspace().reading() as session:
            return load_version(session, ref)[1]

    return load


def _begin(person: int, wanted: Callable[[], Constitution]) -> str:
    name = str(st.session_state.get(NAME) or "").strip()
    with workspace().writing() as session:
        if name and (taken := newest_ref(session, name)):
            raise ConstitutionError(f"there is a constitution {name!r} already ({taken}). Write a name that is free.")
        draft_id = drafts.start(session, person, base=None, content=replace(wanted(), name=name))
    st.session_state.pop(NAME, None)
    go(draft=str(draft_id))
    return "Begun. What you write is kept as you go on to the next field."
