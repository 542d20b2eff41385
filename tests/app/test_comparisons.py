"""Comparisons: filters, the states of labels, the reader."""

from sqlalchemy import select

from cai_core.store.workspace import Workspace
from db.schema import LabelRow, PrincipleRow
from tests.app.conftest import Visit, drawn_html, links, words


def shown_ids(app: object) -> list[int]:
    """The ids in the list."""
    return [int(i) for i in app.dataframe[0].value["Pair"]]  # type: ignore[attr-defined]


def test_states_are_counted_and_filtered(visit: Visit, loop: Workspace) -> None:
    """What could not be told is a state like any other, and has no probability."""
    app = visit("comparisons")
    assert "115 labelled" in words(app)
    assert "5 unparseable" in words(app)
    app.selectbox(key="comparisons.state").set_value("unparseable").run()

    assert len(shown_ids(app)) == 5
    assert app.dataframe[0].value["p(A)"].isna().all()


def test_labels_whose_orders_disagree_are_found(visit: Visit, loop: Workspace) -> None:
    """Each is said to be one."""
    app = visit("comparisons")
    app.toggle(key="comparisons.disagree").set_value(True).run()

    assert shown_ids(app)
    assert all("orders disagree" in label for label in app.dataframe[0].value["Label"])


def test_text_stands_in_either_response(visit: Visit, loop: Workspace) -> None:
    """And a filter that nothing passes says so."""
    app = visit("comparisons")
    app.text_input(key="comparisons.text").set_value("VeryEasyHack").run()
    shown = app.dataframe[0].value
    assert all("VeryEasyHack" in a + b for a, b in zip(shown["Response A"], shown["Response B"], strict=True))

    app.text_input(key="comparisons.text").set_value("zzzz").run()
    assert "No pair passes this filter" in words(app)


def test_an_address_s_run_lifts_the_other_conditions(visit: Visit, loop: Workspace) -> None:
    """The rows that a link promises are shown."""
    app = visit("comparisons")
    assert set(app.dataframe[0].value["Run"]) == {3}
    app.text_input(key="comparisons.text").set_value("zzzz").run()
    app.query_params["run"] = "3"
    app.run()

    assert app.selectbox(key="comparisons.run").value == 3
    assert len(shown_ids(app)) == 50
    assert "Run" not in app.dataframe[0].value


def test_the_reader_shows_both_responses_and_both_orders(visit: Visit, loop: Workspace) -> None:
    """With the better one marked, the probability, and the mean of the log-odds."""
    html = drawn_html(visit("comparisons", comparison="1"))

    assert html.count(">preferred<") == 1
    assert "A shown first" in html
    assert "B shown first" in html
    assert "Mean of both" in html


def test_a_label_without_a_probability_prefers_none(visit: Visit, loop: Workspace) -> None:
    """Could not tell is a value."""
    with loop.writing() as session:
        label = session.get_one(LabelRow, 1)
        label.state, label.p_a = "unparseable", None

    html = drawn_html(visit("comparisons", comparison="1"))
    assert ">preferred<" not in html
    assert "unparseable" in html


def test_a_pair_leads_to_its_causes(visit: Visit, loop: Workspace) -> None:
    """Its run, its model, the run that labelled it, and the version of the constitution."""
    app = visit("comparisons", comparison="1")

    assert {"Run 3", "Run 4", "Constitution"} <= links(app)
    assert "sl-cai-2" in words(app)
    assert "sandbox@1" in words(app)


def test_next_stays_within_the_filter(visit: Visit, loop: Workspace) -> None:
    """The reader goes to the next pair that passes."""
    app = visit("comparisons")
    app.selectbox(key="comparisons.kind").set_value("helpful").run()
    ids = shown_ids(app)
    app.query_params["comparison"] = str(ids[0])
    app.run()
    app.button(key="comparisons.after").click().run()

    assert app.title[0].value == f"Pair {ids[1]}"


def test_after_next_in_the_reader_the_list_pages_on(visit: Visit, loop: Workspace) -> None:
    """The reader's buttons and the list's place are kept apart."""
    app = visit("comparisons", comparison="1")
    for button in ("after", "all", "on"):
        app.button(key=f"comparisons.{button}").click().run()
        assert not app.exception, button

    assert shown_ids(app)[0] > 50


def second_label(loop: Workspace, p_a: float | None) -> None:
    """Another label of pair 1 by the same run, under another principle, newer than the first."""
    with loop.writing() as session:
        first = session.get_one(LabelRow, 1)
        other = session.scalars(select(PrincipleRow.id).where(PrincipleRow.id != first.principle_id)).first()
        first.state, first.p_a, first.order_disagrees = "labelled", 0.9, True
        row = LabelRow(run_id=first.run_id, comparison_id=1, principle_id=other, p_a=p_a, order_disagrees=False)
        row.state = "unparseable" if p_a is None else "labelled"
        session.add(row)


def test_of_several_labels_the_list_shows_the_newest_that_fits(visit: Visit, loop: Workspace) -> None:
    """And how many more there are; any of them is found by its state."""
    second_label(loop, None)
    app = visit("comparisons")
    assert app.dataframe[0].value["Label"][0] == "unparseable"
    assert app.dataframe[0].value["Principle"][0].endswith(" +1")
    app.selectbox(key="comparisons.state").set_value("labelled").run()
    assert (shown_ids(app)[0], app.dataframe[0].value["p(A)"][0]) == (1, 0.9)
    app.toggle(key="comparisons.disagree").set_value(True).run()
    assert shown_ids(app)[0] == 1
    app.selectbox(key="comparisons.state").set_value("unlabelled").run()
    assert "No pair passes this filter" in words(app)


def test_where_labels_of_a_run_prefer_different_responses_none_is_called_preferred(
    visit: Visit, loop: Workspace
) -> None:
    """Each label says what it says."""
    second_label(loop, 0.2)
    assert drawn_html(visit("comparisons", comparison="1")).count(">preferred<") == 0
    with loop.writing() as session:
        session.get_one(LabelRow, 1).p_a = 0.1
    assert drawn_html(visit("comparisons", comparison="1")).count(">preferred<") == 1
