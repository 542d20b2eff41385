"""What narrows the list of comparisons; its values outlive the reading of one."""

from collections.abc import Mapping

import streamlit as st

from app.components.chain_reader import KINDS
from app.components.comparison_pair import STATES
from app.components.pager import run_from_address
from app.components.run_badge import in_select
from db.queries.comparisons import ComparisonFilter
from db.queries.runs import RunLine


def chosen_filter() -> ComparisonFilter:
    """What the widgets say, kept by the session while a pair is read."""
    return ComparisonFilter(
        st.session_state.get("comparisons.run"),
        st.session_state.get("comparisons.kind"),
        st.session_state.get("comparisons.state"),
        bool(st.session_state.get("comparisons.disagree")),
        (st.session_state.get("comparisons.text") or "").strip(),
    )


def comparison_filter(runs: Mapping[int, RunLine]) -> None:
    """Draw the widgets: run, kind of prompt, state of the label, text, disagreement of the orders."""
    run_from_address("comparisons.run", runs)
    run, kind, state, text = st.columns([3, 2, 2, 3])
    run.selectbox(
        "Run",
        list(runs),
        index=None,
        format_func=lambda i: in_select(runs[i]),
        placeholder="All runs",
        key="comparisons.run",
        persist_state="session",
    )
    kind.selectbox(
        "Prompts",
        list(KINDS),
        index=None,
        format_func=KINDS.__getitem__,
        placeholder="All kinds",
        key="comparisons.kind",
        persist_state="session",
    )
    state.selectbox(
        "Label",
        list(STATES),
        index=None,
        format_func=lambda s: STATES[s][0].capitalize(),
        placeholder="All labels",
        key="comparisons.state",
        persist_state="session",
    )
    text.text_input("Contains", placeholder="Any text of a response", key="comparisons.text", persist_state="session")
    st.toggle("Only labels whose two orders disagree", key="comparisons.disagree", persist_state="session")
