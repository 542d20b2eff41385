"""Filters saved by name: take one, save what is set, forget one."""

import streamlit as st

from app.components.chain_filter_form import chains_filter, set_filter
from app.components.notice import act
from app.components.who import author
from app.resources import workspace
from cai_core.store import filters
from db.queries.chain_filter import ChainFilter

NAME, CHOSEN = "filters.name", "filters.chosen"


def saved_filters() -> None:
    """Buttons that clear the filter, and open what was saved."""
    with workspace().reading() as session:
        names = filters.names(session)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button("Clear", icon=":material/filter_alt_off:", key="filters.clear", on_click=set_filter, args=(_all(),))
        with st.popover("Saved filters", icon=":material/bookmark:"):
            if names:
                st.selectbox("Saved", names, key=CHOSEN)
                with st.container(horizontal=True):
                    st.button("Use it", key="filters.use", on_click=act, args=(_use,))
                    st.button("Forget it", key="filters.drop", on_click=act, args=(_drop,))
            st.text_input("Save what is set as", key=NAME, max_chars=filters.LONGEST_NAME)
            st.button("Save filter", type="primary", key="filters.save", on_click=act, args=(_save,))
            st.caption("The page's address holds the filter too: send it to somebody who works in this workspace.")


def _all() -> ChainFilter:
    return ChainFilter()


def _use() -> None:
    with workspace().reading() as session:
        set_filter(filters.load(session, str(st.session_state[CHOSEN])))


def _drop() -> str:
    name = str(st.session_state[CHOSEN])
    with workspace().writing() as session:
        filters.drop(session, name)
    return f"The filter {name} is forgotten."


def _save() -> str:
    name, who = str(st.session_state.get(NAME) or ""), author()
    with workspace().writing() as session:
        filters.save(session, name, chains_filter(), author=who)
    return f"The filter is saved as {name.strip()}."
