"""Reviewing chains: verdicts, queues, the filter in the address, saved filters, the veil."""

from typing import Any

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from cai_core.store import measures, people, reviews
from cai_core.store.workspace import Workspace
from cai_core.types import Verdict
from db.schema_authoring import PersonRow
from db.schema_chains import ReviewRow
from tests.app.conftest import Visit, drawn_html, press, words


def said(workspace: Workspace) -> list[tuple[int, str, str]]:
    """Every word that was ever said: chain, verdict, note."""
    with workspace.reading() as session:
        rows = select(ReviewRow.chain_id, ReviewRow.verdict, ReviewRow.note).order_by(ReviewRow.id)
        return [tuple(row) for row in session.execute(rows)]


def as_ada(app: AppTest) -> AppTest:
    """Write the name that stands with verdicts."""
    return next(field for field in app.text_input if field.label == "Your name").set_value("Ada").run()


def here(app: AppTest) -> Any:
    """The chain that the address names."""
    return app.query_params.get("chain")


def test_a_verdict_is_kept_with_its_note_and_leads_to_the_next(visit: Visit, loop: Workspace) -> None:
    app = as_ada(visit("chains", chain="3"))
    app.text_input(key="review.note.3").set_value("scolds").run()
    press(app, "Reject")
    assert said(loop) == [(3, "reject", "scolds")]
    assert here(app) == "4"
    assert "kept: chain 3 rejected" in words(app)
    press(app, "Accept")
    press(app, "Flag")
    assert said(loop)[1:] == [(4, "accept", ""), (5, "flag", "")]
    press(app, "Undo")
    assert here(app) == "5"
    assert "Chain 5: flagged is taken back." in words(app)
    press(app, "Undo")
    press(app, "Undo")
    assert here(app) == "3"
    assert app.button(key="review.undo").disabled


def test_a_press_for_a_chain_that_is_not_drawn_any_more_says_nothing(visit: Visit, loop: Workspace) -> None:
    """As a browser sends it that has not shown the next chain yet, with the address of before: the next stays next."""
    app = as_ada(visit("chains", chain="3"))
    app.session_state["review.drawn"], app.session_state["review.at"] = None, 4
    press(app, "Reject")
    assert said(loop) == []
    assert here(app) == "4"
    assert [one.value for one in app.title] == ["Chain 4"]


def test_without_a_name_nothing_is_kept(visit: Visit, loop: Workspace) -> None:
    app = visit("chains", chain="3")
    press(app, "Accept")
    assert said(loop) == []
    assert "a name is wanted" in words(app)


def test_a_queue_leads_past_what_one_has_said_and_what_others_said_is_shown(visit: Visit, loop: Workspace) -> None:
    app = as_ada(visit("chains", chain="3"))
    with loop.writing() as session:
        (ada,) = session.scalars(select(PersonRow.id))
        bob = people.add(session, "browser:bob", "Bob")
        for chain in (4, 5):
            reviews.give(session, chain, ada, Verdict.ACCEPT)
        reviews.give(session, 3, bob, Verdict.FLAG, "look <b>again</b>")
    app.selectbox(key="review.queue").set_value("unreviewed").run()
    assert "Bob: flagged · look &lt;b&gt;again&lt;/b&gt;" in drawn_html(app)
    press(app, "Accept")
    assert here(app) == "6"
    app.selectbox(key="review.queue").set_value("flagged").run()
    assert "1 in this queue" in words(app)


def test_an_address_is_a_filter_and_a_filter_an_address(visit: Visit, loop: Workspace) -> None:
    measures.measure_missing(loop)
    app = visit("chains", kind="helpful", run="1")
    assert set(app.dataframe[0].value["Prompts"]) == {"Helpful"}
    assert app.selectbox(key="chains.kind").value == "helpful"
    app.selectbox(key="chains.kind").set_value(None)
    app.selectbox(key="chains.gate").set_value("refusal").run()
    assert {name: app.query_params[name] for name in ("run", "gate")} == {"run": "1", "gate": "refusal"}
    assert "kind" not in app.query_params
    assert all("refusal" in gates for gates in app.dataframe[0].value["Gates"])


@pytest.mark.parametrize(
    ("query", "wrong"),
    [({"gate": "rude"}, "gate = &#x27;rude&#x27; is none of"), ({"run": "x"}, "is no whole number")],
)
def test_a_wrong_address_is_said_and_filters_nothing(
    visit: Visit, loop: Workspace, query: dict[str, str], wrong: str
) -> None:
    app = visit("chains", **query)
    assert wrong in drawn_html(app)
    assert len(app.dataframe[0].value) == 50


def test_a_filter_is_saved_used_and_forgotten(visit: Visit, loop: Workspace) -> None:
    app = visit("chains")
    app.selectbox(key="chains.kind").set_value("helpful").run()
    app.text_input(key="filters.name").set_value("benign").run()
    press(app, "Save filter")
    press(app, "Clear")
    assert app.selectbox(key="chains.kind").value is None
    app.selectbox(key="filters.chosen").set_value("benign").run()
    press(app, "Use it")
    assert set(app.dataframe[0].value["Prompts"]) == {"Helpful"}
    press(app, "Forget it")
    assert "The filter benign is forgotten." in words(app)


def test_a_veil_is_kept_for_a_person_and_lifted_for_a_chain(visit: Visit, loop: Workspace) -> None:
    app = visit("chains")
    app.toggle(key="veil.blur").set_value(True).run()
    listed = app.dataframe[0].value
    assert set(listed[listed["Prompts"] == "Red team"]["Prompt"]) == {"(blurred)"}
    again = visit("chains", chain="1")
    assert "st-key-veiled" in drawn_html(again)
    press(again, "Show this text")
    assert "st-key-veiled" not in drawn_html(again)
    press(again, "Next")
    assert "st-key-veiled" in drawn_html(again)


def test_agreement_is_shown_when_it_is_asked_for(visit: Visit, loop: Workspace) -> None:
    with loop.writing() as session:
        for number, name in enumerate(("Ada", "Bob")):
            person = people.add(session, f"browser:{number}", name)
            for chain in (1, 2):
                reviews.give(session, chain, person, Verdict.ACCEPT if chain == 1 or number else Verdict.REJECT)
    app = visit("chains")
    app.session_state["chains.agreement"] = True
    app.run()
    assert any("Cohen's kappa" in frame.value.columns for frame in app.dataframe)
