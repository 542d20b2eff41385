"""Constitutions: edit a principle, keep the edit, save a version; nothing is lost or saved over."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from cai_core.store.constitutions import load_version, save_version
from cai_core.store.workspace import open_workspace
from cai_core.types import Constitution
from tests.app.conftest import Visit, press, words


def sandbox(ref: str = "sandbox") -> Constitution:
    """A version of the sandbox's constitution."""
    with open_workspace().reading() as session:
        return load_version(session, ref)[1]


def first_id() -> str:
    """Id of the sandbox constitution's first principle."""
    return sandbox().principles[0].id


def save_another(name: str = "sandbox", title: str = "Somebody else's words") -> None:
    """What another person saves meanwhile."""
    one, *rest = sandbox().principles
    changed = replace(sandbox(), name=name, principles=(replace(one, title=title), *rest))
    with open_workspace().writing() as session:
        save_version(session, changed, author="Bob", message="Meanwhile.")


def field(app: AppTest, name: str, form: int = 1) -> object:
    """A field of the form that was opened as number `form`."""
    return app.get_by_key(f"principle.{form}.{name}")


def fill(app: AppTest, form: int = 1, **values: str) -> None:
    """Type into a form."""
    for name, value in values.items():
        field(app, name, form).set_value(value)  # type: ignore[attr-defined]
    app.run()


def edit(app: AppTest, principle: str, form: int = 1, **values: str) -> None:
    """Open a principle's form, type, keep."""
    app.button(key=f"edit.{principle}").click().run()
    fill(app, form, **values)
    app.button(key=f"principle.{form}.keep").click().run()


def show(app: AppTest, name: str) -> None:
    """Choose a constitution."""
    app.selectbox(key="constitutions.name").set_value(name).run()


def test_an_edit_becomes_a_version(visit: Visit) -> None:
    """Edit, keep, save: the next version says the new words, the old one the old."""
    app = visit("constitutions")
    edit(app, first_id(), comparison="Which response respects the person's privacy more?")
    assert "unsaved edits" in words(app)
    assert "a reload loses them" in words(app)

    app.text_input(key="version.author").set_value("Ada")
    app.text_input(key="version.message.sandbox@1").set_value("Say it plainly.")
    press(app, "Save version")

    assert "Saved as sandbox@2." in words(app)
    assert not app.exception
    assert app.selectbox(key="constitutions.version.sandbox").value == "sandbox@2"
    assert "respects the person" in str(sandbox("sandbox@2").principles[0].comparison)
    assert "respects the person" not in str(sandbox("sandbox@1").principles[0].comparison)


def test_the_name_of_one_constitution_is_never_offered_for_another(visit: Visit) -> None:
    """Save under a new name, then edit a second constitution: its own name stands there; the author stays."""
    app = visit("constitutions")
    edit(app, first_id(), title="Mine")
    app.text_input(key="version.author").set_value("Ada")
    app.text_input(key="version.name.sandbox@1").set_value("mine")
    press(app, "Save version")
    assert "Saved as mine@1." in words(app)
    assert app.selectbox(key="constitutions.name").value == "mine"

    show(app, "sandbox")
    edit(app, first_id(), form=2, title="Not mine")

    assert app.text_input(key="version.name.sandbox@1").value == "sandbox"
    assert app.text_input(key="version.author").value == "Ada"


def test_two_open_forms_keep_their_own_texts(visit: Visit) -> None:
    """Editing B without a Cancel of A: each form shows its own principle, and keeps what was typed into it."""
    app = visit("constitutions")
    a, b = sandbox().principles[:2]
    app.button(key=f"edit.{a.id}").click().run()
    fill(app, 1, title="Typed into A")
    app.button(key=f"edit.{b.id}").click().run()

    assert field(app, "title", 2).value == b.title  # type: ignore[attr-defined]
    assert field(app, "comparison", 2).value == (b.comparison or "")  # type: ignore[attr-defined]
    app.button(key="principle.2.cancel").click().run()
    app.button(key="principle.1.keep").click().run()
    assert "Typed into A" in words(app)
    assert "1 changed" in words(app)


def test_a_second_constitution_s_edits_leave_the_first_s(visit: Visit) -> None:
    """Each version has its own draft, and the one not shown is said."""
    save_another("other")
    app = visit("constitutions")
    edit(app, first_id(), title="Edit of the sandbox")
    show(app, "other")
    edit(app, first_id(), form=2, title="Edit of the other")
    assert "of sandbox@1 too" in words(app)
    press(app, "Show them")

    assert app.selectbox(key="constitutions.name").value == "sandbox"
    assert "Edit of the sandbox" in words(app)
    assert "of other@1 too" in words(app)


