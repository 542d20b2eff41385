"""Rounds: what becomes of chains from the initial response to the last revision, over all or by principle and topic."""

import streamlit as st

from app.components.notice import empty
from app.components.pager import opened
from app.components.rounds_differ import show_differences
from app.components.rounds_draw import draw
from app.components.rounds_form import choose
from app.components.rounds_read import read, say_lacking
from app.components.rounds_table import rounds_table
from app.components.text import caption
from app.resources import workspace
from db.queries.rounds import scored_chains
from db.queries.runs import runs_of

st.title("Rounds")
with workspace().reading() as session:
    asked = opened("run")
    first = scored_chains(session, asked) if asked is not None else None
    offered = {run.id: run for run in runs_of(session, ("chains",), (first,))}
if not offered:
    empty(
        "No chains yet",
        "A chains run lets the model answer, then criticise and revise itself, round by round.",
        "views/launch.py",
        "Launch a chains run",
        stage="chains",
    )
    st.stop()

choice = choose(offered, first, asked)
if not choice.runs:
    empty("No run is chosen", "Choose one chains run, or several to see them side by side.")
    st.stop()

with workspace().reading() as session:
    found, lacking = read(session, choice)
say_lacking(lacking, choice)
if not found:
    st.stop()
caption(
    "Red-team prompts; chains that somebody continued by hand are left out. 95 % intervals are over prompts, since "
    "chains of one prompt hang together."
)
draw(found, choice)
if choice.by is None and len(found) > 1:
    with workspace().reading() as session:
        show_differences(session, found)
rounds_table(found, choice)
