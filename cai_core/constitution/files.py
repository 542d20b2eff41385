"""Constitutions' files beside the database: how a file stands to its versions, and how a version gets into its file.

Nothing is remembered about a file. It is read, hashed and compared with the hashes of its constitution's versions: a
file that somebody edited, moved or put back from a backup is told apart from one that a newer version has left behind.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from cai_core.constitution.load import constitution_hash, dump_constitution, load_constitution, parse_constitution
from cai_core.constitution.splice import spliced
from cai_core.errors import ConstitutionError
from cai_core.types import Constitution

SUFFIXES = (".yaml", ".yml")


class FileState(StrEnum):
    """How a constitution's file stands to its versions in the database."""

    SAME = "same"
    """It says what the newest version says."""
    FILE_CHANGED = "file_changed"
    """It says what no version says: it was edited on disk, and can be saved as a new version."""
    DATABASE_NEWER = "database_newer"
    """It says what an older version said: the newest can be written to it."""
    ONLY_FILE = "only_file"
    """The database has no constitution of its name."""
    ONLY_DATABASE = "only_database"
    """No file holds it."""
    UNREADABLE = "unreadable"
    """It cannot be used; `error` says why."""


@dataclass(frozen=True, slots=True)
class FileStatus:
    """One constitution, its file and how they stand to each other."""

    path: Path | None
    """None: there is no file."""
    name: str
    """The constitution's; of a file that cannot be read, the file's own name."""
    state: FileState
    ref: str | None = None
    """The newest version in the database, 'name@3'; None: there is none."""
    of: str | None = None
    """The newest version that says what the file says, 'name@2'; None: none does."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file as it was read."""

    path: Path
    name: str
    hash: str = ""
    """Of its content; empty where it cannot be read."""
    error: str = ""


def find_files(folders: Iterable[Path]) -> list[FoundFile]:
    """The constitutions' files in some folders, by name. Of two folders with the same name the later one's counts."""
    found: dict[str, FoundFile] = {}
    unreadable = []
    for folder in folders:
        here: dict[str, FoundFile] = {}
        for path in constitution_paths(folder):
            file = _read(path)
            if file.error:
                unreadable.append(file)
            elif file.name in here:
                error = (
                    f"{path} holds constitution {file.name!r}, as {here[file.name].path.name} does; rename one of them"
                )
                unreadable.append(FoundFile(path, path.name, error=error))
            else:
                here[file.name] = file
        found.update(here)
    return sorted([*found.values(), *unreadable], key=lambda file: (file.name, str(file.path)))


def constitution_paths(folder: Path) -> list[Path]:
    """The YAML files of a folder, in order; none where there is no folder."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())
    except OSError:
        return []


def status_of(file: FoundFile, hashes: Sequence[str]) -> FileStatus:
    """How a file stands to the versions whose hashes these are, the first version's first."""
    if file.error:
        return FileStatus(file.path, file.name, FileState.UNREADABLE, error=file.error)
    if not hashes:
        return FileStatus(file.path, file.name, FileState.ONLY_FILE)
    newest = f"{file.name}@{len(hashes)}"
    numbers = [number for number, one in enumerate(hashes, 1) if one == file.hash]
    of = f"{file.name}@{numbers[-1]}" if numbers else None
    state = FileState.SAME if of == newest else FileState.DATABASE_NEWER if of else FileState.FILE_CHANGED
    return FileStatus(file.path, file.name, state, newest, of)


def updated_text(old_text: str | None, constitution: Constitution) -> str:
    """The constitution's YAML, with what the old text says beside it: comments, order of keys, quotes, line breaks.

    Lines of what did not change stay as they are. Where the old text cannot be kept, it is written plainly.
    """
    text = None if old_text is None else spliced(old_text, constitution)
    if text is not None:
        with suppress(ConstitutionError):
            if parse_constitution(text, where="the file") == constitution:
                return text
    return dump_constitution(constitution)


def write_file(path: Path, constitution: Constitution) -> None:
    """Write a constitution to its file, whole or not at all; a file that holds another one is refused."""
    path = path.resolve()
    old = _old_text(path, constitution)
    text = updated_text(old, constitution)
    if text == old:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ConstitutionError(
            f"{path} cannot be written: {why}. A constitution's file lies in a folder you may write to, on a disk with "
            "room; name another, or make room."
        ) from None
    _read_at.cache_clear()


def file_name(name: str) -> str:
    """The file name for a constitution that has no file yet: its own name, without what a file system trips over."""
    plain = re.sub(r'[\x00-\x1f:*?"<>|/\\]', "-", name).strip(" .") or "constitution"
    while len(plain.encode()) > 200:
        plain = plain[:-1]
    return f"{plain}.yaml"


def _read(path: Path) -> FoundFile:
    """A file, read anew only if it was written since."""
    try:
        found = path.stat()
    except OSError as error:
        return FoundFile(path, path.name, error=f"{path} cannot be read ({error.strerror}); check its permissions")
    return _read_at(path, found.st_mtime_ns, found.st_size, found.st_ino)


@lru_cache(maxsize=1000)
def _read_at(path: Path, *_stamp: int) -> FoundFile:
    try:
        constitution = load_constitution(path)
    except ConstitutionError as error:
        return FoundFile(path, path.name, error=str(error))
    return FoundFile(path, constitution.name, constitution_hash(constitution))


def _old_text(path: Path, constitution: Constitution) -> str | None:
    """What stands in the file now; None: there is no file."""
    if not path.exists():
        return None
    try:
        name = load_constitution(path).name
    except ConstitutionError as error:
        raise ConstitutionError(
            f"{path} is not overwritten, because it is no constitution's file: {error}. Mend or move it, or name "
            "another file."
        ) from None
    if name != constitution.name:
        raise ConstitutionError(
            f"{path} is not overwritten: it holds constitution {name!r}, not {constitution.name!r}. Name another file."
        )
    return path.read_bytes().decode("utf-8-sig")


def _replace(path: Path, text: str) -> None:
    """Beside its place first, then moved there: killed half way, the old file stands."""
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def by_name(files: Iterable[FoundFile]) -> Mapping[str, FoundFile]:
    """The readable files by their constitution's name."""
    return {file.name: file for file in files if not file.error}
