"""What narrows the list of comparisons, and which runs filters offer.

The widgets are drawn over the list alone; their values are kept by the session while a row is read.
"""

from collections.abc import Mapping

import streamlit as st
from sqlalchemy.orm import Session
from streamlit.delta_generator import DeltaGenerator

from app.components.comparison_pair import STATES
from app.components.pager import opened, run_from_address
from app.components.prompt_kinds import KINDS
from app.components.run_badge import in_select
from db.queries.comparisons import ComparisonFilter
from db.queries.runs import RunLine, runs_of

FIELDS = {"comparisons": ("kind", "state", "text", "disagree")}
"""What each page narrows by, besides the run."""


def offered_runs(session: Session, page: str) -> dict[int, RunLine]:
    """The runs that a page's filter offers: the newest, the one asked for, and the chosen one."""
    include = (opened("run"), st.session_state.get(f"{page}.run"))
    return {run.id: run for run in runs_of(session, (page,), include)}


def comparisons_filter() -> ComparisonFilter:
    """What the comparisons' widgets say."""
    return ComparisonFilter(
        st.session_state.get("comparisons.run"),
        st.session_state.get("comparisons.kind"),
        st.session_state.get("comparisons.state"),
        bool(st.session_state.get("comparisons.disagree")),
        _text("comparisons"),
    )


def _text(page: str) -> str:
    return (st.session_state.get(f"{page}.text") or "").strip()


def filter_comparisons(runs: Mapping[int, RunLine]) -> None:
    """Draw the widgets: run, kind of prompt, state of the label, text, disagreement of the orders."""
    run, kind, state, text = st.columns([3, 2, 2, 3])
    _run_and_kind("comparisons", runs, run, kind)
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


def _run_and_kind(page: str, runs: Mapping[int, RunLine], run: DeltaGenerator, kind: DeltaGenerator) -> None:
    run_from_address(page, runs, FIELDS[page])
    run.selectbox(
        "Run",
        list(runs),
        index=None,
        format_func=lambda i: in_select(runs[i]),
        placeholder="All runs",
        key=f"{page}.run",
        persist_state="session",
    )
    kind.selectbox(
        "Prompts",
        list(KINDS),
        index=None,
        format_func=KINDS.__getitem__,
        placeholder="All kinds",
        key=f"{page}.kind",
        persist_state="session",
    )
