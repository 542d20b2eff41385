"""Progress that moves by itself while a run is active, and stands still once it ends."""

from collections.abc import Callable

import streamlit as st

from app.components.run_badge import TITLES
from app.components.text import caption
from app.components.waiting import waits_for
from app.resources import workspace
from cai_core.runs.queue import kick
from db.queries.runs import RunLine, active_runs
from db.queries.waiting import Blocker, blocked

EVERY = 2.0
"""Seconds between two looks at the database: the runs need the processor more than the page does."""
Pulse = tuple[tuple[int, str, bool], ...]


def pulse() -> Pulse:
    """Which runs are active and how they stand: empty while none is, another whenever a run begins or ends."""
    with workspace().reading() as session:
        return tuple((run.id, run.state, run.stop_requested) for run in active_runs(session))


def live(
    draw: Callable[[], object], active: bool | None = None, look: Callable[[], tuple[object, ...]] = pulse
) -> None:
    """Draw now and, while `active` (left out: while any run is), every two seconds.

    When a run begins or ends, or else what `look` sees changes, the whole page is drawn once more: badges and buttons
    around the live part tell it too, and no timer runs for what has ended. Both looks ask the same question, so that
    they differ by time alone.
    """
    before = look()

    def tick() -> None:
        if look() != before:
            st.rerun()
        draw()

    st.fragment(tick, run_every=EVERY if (bool(before) if active is None else active) else None)()


def progress_bar(run: RunLine, blocker: Blocker | None = None) -> None:
    """How far a run is, in numbers and as a bar; or what it waits for in vain."""
    if blocker is None:
        st.progress(run.share)
    caption(progress_words(run, blocker))


def progress_words(run: RunLine, blocker: Blocker | None = None) -> str:
    """'Run 2 · SL-CAI · step 120 of 400 · training'."""
    how_far = f"{run.done:,} of {run.total:,}" if run.total else f"{run.done:,} done" if run.done else ""
    phase = "stopping" if run.stop_requested and run.state == "running" else run.phase
    waiting = (waits_for(blocker) if blocker else "waiting") if run.state == "waiting" else ""
    return " · ".join(part for part in (f"Run {run.id} · {TITLES[run.kind]}", waiting, how_far, phase) if part)


def sidebar_progress() -> None:
    """The active run at the bottom of the sidebar; nothing while none is."""
    if pulse():
        with st.sidebar:
            live(_sidebar)


def _sidebar() -> None:
    kick(workspace())
    with workspace().reading() as session:
        runs, stuck = active_runs(session), blocked(session)
    if not runs:
        return
    # The one at work, else the one whose turn comes, else one that waits in vain.
    shown = min(runs, key=lambda run: (run.state != "running", run.id in stuck))
    progress_bar(shown, stuck.get(shown.id))
    if len(runs) > 1:
        st.caption(f"{len(runs) - 1:d} more to come")
