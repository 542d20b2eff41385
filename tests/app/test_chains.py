"""Chains: filters, pages, the reader."""

import re

import pytest
from sqlalchemy import select

from cai_core.store.workspace import Workspace
from db.schema import PrincipleRow, RunRow
from db.schema_chains import ChainRow, RevisionRow
from tests.app.conftest import Visit, drawn_html, links, words


def shown_ids(app: object) -> list[int]:
    """The ids in the list."""
    return [int(i) for i in app.dataframe[0].value["Chain"]]  # type: ignore[attr-defined]


def test_pages_of_fifty_go_on_and_back(visit: Visit, loop: Workspace) -> None:
    """The next page begins after the last row of this one; previous returns."""
    app = visit("chains")
    first = shown_ids(app)
    app.button(key="chains.on").click().run()
    second = shown_ids(app)
    app.button(key="chains.back").click().run()

    assert len(first) == 50
    assert min(second) > max(first)
    assert shown_ids(app) == first


def test_filters_narrow_and_begin_at_the_first_page(visit: Visit, loop: Workspace) -> None:
    """Another question begins at its first page."""
    app = visit("chains")
    app.button(key="chains.on").click().run()
    app.selectbox(key="chains.kind").set_value("helpful").run()

    assert set(app.dataframe[0].value["Prompts"]) == {"Helpful"}
    assert len(shown_ids(app)) == 50


@pytest.mark.parametrize("wanted", ["diary", "DIARY veryeasyhack", "wifi AND", "sister's (diary", "100%", "role", '"'])
def test_text_is_found_by_all_of_its_words_wherever_they_stand(visit: Visit, loop: Workspace, wanted: str) -> None:
    """In any turn, response, critique or revision, not in the names that turns are stored under; nothing is a sign."""
    with loop.reading() as session:
        said = {chain.id: all_words(chain) for chain in session.scalars(select(ChainRow))}
    looked_for = words_in(wanted)
    expected = sorted(one for one, there in said.items() if looked_for and looked_for <= there)[:50]
    app = visit("chains")
    app.text_input(key="chains.text").set_value(wanted).run()
    assert (shown_ids(app) if app.dataframe else []) == expected


def words_in(text: str) -> set[str]:
    """The words of a text, as a search cuts it."""
    return set(re.findall(r"[^\W_]+", text.lower()))


def all_words(chain: ChainRow) -> set[str]:
    """The words of all that was said in a chain."""
    texts = [turn["content"] for turn in chain.prompt.turns] + [chain.response or ""]
    return words_in(" ".join([*texts, *(f"{one.critique or ''} {one.revision}" for one in chain.revisions)]))


def test_an_address_s_run_lifts_the_other_conditions(visit: Visit, loop: Workspace) -> None:
    """Else the rows that a link promises might all be hidden; the run is there however old."""
    with loop.writing() as session:
        for number in range(60):
            session.add(RunRow(uid=f"c{number}", kind="chains", config={}, seed=0, code_revision="x", state="done"))
    app = visit("chains")
    app.text_input(key="chains.text").set_value("zzzz")
    app.selectbox(key="chains.kind").set_value("helpful").run()
    app.query_params.clear()
    app.query_params["run"] = "1"
    app.run()

    assert app.selectbox(key="chains.run").value == 1
    assert app.selectbox(key="chains.kind").value is None
    assert app.text_input(key="chains.text").value == ""
    assert len(shown_ids(app)) == 50


def test_the_list_of_all_runs_says_which(visit: Visit, loop: Workspace) -> None:
    """And the list of one does not repeat it."""
    app = visit("chains")
    assert set(app.dataframe[0].value["Run"]) == {1}
    app.selectbox(key="chains.run").set_value(1).run()
    assert "Run" not in app.dataframe[0].value


def test_a_chain_leads_to_its_causes(visit: Visit, loop: Workspace) -> None:
    """Run, model, and for each round the version of the constitution that its principle is in."""
    app = visit("chains", chain="1")
    chain = links(app)

    assert {"Run 1", "Model 1", "Constitution"} <= chain
    drawn = [link.proto.query_string for link in app.get("page_link") if link.proto.label == "Constitution"]
    assert len(drawn) == 4
    assert all(query.startswith("version=sandbox%401&principle=") for query in drawn)


def test_a_filter_that_nothing_passes_says_so(visit: Visit, loop: Workspace) -> None:
    """No empty table."""
    app = visit("chains")
    app.text_input(key="chains.text").set_value("zzzz").run()

    assert "No chain passes this filter" in words(app)


def test_the_reader_shows_prompt_response_critiques_and_diffs(visit: Visit, loop: Workspace) -> None:
    """One chain, read from top to bottom."""
    html = drawn_html(visit("chains", chain="1"))

    assert "Initial response" in html
    assert html.count("Revision ") >= 4
    assert "<del" in html
    assert "<ins" in html


def test_the_reader_can_show_texts_side_by_side_or_verbatim(visit: Visit, loop: Workspace) -> None:
    """Neither view marks changes."""
    app = visit("chains", chain="1")
    for view in ("Side by side", "Verbatim"):
        app.segmented_control(key="chains.view").set_value(view).run()
        assert not app.exception
        assert "<ins" not in drawn_html(app)


def test_next_stays_within_the_filter(visit: Visit, loop: Workspace) -> None:
    """The reader goes to the next chain that passes the filter, and the filter outlives the reading."""
    with loop.reading() as session:
        slug = session.scalars(select(PrincipleRow.slug).join(RevisionRow)).first()
    app = visit("chains")
    app.selectbox(key="chains.principle").set_value(slug).run()
    ids = shown_ids(app)
    app.query_params["chain"] = str(ids[0])
    app.run()
    app.button(key="chains.after").click().run()

    assert app.title[0].value == f"Chain {ids[1]}"
