"""Workspaces: made whole, migrated with care, refused with a remedy."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cai_core.errors import WorkspaceError
from cai_core.store import constitutions, shipped, workspace
from cai_core.store.workspace import Workspace, open_workspace
from db.migrations import migrate
from db.schema import ModelRow, PromptRow


def set_revision(folder: Path, revision: str) -> None:
    with closing(sqlite3.connect(folder / "studio.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def test_a_fresh_workspace_has_what_ships(opened: Workspace) -> None:
    with opened.reading() as session:
        files = shipped.constitution_files()
        refs = {row["ref"] for row in constitutions.newest_versions(session)}
        assert {f"{file.stem}@1" for file in files} == refs
        assert session.scalars(select(ModelRow.name)).all() == ["sandbox"]
        counted = select(PromptRow.split, PromptRow.kind, func.count()).group_by(PromptRow.split, PromptRow.kind)
        found = {(split, kind): n for split, kind, n in session.execute(counted)}
    assert found == {(split, kind): n for split, kinds in shipped.COUNTS.items() for kind, n in kinds.items()}
    for folder in (opened.adapters, opened.logs, opened.exports):
        assert folder.is_dir()


def test_no_prompt_is_in_two_splits(opened: Workspace) -> None:
    with opened.reading() as session:
        assert session.scalar(select(func.count(PromptRow.id))) == session.scalar(
            select(func.count(func.distinct(PromptRow.uid)))
        )


def test_the_home_variable_names_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAI_STUDIO_HOME", str(tmp_path / "home"))
    assert workspace.default_folder() == tmp_path / "home"
    monkeypatch.delenv("CAI_STUDIO_HOME")
    assert workspace.default_folder() == Path("workspace")


def test_without_create_a_missing_workspace_is_an_error_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="no workspace at"):
        open_workspace(tmp_path / "none", create=False)
    assert not (tmp_path / "none").exists()


def test_what_fails_half_way_leaves_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_session: object) -> None:
        raise RuntimeError("half way")

    monkeypatch.setattr(shipped, "add_all", fail)
    with pytest.raises(RuntimeError, match="half way"):
        open_workspace(tmp_path / "w")
    assert not (tmp_path / "w" / "studio.db").exists()
    monkeypatch.undo()
    open_workspace(tmp_path / "w").close()


def test_a_newer_revision_is_refused_and_left_alone(opened: Workspace) -> None:
    opened.close()
    set_revision(opened.folder, "9999")
    before = (opened.folder / "studio.db").read_bytes()
    with pytest.raises(WorkspaceError, match=r"9999.*newer CAI Studio"):
        open_workspace(opened.folder)
    assert (opened.folder / "studio.db").read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "studio.db").write_text("not a database, but long enough to be looked at" * 50)
    with pytest.raises(WorkspaceError, match="cannot be read as a database"):
        open_workspace(tmp_path)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match="cannot be made"):
        open_workspace(tmp_path / "file")


def pretend_older(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, this version wants a later revision, reached from the one on disk."""
    monkeypatch.setattr(migrate, "head", lambda: "0002")
    monkeypatch.setattr(migrate, "upgrade", lambda engine: _set(engine, "0002"))


def _set(engine: object, revision: str) -> None:
    from db.session import writing

    with writing(engine) as session:  # type: ignore[arg-type]
        session.connection().exec_driver_sql("UPDATE alembic_version SET version_num = ?", (revision,))


def test_an_older_database_is_migrated_after_a_backup(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    opened.close()
    pretend_older(monkeypatch)
    open_workspace(opened.folder).close()
    assert workspace.revision(opened.folder) == "0002"
    [copy] = (opened.folder / "backups").glob("*.db")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)


def test_a_workspace_in_use_by_an_older_version_is_not_migrated(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_older(monkeypatch)
    with pytest.raises(WorkspaceError, match="in use by an older version"):
        open_workspace(opened.folder)
    assert workspace.revision(opened.folder) == "0001"
    opened.close()
    open_workspace(opened.folder).close()
    assert workspace.revision(opened.folder) == "0002"
