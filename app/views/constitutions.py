"""Constitutions: read every principle, edit one, save a version."""

import streamlit as st

from app.components.draft import drafts
from app.components.few_shot_list import few_shot_list
from app.components.notice import empty
from app.components.principle_form import forms
from app.components.principle_list import show_principle, show_principles
from app.components.text import caption
from app.components.version_bar import elsewhere, history, unsaved
from app.components.version_choice import chosen_version, leave_address
from app.resources import workspace
from cai_core.store.constitutions import load_version
from db.queries.constitutions import constitution_names

st.title("Constitutions")
with workspace().reading() as session:
    names = constitution_names(session)
if not names:
    empty(
        "No constitution yet",
        "Save one from a file: cai-studio constitution save FILE. constitutions/README.md explains the format.",
    )
    st.stop()

left, right = st.columns([3, 2], vertical_alignment="bottom")
with left, workspace().reading() as session:
    lines, chosen = chosen_version(session, names)
    _, saved = load_version(session, chosen)
view = right.segmented_control(
    "Show",
    ("Principles", "Few-shots", "History"),
    default="Principles",
    required=True,
    key="constitutions.view",
    label_visibility="collapsed",
)

edits = drafts().get(chosen)
shown = edits.now if edits else saved
if drafts() or forms():
    st.caption("Unsaved edits live in this tab: they outlive a change of page, and a reload loses them.")
elsewhere(chosen)
if edits:
    unsaved(edits)
if chosen != lines[0].name:
    caption(f"{lines[0].name} is the newest version: edits of this one can be saved under another name only.")
caption(shown.description)
principle = next((one for one in shown.principles if one.id == st.query_params.get("principle")), None)
if view == "History":
    history(lines)
elif view == "Few-shots":
    few_shot_list(shown.few_shots)
elif principle:
    show_principle(chosen, principle)
    st.button("All principles", icon=":material/list:", on_click=leave_address)
else:
    show_principles(chosen, shown.principles)
