"""Home: the pipeline, the next step, and the whole loop at one press."""

import streamlit as st

from app.components.loop import loop_button
from app.components.pipeline import LINKS, counts, next_step, show_pipeline
from app.components.ratings_views import newest_plane
from app.components.run_progress import live
from app.components.text import caption
from app.resources import workspace
from db.queries.constitutions import constitution_names
from db.queries.runs import seconds_of_last_loop

with workspace().reading() as session:
    names = constitution_names(session)
    seconds = seconds_of_last_loop(session)
now = counts()

st.title("Constitutional AI, from principle to policy")
st.caption("Every stage runs on this machine, on the small sandbox model.")

with st.container(border=True):
    step = next_step(now)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge("Next", icon=":material/flag:", color="blue")
        caption(step.words)
        st.page_link(
            f"views/{step.page}.py",
            label=LINKS[step.page],
            icon=":material/arrow_forward:",
            query_params=step.query,
        )
    loop_button(now, names, seconds)

live(show_pipeline)
newest_plane(380)
