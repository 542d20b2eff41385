"""Chains: filter, page through, read one and say what you think of it."""

import streamlit as st

from app.components.chain_filter_form import chains_filter, filter_form, read_address, write_address
from app.components.chain_list import chain_list
from app.components.chain_reader import VIEWS, provenance, show_chain
from app.components.chain_review import queue, review_bar
from app.components.notice import content_notice, empty, problem
from app.components.pager import open_row, opened, page_start, pager, reader_buttons
from app.components.reviewers import agreement_table
from app.components.row_filter import offered_runs
from app.components.saved_filters import saved_filters
from app.components.veil import veil_choice
from app.components.who import author, you_write_as
from app.resources import workspace
from cai_core.errors import ReviewError
from db.queries.chain_filter import dump_filter
from db.queries.chains import chain_detail, chain_page
from db.queries.reviews import before_in, next_in, standing

try:
    read_address()
except ReviewError as error:
    problem(f"This address cannot be read, so nothing is filtered by it: {error}")
with workspace().reading() as session:
    runs = offered_runs(session, "chains")


def read(chain_id: int) -> None:
    """One chain in full, to be reviewed."""
    wanted = chains_filter()
    write_address(wanted)
    with workspace().reading() as session:
        chain = chain_detail(session, chain_id)
        said = standing(session, [chain_id]).get(chain_id, [])
        beside = (before_in(session, wanted, queue(), chain_id), next_in(session, wanted, queue(), chain_id))
    if chain is None:
        empty(f"There is no chain {chain_id}.", "It may belong to another workspace.", "views/chains.py", "All chains")
        return
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title(f"Chain {chain.id:,d}")
    with right:
        reader_buttons("chain", beside, "chains")
    provenance(chain)
    review_bar(chain, wanted, said)
    with st.container(horizontal=True, vertical_alignment="center"):
        view = st.segmented_control(
            "View", list(VIEWS), default="Diff", required=True, key="chains.view", label_visibility="collapsed"
        )
        veil_choice()
        you_write_as()
    show_chain(chain, view or "Diff", author())


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
        filter_form(session, runs)
        wanted = chains_filter()
        write_address(wanted)
        found = chain_page(session, wanted, page_start("chains", wanted))
        said = standing(session, [line.id for line in found.rows])
        first = next_in(session, wanted, queue(), None) if found.rows else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Review these",
            type="primary",
            icon=":material/rate_review:",
            disabled=first is None,
            on_click=open_row,
            args=("chain", first),
        )
        saved_filters()
        st.page_link(
            "views/datasets.py",
            label="Freeze a dataset of these",
            icon=":material/ac_unit:",
            query_params=dump_filter(wanted),
        )
        st.page_link(
            "views/files.py", label="Write these out", icon=":material/download:", query_params=dump_filter(wanted)
        )
        veil_choice()
    if not found.rows:
        empty("No chain passes this filter", "Take a condition away.")
        return
    chain_list(found.rows, said, all_runs=wanted.run is None)
    pager("chains", found.rows[-1].id, found.more)
    agreement = st.expander("Agreement of reviewers", on_change="rerun", key="chains.agreement")
    if agreement.open:
        with agreement:
            agreement_table()


if (chain_id := opened("chain")) is not None:
    read(chain_id)
else:
    overview()
