"""Ratings: the plane, what is told apart, the battles behind it."""

from typing import Any

import pytest

from app.components.curves import figure
from app.components.rated import Difference, differences, family, not_rated, rated_models
from app.components.rates import _words, topic_figure
from app.components.rating_plane import FAMILIES, plane
from cai_core.store.workspace import Workspace
from db.queries.battles import Contender, contenders
from db.queries.runs import MetricPoint, run_detail
from db.schema import RunRow
from tests.app.conftest import Visit, words


def rated(loop: Workspace, run_id: int = 7) -> tuple[dict[str, Any], list[Contender]]:
    """A battles run's result and its models."""
    with loop.reading() as session:
        run = run_detail(session, run_id)
        assert run is not None
        return run.result, contenders(session, run_id)


def test_the_plane_has_every_model_with_both_intervals(loop: Workspace) -> None:
    """Error bars reach from low to high; each point carries its run and its label."""
    found = rated_models(*rated(loop))
    chart = plane(found)

    assert [m.family for m in found] == ["helpful", "sl-cai", "rl-cai", "rl-cai", "rl-cai"]
    assert {a.text for a in chart.layout.annotations} == {f"<b>{m.name}</b>" for m in found}
    last = chart.data[-1]
    assert last.error_y.array[0] > 0
    assert last.error_x.arrayminus[0] > 0
    assert {trace.marker.symbol for trace in chart.data} == {FAMILIES[f][1] for f in ("helpful", "sl-cai", "rl-cai")}
    assert [point[0] for point in last.customdata] == [6, 6, 6]
    assert len(set(last.marker.color)) == 3, "snapshots on the way look like the last"


def test_only_a_point_that_has_a_run_says_that_it_opens_it(loop: Workspace) -> None:
    """The base was made by none."""
    chart = plane(rated_models(*rated(loop)))

    assert [[point[4] for point in trace.customdata] for trace in chart.data] == [
        [""],
        ["<br>press to open its run"],
        ["<br>press to open its run"] * 3,
    ]


def test_a_model_goes_by_the_same_name_everywhere(visit: Visit, loop: Workspace) -> None:
    """The paper's and its own: on the plane, under it, in the tables and in the battles."""
    names = ["helpful (sandbox)", "sl-cai (sl-cai-2)", "rl-cai-6@20", "rl-cai-6@40", "rl-cai (rl-cai-6)"]
    assert [m.name for m in rated_models(*rated(loop))] == names
    app = visit("ratings")
    assert "sl-cai (sl-cai-2) stands at zero" in words(app)
    assert "rl-cai (rl-cai-6) − helpful (sandbox)" in set(app.dataframe[0].value["Models"])
    app.segmented_control(key="ratings.view").set_value("Gold rates").run()
    assert set(names) <= set(app.dataframe[0].value.columns)
    app.segmented_control(key="ratings.view").set_value("Battles").run()
    assert "A · helpful (sandbox)" in words(app)
    assert list(next(s for s in app.selectbox if s.label == "Model").options) == names


def test_what_was_not_rated_is_said_with_its_reason(visit: Visit, loop: Workspace) -> None:
    """On one axis only; none told; a run that failed; the plane of an older one is what the page opens with."""
    result, _ = rated(loop)
    for snapshot in result["snapshots"]:
        snapshot["elo"]["helpfulness"] = {}
    result["battles"]["helpfulness"]["outcomes"] = {}
    with loop.writing() as session:
        run = session.get_one(RunRow, 7)
        for number, values in ((8, {"state": "done", "result": result}), (9, {"state": "failed", "result": {}})):
            session.add(RunRow(id=number, uid=f"b{number}", kind="battles", seed=0, code_revision="x",
                               config=run.config, **values))  # fmt: skip
    assert "No model is rated on helpfulness: no battle was fought on it" in words(visit("ratings", run="8"))
    assert "This run is failed" in words(visit("ratings", run="9"))
    assert visit("ratings").selectbox(key="ratings.run").value == 7

    result["battles"]["helpfulness"]["outcomes"] = {"unparseable": 12}
    assert list(not_rated(result)) == ["No model is rated on helpfulness: none of its 12 battles could be told."]
    result["battles"]["helpfulness"]["outcomes"] = {"a": 12}
    assert "ties these to sl-cai (sl-cai-2) on helpfulness: helpful (sandbox)" in next(not_rated(result))


@pytest.mark.parametrize("wrong", ["²", "x", "99", "1"])
def test_a_wrong_address_shows_the_newest(wrong: str, visit: Visit, loop: Workspace) -> None:
    """No battles run of this id."""
    app = visit("ratings", run=wrong)

    assert not app.exception
    assert app.selectbox(key="ratings.run").value == 7


def test_a_topic_without_verdicts_has_no_bar() -> None:
    """A bar of height zero would say that nothing was harmful."""
    counts = [(1, "red_team", "fraud", "complies", 3), (2, "red_team", "wifi", "engaged", 4)]
    chart = topic_figure({1: ("one", "red"), 2: ("two", "blue")}, counts)

    assert [list(trace.y) for trace in chart.data] == [[1.0, None], [None, 0.0]]


def test_labels_in_charts_are_escaped() -> None:
    """A model's name is no markup in plotly either."""
    chart = figure("loss", {"<a href='x'>run</a>": [MetricPoint("loss", 1, 2.0)], "b": []})

    assert chart.layout.annotations[0].text.startswith("&lt;a")


def test_an_interval_that_holds_zero_is_not_told_apart() -> None:
    """Could not tell is a value."""
    assert Difference("harmlessness", "a", "b", 5, 1, 9).told_apart
    assert not Difference("harmlessness", "a", "b", 5, -1, 9).told_apart
    assert differences({}) == []


def test_families_come_from_the_run_that_made_a_model() -> None:
    """Not from its name."""
    assert family(Contender(1, "rl-cai", None, None, None, True)) == "helpful"
    assert family(Contender(1, "x", 3, "rl", 20, False)) == "rl-cai"
    assert family(None) == "other"


def test_unknown_rates_stay_unknown() -> None:
    """No zero stands for what was not measured."""
    assert _words({"gold": {}}, "harmful") == "–"
    assert _words({"gold": {"unique": 0.5}, "gold_intervals": {"unique": [None, None]}}, "unique") == "0.50"
    assert _words({"gold": {"half": 0.0}, "gold_intervals": {"half": [0.0, 0.1]}}, "half") == "0.00 [0.00, 0.10]"


def test_all_views_draw_and_battles_lead_to_responses(visit: Visit, loop: Workspace) -> None:
    """From the plane down to the two responses of a battle."""
    app = visit("ratings")
    assert "Judged by gold" in words(app)
    for view in ("Gold rates", "Battles"):
        app.segmented_control(key="ratings.view").set_value(view).run()
        assert not app.exception
    assert "Battle 1" in words(app)
    assert "judged by gold" in words(app)


def test_battles_are_filtered(visit: Visit, loop: Workspace) -> None:
    """Only ties."""
    app = visit("ratings")
    app.segmented_control(key="ratings.view").set_value("Battles").run()
    next(s for s in app.selectbox if s.label == "Outcome").set_value("tie").run()

    assert "wins" not in words(app)
