"""Ratings: the plane, what is told apart, the battles behind it."""

from app.components.curves import figure
from app.components.rated import Difference, differences, family, rated_models
from app.components.rates import _words
from app.components.rating_plane import FAMILIES, plane
from cai_core.store.workspace import Workspace
from db.queries.battles import Contender, contenders
from db.queries.runs import MetricPoint, run_detail
from tests.app.conftest import Visit, words


def test_the_plane_has_every_model_with_both_intervals(loop: Workspace) -> None:
    """Error bars reach from low to high; each point carries its run and its label."""
    with loop.reading() as session:
        run = run_detail(session, 7)
        models = contenders(session, 7)
    assert run is not None
    rated = rated_models(run.result, models)
    chart = plane(rated)

    assert [m.family for m in rated] == ["helpful", "sl-cai", "rl-cai", "rl-cai", "rl-cai"]
    assert {a.text for a in chart.layout.annotations} == {f"<b>{m.name}</b>" for m in rated}
    last = chart.data[-1]
    assert last.error_y.array[0] > 0
    assert last.error_x.arrayminus[0] > 0
    assert {trace.marker.symbol for trace in chart.data} == {FAMILIES[f][1] for f in ("helpful", "sl-cai", "rl-cai")}
    assert [point[0] for point in last.customdata] == [6, 6, 6]


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
