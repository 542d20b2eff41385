"""Every principle of a constitution, each to be edited in its place."""

import streamlit as st

from app.components import draft
from app.components.notice import act
from app.components.principle_card import principle_card
from app.components.principle_form import EDITING, open_form, principle_form
from cai_core.types import Constitution, Principle


def remove(base: str, constitution: Constitution, principle_id: str) -> None:
    """Take a principle out of the draft."""
    act(draft.remove_principle, base, constitution, principle_id)


def show_principle(base: str, constitution: Constitution, principle: Principle) -> None:
    """A card with its buttons, or the form that edits it."""
    if st.session_state.get(EDITING) == principle.id:
        principle_form(base, constitution, principle)
        return
    with st.container(border=True, key=f"card-{principle.id}"):
        text, buttons = st.columns([9, 2])
        with text:
            principle_card(principle)
        with buttons, st.container(horizontal=True, horizontal_alignment="right"):
            st.button(
                "Edit",
                icon=":material/edit:",
                type="tertiary",
                key=f"edit.{principle.id}",
                on_click=open_form,
                args=(principle.id,),
            )
            st.button(
                "Remove",
                icon=":material/delete:",
                type="tertiary",
                key=f"remove.{principle.id}",
                on_click=remove,
                args=(base, constitution, principle.id),
            )


def show_principles(base: str, constitution: Constitution) -> None:
    """Every principle, in order, and the way to one more."""
    for principle in constitution.principles:
        show_principle(base, constitution, principle)
    if st.session_state.get(EDITING) == "":
        principle_form(base, constitution, None)
    else:
        st.button("Add a principle", icon=":material/add:", on_click=open_form, args=("",))
