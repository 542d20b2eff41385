"""Every page draws, on an empty workspace and on a finished loop, and says what to do where nothing is."""

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from app.components import open_table
from cai_core.store.workspace import Workspace
from tests.app.conftest import VIEWS, Visit, words

REMEDIES = {
    "home": "Read the principles",
    "chains": "No chains yet",
    "rounds": "No chains yet",
    "datasets": "No chains yet",
    "prompts": "Red-team prompts and replies to them",
    "storage": "free on its disk",
    "files": "you see first what would come in",
    "comparisons": "No comparisons yet",
    "runs": "No runs yet",
    "ratings": "No battles yet",
    "launch": "Critique and revision",
    "models": "Add a model",
    "playground": "Nothing asked yet",
    "cases": "No cases yet",
    "constitutions": "Constitutions",
    "principles": "Nothing drawn yet",
    "compare": "Nothing was compared so far",
}


@pytest.mark.parametrize("view", VIEWS)
def test_an_empty_workspace_says_what_to_do(view: str, visit: Visit) -> None:
    """No page fails on an empty workspace."""
    app = visit(view)

    assert not app.exception
    assert REMEDIES[view] in words(app)


@pytest.mark.parametrize(
    ("view", "stage"), [("chains", "chains"), ("comparisons", "comparisons"), ("ratings", "battles")]
)
def test_an_empty_state_leads_to_its_own_stage(view: str, stage: str, visit: Visit) -> None:
    """Launch opens with the stage that makes what is missing."""
    [link] = [element.proto for element in visit(view).get("page_link") if element.proto.label.startswith("Launch a")]

    assert link.page == "launch"
    assert link.query_string == f"stage={stage}"


@pytest.mark.parametrize("view", VIEWS)
def test_a_finished_loop_draws(view: str, visit: Visit, loop: Workspace) -> None:
    """No page fails on a finished loop, and none shows its empty state."""
    app = visit(view)

    assert not app.exception
    assert " yet</div>" not in words(app)


@pytest.mark.parametrize(
    ("view", "query", "title"),
    [
        ("chains", {"chain": "1"}, "Chain 1"),
        ("comparisons", {"comparison": "2"}, "Pair 2"),
        ("runs", {"run": "6"}, "Run 6"),
        ("models", {"model": "3"}, "Model 3"),
        ("constitutions", {"version": "sandbox@1"}, "Constitutions"),
        ("principles", {"version": "sandbox@1", "principle": "privacy"}, "Principles"),
        ("ratings", {"run": "7"}, "Ratings"),
        ("launch", {"stage": "rl"}, "Launch"),
        ("playground", {"ask": "1"}, "Playground"),
    ],
)
def test_an_address_opens_a_row(view: str, query: dict[str, str], title: str, visit: Visit, loop: Workspace) -> None:
    """Every view that has rows can be linked to."""
    app = visit(view, **query)

    assert not app.exception
    assert [element.value for element in app.title] == [title]


@pytest.mark.parametrize(
    ("view", "name", "title"),
    [("chains", "chain", "Chains"), ("comparisons", "comparison", "Comparisons"), ("runs", "run", "Runs")],
)
def test_a_wrong_address_is_no_error(view: str, name: str, title: str, visit: Visit, loop: Workspace) -> None:
    """An id that is not there is said in words; what is no id opens the list."""
    missing = visit(view, **{name: "999999"})
    assert not missing.exception
    assert "999999." in words(missing)
    assert not missing.title
    for wrong in ("x", "-1", "1e9", "١", "²", "9" * 40):
        app = visit(view, **{name: wrong})
        assert not app.exception, wrong
        assert [element.value for element in app.title] == [title], wrong


def test_a_press_in_a_table_opens_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row's id goes into the address; a press beside the rows opens none."""
    drawn: dict[str, Any] = {}
    cells: list[tuple[int, str]] = []
    selection = SimpleNamespace(selection=SimpleNamespace(cells=cells))
    stand_in = SimpleNamespace(
        dataframe=lambda table, **options: drawn.update(options),
        caption=lambda text: None,
        session_state={"t.7.2": selection},
    )
    opened: list[tuple[str, int | None]] = []
    monkeypatch.setattr(open_table, "st", stand_in)
    monkeypatch.setattr(open_table, "open_row", lambda name, row: opened.append((name, row)))
    open_table.open_table(pd.DataFrame({"Run": [7, 5]}), [7, 5], "run", "t", {}, "Runs")
    drawn["on_select"]()
    for place in (1, 2):
        cells[:] = [(place, "Run")]
        drawn["on_select"]()

    assert opened == [("run", 5)]
    assert drawn["key"] == "t.7.2"


def test_a_newer_database_is_said_in_words(visit: Visit, loop: Workspace) -> None:
    """A workspace that cannot be opened shows the remedy, not a traceback."""
    with loop.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'ffff'")
    loop.close()

    from streamlit.testing.v1 import AppTest

    from tests.app.conftest import MAIN

    app = AppTest.from_file(MAIN, default_timeout=30).run()

    assert not app.exception
    assert "Update CAI Studio" in words(app)
