"""Workspaces: made whole, migrated with care, refused with a remedy."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cai_core.errors import WorkspaceError
from cai_core.store import backups, constitutions, shipped, workspace
from cai_core.store.locks import SharedLock
from cai_core.store.workspace import Workspace, open_workspace
from db.migrations import migrate
from db.schema import ModelRow, PromptRow
from tests.db import old_database


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


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A workspace whose filled database is of the first revision."""
    folder = tmp_path / "older"
    folder.mkdir()
    old_database.make(folder / "studio.db")
    return folder


def test_an_older_database_is_migrated_after_a_backup(older: Path) -> None:
    opened = open_workspace(older)
    with opened.reading() as session:
        assert session.scalar(select(func.count(PromptRow.id))) == len(old_database.ROWS)
    opened.close()
    assert workspace.revision(older) == migrate.head()
    [copy] = (older / "backups").iterdir()
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert connection.execute("SELECT count(*) FROM prompts").fetchone() == (2,)


def test_a_workspace_in_use_by_an_older_version_is_not_migrated(older: Path) -> None:
    used = SharedLock(older / ".in-use.lock")
    with pytest.raises(WorkspaceError, match="in use by an older version"):
        open_workspace(older)
    assert workspace.revision(older) == "0001"
    used.close()
    open_workspace(older).close()
    assert workspace.revision(older) == migrate.head()


def test_a_database_that_cannot_be_migrated_whole_stays_as_it_was(older: Path) -> None:
    with closing(sqlite3.connect(older / "studio.db")) as connection, connection:
        connection.execute("DELETE FROM prompts WHERE id = 1")
    with pytest.raises(WorkspaceError, match=r"point at rows that are not there.*backups"):
        open_workspace(older)
    assert workspace.revision(older) == "0001"


def leave_log(path: Path) -> None:
    """A write-ahead log with a page of another database, as a deleted or replaced one leaves it."""
    with closing(sqlite3.connect(path.with_name("other.db"))) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("CREATE TABLE stale (n)")
        for suffix in ("-wal", "-shm"):
            shutil.copy(path.with_name(f"other.db{suffix}"), path.with_name(f"{path.name}{suffix}"))


def test_a_log_that_a_deleted_database_left_is_not_read_into_a_fresh_one(tmp_path: Path) -> None:
    leave_log(tmp_path / "studio.db")
    opened = open_workspace(tmp_path)
    with opened.reading() as session:
        assert session.scalars(select(ModelRow.name)).all() == ["sandbox"]
    opened.close()


def add_model(opened: Workspace, name: str) -> None:
    with opened.writing() as session:
        session.add(ModelRow(name=name, kind="causal", base="x"))


def names(folder: Path) -> list[str]:
    opened = open_workspace(folder, create=False)
    with opened.reading() as session:
        found = list(session.scalars(select(ModelRow.name).order_by(ModelRow.id)))
    opened.close()
    return found


def test_a_copy_is_put_back_and_what_it_replaces_is_kept(opened: Workspace) -> None:
    add_model(opened, "before")
    copy = backups.backup(opened.folder)
    add_model(opened, "after")
    with pytest.raises(WorkspaceError, match="is in use"):
        backups.restore(opened.folder, copy)
    opened.close()
    kept = backups.restore(opened.folder, copy)
    assert names(opened.folder) == ["sandbox", "before"]
    assert kept is not None
    assert backups.restore(opened.folder, kept) not in (None, kept)
    assert {p.suffix for p in (opened.folder / "backups").iterdir()} == {".db"}


@pytest.mark.parametrize("there", [True, False])
def test_a_log_that_was_left_is_not_read_into_the_copy(opened: Workspace, there: bool) -> None:
    copy = backups.backup(opened.folder)
    opened.close()
    leave_log(opened.folder / "studio.db")
    if not there:
        (opened.folder / "studio.db").unlink()
    assert (backups.restore(opened.folder, copy) is not None) is there
    assert names(opened.folder) == ["sandbox"]


def test_a_copy_takes_the_place_of_a_broken_database(opened: Workspace) -> None:
    add_model(opened, "mine")
    copy = backups.backup(opened.folder)
    opened.close()
    (opened.folder / "studio.db").write_bytes(b"no database " * 1000)
    kept = backups.restore(opened.folder, copy)
    assert kept is not None
    assert kept.read_bytes() == b"no database " * 1000
    assert names(opened.folder) == ["sandbox", "mine"]


def test_what_is_no_copy_of_ours_is_not_put_back(opened: Workspace, tmp_path: Path) -> None:
    opened.close()
    strange = tmp_path / "strange.db"
    for make in (lambda: None, lambda: sqlite3.connect(strange).close(), lambda: strange.write_bytes(b"no " * 1000)):
        make()
        with pytest.raises(WorkspaceError, match=r"strange\.db"):
            backups.restore(opened.folder, strange)
    assert names(opened.folder) == ["sandbox"]


@pytest.mark.parametrize("name", [".migrate.lock", ".in-use.lock"])
def test_a_lock_that_cannot_be_opened_is_an_error_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(WorkspaceError, match="cannot be opened"):
        open_workspace(tmp_path)


def test_a_copy_that_has_no_place_is_an_error_in_words(opened: Workspace) -> None:
    (opened.folder / "backups").touch()
    with pytest.raises(WorkspaceError, match="cannot be copied"):
        backups.backup(opened.folder)


def test_a_database_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "studio.new-wal").mkdir()
    with pytest.raises(WorkspaceError, match="cannot be made"):
        open_workspace(tmp_path)
    assert not (tmp_path / "studio.db").exists()
