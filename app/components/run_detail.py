"""One run's views: what it does now, what it found, its curves, samples, settings and log."""

from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from app.components.curves import curves
from app.components.links import model_link, run_link
from app.components.notice import content_notice, problem
from app.components.run_badge import TITLES, duration, run_title
from app.components.run_findings import show_findings
from app.components.run_progress import live, progress_bar
from app.components.run_results import plain
from app.components.text import chips, conversation, facts, inline, log, verbatim
from app.resources import workspace
from db.queries.runs import RunDetail, metrics, rollouts, run_detail
from db.queries.waiting import blocked

VIEWS = ("Overview", "Curves", "Samples", "Settings", "Log", "Compare")
LOG_BYTES = 8_000
"""How much of a log's end is shown."""
ENDED = {"failed": "has failed", "lost": "was lost", "stopped": "was stopped"}


def show_view(run: RunDetail, view: str) -> None:
    """The chosen view; the ones that change while it runs draw themselves again."""
    if view == "Settings":
        facts([(name, plain(value)) for name, value in run.config.items()])
        return
    drawn = {"Overview": _overview, "Curves": _curves, "Samples": _samples, "Log": _log}[view]

    def tick() -> None:
        with workspace().reading() as session:
            now = run_detail(session, run.line.id) or run
        drawn(now)

    live(tick, run.line.active)


def _overview(run: RunDetail) -> None:
    if run.line.active:
        with workspace().reading() as session:
            progress_bar(run.line, blocked(session).get(run.line.id))
    elif run.error and run.line.state in ENDED:
        problem(f"This run {ENDED[run.line.state]}: {run.error}")
        _log(run)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.caption("What it found")
        show_findings(run.result)
    with right, st.container(border=True, height="stretch"):
        st.caption("How it went")
        facts(_course(run))
        _effects(run)


def _effects(run: RunDetail) -> None:
    """What it made, and what reads from it."""
    for model, name in run.models:
        with st.container(horizontal=True, vertical_alignment="center"):
            model_link(model, name)
    for child, kind in run.children:
        with st.container(horizontal=True, vertical_alignment="center"):
            run_link(child)
            inline(f"{TITLES[kind]}, reads from it")


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
        st.caption("No samples here: SL-CAI and RL keep some of what they write, from their start on.")
        return
    content_notice()
    for rollout in sampled:
        with st.container(border=True):
            rewarded = [] if rollout.reward is None else [(f"reward {rollout.reward:+.2f}", "blue")]
            chips(rewarded, title=f"Step {rollout.step}")
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