def test_what_is_typed_outlives_a_page_switch(visit: Visit) -> None:
    """In an open form, and kept as an edit."""
    app = visit("constitutions")
    app.button(key=f"edit.{first_id()}").click().run()
    fill(app, title="Another title")
    app.switch_page("views/chains.py").run()
    app.switch_page("views/constitutions.py").run()
    assert field(app, "title").value == "Another title"  # type: ignore[attr-defined]

    app.button(key="principle.1.keep").click().run()
    app.switch_page("views/chains.py").run()
    app.switch_page("views/constitutions.py").run()
    assert "unsaved edits" in words(app)
    assert "Another title" in words(app)


def test_two_people_s_edits_do_not_undo_each_other(visit: Visit) -> None:
    """Who saves second is told what the first one changed, and keeps the edits; another name takes them."""
    app = visit("constitutions")
    edit(app, sandbox().principles[1].id, title="Mine")
    save_another()
    press(app, "Save version")
    assert "Bob saved sandbox@2 (Meanwhile.)" in words(app)
    assert f"{first_id()} (changed)" in words(app)
    assert "sandbox@2 is the newest version" in words(app)
    assert sandbox().principles[0].title == "Somebody else's words"
    assert sandbox().principles[1].title != "Mine"

    app.text_input(key="version.name.sandbox@1").set_value("mine")
    press(app, "Save version")
    assert "Saved as mine@1." in words(app)


def test_another_constitution_is_not_saved_over(visit: Visit) -> None:
    """A name that is taken is refused, and nothing of it changes."""
    save_another("other")
    app = visit("constitutions")
    edit(app, first_id(), title="Mine")
    app.text_input(key="version.name.sandbox@1").set_value("other")
    press(app, "Save version")

    assert "there is a constitution &#x27;other&#x27; already" in words(app)
    assert sandbox("other").principles[0].title == "Somebody else's words"


def test_nothing_changed_is_said_so(visit: Visit) -> None:
    """An edit taken back is none; the same edit that another person saved makes no version."""
    app = visit("constitutions")
    title = sandbox().principles[0].title
    edit(app, first_id(), title="Else")
    edit(app, first_id(), form=2, title=title)
    assert "unsaved edits" not in words(app)
    assert "nothing differs from sandbox@1" in words(app)

    edit(app, first_id(), form=3, title="Else")
    save_another(title="Else")
    press(app, "Save version")
    assert "Nothing changed: sandbox@2 says the same already." in words(app)


def test_half_a_principle_is_refused_in_words(visit: Visit) -> None:
    """The form stays open with what was typed, and the error says what is missing."""
    app = visit("constitutions")
    edit(app, first_id(), revision="")

    assert "critique_request without revision_request" in words(app)
    assert field(app, "revision").value == ""  # type: ignore[attr-defined]
    assert "a reload loses them" in words(app)


def test_a_principle_can_be_added_and_removed(visit: Visit) -> None:
    """Both are unsaved edits that the history's words describe."""
    app = visit("constitutions")
    gone = first_id()
    app.button(key=f"remove.{gone}").click().run()
    press(app, "Add a principle")
    fill(app, id="brevity", title="Brevity", comparison="Which response is shorter?")
    app.button(key="principle.1.keep").click().run()

    assert "1 added, 1 removed" in words(app)
    press(app, "Discard edits")
    assert "unsaved edits" not in words(app)


def test_an_id_that_is_taken_is_refused(visit: Visit) -> None:
    """Two principles of one id would be one to the draws."""
    app = visit("constitutions")
    press(app, "Add a principle")
    fill(app, id=first_id(), title="Twin", comparison="Which?")
    app.button(key="principle.1.keep").click().run()

    assert "unsaved edits" not in words(app)
    assert first_id() in words(app)


@pytest.mark.parametrize("weight", [1e-6, 5e4])
def test_a_weight_outside_the_offered_bounds_is_shown_and_kept(weight: float, visit: Visit) -> None:
    """A file may say so."""
    one, *rest = sandbox().principles
    changed = replace(sandbox(), principles=(replace(one, weight=weight), *rest))
    with open_workspace().writing() as session:
        save_version(session, changed, author="Bob", message="")
    app = visit("constitutions")
    edit(app, first_id(), title="Else")

    assert not app.exception
    assert f"weight {weight:g}" in words(app)


def test_an_address_shows_a_version_and_a_principle(visit: Visit) -> None:
    """Until a select is touched; a version that is not there is said."""
    before = sandbox().principles[0]
    save_another()
    app = visit("constitutions", version="sandbox@1", principle=before.id)
    assert before.title in words(app)
    assert "Somebody else&#x27;s words" not in words(app)
    assert sandbox().principles[1].id not in words(app)

    app.selectbox(key="constitutions.version.sandbox").set_value("sandbox@2").run()
    assert "Somebody else&#x27;s words" in words(app)
    assert sandbox().principles[1].id in words(app)
    assert "There is no version nothing@7 here" in words(visit("constitutions", version="nothing@7"))


def test_history_and_few_shots_draw(visit: Visit) -> None:
    """The other two views."""
    app = visit("constitutions")
    for view in ("Few-shots", "History"):
        app.segmented_control(key="constitutions.view").set_value(view).run()
        assert not app.exception
