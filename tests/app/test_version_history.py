"""History: the versions with what each changed and what used it, any two compared, any one restored."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import event
from streamlit.testing.v1 import AppTest

from cai_core.store.constitutions import load_version, newest_ref, save_version
from cai_core.store.people import add
from cai_core.store.workspace import Workspace
from cai_core.types import Constitution
from db.queries.version_history import PAGE, Changed, Used, history, newest_number, runs_of_version
from db.schema_asks import AskRow
from tests.app.conftest import Visit, drawn_html, links, press, words

Edit = Callable[[Constitution], Constitution]


def without_first(one: Constitution) -> Constitution:
    return replace(one, principles=one.principles[1:])


def weighted(one: Constitution) -> Constitution:
    return replace(one, principles=(replace(one.principles[0], weight=2.0), *one.principles[1:]))


def turned(one: Constitution) -> Constitution:
    return replace(one, principles=one.principles[::-1])


def fewer_shots(one: Constitution) -> Constitution:
    return replace(one, few_shots=replace(one.few_shots, comparison=one.few_shots.comparison[1:]))


def described(one: Constitution) -> Constitution:
    return replace(one, description="Another description.")


EDITS: tuple[Edit, ...] = (without_first, weighted, turned, fewer_shots, described)
EXPECTED = (
    Changed(0, 1, 0, False, False, False),
    Changed(0, 0, 1, False, False, False),
    Changed(0, 0, 0, True, False, False),
    Changed(0, 0, 0, False, True, False),
    Changed(0, 0, 0, False, False, True),
)


@pytest.fixture
def edited(loop: Workspace) -> Workspace:
    """sandbox@1 .. sandbox@6, each with one edit."""
    with loop.writing() as session:
        add(session, "browser:none", "Grace")
        for number, edit in enumerate(EDITS, start=2):
            content = edit(load_version(session, "sandbox")[1])
            save_version(session, content, author="Ada", message=f"Edit {number}.")
    return loop


def test_each_version_says_what_it_changed(edited: Workspace) -> None:
    with edited.reading() as session:
        entries, more = history(session, "sandbox")
    assert not more
    assert [entry.name for entry in entries] == [f"sandbox@{number}" for number in (6, 5, 4, 3, 2, 1)]
    assert [entry.changed for entry in entries] == [*EXPECTED[::-1], None]
    assert {entry.author for entry in entries[:-1]} == {"Ada"}


def test_what_used_a_version_is_counted_by_hand(edited: Workspace) -> None:
    """The seeded loop: a chains run with 120 chains and a labels run with 120 labels, both on version 1."""
    with edited.reading() as session:
        entries, _ = history(session, "sandbox")
        runs = runs_of_version(session, entries[-1].id)
        session.get_one(AskRow, 1).constitution_version_id = entries[-1].id
        asked = history(session, "sandbox")[0][-1].used.asks
    used = entries[-1].used
    assert (used.chains, used.labels) == (120, 120)
    assert used.runs == len(runs)
    assert {(run.kind, run.rows) for run in runs} >= {("chains", 120), ("labels", 120)}
    assert (used.asks, asked) == (0, 1)
    assert {entry.used for entry in entries[:-1]} == {Used()}


def test_pages_hold_twenty_and_cover_every_version_once(edited: Workspace) -> None:
    with edited.writing() as session:
        for number in range(50):
            save_version(
                session, replace(load_version(session, "sandbox")[1], description=f"{number}"), author="", message=""
            )
    seen: list[int] = []
    asked: list[str] = []
    event.listen(edited.engine, "before_cursor_execute", lambda c, cur, sql, *rest: asked.append(sql))
    with edited.reading() as session:
        more = True
        while more:
            entries, more = history(session, "sandbox", seen[-1] if seen else 0)
            assert len(entries) <= PAGE
            seen += [entry.number for entry in entries]
    assert seen == list(range(56, 0, -1))
    # A page of versions is not asked for one by one.
    assert len(asked) <= 3 * 7


def shown(visit: Visit, **query: str) -> AppTest:
    app = visit("constitutions", **query)
    if app.segmented_control(key="constitutions.view").value != "History":
        app.segmented_control(key="constitutions.view").set_value("History").run()
    assert not app.exception
    return app


def test_the_history_is_drawn(visit: Visit, edited: Workspace) -> None:
    app = shown(visit)
    said = words(app)
    for expected in ("sandbox@6", "Ada · ", "Edit 2.", "1 removed", "reordered", "few-shots changed", "120 chains"):
        assert expected in said, expected
    assert ">Another description</ins>" in drawn_html(app)


def test_what_used_it_is_linked(visit: Visit, edited: Workspace) -> None:
    app = shown(visit)
    opened = app.expander
    assert "What used it" in [one.label for one in opened]
    with edited.reading() as session:
        first = history(session, "sandbox")[0][-1].id
    app.session_state[f"history.used.{first}"] = True
    app.run()
    assert {"Run 1", "120 chains", "120 labels"} <= links(app)


def test_any_two_versions_are_compared_and_the_address_names_them(visit: Visit, edited: Workspace) -> None:
    app = shown(visit, diff="sandbox@1..sandbox@4")
    said = words(app)
    assert "sandbox@1 → sandbox@4" in said
    assert "1 changed, 1 removed" in said or "1 removed, 1 changed" in said
    assert "Few-shot" not in said
    app.selectbox(key="history.to.sandbox").set_value(5).run()
    assert "Few-shot 1" in words(app)
    app.selectbox(key="history.to.sandbox").set_value(1).run()
    assert "sandbox@1 and sandbox@1 say the same." in words(app)
    assert app.query_params["diff"] == ["sandbox@1..sandbox@1"] or app.query_params["diff"] == "sandbox@1..sandbox@1"


@pytest.mark.parametrize("diff", ["sandbox@1..sandbox@99", "sandbox@0..sandbox@2", "other@1..other@2", "../..", ""])
def test_an_address_that_names_nothing_shows_the_newest_change(visit: Visit, edited: Workspace, diff: str) -> None:
    app = shown(visit, version="sandbox@6", diff=diff)
    assert "sandbox@5 → sandbox@6" in words(app)


def begin(app: AppTest, number: int) -> None:
    app.button(key=f"history.restore.{number}").click().run()


def test_restoring_makes_a_new_version_once(visit: Visit, edited: Workspace) -> None:
    app = shown(visit)
    begin(app, 2)
    app.text_input(key="history.why").set_value("The weights were wrong.").run()
    button = next(one for one in app.button if one.label == "Restore as a new version")
    button.click().run()
    # A second press of the button as it was drawn before carries a token that is used up.
    with edited.reading() as session:
        assert newest_ref(session, "sandbox") == "sandbox@7"
        restored = load_version(session, "sandbox@7")[1]
        assert restored == load_version(session, "sandbox@2")[1]
        entry = history(session, "sandbox")[0][0]
    assert (entry.message, entry.author) == ("Restored from sandbox@2. The weights were wrong.", "Grace")
    assert "Restored as sandbox@7." in drawn_html(app)


def test_a_used_token_restores_nothing(visit: Visit, edited: Workspace) -> None:
    app = shown(visit)
    begin(app, 2)
    button = next(one for one in app.button if one.label == "Restore as a new version")
    app.session_state["history.token"] = "used up"
    button.click().run()
    with edited.reading() as session:
        assert newest_number(session, "sandbox") == 6


def test_restoring_what_is_the_newest_already_makes_none(visit: Visit, edited: Workspace) -> None:
    """Somebody else has restored it meanwhile."""
    app = shown(visit)
    begin(app, 2)
    with edited.writing() as session:
        save_version(session, load_version(session, "sandbox@2")[1], author="Ada", message="Restored.")
    press(app, "Restore as a new version")
    with edited.reading() as session:
        assert newest_number(session, "sandbox") == 7
    assert "No version was made." in drawn_html(app)
