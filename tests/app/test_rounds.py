"""The Rounds page: measures, groups, runs side by side, and the way back to the chains."""

import pytest
from streamlit.testing.v1 import AppTest

from app.components.rounds_draw import FINE, Line, round_lines, round_map, said
from app.components.rounds_form import Choice
from app.components.rounds_go import chains_address
from cai_core.runs.rounds import Point
from cai_core.store.workspace import Workspace
from db.queries.chain_filter import ChainFilter, read_filter
from tests.app.conftest import Visit, links, words
from tests.rounds_seed import add_rounds

RUN, SCORES = 11, 12


@pytest.fixture
def scored(loop: Workspace) -> Workspace:
    """A finished loop, and two chains runs that gold has scored."""
    with loop.writing() as session:
        add_rounds(session, run=RUN, scores=SCORES)
        add_rounds(session, run=13, scores=14, lift=0.5, critique=False)
    return loop


def choose(app: AppTest, label: str, value: object) -> None:
    next(box for box in app.selectbox if box.label == label).set_value(value).run()
    assert not app.exception


def break_down(app: AppTest, by: str) -> None:
    next(box for box in app.get("button_group") if box.label == "Break down").set_value(by).run()
    assert not app.exception


def test_chains_without_scores_lead_to_launch_with_their_run(visit: Visit, loop: Workspace) -> None:
    """The stage and the run are chosen there."""
    app = visit("rounds")
    assert "The chains of run 1 have no scores by a judge" in words(app)
    [link] = [one.proto for one in app.get("page_link") if one.proto.label == "Launch a scores run"]
    assert (link.page, link.query_string) == ("launch", "stage=scores&parent=1")
    app = visit("launch", stage="scores", parent="1")
    assert [box.value for box in app.selectbox if box.label == "Chains run"] == [1]


def test_a_scores_run_opens_with_its_own_judge(visit: Visit, scored: Workspace) -> None:
    """Means by round, the plain sample of the helpful prompt left out."""
    app = visit("rounds", run=str(SCORES))
    assert not app.exception
    assert app.multiselect[0].value == [RUN]
    table = app.dataframe[0].value
    assert list(table["Round"]) == [0, 1, 2]
    assert list(table["Mean"]) == [0.25, pytest.approx(1 / 3), 1.0]
    assert list(table["Could not tell"]) == [0, 1, 0]
    assert "Read what it made" in links(visit("runs", run=str(SCORES)))


@pytest.mark.parametrize(
    "option", [("words", None), ("refusal", None), ("gates", None), ("classes", "gold, harmlessness")]
)
@pytest.mark.parametrize("by", ["", "principle"])
def test_every_measure_draws(option: tuple[str, str | None], by: str, visit: Visit, scored: Workspace) -> None:
    """Over all, and by principle; of several gates or classes one is then chosen."""
    app = visit("rounds", run=str(RUN))
    choose(app, "Measure", option)
    if by:
        break_down(app, by)
        assert set(app.dataframe[0].value["Principle"]) == {"none (initial response)", "privacy", "fraud"}
        assert ("Gate" in {box.label for box in app.selectbox}) == (option[0] == "gates")
    assert set(app.dataframe[0].value["Round"]) == {0, 1, 2}


def test_by_topic_a_prompt_without_one_is_named_so(visit: Visit, scored: Workspace) -> None:
    app = visit("rounds", run=str(RUN))
    break_down(app, "topic")
    assert set(app.dataframe[0].value["Topic"]) == {"privacy", "fraud", "no topic"}


def test_runs_side_by_side_say_what_differs_and_by_how_much(visit: Visit, scored: Workspace) -> None:
    app = visit("rounds", run=str(RUN))
    app.multiselect[0].set_value([RUN, 13]).run()
    assert not app.exception
    assert set(app.dataframe[0].value["Run"]) == {"with critique · run 11", "without critique · run 13"}
    assert "without critique · run 13, less with critique · run 11" in words(app)
    app.multiselect[0].set_value([]).run()
    assert "No run is chosen" in words(app)


def test_a_run_that_a_judge_has_not_scored_is_named_beside_the_others(visit: Visit, scored: Workspace) -> None:
    app = visit("rounds", run=str(RUN))
    app.multiselect[0].set_value([RUN, 1]).run()
    assert "The chains of run 1 have no scores by gold, harmlessness" in words(app)
    assert set(app.dataframe[0].value["Round"]) == {0, 1, 2}


@pytest.mark.parametrize("wrong", ["x", "99", "2"])
def test_a_wrong_address_shows_the_newest(wrong: str, visit: Visit, scored: Workspace) -> None:
    app = visit("rounds", run=wrong)
    assert not app.exception
    assert app.multiselect[0].value == [13]


def test_a_figure_leads_back_to_its_chains() -> None:
    """By the names that the chains page and `--filter` know."""
    choice = Choice((RUN,), "gates", None, "principle", "refusal")
    address = chains_address(RUN, choice, 2, "privacy", "refusal")
    assert read_filter(address) == ChainFilter(
        run=RUN, kind="red_team", round=2, principle="privacy", gate="refusal", branches="without"
    )
    address = chains_address(RUN, Choice((RUN,), "score", "gold", "topic", None), 0, "fraud", "")
    assert read_filter(address) == ChainFilter(run=RUN, kind="red_team", round=0, topic="fraud", branches="without")


def point(round: int, value: float | None, group: str | None = None, name: str = "") -> Point:
    low, high = (None, None) if value is None else (value - 0.1, value + 0.2)
    return Point(round, group, name, 3, 4, 1, value, low, high)


def test_lines_have_their_intervals_names_and_no_place_for_what_is_unknown() -> None:
    lines = [Line("<b>one</b>", [point(0, 0.2), point(1, None), point(2, 0.8)], 11), Line("two", [point(2, 0.8)], 13)]
    chart = round_lines(lines, "share of texts", shares=True)
    one, other = chart.data
    assert list(one.y) == [0.2, 0.8]
    assert list(one.error_y.array) == pytest.approx([0.2, 0.2])
    assert list(one.error_y.arrayminus) == pytest.approx([0.1, 0.1])
    assert [cell[:3] for cell in other.customdata] == [[13, 2, ""]]
    names = chart.layout.annotations
    assert [name.text for name in names] == ["<b>&lt;b&gt;one&lt;/b&gt;</b>", "<b>two</b>"]
    assert names[1].y > names[0].y, "names do not lie on one another"
    assert chart.layout.yaxis.range[0] <= 0
    assert not round_lines(lines[:1], "words", shares=False).layout.annotations


def test_a_map_has_a_cell_a_group_and_round() -> None:
    points = [point(0, 0.1), point(1, 0.5, "fraud"), point(1, None, "privacy"), point(2, 0.9, "privacy")]
    chart = round_map(points, "score", "principle")
    assert chart.layout.yaxis.ticktext == ("fraud", "privacy", "none (initial response)")
    assert dict(zip(zip(chart.data[0].x, chart.data[0].y, strict=True), chart.data[0].text, strict=True)) == {
        (0, 1): f"0.1<br>{FINE}0.00 to 0.30</span>",
        (1, 3): f"0.5<br>{FINE}0.40 to 0.70</span>",
        (1, 2): "–",
        (2, 2): f"0.9<br>{FINE}0.80 to 1.10</span>",
    }


def test_a_point_in_words() -> None:
    assert said(point(0, 0.5)) == "0.5 [0.4, 0.7], 4 texts of 3 prompts; of 1 more nothing could be told"
    assert said(point(0, None)) == "no value; 1 texts of which nothing could be told"
