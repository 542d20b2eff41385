"""Runs that wait for one that has ended without being done: said in words, and a way to stop them."""

import streamlit as st

from app.components.notice import act
from app.resources import workspace
from cai_core.runs.queue import request_stop
from db.queries.waiting import Blocker, blocked

ENDED = {"failed": "which failed", "lost": "which was lost", "stopped": "which was stopped"}


def waits_for(blocker: Blocker) -> str:
    """'waits for run 1, which failed'."""
    return f"waits for run {blocker.run}, {ENDED[blocker.state]}"


def stop_waiting_button(run_id: int) -> None:
    """Stop whatever waits for this run."""
    st.button(
        "Stop what waits for it",
        icon=":material/stop:",
        key=f"waiting.stop.{run_id}",
        on_click=act,
        args=(stop_waiting, run_id),
    )


def stop_waiting(run_id: int) -> str:
    """Ask every run that waits for this one to stop; nothing of them has begun."""
    with workspace().reading() as session:
        waiting = [run for run, blocker in blocked(session).items() if blocker.run == run_id]
    for run in waiting:
        request_stop(workspace(), run)
    listed = ", ".join(map(str, waiting))
    return f"Stopped: run {listed}. Each can be resumed." if waiting else f"Nothing waits for run {run_id}."
