"""What narrows the lists of chains and of comparisons.

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
from db.queries.chains import ChainFilter, drawn_principles
from db.queries.comparisons import ComparisonFilter
from db.queries.runs import RunLine, runs_of

FIELDS = {"chains": ("kind", "principle", "text"), "comparisons": ("kind", "state", "text", "disagree")}
"""What each page narrows by, besides the run."""


def offered_runs(session: Session, page: str) -> dict[int, RunLine]:
    """The runs that a page's filter offers: the newest, the one asked for, and the chosen one."""
    include = (opened("run"), st.session_state.get(f"{page}.run"))
    return {run.id: run for run in runs_of(session, (page,), include)}


def chains_filter() -> ChainFilter:
    """What the chains' widgets say."""
    return ChainFilter(
        st.session_state.get("chains.run"),
        st.session_state.get("chains.kind"),
        st.session_state.get("chains.principle"),
        _text("chains"),
    )


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


def filter_chains(session: Session, runs: Mapping[int, RunLine]) -> None:
    """Draw the widgets: run, kind of prompt, drawn principle, text."""
    run, kind, principle, text = st.columns([3, 2, 3, 3])
    _run_and_kind("chains", runs, run, kind)
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
