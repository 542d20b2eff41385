"""Chains: filter, page through, and read one."""

import streamlit as st

from app.components.chain_list import chain_list
from app.components.chain_reader import VIEWS, provenance, show_chain
from app.components.notice import content_notice, empty
from app.components.pager import opened, page_start, pager, reader_buttons
from app.components.row_filter import chains_filter, filter_chains, offered_runs
from app.resources import workspace
from db.queries.chains import chain_beside, chain_detail, chain_page

with workspace().reading() as session:
    runs = offered_runs(session, "chains")


def read(chain_id: int) -> None:
    """One chain in full."""
    with workspace().reading() as session:
        chain = chain_detail(session, chain_id)
        beside = chain_beside(session, chains_filter(), chain_id)
    if chain is None:
        empty(f"There is no chain {chain_id}.", "It may belong to another workspace.", "views/chains.py", "All chains")
        return
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title(f"Chain {chain.id:,d}")
    with right:
        reader_buttons("chain", beside, "chains")
    provenance(chain)
    view = st.segmented_control(
        "View", VIEWS, default="Diff", required=True, key="chains.view", label_visibility="collapsed"
    )
    show_chain(chain, view or "Diff")


def overview() -> None:
    """The filter and a page of chains."""
    st.title("Chains")
    if not runs:
        empty(
            "No chains yet",
            "A chains run lets the model answer, then criticise and revise itself under your principles.",
            "views/launch.py",
            "Launch a chains run",
            stage="chains",
        )
        return
    content_notice()
    with workspace().reading() as session:
        filter_chains(session, runs)
        found = chain_page(session, chains_filter(), page_start("chains", chains_filter()))
    if not found.rows:
        empty("No chain passes this filter", "Take a condition away.")
        return
    chain_list(found.rows, all_runs=chains_filter().run is None)
    pager("chains", found.rows[-1].id, found.more)


if (chain_id := opened("chain")) is not None:
    read(chain_id)
else:
    overview()
