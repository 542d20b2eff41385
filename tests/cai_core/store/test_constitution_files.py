"""Files and versions side by side."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cai_core.constitution.files import FileState
from cai_core.constitution.load import dump_constitution, load_constitution
from cai_core.errors import ConstitutionError
from cai_core.store import constitution_files, constitutions, shipped
from cai_core.store.workspace import Workspace
from cai_core.types import Constitution, Principle

MINE = Constitution("mine", "", (Principle("a", "A", comparison="Which?"),))


@pytest.fixture(autouse=True)
def shipped_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of shipped constitutions that a test may write to."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr(shipped, "CONSTITUTIONS", folder)
    yield folder
    folder.chmod(0o755)


def state(workspace: Workspace, name: str = "mine") -> tuple[FileState, str | None] | None:
    with workspace.reading() as session:
        found = constitution_files.status(session, workspace.folder, name)
        listed = {one.name: one for one in constitution_files.statuses(session, workspace.folder)}
    assert listed.get(name) == found
    return (found.state, found.ref) if found is not None else None


def save(workspace: Workspace, constitution: Constitution) -> None:
    with workspace.writing() as session:
        constitutions.save_version(session, constitution, author="me", message="m")


def write(workspace: Workspace, ref: str, **options: bool) -> Path:
    with workspace.reading() as session:
        return constitution_files.write_version(session, ref, workspace.folder, **options)


def test_from_file_to_version_and_back(opened: Workspace) -> None:
    assert state(opened) is None
    path = opened.folder / "constitutions" / "mine.yaml"
    path.parent.mkdir()
    path.write_text(f"# Mine.\n{dump_constitution(MINE)}")
    assert state(opened) == (FileState.ONLY_FILE, None)
    with opened.writing() as session:
        assert constitution_files.save_from_file(session, path, "me") == "mine@1"
        assert constitution_files.save_from_file(session, path, "me") == "mine@1"
    assert state(opened) == (FileState.SAME, "mine@1")
    save(opened, replace(MINE, description="New."))
    assert state(opened) == (FileState.DATABASE_NEWER, "mine@2")
    assert write(opened, "mine") == path
    assert path.read_text().startswith("# Mine.\n")
    assert state(opened) == (FileState.SAME, "mine@2")
    assert write(opened, "mine@1") == path
    assert state(opened) == (FileState.DATABASE_NEWER, "mine@2")


def test_edits_in_a_file_are_not_written_over_unless_told(opened: Workspace) -> None:
    save(opened, MINE)
    assert state(opened) == (FileState.ONLY_DATABASE, "mine@1")
    path = write(opened, "mine")
    assert path == opened.folder / "constitutions" / "mine.yaml"
    path.write_text(path.read_text().replace("Which?", "Which one?"))
    assert state(opened) == (FileState.FILE_CHANGED, "mine@1")
    with pytest.raises(ConstitutionError, match="holds edits that no version of 'mine' has"):
        write(opened, "mine")
    assert "Which one?" in path.read_text()
    write(opened, "mine", overwrite=True)
    assert load_constitution(path) == MINE


def test_a_shipped_file_is_written_where_it_lies_and_the_workspace_s_comes_first(
    opened: Workspace, shipped_folder: Path
) -> None:
    save(opened, MINE)
    (shipped_folder / "m.yaml").write_text(dump_constitution(MINE))
    save(opened, replace(MINE, description="New."))
    assert write(opened, "mine") == shipped_folder / "m.yaml"
    own = opened.folder / "constitutions" / "o.yaml"
    own.parent.mkdir()
    own.write_text(dump_constitution(MINE))
    assert state(opened) == (FileState.DATABASE_NEWER, "mine@2")
    assert write(opened, "mine") == own


def test_where_the_shipped_folder_may_not_be_written_the_file_goes_to_the_workspace(
    opened: Workspace, shipped_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(opened, MINE)
    (shipped_folder / "m.yaml").write_text(dump_constitution(replace(MINE, description="Old.")))
    # As for a user who may not; the tests may run as one who always may.
    monkeypatch.setattr(constitution_files.os, "access", lambda path, _mode: "shipped" not in str(path))
    assert write(opened, "mine", overwrite=True) == opened.folder / "constitutions" / "mine.yaml"
    assert "Old." in (shipped_folder / "m.yaml").read_text()


def test_a_file_that_cannot_be_read_is_listed_and_never_written_over(opened: Workspace) -> None:
    save(opened, MINE)
    path = opened.folder / "constitutions" / "mine.yaml"
    path.parent.mkdir()
    path.write_text("a: [")
    with opened.reading() as session:
        found = {one.name: one for one in constitution_files.statuses(session, opened.folder)}
    assert found["mine.yaml"].state is FileState.UNREADABLE
    assert found["mine"].state is FileState.ONLY_DATABASE
    with pytest.raises(ConstitutionError, match="is not overwritten"):
        write(opened, "mine")
    assert path.read_text() == "a: ["
