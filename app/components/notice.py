"""Messages: what a click did, or what went wrong, in words and never as markup."""

from collections.abc import Callable
from html import escape
from typing import Any

import streamlit as st

from app import state
from app.components.text import READABLE, TINTS
from cai_core.errors import CAIError


def problem(text: str) -> None:
    """What is wrong and what to do, on red."""
    _box(text, "red", "alert")


def success(text: str) -> None:
    """What was done, on green."""
    _box(text, "green", "status")


def _box(text: str, tint: str, role: str) -> None:
    look = f"{READABLE};max-width:none;padding:.75rem 1rem;border-radius:8px;background:{TINTS[tint]}"
    st.html(f'<div role="{role}" style="{look}">{escape(text)}</div>')


def act(action: Callable[..., str | None], *args: Any) -> None:
    """Run a callback's work: its answer, or its error in words, shows at the top of the page drawn next."""
    try:
        done = action(*args)
    except CAIError as error:
        st.session_state[state.NOTICE] = ("problem", str(error))
    else:
        if done:
            st.session_state[state.NOTICE] = ("success", done)


def show_notice() -> None:
    """Draw the waiting message, once."""
    kind, text = st.session_state.pop(state.NOTICE, ("", ""))
    if kind:
        (problem if kind == "problem" else success)(text)


def content_notice() -> None:
    """Said above red-team text."""
    st.caption(":material/warning: Red-team prompts and replies to them: some of this text is meant to be harmful.")


def empty(what: str, remedy: str, page: str | None = None, label: str = "", **query: str) -> None:
    """An empty state: what is missing, what to do, and the way there, `query` being its address."""
    with st.container(border=True):
        st.html(f'<div style="font-weight:600">{escape(what)}</div>')
        st.html(f'<div style="opacity:.75">{escape(remedy)}</div>')
        if page:
            st.page_link(page, label=label, icon=":material/arrow_forward:", query_params=query)
