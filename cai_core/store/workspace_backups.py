"""A whole workspace in one archive, made while it is in use, and unpacked again.

The database is copied by SQLite's backup first: what it names is on the disk by then and is never written again, for
an adapter is registered once it is whole. Checkpoints and logs are left out: they resume and explain runs, and no
result needs them. A manifest holds the hash of every file.
"""

import hashlib
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select

from cai_core.errors import WorkspaceError
from cai_core.store import leftovers
from cai_core.store.backups import DATABASE, copy_database, opened, revision_of
from cai_core.store.locks import exclusive
from db.migrations import migrate
from db.schema import ModelRow
from db.session import reading

MANIFEST, FORMAT = "manifest.json", "cai-workspace/1"
FIRST = 1 << 20
"""Bytes read at a time."""


@dataclass(frozen=True, slots=True)
class WorkspaceBackup:
    """What an archive holds."""

    file: Path
    bytes: int
    files: int
    """Beside the database."""
    left_out: tuple[str, ...]
    """In words: what is not in it."""


def default_name(folder: Path) -> Path:
    """Where the page puts a backup: the workspace's `backups/`, by the time."""
    return folder / "backups" / f"workspace-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.tar"


def back_up(folder: Path, out: Path) -> WorkspaceBackup:
    """Write the database and the files of all registered models to `out`, whole or not at all.

    `WorkspaceError` where there is no database, a model's files are missing, or `out` exists or cannot be written.
    """
    if not (folder / DATABASE).is_file():
        raise WorkspaceError(f"there is no database at {folder / DATABASE}, so nothing to back up. Check --workspace.")
    if out.exists():
        raise WorkspaceError(f"{out} exists and is not written over. Name another file, or move that one.")
    unfinished = out.with_name(f"{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # No removal takes an adapter away between the copy of the database and that of its files.
        with exclusive(folder / leftovers.LOCK), tempfile.TemporaryDirectory(dir=out.parent) as place:
            database = Path(place) / DATABASE
            copy_database(folder / DATABASE, database)
            files, outside, missing = _adapters(folder, database)
            left = _left_out(outside, missing)
            _write(unfinished, database, folder, files, left)
        check(unfinished)
        unfinished.replace(out)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise WorkspaceError(
            f"{out} cannot be written: {error.strerror or error}. Make room there, in a folder that you may write to."
        ) from None
    except WorkspaceError:
        unfinished.unlink(missing_ok=True)
        raise
    return WorkspaceBackup(out, out.stat().st_size, len(files), left)


def _adapters(folder: Path, database: Path) -> tuple[list[Path], list[str], list[str]]:
    """Files of the registered models inside the workspace, and the models whose files are elsewhere or not there."""
    with opened(database) as engine, reading(engine) as session:
        rows = list(session.execute(select(ModelRow.name, ModelRow.adapter).where(ModelRow.adapter.is_not(None))))
    files: set[Path] = set()
    outside, missing = [], []
    for name, adapter in rows:
        path = Path(adapter or "")
        if path.is_absolute() or ".." in path.parts:
            outside.append(name)
        elif not (folder / path).is_dir():
            missing.append(name)
        else:
            found = (one for one in (folder / path).rglob("*") if one.is_file() and not one.is_symlink())
            files.update(one.relative_to(folder) for one in found)
    return sorted(files), outside, missing


def _left_out(outside: list[str], missing: list[str]) -> tuple[str, ...]:
    left = ["checkpoints, logs, exports and earlier backups"]
    if outside:
        left.append(f"adapters outside of the workspace: {', '.join(outside)}")
    if missing:
        left.append(f"adapters whose files are not there: {', '.join(missing)}")
    return tuple(left)


def _write(out: Path, database: Path, folder: Path, files: list[Path], left: tuple[str, ...]) -> None:
    named = [(DATABASE, database), *((str(path), folder / path) for path in files)]
    hashes = {name: _hash_of(path) for name, path in named}
    manifest = {"format": FORMAT, "revision": migrate.head(), "files": hashes, "left_out": list(left)}
    with tarfile.open(out, "w") as archive:
        with tempfile.NamedTemporaryFile("w", dir=out.parent, suffix=".json") as file:
            json.dump(manifest, file, indent=1)
            file.flush()
            archive.add(file.name, MANIFEST)
        for name, path in named:
            archive.add(path, name, recursive=False)


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(file: Path) -> dict[str, Any]:
    """Read an archive to its end and compare every file with the manifest, which is returned.

    `WorkspaceError` for one that is damaged, incomplete or none of ours.
    """
    try:
        with tarfile.open(file) as archive:
            manifest = _manifest(archive, file)
            hashes: dict[str, str] = manifest["files"]
            met = set()
            for member in archive:
                if member.name == MANIFEST:
                    continue
                content = archive.extractfile(member) if member.isreg() else None
                if content is None or hashes.get(member.name) != _digest(content):
                    raise _damaged(file, f"{member.name} is not what was written")
                met.add(member.name)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise _damaged(file, str(error)) from None
    if lacking := hashes.keys() - met:
        raise _damaged(file, f"{min(lacking)} is not in it")
    return manifest


def _manifest(archive: tarfile.TarFile, file: Path) -> dict[str, Any]:
    first = archive.next()
    content = archive.extractfile(first) if first is not None and first.name == MANIFEST else None
    try:
        found = json.load(content) if content is not None else {}
    except ValueError:
        found = {}
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("files"), dict):
        raise _damaged(file, "it has no manifest of ours")
    unsafe = [name for name in found["files"] if Path(name).is_absolute() or ".." in Path(name).parts]
    if unsafe or DATABASE not in found["files"]:
        raise _damaged(file, "its manifest names what no workspace has")
    return found


def _digest(content: IO[bytes]) -> str:
    digest = hashlib.sha256()
    for part in iter(lambda: content.read(FIRST), b""):
        digest.update(part)
    return digest.hexdigest()


def _damaged(file: Path, why: str) -> WorkspaceError:
    return WorkspaceError(
        f"{file} cannot be used as a backup of a workspace: {why}. Name one that `cai-studio db backup --full` wrote."
    )


def restore(file: Path, folder: Path) -> dict[str, Any]:
    """Unpack an archive as the workspace `folder`, which must not be there yet; returns its manifest.

    It is checked first, unpacked beside its place, checked for a revision that this version knows, and moved there
    whole: killed at any moment, there is no workspace or a whole one.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise WorkspaceError(f"{folder} is there and not empty; a restore writes over nothing. Name a new folder.")
    manifest = check(file)
    unfinished = folder.with_name(f"{folder.name}.part")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        with tarfile.open(file) as archive:
            for member in _wanted(archive, manifest):
                archive.extract(member, unfinished, filter="data")
        found = revision_of(unfinished / DATABASE)
        if found is None or not migrate.is_known(found):
            raise _damaged(file, f"its database has the revision {found or 'none'}, which this version does not know")
        if folder.exists():
            folder.rmdir()
        unfinished.replace(folder)
    except OSError as error:
        raise WorkspaceError(
            f"{folder} cannot be written: {error.strerror or error}. Make room there, in a folder you may write to."
        ) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return manifest


def _wanted(archive: tarfile.TarFile, manifest: dict[str, Any]) -> Iterator[tarfile.TarInfo]:
    for member in archive:
        if member.name in manifest["files"]:
            yield member


def summary(done: WorkspaceBackup) -> dict[str, Any]:
    """A backup as plain JSON values."""
    return {**asdict(done), "file": str(done.file), "left_out": list(done.left_out)}
