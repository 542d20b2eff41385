"""The head of a comparison: which versions, on what, and the way to its runs; its progress while it is at work."""

import streamlit as st

from app.components.links import run_link, version_link
from app.components.notice import problem
from app.components.pager import open_row
from app.components.run_badge import TITLES, state_badge
from app.components.run_progress import live, progress_bar
from app.components.text import chips, inline
from app.resources import workspace
from db.queries.runs import run_lines
from db.queries.version_compare import PastComparison, VersionRun
from db.queries.waiting import blocked

READS = {"chains": "Chains", "labels": "Labels"}


def compare_head(found: PastComparison, own: VersionRun) -> VersionRun:
    """Draw it; answers the run whose findings are to be shown, the chains' or the labels'."""
    one = found.first
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title("Compare versions")
    with right, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        st.button("All", icon=":material/list:", key="compare.all", on_click=open_row, args=("run", None))
    with st.container(horizontal=True, vertical_alignment="center"):
        chips([("A", "grey")], width="content")
        version_link(one.before)
        chips([("B", "grey")], width="content")
        version_link(one.after)
        inline(f"model {one.model} · seed {one.seed} · {one.created_at:%Y-%m-%d %H:%M} UTC")
    shown = _chosen(found, own)
    with st.container(horizontal=True, vertical_alignment="center"):
        state_badge(shown.state)
        run_link(shown.former)
        inline(f"{TITLES[shown.kind]} under A")
        run_link(shown.id)
        inline(f"{TITLES[shown.kind]} under B")
    return shown


def _chosen(found: PastComparison, own: VersionRun) -> VersionRun:
    """By the switch, where a comparison has both; it begins with the run that the address names."""
    if found.chains is None or found.labels is None:
        return found.first
    kind = st.segmented_control(
        "What is compared",
        list(READS),
        default=own.kind,
        format_func=READS.__getitem__,
        required=True,
        key=f"compare.kind.{own.id}",
        persist_state="session",
        label_visibility="collapsed",
    )
    return found.labels if kind == "labels" else found.chains


def still_at_work(run: VersionRun) -> None:
    """Why there is nothing to show yet: it runs, it stopped, or the runs differ in more than their constitution."""
    if run.active or run.former_state in ("waiting", "running"):
        live(lambda: _progress(run))
        return
    recalled = run.result.get("recalled", {})
    if run.error:
        problem(f"Run {run.id} is {run.state}: {run.error}")
    elif recalled.get("why_not"):
        problem(f"These runs cannot be compared: {recalled['why_not']}")
    elif run.state == "done":
        problem("These runs cannot be compared: they differ in more than their constitution.")
    else:
        problem(f"Run {run.id} is {run.state}. Open it to let it go on.")


def _progress(run: VersionRun) -> None:
    with workspace().reading() as session:
        lines, stuck = run_lines(session, (run.former, run.id)), blocked(session)
    for line in lines:
        if line.active:
            progress_bar(line, stuck.get(line.id))
