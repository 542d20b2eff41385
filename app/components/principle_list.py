"""Every principle of a constitution, each to be edited in its place."""

from collections.abc import Sequence

import streamlit as st

from app.components import draft
from app.components.notice import act
from app.components.principle_card import principle_card
from app.components.principle_form import forms, open_form, principle_form
from cai_core.types import Principle


def show_principle(base: str, principle: Principle) -> None:
    """A card with its buttons, or the form that edits it."""
    if (base, principle.id) in forms():
        principle_form(base, principle)
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
                args=(base, principle.id),
            )
            st.button(
                "Remove",
                icon=":material/delete:",
                type="tertiary",
                key=f"remove.{principle.id}",
                on_click=act,
                args=(draft.remove_principle, base, principle.id),
            )


def show_principles(base: str, principles: Sequence[Principle]) -> None:
    """Every principle, in order, and the way to one more."""
    for principle in principles:
        show_principle(base, principle)
    if (base, "") in forms():
        principle_form(base, None)
    else:
        st.button("Add a principle", icon=":material/add:", on_click=open_form, args=(base, ""))
