"""The three views of a battles run: the plane, the gold rates, the battles."""

from collections.abc import Iterable, Sequence

import streamlit as st
from sqlalchemy.orm import Session

from app.components.battle_list import battle_list
from app.components.differences import differences_table
from app.components.links import run_link
from app.components.notice import content_notice, empty
from app.components.pager import page_start, pager
from app.components.rated import differences, not_rated, rated_models, shown, shown_names, tints
from app.components.rates import rates_table, topic_bars
from app.components.rating_plane import rating_plane
from app.components.text import caption
from app.resources import workspace
from db.queries import battles
from db.queries.runs import RunDetail, run_detail, runs_of


def show_plane(run: RunDetail, models: Sequence[battles.Contender]) -> None:
    """The plane, what is missing from it, and which differences are more than chance."""
    if not draw_plane(run, models):
        _why_empty(run)
    elif lacking := list(not_rated(run.result)):
        caption(" ".join(lacking))
    if any(axis.get("separable") for axis in run.result.get("battles", {}).values()):
        st.caption("A model never lost to the others: one virtual tie a pair keeps its rating finite.")
    differences_table(differences(run.result))


def _why_empty(run: RunDetail) -> None:
    if run.line.active:
        empty("Nothing is rated yet", "Ratings appear when this run is done; until then it answers and judges.")
    elif run.line.state == "done":
        empty("No model is rated on both axes", " ".join(not_rated(run.result)) or "The run says of none why.")
    else:
        empty(f"This run is {run.line.state}", "It ended before it could rate. Its page says why, and can resume it.")
        run_link(run.line.id)


def draw_plane(run: RunDetail, models: Sequence[battles.Contender], height: int = 520) -> bool:
    """Draw a run's plane; a pressed point opens its run. False where nothing is rated."""
    rated = rated_models(run.result, models)
    if not rated:
        return False
    pressed = rating_plane(rated, f"plane.{run.line.id}.{height}", height)
    anchor = shown_names(run.result).get(str(run.result.get("anchor")), "SL-CAI")
    caption(
        f"Bars show 95 % bootstrap intervals over prompts. {anchor} stands at zero; only differences mean anything."
    )
    if pressed:
        st.switch_page("views/runs.py", query_params={"run": str(pressed)})
    return True


def newest_rated(session: Session, runs: Iterable[int]) -> int | None:
    """The first of these battles runs that has a plane to show."""
    for run_id in runs:
        run = run_detail(session, run_id)
        if run and run.line.state == "done" and rated_models(run.result, []):
            return run_id
    return None


def newest_plane(height: int) -> None:
    """The plane of the newest battles run that has one."""
    with workspace().reading() as session:
        newest = newest_rated(session, (line.id for line in runs_of(session, ("battles",))))
        run = run_detail(session, newest) if newest else None
        models = battles.contenders(session, newest) if newest else []
    if run is not None:
        st.subheader("What the last loop did")
        draw_plane(run, models, height)


def show_rates(run: RunDetail, models: Sequence[battles.Contender]) -> None:
    """What the gold judge says of each model's responses."""
    snapshots = [snapshot for snapshot in run.result.get("snapshots", []) if snapshot.get("gold")]
    if not snapshots:
        empty("No gold rates", "They appear when a run on sandbox prompts is done; gold knows no other prompts.")
        return
    names = shown_names(run.result)
    rates_table({shown(snapshot): snapshot for snapshot in snapshots})
    with workspace().reading() as session:
        counts = battles.verdicts(session, run.line.id)
    st.subheader("Harmful by topic")
    colours = tints(models)
    bars = {model.id: (names[model.name], colours[model.name]) for model in models if model.name in names}
    topic_bars(bars, counts, f"topics.{run.line.id}")


def show_battles(run: RunDetail, models: Sequence[battles.Contender]) -> None:
    """A filtered page of battles with their responses."""
    run_id, names = run.line.id, shown_names(run.result)
    content_notice()
    with workspace().reading() as session:
        outcomes = sorted({outcome for _, outcome, _ in battles.outcomes(session, run_id)})
        axis, model, outcome, topic = st.columns(4)
        wanted = battles.BattleFilter(
            run_id,
            axis.selectbox("Axis", ["harmlessness", "helpfulness"], index=None, placeholder="Both"),
            model.selectbox(
                "Model", [m.name for m in models], None, lambda m: names.get(m, m), placeholder="All models"
            ),
            outcome.selectbox("Outcome", outcomes, index=None, placeholder="All outcomes"),
            topic.selectbox("Topic", battles.topics(session, run_id), index=None, placeholder="All topics"),
        )
        found = battles.battle_page(session, wanted, page_start("battles", wanted))
    if not found.rows:
        empty("No battle passes this filter", "Take a condition away.")
        return
    battle_list(found.rows, names)
    pager("battles", found.rows[-1].id, found.more)
