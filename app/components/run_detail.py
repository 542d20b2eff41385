"""One run: what it does now, what it found, and what may be done about it."""

from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from app import state
from app.components.curves import curves
from app.components.notice import act, content_notice, problem
from app.components.pager import open_row
from app.components.run_badge import TITLES, duration, run_title, state_badge
from app.components.run_progress import live, progress_bar
from app.components.run_results import flat, plain
from app.components.text import chips, conversation, facts, log, verbatim
from app.resources import workspace
from cai_core.runs import queue
from db.queries.runs import RunDetail, metrics, rollouts, run_detail

VIEWS = ("Overview", "Curves", "Samples", "Settings", "Log", "Compare")
LOG_BYTES = 8_000
"""How much of a log's end is shown."""
OPENS = {"chains": "chains", "comparisons": "comparisons", "labels": "comparisons", "battles": "ratings"}
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
    st.session_state[state.CLONE_OF] = run_id
    st.session_state[state.GO_TO] = "views/launch.py"


def show_head(run: RunDetail) -> None:
    """Title, state, provenance, and the buttons that fit the state."""
    line = run.line
    left, right = st.columns([2, 3], vertical_alignment="center")
    left.title(f"Run {line.id:,d}")
    with right, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        _buttons(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        state_badge(line.state, line.stop_requested)
        parts = [f"seed {line.seed}", *(f"reads run {i} ({TITLES[kind]})" for i, kind in run.parents)]
        parts += [f"constitution {run.constitution}"] if run.constitution else []
        parts += [f"code {run.code_revision[:12]}", f"attempt {run.attempt}", *([line.note] if line.note else [])]
        chips([(TITLES[line.kind], "violet")], note=" · ".join(parts))


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
    st.button("All", icon=":material/list:", key="runs.all", on_click=open_row, args=("run", None))
    st.button("Clone with changes", icon=":material/content_copy:", on_click=clone, args=(line.id,))
    if line.active:
        st.button("Stop", icon=":material/stop:", on_click=stop, args=(line.id,), disabled=line.stop_requested)
    elif line.state != "done":
        st.button("Resume", icon=":material/play_arrow:", type="primary", on_click=resume, args=(line.id,))


def show_view(run: RunDetail, view: str) -> None:
    """The chosen view; the ones that change while it runs draw themselves again."""
    if view == "Settings":
        facts([(name, plain(value)) for name, value in run.config.items()])
        return
    drawn = {"Overview": _overview, "Curves": _curves, "Samples": _samples, "Log": _log}[view]

    def tick() -> bool:
        with workspace().reading() as session:
            now = run_detail(session, run.line.id) or run
        drawn(now)
        return now.line.active

    live(tick, run.line.active)


def _overview(run: RunDetail) -> None:
    if run.line.active:
        progress_bar(run.line)
    if run.error:
        problem(f"This run {_ended(run.line.state)}: {run.error}")
        _log(run)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.caption("What it found")
        found = list(flat(run.result))
        if found:
            facts(found)
        else:
            st.caption("Nothing yet.")
    with right, st.container(border=True, height="stretch"):
        st.caption("How it went")
        facts(_course(run))


def _ended(state_now: str) -> str:
    return {"failed": "failed", "lost": "was lost"}.get(state_now, state_now)


def _course(run: RunDetail) -> Iterator[tuple[str, str]]:
    line = run.line
    yield "Rows or steps", f"{line.done:,} of {line.total:,}" if line.total else f"{line.done:,}"
    yield "Time at work", duration(line.seconds)
    yield "Enqueued", f"{line.created_at:%Y-%m-%d %H:%M:%S} UTC"
    if line.started_at:
        yield "Started", f"{line.started_at:%Y-%m-%d %H:%M:%S} UTC"
    if run.ended_at:
        yield "Ended", f"{run.ended_at:%Y-%m-%d %H:%M:%S} UTC"
    if run.device:
        yield "Device", run.device
    if run.models:
        yield "Snapshots", ", ".join(run.models)
    if run.children:
        yield "Read by", ", ".join(run_title(*child) for child in run.children)


def _curves(run: RunDetail) -> None:
    with workspace().reading() as session:
        points = metrics(session, run.line.id)
    if points:
        curves({run_title(run.line.id, run.line.kind): points}, f"curves.{run.line.id}")
    else:
        st.caption("No metrics: only training stages report them, from their first step on.")


def _samples(run: RunDetail) -> None:
    with workspace().reading() as session:
        sampled = rollouts(session, run.line.id)
    if not sampled:
        st.caption("No samples here: only RL keeps the responses it was rewarded for.")
        return
    content_notice()
    for rollout in sampled:
        with st.container(border=True):
            chips([(f"reward {rollout.reward:+.2f}", "blue")], title=f"Step {rollout.step}")
            left, right = st.columns([2, 3], gap="medium")
            with left:
                conversation(rollout.turns)
            with right:
                verbatim(rollout.text)


def _log(run: RunDetail) -> None:
    tail = log_tail(workspace().logs / f"run-{run.line.id}.log")
    if tail:
        st.caption("The end of its log")
        log(tail)
    else:
        st.caption("No log yet.")


def log_tail(path: Path) -> str:
    """The last bytes of a log, from the start of a line; empty if there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LOG_BYTES))
        text = file.read().decode("utf-8", "replace")
    return text if size <= LOG_BYTES else text.partition("\n")[2]
