"""A run's head: its state, what it reads from, whom it waits for, and what may be done about it."""

import streamlit as st

from app import state
from app.components.links import run_link, version_link
from app.components.notice import act
from app.components.pager import open_row
from app.components.run_badge import TITLES, state_badge
from app.components.text import chips, inline
from app.components.waiting import stop_waiting_button, waits_for
from app.resources import workspace
from cai_core.runs import queue
from db.queries.runs import RunDetail
from db.queries.waiting import blocked

OPENS = {
    "chains": "chains",
    "scores": "rounds",
    "comparisons": "comparisons",
    "labels": "comparisons",
    "battles": "ratings",
    "cases": "cases",
}
"""The page that shows a stage's rows."""


def stop(run_id: int) -> None:
    """Ask a run to stop."""
    act(_stop, run_id)


def _stop(run_id: int) -> str:
    queue.request_stop(workspace(), run_id)
    return f"Run {run_id} was asked to stop. It saves what it has and can be resumed."


def resume(run_id: int) -> None:
    """Let a run go on where it was."""
    act(_resume, run_id)


def _resume(run_id: int) -> str:
    queue.resume(workspace(), run_id)
    queue.kick(workspace())
    return f"Run {run_id} goes on where it was."


def clone(run_id: int) -> None:
    """Open Launch with this run's settings."""
    st.session_state[state.CLONES] = st.session_state.get(state.CLONES, 0) + 1
    st.session_state[state.CLONE_OF] = (run_id, st.session_state[state.CLONES])
    st.session_state[state.GO_TO] = ("views/launch.py", {})


def show_head(run: RunDetail) -> None:
    """Title, state, provenance, and the buttons that fit the state."""
    line = run.line
    left, right = st.columns([2, 3], vertical_alignment="center")
    left.title(f"Run {line.id:,d}")
    with right, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        _buttons(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        state_badge(line.state, line.stop_requested)
        parts = [f"seed {line.seed}", f"code {run.code_revision[:12]}", f"attempt {run.attempt}"]
        chips([(TITLES[line.kind], "violet")], note=" · ".join([*parts, *([line.note] if line.note else [])]))
    _causes(run)
    _waiting(run)


def _causes(run: RunDetail) -> None:
    """What it reads from: runs, and a version of a constitution."""
    if not run.parents and not run.constitution:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        inline("Reads from")
        for parent, kind in run.parents:
            run_link(parent)
            inline(TITLES[kind])
        if run.constitution:
            version_link(run.constitution)


def _waiting(run: RunDetail) -> None:
    """Whom it waits for in vain, or who waits so for it."""
    with workspace().reading() as session:
        stuck = blocked(session)
    own = stuck.get(run.line.id)
    held = [i for i, blocker in stuck.items() if blocker.run == run.line.id]
    if own:
        with st.container(horizontal=True, vertical_alignment="center"):
            inline(f"It {waits_for(own)}. Resume that one, or stop this one.")
            run_link(own.run)
    if held:
        with st.container(horizontal=True, vertical_alignment="center"):
            listed = ", ".join(map(str, held))
            inline(f"{'Run' if len(held) == 1 else 'Runs'} {listed} cannot go on before this one is done.")
            stop_waiting_button(run.line.id)


def _buttons(run: RunDetail) -> None:
    line = run.line
    if line.kind in OPENS:
        own = next((i for i, kind in run.parents if kind == "comparisons"), line.id)
        st.page_link(
            f"views/{OPENS[line.kind]}.py",
            label="Read what it made",
            icon=":material/arrow_forward:",
            query_params={"run": str(own)},
        )
    if any(kind == line.kind for _, kind in run.parents):
        query = {"run": f"{line.id:d}"}
        st.page_link("views/compare.py", label="What differs", icon=":material/difference:", query_params=query)
    if run.models:
        query = {"model": f"{run.models[-1][0]:d}"}
        st.page_link("views/models.py", label="Open its model", icon=":material/arrow_forward:", query_params=query)
    st.button("All", icon=":material/list:", key="runs.all", on_click=open_row, args=("run", None))
    st.button("Clone with changes", icon=":material/content_copy:", on_click=clone, args=(line.id,))
    if line.active:
        st.button("Stop", icon=":material/stop:", on_click=stop, args=(line.id,), disabled=line.stop_requested)
    elif line.state != "done":
        st.button("Resume", icon=":material/play_arrow:", type="primary", on_click=resume, args=(line.id,))
