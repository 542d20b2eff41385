"""Home: the pipeline, the next step, and the whole loop at one press."""

from typing import Any

import streamlit as st

from app.components.notice import act
from app.components.pipeline import counts, next_step, show_pipeline
from app.components.ratings_views import newest_plane
from app.components.run_progress import live
from app.components.text import caption
from app.resources import workspace
from cai_core.runs.presets import enqueue_loop
from cai_core.runs.queue import kick
from db.queries.constitutions import constitution_names
from db.queries.runs import active_runs, seconds_of_last_loop

STATED_MINUTES = 8
"""What the loop may take on two idle cores; said until one has been timed here."""


def start_loop() -> None:
    """Enqueue every stage of the loop with the chosen constitution and seed."""
    act(_enqueue, st.session_state["home.constitution"], st.session_state["home.seed"])


def _enqueue(constitution: str, seed: int) -> str:
    runs: dict[Any, int] = enqueue_loop(workspace(), seed=seed, constitution=constitution)
    kick(workspace())
    return f"The loop is on its way: runs {min(runs.values())} to {max(runs.values())}."


with workspace().reading() as session:
    names = constitution_names(session)
    seconds = seconds_of_last_loop(session)
    active = bool(active_runs(session))

st.title("Constitutional AI, from principle to policy")
st.caption("Every stage runs on this machine, on the small sandbox model.")

with st.container(border=True):
    step = next_step(counts())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge("Next", icon=":material/flag:", color="blue")
        caption(step.words)
        st.page_link(
            f"views/{step.page}.py", label="Go there", icon=":material/arrow_forward:", query_params=step.query
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sandbox = names.index("sandbox") if "sandbox" in names else 0
        st.selectbox("Constitution", names, index=sandbox, key="home.constitution", width=240)
        st.number_input("Seed", 0, 2**31 - 1, 0, key="home.seed", width=140, help="The same seed gives the same rows.")
        minutes = max(1, round(seconds / 60)) if seconds else STATED_MINUTES
        st.button(
            f"Run the whole loop on the sandbox · about {minutes:d} min",
            type="primary",
            icon=":material/play_arrow:",
            disabled=active or not names,
            key="home.loop",
            on_click=start_loop,
            help="Seven runs, one after the other. You can close this page: they go on.",
        )

live(show_pipeline, active)
newest_plane(380)
