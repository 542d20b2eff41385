"""Runs: the list, live; one in full; two side by side."""

import streamlit as st

from app.components.notice import empty
from app.components.pager import opened, page_start, pager
from app.components.run_compare import compare
from app.components.run_detail import VIEWS, show_view
from app.components.run_head import show_head
from app.components.run_list import run_list
from app.components.run_progress import live
from app.resources import workspace
from db.queries.page import Page
from db.queries.runs import RunLine, newest_runs, run_detail


def read(run_id: int) -> None:
    """One run in full."""
    with workspace().reading() as session:
        run = run_detail(session, run_id)
    if run is None:
        empty(f"There is no run {run_id}.", "It may belong to another workspace.", "views/runs.py", "All runs")
        return
    show_head(run)
    view = st.segmented_control(
        "View", VIEWS, default="Overview", required=True, key="runs.view", label_visibility="collapsed"
    )
    if view == "Compare":
        compare(run)
    else:
        show_view(run, view or "Overview")


def page_now(before: int) -> Page[RunLine]:
    """The runs on this page as they stand now."""
    with workspace().reading() as session:
        return newest_runs(session, before or None)


def overview() -> None:
    """Every run, the newest first."""
    st.title("Runs")
    before = page_start("runs", "all")
    found = page_now(before)
    if not found.rows:
        empty(
            "No runs yet",
            "A run is one stage at work: a process of its own that goes on when this page is closed.",
            "views/launch.py",
            "Launch a run",
        )
        return

    def draw() -> None:
        run_list(page_now(before).rows)
        if opened("run") is not None:
            st.rerun()  # a press in the list draws only the list again

    live(draw)
    pager("runs", found.rows[-1].id, found.more)


if (run_id := opened("run")) is not None:
    read(run_id)
else:
    overview()
