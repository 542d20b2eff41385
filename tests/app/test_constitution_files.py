"""Files beside versions: what each is, saved as a version, written to; exports with what is lost; imports."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.components.constitution_export import archive
from cai_core.constitution.load import dump_constitution, load_constitution
from cai_core.store import people, shipped
from cai_core.store.constitutions import load_version, newest_ref, save_version
from cai_core.store.workspace import Workspace
from cai_core.types import Constitution
from db.queries.version_history import history
from tests.app.conftest import Visit, drawn_html, press, words
from tests.app.test_untrusted_text import HOSTILE, assert_nothing_is_markup


@pytest.fixture
def folder(loop: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace's files; none is shipped, so none of the repository's is written to."""
    monkeypatch.setattr(shipped, "CONSTITUTIONS", tmp_path / "none")
    with loop.writing() as session:
        people.rename(session, people.add(session, "browser:none"), "Grace")
    found = loop.folder / "constitutions"
    found.mkdir()
    return found


def saved(loop: Workspace) -> Constitution:
    with loop.reading() as session:
        return load_version(session, "sandbox")[1]


def edited(loop: Workspace) -> Constitution:
    one = saved(loop)
    first = replace(one.principles[0], critique_request="Say which parts of the answer help with a fraud.")
    return replace(one, principles=(first, *one.principles[1:]))


def newest(loop: Workspace) -> str | None:
    with loop.reading() as session:
        return newest_ref(session, "sandbox")


def files(visit: Visit) -> AppTest:
    app = visit("constitutions", version="sandbox@1")
    app.segmented_control(key="constitutions.view").set_value("Files").run()
    assert not app.exception
    return app


def test_without_a_file_one_is_written_where_it_says(visit: Visit, loop: Workspace, folder: Path) -> None:
    app = files(visit)
    assert "no file" in words(app)
    assert str(folder / "sandbox.yaml") in words(app)
    press(app, "Write the newest version to the file")
    assert load_constitution(folder / "sandbox.yaml") == saved(loop)
    assert "It says what sandbox@1 says." in words(app)


def test_a_file_that_was_left_behind_is_brought_up_to_date(visit: Visit, loop: Workspace, folder: Path) -> None:
    (folder / "sandbox.yaml").write_text(dump_constitution(saved(loop)))
    with loop.writing() as session:
        save_version(session, edited(loop), author="Ada", message="")
    app = files(visit)
    assert "It says what sandbox@1 says; sandbox@2 is the newest." in words(app)
    press(app, "Write the newest version to the file")
    assert load_constitution(folder / "sandbox.yaml") == saved(loop)


def test_a_file_edited_on_disk_is_offered_as_a_version_with_its_diff(
    visit: Visit, loop: Workspace, folder: Path
) -> None:
    wanted = edited(loop)
    (folder / "sandbox.yaml").write_text(f"# by hand\n{dump_constitution(wanted)}")
    app = files(visit)
    assert "edited on disk" in words(app)
    assert "1 changed" in words(app)
    app.text_input(key="files.why").set_value("Fraud, more plainly.")
    press(app, "Save as a new version")
    assert newest(loop) == "sandbox@2"
    assert saved(loop) == wanted
    assert "It says what sandbox@2 says." in words(app)
    with loop.reading() as session:
        entry = history(session, "sandbox")[0][0]
    assert (entry.author, entry.message) == ("Grace", "Fraud, more plainly.")


def test_edits_on_disk_are_only_written_over_by_the_button_that_says_so(
    visit: Visit, loop: Workspace, folder: Path
) -> None:
    (folder / "sandbox.yaml").write_text(dump_constitution(edited(loop)))
    app = files(visit)
    assert "Write the newest version to the file" not in [button.label for button in app.button]
    press(app, "Write over the file")
    assert load_constitution(folder / "sandbox.yaml") == saved(loop)
    assert newest(loop) == "sandbox@1"


def test_a_file_edited_between_the_page_and_the_press_is_not_written_over(
    visit: Visit, loop: Workspace, folder: Path
) -> None:
    app = files(visit)
    (folder / "sandbox.yaml").write_text(dump_constitution(edited(loop)))
    press(app, "Write the newest version to the file")
    assert "would lose them" in drawn_html(app)
    assert load_constitution(folder / "sandbox.yaml") == edited(loop)


def test_other_files_are_brought_in_and_unreadable_ones_say_why(visit: Visit, loop: Workspace, folder: Path) -> None:
    (folder / "kind.yaml").write_text(dump_constitution(replace(saved(loop), name="kindness")))
    (folder / "broken.yaml").write_text("format: cai-constitution/1\nname: x\nprinciples: 3\n")
    app = files(visit)
    said = words(app)
    for expected in ("kindness", "not in the workspace yet", "broken.yaml", "cannot be read", "a list is wanted"):
        assert expected in said, expected
    press(app, "Bring it in")
    with loop.reading() as session:
        assert newest_ref(session, "kindness") == "kindness@1"


def test_hostile_files_are_never_markup(visit: Visit, loop: Workspace, folder: Path) -> None:
    one = replace(saved(loop), description=HOSTILE)
    (folder / "sandbox.yaml").write_text(dump_constitution(one))
    (folder / "![x](http:__tracker.example_q=1) $5.yaml").write_text(f"format: {HOSTILE!r}")
    app = files(visit)
    assert "tracker.example" in drawn_html(app)
    assert_nothing_is_markup(app)


def test_what_a_format_cannot_hold_is_listed_before_the_download(visit: Visit, loop: Workspace, folder: Path) -> None:
    app = files(visit)
    assert "nothing is lost" in words(app)
    app.selectbox(key="export.format").set_value("paper").run()
    said = words(app)
    assert "is lost" in said
    assert "the description" in said
    assert "CritiqueRevisionInstructions.json" in said
    assert [button.label for button in app.download_button] == ["Download as one archive"]
    app.selectbox(key="export.format").set_value("langchain").run()
    assert [button.label for button in app.download_button] == ["Download"]


def test_an_archive_holds_its_files_and_is_the_same_each_time() -> None:
    found = {"a.json": "[1]", "b.json": "é"}
    with zipfile.ZipFile(io.BytesIO(archive(found))) as packed:
        assert {name: packed.read(name).decode() for name in packed.namelist()} == found
    assert archive(found) == archive(found)


def test_files_are_looked_at_first_and_come_in_as_a_draft(visit: Visit, loop: Workspace, folder: Path) -> None:
    app = files(visit)
    wanted = dump_constitution(replace(saved(loop), name="kindness"))
    app.file_uploader[0].upload("kind.yaml", wanted.encode(), "text/yaml").run()
    assert "come in" in words(app)
    press(app, "Begin with it")
    assert "came in, as a draft" in drawn_html(app)
