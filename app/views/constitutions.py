"""Constitutions: read every principle, edit one, save a version."""

import streamlit as st

from app.components import draft
from app.components.few_shot_list import few_shot_list
from app.components.notice import empty
from app.components.principle_form import close_form
from app.components.principle_list import show_principles
from app.components.text import caption
from app.components.version_bar import history, unsaved
from app.resources import workspace
from cai_core.store.constitutions import load_version
from db.queries.constitutions import constitution_names, versions

st.title("Constitutions")
with workspace().reading() as session:
    names = constitution_names(session)
if not names:
    empty(
        "No constitution yet",
        "Save one from a file: cai-studio constitution save FILE. constitutions/README.md explains the format.",
    )
    st.stop()

edits = draft.current()
left, middle, right = st.columns([3, 3, 4], vertical_alignment="bottom")
preferred = edits.before.name if edits else "sandbox"
name = left.selectbox(
    "Constitution",
    names,
    names.index(preferred) if preferred in names else 0,
    key="constitutions.name",
    persist_state="session",
    on_change=close_form,
)
with workspace().reading() as session:
    lines = versions(session, name)
    chosen = middle.selectbox(
        "Version", [line.name for line in lines], key=f"constitutions.version.{lines[0].name}", on_change=close_form
    )
    _, saved = load_version(session, chosen)
view = right.segmented_control(
    "Show",
    ("Principles", "Few-shots", "History"),
    default="Principles",
    required=True,
    key="constitutions.view",
    label_visibility="collapsed",
)

shown = edits.now if edits and edits.base == chosen else saved
if edits:
    unsaved(edits)
caption(shown.description)
if view == "History":
    history(lines)
elif view == "Few-shots":
    few_shot_list(shown.few_shots)
else:
    show_principles(chosen, shown)
