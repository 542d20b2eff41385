"""Progress that moves by itself while a run is active, and stands still once it ends."""

from collections.abc import Callable

import streamlit as st

from app.components.run_badge import TITLES
from app.components.text import caption
from app.resources import workspace
from cai_core.runs.queue import kick
from db.queries.runs import RunLine, active_runs

EVERY = 2.0
"""Seconds between two looks at the database: the runs need the processor more than the page does."""


def live(draw: Callable[[], bool], active: bool) -> None:
    """Draw now and, while `active`, every two seconds; `draw` answers whether it is active still.

    When that changes the whole page is drawn once more, so that no timer runs for a run that has ended.
    """

    def tick() -> None:
        if draw() != active:
            st.rerun()

    st.fragment(tick, run_every=EVERY if active else None)()


def progress_bar(run: RunLine) -> None:
    """How far a run is, in numbers and as a bar."""
    st.progress(run.share)
    caption(progress_words(run))


def progress_words(run: RunLine) -> str:
    """'SL-CAI · step 120 of 400 · training'."""
    how_far = f"{run.done:,} of {run.total:,}" if run.total else f"{run.done:,} done" if run.done else ""
    phase = "stopping" if run.stop_requested and run.state == "running" else run.phase
    waiting = "waiting" if run.state == "waiting" else ""
    return " · ".join(part for part in (f"Run {run.id} · {TITLES[run.kind]}", waiting, how_far, phase) if part)


def sidebar_progress() -> None:
    """The active run at the bottom of the sidebar; nothing while none is."""
    with workspace().reading() as session:
        now_active = active_runs(session)
    if now_active:
        with st.sidebar:
            live(_sidebar, active=True)


def _sidebar() -> bool:
    kick(workspace())
    with workspace().reading() as session:
        runs = active_runs(session)
    working = next((run for run in runs if run.state == "running"), runs[0] if runs else None)
    if working:
        progress_bar(working)
        if len(runs) > 1:
            st.caption(f"{len(runs) - 1:d} more to come")
    return bool(runs)
