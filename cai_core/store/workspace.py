"""A workspace: a folder with the database, adapters, logs and exports."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from cai_core.errors import WorkspaceError
from cai_core.store import leftovers, shipped
from cai_core.store.backups import DATABASE, IN_USE, backup, drop_log, opened, revision_of
from cai_core.store.locks import SharedLock, exclusive
from db import session as db_session
from db.migrations import migrate

HOME = "CAI_STUDIO_HOME"


@dataclass(frozen=True)
class Workspace:
    """An open workspace. Its database is at this version's revision."""

    folder: Path
    engine: Engine
    lock: SharedLock | None = field(default=None, repr=False, compare=False)
    """Held while it is open, so that a newer version does not migrate the database under it."""

    def reading(self) -> AbstractContextManager[Session]:
        """A session that reads one moment of the database."""
        return db_session.reading(self.engine)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that writes and commits at its end; `WorkspaceError` where the disk takes no more."""
        try:
            with db_session.writing(self.engine) as session:
                yield session
        except OperationalError as error:
            if (why := disk_trouble(error)) is None:
                raise
            raise WorkspaceError(
                f"nothing was saved: {self.folder / DATABASE} cannot be written ({why}). Make room on its disk, and "
                "see that you may write to the folder; `cai-studio storage` tells what takes the room."
            ) from error

    @property
    def adapters(self) -> Path:
        """Folder of what training saves: `run-<id>-<uid>/snapshots/step-<n>`, checkpoints beside them."""
        return self.folder / "adapters"

    @property
    def logs(self) -> Path:
        """Folder of the runs' logs: `run-<id>.log`."""
        return self.folder / "logs"

    @property
    def exports(self) -> Path:
        """Folder that exports are written to where no file is named."""
        return self.folder / "exports"

    def close(self) -> None:
        """Close the database and let go of the lock."""
        self.engine.dispose()
        if self.lock is not None:
            self.lock.close()


def disk_trouble(error: OperationalError) -> str | None:
    """What the disk is to blame for, in SQLite's words; None where it is something else."""
    code = getattr(error.orig, "sqlite_errorname", "") or ""
    return str(error.orig) if code.startswith(("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR")) else None


def default_folder() -> Path:
    """`CAI_STUDIO_HOME`, or `workspace` in the current folder."""
    return Path(os.environ.get(HOME) or "workspace")


def open_workspace(folder: Path | None = None, *, create: bool = True) -> Workspace:
    """Open a workspace; create it if absent, migrate it if a former version made it.

    Raises `WorkspaceError` if the folder cannot be used, a newer version made it, or an older one is using it.
    """
    folder = (folder or default_folder()).expanduser().absolute()
    _make_folder(folder, create=create)
    path = folder / DATABASE
    with exclusive(folder / ".migrate.lock"):
        if path.exists():
            _bring_up_to_date(folder, path)
        else:
            _make_database(path)
        lock = SharedLock(folder / IN_USE)
    engine = db_session.open_engine(f"sqlite:///{path}")
    leftovers.clean(folder, engine)
    return Workspace(folder, engine, lock)


def revision(folder: Path) -> str | None:
    """The revision of a workspace's database as it lies on disk; None if there is none."""
    return revision_of(folder / DATABASE)


def _make_folder(folder: Path, *, create: bool) -> None:
    if not create and not (folder / DATABASE).is_file():
        raise WorkspaceError(
            f"there is no workspace at {folder} (no {DATABASE} in it). Name another with --workspace or {HOME}, "
            "or create one with `cai-studio db upgrade`."
        )
    try:
        for name in (".", "adapters", "logs", "exports"):
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(
            f"the workspace folder {folder} cannot be made: {error.strerror}. A workspace is a folder that you may "
            f"write to; name another with --workspace or {HOME}."
        ) from None


def _make_database(path: Path) -> None:
    """Build it beside its place and move it there whole: killed half way, nothing is left in its place."""
    unfinished = path.with_suffix(".new")
    try:
        unfinished.unlink(missing_ok=True)
        drop_log(unfinished)
        with opened(unfinished) as engine:
            migrate.upgrade(engine)
            with db_session.writing(engine) as session:
                shipped.add_all(session)
        drop_log(path)
        unfinished.replace(path)
    except (OSError, OperationalError) as error:
        why = error.strerror if isinstance(error, OSError) else error.orig
        raise WorkspaceError(
            f"{path} cannot be made: {why}. A workspace is a folder that you may write to, on a disk with room; "
            f"name another with --workspace or {HOME}."
        ) from None


def _bring_up_to_date(folder: Path, path: Path) -> None:
    found = revision_of(path)
    if found == migrate.head():
        return
    if found is None or not migrate.is_known(found):
        raise WorkspaceError(
            f"the database {path} has revision {found or 'none'}, which this version (revision {migrate.head()}) "
            "does not know: a newer CAI Studio, or another program, wrote it. Update CAI Studio, or name another "
            "workspace."
        )
    _migrate(folder, path, found)


def _migrate(folder: Path, path: Path, found: str) -> None:
    with exclusive(folder / IN_USE, wait=False) as alone:
        if not alone:
            raise WorkspaceError(
                f"the workspace {folder} is in use by an older version (its database has revision {found}, this "
                f"version needs {migrate.head()}). Close the older app and stop its runs, then try again."
            )
        copy = backup(folder)
        try:
            with opened(path) as engine:
                migrate.upgrade(engine)
        except db_session.BrokenReferencesError as error:
            raise WorkspaceError(
                f"the database {path} cannot be brought from revision {found} to {migrate.head()}: {error}. It is as "
                f"it was, and {copy} is a copy: use the version that wrote it, or a copy from before it broke."
            ) from None
