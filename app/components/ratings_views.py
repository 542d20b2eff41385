"""The three views of a battles run: the plane, the gold rates, the battles."""

from collections.abc import Sequence

import streamlit as st

from app.components.battle_list import battle_list
from app.components.differences import differences_table
from app.components.notice import content_notice, empty
from app.components.pager import page_start, pager
from app.components.rated import differences, family, rated_models
from app.components.rates import rates_table, topic_bars
from app.components.rating_plane import rating_plane
from app.components.text import caption
from app.resources import workspace
from db.queries import battles
from db.queries.runs import RunDetail, run_detail, runs_of


def show_plane(run: RunDetail, models: Sequence[battles.Contender]) -> None:
    """The plane, and which differences are more than chance."""
    if not draw_plane(run, models):
        empty("Nothing is rated yet", "Ratings appear when this run is done; until then it answers and judges.")
        return
    if any(axis.get("separable") for axis in run.result.get("battles", {}).values()):
        st.caption("A model never lost to the others: one virtual tie a pair keeps its rating finite.")
    differences_table(differences(run.result))


def draw_plane(run: RunDetail, models: Sequence[battles.Contender], height: int = 520) -> bool:
    """Draw a run's plane; a pressed point opens its run. False where nothing is rated."""
    rated = rated_models(run.result, models)
    if not rated:
        return False
    pressed = rating_plane(rated, f"plane.{run.line.id}.{height}", height)
    anchor = run.result.get("anchor", "SL-CAI")
    caption(
        f"Bars show 95 % bootstrap intervals over prompts. {anchor} stands at zero; only differences mean anything."
    )
    if pressed:
        st.switch_page("views/runs.py", query_params={"run": str(pressed)})
    return True


def newest_plane(height: int) -> None:
    """The plane of the newest battles run that is done, if there is one."""
    with workspace().reading() as session:
        line = next((line for line in runs_of(session, ("battles",)) if line.state == "done"), None)
        run = run_detail(session, line.id) if line else None
        models = battles.contenders(session, line.id) if line else []
    if run is not None and rated_models(run.result, models):
        st.subheader("What the last loop did")
        draw_plane(run, models, height)


def show_rates(run: RunDetail, models: Sequence[battles.Contender]) -> None:
    """What the gold judge says of each model's responses."""
    snapshots = [snapshot for snapshot in run.result.get("snapshots", []) if snapshot.get("gold")]
    if not snapshots:
        empty("No gold rates", "They appear when a run on sandbox prompts is done; gold knows no other prompts.")
        return
    rates_table(snapshots)
    with workspace().reading() as session:
        counts = battles.verdicts(session, run.line.id)
    st.subheader("Harmful by topic")
    roles = {str(snapshot["model"]): str(snapshot["name"]) for snapshot in snapshots}
    shown = {model.id: (roles[model.name], family(model)) for model in models if model.name in roles}
    topic_bars(shown, counts, f"topics.{run.line.id}")


def show_battles(run: RunDetail, models: Sequence[battles.Contender]) -> None:
    """A filtered page of battles with their responses."""
    run_id = run.line.id
    content_notice()
    with workspace().reading() as session:
        outcomes = sorted({outcome for _, outcome, _ in battles.outcomes(session, run_id)})
        axis, model, outcome, topic = st.columns(4)
        wanted = battles.BattleFilter(
            run_id,
            axis.selectbox("Axis", ["harmlessness", "helpfulness"], index=None, placeholder="Both"),
            model.selectbox("Model", [m.name for m in models], index=None, placeholder="All models"),
            outcome.selectbox("Outcome", outcomes, index=None, placeholder="All outcomes"),
            topic.selectbox("Topic", battles.topics(session, run_id), index=None, placeholder="All topics"),
        )
        found = battles.battle_page(session, wanted, page_start("battles", wanted))
    if not found.rows:
        empty("No battle passes this filter", "Take a condition away.")
        return
    battle_list(found.rows)
    pager("battles", found.rows[-1].id, found.more)
