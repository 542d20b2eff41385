"""Constitutions: edit a principle, keep the edit, save a version."""

from cai_core.store.constitutions import load_version
from cai_core.store.workspace import open_workspace
from tests.app.conftest import Visit, words


def first_id() -> str:
    """Id of the sandbox constitution's first principle."""
    with open_workspace().reading() as session:
        return load_version(session, "sandbox")[1].principles[0].id


def press(app: object, label: str) -> None:
    """Press a form's button by its label."""
    next(b for b in app.button if b.label == label).click().run()  # type: ignore[attr-defined]


def test_an_edit_becomes_a_version(visit: Visit) -> None:
    """Edit, keep, save: the next version says the new words, the old one the old."""
    app = visit("constitutions")
    app.button(key=f"edit.{first_id()}").click().run()
    app.text_area(key="principle.comparison").set_value("Which response respects the person's privacy more?")
    press(app, "Keep edit")
    assert "unsaved edits" in words(app)

    app.text_input(key="version.author").set_value("Ada")
    app.text_input(key="version.message").set_value("Say it plainly.")
    press(app, "Save version")

    assert "Saved as sandbox@2." in words(app)
    assert not app.exception
    with open_workspace().reading() as session:
        assert "respects the person" in str(load_version(session, "sandbox@2")[1].principles[0].comparison)
        assert "respects the person" not in str(load_version(session, "sandbox@1")[1].principles[0].comparison)


def test_unsaved_edits_outlive_a_page_switch(visit: Visit) -> None:
    """Looking something up elsewhere loses nothing."""
    app = visit("constitutions")
    app.button(key=f"edit.{first_id()}").click().run()
    app.text_input(key="principle.title").set_value("Another title")
    press(app, "Keep edit")
    app.switch_page("views/chains.py").run()
    app.switch_page("views/constitutions.py").run()

    assert "unsaved edits" in words(app)
    assert "Another title" in words(app)


def test_half_a_principle_is_refused_in_words(visit: Visit) -> None:
    """The form stays open with what was typed, and the error says what is missing."""
    app = visit("constitutions")
    app.button(key=f"edit.{first_id()}").click().run()
    app.text_area(key="principle.revision").set_value("")
    press(app, "Keep edit")

    assert "critique_request without revision_request" in words(app)
    assert app.text_area(key="principle.revision").value == ""
    assert "unsaved edits" not in words(app)


def test_a_principle_can_be_added_and_removed(visit: Visit) -> None:
    """Both are unsaved edits that the history's words describe."""
    app = visit("constitutions")
    gone = first_id()
    app.button(key=f"remove.{gone}").click().run()
    press(app, "Add a principle")
    app.text_input(key="principle.id").set_value("brevity")
    app.text_input(key="principle.title").set_value("Brevity")
    app.text_area(key="principle.comparison").set_value("Which response is shorter?")
    press(app, "Keep edit")

    assert "1 added, 1 removed" in words(app)
    press(app, "Discard edits")
    assert "unsaved edits" not in words(app)


def test_an_id_that_is_taken_is_refused(visit: Visit) -> None:
    """Two principles of one id would be one to the draws."""
    app = visit("constitutions")
    press(app, "Add a principle")
    app.text_input(key="principle.id").set_value(first_id())
    app.text_input(key="principle.title").set_value("Twin")
    app.text_area(key="principle.comparison").set_value("Which?")
    press(app, "Keep edit")

    assert "unsaved edits" not in words(app)
    assert first_id() in words(app)


def test_history_and_few_shots_draw(visit: Visit) -> None:
    """The other two views."""
    app = visit("constitutions")
    for view in ("Few-shots", "History"):
        app.segmented_control(key="constitutions.view").set_value(view).run()
        assert not app.exception
