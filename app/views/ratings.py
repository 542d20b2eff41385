"""Ratings: the plane, the gold rates, and the battles behind them."""

import streamlit as st

from app.components.notice import empty
from app.components.pager import opened
from app.components.ratings_views import newest_rated, show_battles, show_plane, show_rates
from app.components.run_badge import in_select
from app.components.text import caption
from app.resources import workspace
from db.queries import battles
from db.queries.runs import run_detail, runs_of

VIEWS = {"Plane": show_plane, "Gold rates": show_rates, "Battles": show_battles}

st.title("Ratings")
with workspace().reading() as session:
    asked = opened("run")
    runs = {run.id: run for run in runs_of(session, ("battles",), (asked,))}
    first = asked if asked in runs else newest_rated(session, runs)
if not runs:
    empty(
        "No battles yet",
        "A battles run lets models answer the same held-out prompts and has a judge compare their answers.",
        "views/launch.py",
        "Launch a battles run",
        stage="battles",
    )
    st.stop()

left, right = st.columns([3, 2], vertical_alignment="bottom")
place = list(runs).index(first) if first in runs else 0
run_id = left.selectbox("Battles run", list(runs), place, format_func=lambda i: in_select(runs[i]), key="ratings.run")
view = right.segmented_control(
    "View", list(VIEWS), default="Plane", required=True, key="ratings.view", label_visibility="collapsed"
)
with workspace().reading() as session:
    run = run_detail(session, run_id)
    models = battles.contenders(session, run_id)
    judges = battles.judges(session, run_id)
    rated = battles.outcomes(session, run_id)
if run is None:
    st.stop()
total = sum(count for *_, count in rated)
untold = sum(count for _, outcome, count in rated if outcome not in ("a", "b", "tie"))
who = ", ".join(judges) or "nobody yet"
prompts = f"{total:,} battles on {run.config.get('split')} prompts"
caption(f"Judged by {who} · {prompts} · {untold:,} could not be told and are not rated")
VIEWS[view or "Plane"](run, models)
