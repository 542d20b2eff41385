"""The whole loop at one press, and why the button is off."""

import streamlit as st

from app.components.notice import act
from app.components.text import caption, inline
from app.components.waiting import stop_waiting_button, waits_for
from app.resources import workspace
from cai_core.errors import RunError
from cai_core.runs.presets import enqueue_steps, sandbox_loop
from cai_core.runs.queue import kick
from db.queries.pipeline import Pipeline
from db.queries.runs import active_runs

STATED_MINUTES = 8
"""What the loop may take on two idle cores; said until one has been timed here."""


def loop_button(now: Pipeline, names: list[str], seconds: float | None) -> None:
    """Constitution, seed, and the button; `seconds` is what the last loop took."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sandbox = names.index("sandbox") if "sandbox" in names else 0
        st.selectbox("Constitution", names, index=sandbox, key="home.constitution", width=240)
        st.number_input("Seed", 0, 2**53 - 1, 0, key="home.seed", width=140, help="The same seed gives the same rows.")
        minutes = max(1, round(seconds / 60)) if seconds else STATED_MINUTES
        st.button(
            f"Run the whole loop on the sandbox · about {minutes:d} min",
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(now.active) or not names,
            key="home.loop",
            on_click=start_loop,
            help="Seven runs, one after the other. You can close this page: they go on.",
        )
    _why_off(now, names)


def _why_off(now: Pipeline, names: list[str]) -> None:
    if not names:
        caption("The button is off: there is no constitution to run under.")
    elif now.blocked:
        run, blocker = next(iter(now.blocked.items()))
        with st.container(horizontal=True, vertical_alignment="center"):
            inline(f"The button is off: run {run} {waits_for(blocker)}. Resume run {blocker.run}, or:")
            stop_waiting_button(blocker.run)
    elif now.active:
        listed = f"run {now.active[0].id} is" if len(now.active) == 1 else f"{len(now.active)} runs are"
        caption(f"The button is off while {listed} on the way.")


def start_loop() -> None:
    """Enqueue every stage of the loop with the chosen constitution and seed."""
    act(enqueue_loop, st.session_state["home.constitution"], st.session_state["home.seed"])


def enqueue_loop(constitution: str, seed: int) -> str:
    """All seven runs or none, and none while others are active: this page may be open twice, or pressed twice."""
    with workspace().writing() as session:
        if active := active_runs(session):
            first = active[0]
            raise RunError(f"run {first.id} is {first.state}, and a loop wants all to be done. Wait, or stop it first.")
        ids = enqueue_steps(session, sandbox_loop(constitution), seed=seed)
    kick(workspace())
    return f"The loop is on its way: runs {min(ids.values())} to {max(ids.values())}."
