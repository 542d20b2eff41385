"""Every page draws, on an empty workspace and on a finished loop, and says what to do where nothing is."""

import pytest

from cai_core.store.workspace import Workspace
from tests.app.conftest import VIEWS, Visit, words

REMEDIES = {
    "home": "Read the principles",
    "chains": "No chains yet",
    "comparisons": "No comparisons yet",
    "runs": "No runs yet",
    "ratings": "No battles yet",
    "launch": "Critique and revision",
    "models": "Add a model",
    "constitutions": "Constitutions",
}


@pytest.mark.parametrize("view", VIEWS)
def test_an_empty_workspace_says_what_to_do(view: str, visit: Visit) -> None:
    """No page fails on an empty workspace."""
    app = visit(view)

    assert not app.exception
    assert REMEDIES[view] in words(app)


@pytest.mark.parametrize("view", VIEWS)
def test_a_finished_loop_draws(view: str, visit: Visit, loop: Workspace) -> None:
    """No page fails on a finished loop, and none shows its empty state."""
    app = visit(view)

    assert not app.exception
    assert " yet</div>" not in words(app)


@pytest.mark.parametrize(
    ("view", "query"),
    [
        ("chains", {"chain": "1"}),
        ("comparisons", {"comparison": "2"}),
        ("runs", {"run": "6"}),
        ("models", {"model": "3"}),
        ("ratings", {"run": "7"}),
        ("launch", {"stage": "rl"}),
    ],
)
def test_an_address_opens_a_row(view: str, query: dict[str, str], visit: Visit, loop: Workspace) -> None:
    """Every view that has rows can be linked to."""
    app = visit(view, **query)

    assert not app.exception
    assert app.title


@pytest.mark.parametrize("wrong", ["999999", "x", "-1", "1e9", "١", "9" * 40])
@pytest.mark.parametrize(("view", "name"), [("chains", "chain"), ("comparisons", "comparison"), ("runs", "run")])
def test_a_wrong_address_is_no_error(view: str, name: str, wrong: str, visit: Visit, loop: Workspace) -> None:
    """An id that is not there is said in words; what is no id opens the list."""
    app = visit(view, **{name: wrong})

    assert not app.exception
    assert "There is no" in words(app) or app.title


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
