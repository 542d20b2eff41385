"""A round is changed in the page and the chain goes on; what was sent is read in the page."""

import pytest
from streamlit.testing.v1 import AppTest

from cai_core.runs import queue, warm, worker
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from db.schema_chains import ChainRow
from tests.app.conftest import drawn_html, press, words
from tests.cai_core.runs.helpers import CHAINS, add_scripted
from tests.workspaces import fresh

ONE = {**CHAINS, "red_team_prompts": 1, "helpful_prompts": 0, "look_alike_prompts": 0}


def page() -> None:
    """The two components under one chain."""
    import streamlit as st

    from app.components.chain_branch import branch_form
    from app.components.chain_sent import chain_sent
    from app.components.notice import show_notice
    from app.components.pager import opened
    from app.resources import workspace
    from db.queries.chains import chain_detail

    show_notice()
    with workspace().reading() as session:
        chain = chain_detail(session, opened("chain") or 1)
    assert chain is not None
    st.header(f"chain {chain.id}")
    chain_sent(chain)
    branch_form(chain, chain.rounds[0], "Ann")


@pytest.fixture
def made(workspace: object) -> Workspace:
    """A chain of a run, and this process in the worker's place."""
    opened = fresh(workspace)  # type: ignore[arg-type]
    add_scripted(opened)
    worker.work(opened, queue.enqueue(opened, RunKind.CHAINS, ONE, seed=1))
    assert warm.claim(opened, "cpu")
    return opened


def answer(workspace: Workspace) -> None:
    answering = warm.WarmWorker(workspace, "cpu")
    while (taken := answering._take()) is not None:
        answering._answer(*taken)


def test_a_round_is_changed_and_the_branch_opens(made: Workspace) -> None:
    app = AppTest.from_function(page, default_timeout=30).run()
    press(app, "Continue from here")
    assert "the critique is as it was" in words(app)
    app.text_area(key="branch.1.1.critique").set_value("It <b>names</b> a kit.")
    press(app, "Continue from here")
    assert "at work" in words(app)
    answer(made)
    app.run()
    assert app.query_params["chain"] in ("2", ["2"])
    assert [one.value for one in app.header] == ["chain 2"]
    with made.reading() as session:
        row = session.get_one(ChainRow, 2)
        assert (row.parent_id, row.author, row.revisions[0].critique) == (1, "Ann", "It <b>names</b> a kit.")
    app.button(key="sent.2.ask").click().run()
    answer(made)
    app.run()
    assert words(app).count("as it was sent") == 4, words(app)
    assert "It &lt;b&gt;names&lt;/b&gt; a kit." in drawn_html(app)


def test_a_principle_is_chosen_or_drawn(made: Workspace) -> None:
    app = AppTest.from_function(page, default_timeout=30).run()
    app.segmented_control(key="branch.1.1.way").set_value("Another principle").run()
    press(app, "Continue from here")
    assert "no principle is chosen" in words(app)
    app.segmented_control(key="branch.1.1.way").set_value("Redraw the principle").run()
    press(app, "Continue from here")
    answer(made)
    app.run()
    with made.reading() as session:
        parent, row = session.get_one(ChainRow, 1), session.get_one(ChainRow, 2)
        assert row.revisions[0].principle_id != parent.revisions[0].principle_id
