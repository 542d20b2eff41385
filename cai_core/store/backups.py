"""Copies of a workspace's database, and putting one back."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError

from cai_core.errors import WorkspaceError
from cai_core.store.locks import exclusive
from db.migrations import migrate
from db.session import open_engine

DATABASE, IN_USE = "studio.db", ".in-use.lock"


def backup(folder: Path) -> Path:
    """Copy the database, while it may be in use, to `backups/` and return the copy."""
    path = folder / DATABASE
    if not path.is_file():
        raise WorkspaceError(f"there is no database at {path}, so nothing to copy. Check --workspace.")
    copy = folder / "backups" / f"studio-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.db"
    copy_database(path, copy)
    return copy


def restore(folder: Path, file: Path) -> Path | None:
    """Put a copy in the database's place and return where the replaced one is kept; refused while it is in use.

    Killed at any moment, one of the two is in place, whole.
    """
    found = revision_of(file)
    if found is None or not migrate.is_known(found):
        raise WorkspaceError(
            f"{file} is no database that this version knows (revision {found or 'none'}). Name one that "
            "`cai-studio db backup` wrote."
        )
    path, unfinished = folder / DATABASE, folder / f"{DATABASE}.restored"
    with exclusive(folder / IN_USE, wait=False) as alone:
        if not alone:
            raise WorkspaceError(f"the workspace {folder} is in use. Close the app and stop its runs, then try again.")
        copy_database(file, unfinished)
        kept = _set_aside(folder) if path.is_file() else None
        drop_log(path)
        unfinished.replace(path)
    return kept


def _set_aside(folder: Path) -> Path:
    try:
        return backup(folder)
    except WorkspaceError:
        # It may be no database any more; what there is of it is kept all the same.
        kept = folder / "backups" / f"broken-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.db"
        shutil.copyfile(folder / DATABASE, kept)
        return kept


def copy_database(path: Path, copy: Path) -> None:
    """Copy a database whole or not at all; closing it folds its log in, where nobody else has it open."""
    unfinished = copy.with_name(f"{copy.name}.part")
    try:
        copy.parent.mkdir(exist_ok=True)
        unfinished.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as target:
            source.backup(target)
        unfinished.replace(copy)
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise WorkspaceError(
            f"{path} cannot be copied to {copy}: {why}. Make room there, in a folder that you may write to."
        ) from None


def drop_log(path: Path) -> None:
    """Remove what SQLite left beside a database that is gone: it would be read as part of the next one."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def opened(path: Path) -> Iterator[Engine]:
    """An engine on a database file, for a moment."""
    engine = open_engine(f"sqlite:///{path}")
    try:
        yield engine
    finally:
        engine.dispose()


def revision_of(path: Path) -> str | None:
    """A database file's revision; None if there is no file, or nothing of ours in it."""
    if not path.is_file():
        return None
    try:
        with opened(path) as engine:
            return migrate.current(engine)
    except DatabaseError as error:
        raise WorkspaceError(
            f"{path} cannot be read as a database: {error.orig}. It should be a SQLite file of CAI Studio's, in a "
            "folder that you may write to. Put back a copy with `cai-studio db restore FILE` (backups/ holds those "
            "made so far), or name another workspace."
        ) from None
