"""What narrows the list of chains; its values outlive the reading of one."""

from collections.abc import Mapping

import streamlit as st
from sqlalchemy.orm import Session

from app.components.chain_reader import KINDS
from app.components.pager import run_from_address
from app.components.run_badge import in_select
from db.queries.chains import ChainFilter, drawn_principles
from db.queries.runs import RunLine


def chosen_filter() -> ChainFilter:
    """What the widgets say; they are drawn only over the list, so their values are kept by the session."""
    return ChainFilter(
        st.session_state.get("chains.run"),
        st.session_state.get("chains.kind"),
        st.session_state.get("chains.principle"),
        (st.session_state.get("chains.text") or "").strip(),
    )


def chain_filter(session: Session, runs: Mapping[int, RunLine]) -> None:
    """Draw the widgets: run, kind of prompt, drawn principle, text."""
    run_from_address("chains.run", runs)
    run, kind, principle, text = st.columns([3, 2, 3, 3])
    run.selectbox(
        "Run",
        list(runs),
        index=None,
        format_func=lambda i: in_select(runs[i]),
        placeholder="All runs",
        key="chains.run",
        persist_state="session",
    )
    kind.selectbox(
        "Prompts",
        list(KINDS),
        index=None,
        format_func=KINDS.__getitem__,
        placeholder="All kinds",
        key="chains.kind",
        persist_state="session",
    )
    drawn = dict(drawn_principles(session, st.session_state["chains.run"]))
    principle.selectbox(
        "Principle",
        list(drawn),
        index=None,
        format_func=lambda slug: f"{slug} · {drawn[slug]:,} rounds",
        placeholder="All principles",
        key="chains.principle",
        persist_state="session",
    )
    text.text_input("Contains", placeholder="Any text", key="chains.text", persist_state="session")
