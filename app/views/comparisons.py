"""Comparisons: two responses to a prompt, and what the feedback model says of them."""

import streamlit as st

from app.components.comparison_list import comparison_list
from app.components.comparison_pair import STATES, show_comparison
from app.components.links import model_link, run_link
from app.components.notice import content_notice, empty
from app.components.pager import opened, page_start, pager, reader_buttons
from app.components.prompt_kinds import KIND_TINTS, KINDS
from app.components.row_filter import comparisons_filter, filter_comparisons, offered_runs
from app.components.text import chips, conversation, inline
from app.resources import workspace
from db.queries.comparisons import (
    comparison_beside,
    comparison_detail,
    comparison_page,
    label_states,
)

with workspace().reading() as session:
    runs = offered_runs(session, "comparisons")


def read(comparison_id: int) -> None:
    """One pair in full."""
    with workspace().reading() as session:
        comparison = comparison_detail(session, comparison_id)
        beside = comparison_beside(session, comparisons_filter(), comparison_id)
    if comparison is None:
        empty(
            f"There is no pair {comparison_id}.", "It may belong to another workspace.", "views/comparisons.py", "All"
        )
        return
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title(f"Pair {comparison.id:,d}")
    with right:
        reader_buttons("comparison", beside, "comparisons")
    with st.container(horizontal=True, vertical_alignment="center"):
        run_link(comparison.run)
        inline("both responses from")
        model_link(comparison.model_id, comparison.model)
        inline(f"seeds {comparison.seed_a} and {comparison.seed_b}")
    with st.container(border=True):
        kind, where = comparison.kind, [comparison.source, comparison.topic]
        chips([(KINDS[kind], KIND_TINTS[kind])], title="Prompt", note=" · ".join(filter(None, where)))
        conversation(comparison.turns)
    show_comparison(comparison)


def overview() -> None:
    """The filter, the labels' states and a page of pairs."""
    st.title("Comparisons")
    if not runs:
        empty(
            "No comparisons yet",
            "A comparisons run samples two replies to each prompt; a labels run then says which is better.",
            "views/launch.py",
            "Launch a comparisons run",
            stage="comparisons",
        )
        return
    content_notice()
    filter_comparisons(runs)
    wanted = comparisons_filter()
    with workspace().reading() as session:
        states = label_states(session, wanted.run)
        found = comparison_page(session, wanted, page_start("comparisons", wanted))
    if states:
        chips([(f"{count:,} {STATES[state][0]}", STATES[state][1]) for state, count in states], note="AI labels")
    if not found.rows:
        empty("No pair passes this filter", "Take a condition away.")
        return
    comparison_list(found.rows, all_runs=wanted.run is None)
    pager("comparisons", found.rows[-1].id, found.more)


if (comparison_id := opened("comparison")) is not None:
    read(comparison_id)
else:
    overview()
