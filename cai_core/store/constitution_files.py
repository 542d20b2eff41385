"""The constitutions' files and the versions in the database, side by side: what differs, and one written to the other.

Two folders are looked at: `constitutions/` as shipped, and `constitutions/` in the workspace, whose files come first.
"""

import os
from collections import defaultdict
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.constitution.files import (
    FileState,
    FileStatus,
    FoundFile,
    by_name,
    file_name,
    find_files,
    status_of,
    write_file,
)
from cai_core.constitution.load import load_constitution
from cai_core.errors import ConstitutionError
from cai_core.store import constitutions, shipped
from db.schema import ConstitutionRow, ConstitutionVersionRow


def statuses(session: Session, workspace_folder: Path) -> list[FileStatus]:
    """Every constitution of the files and of the database, by name, and how the two stand to each other."""
    files = _files(workspace_folder)
    hashes = _hashes(session)
    found = [status_of(file, hashes.get(file.name, [])) for file in files]
    known = set(by_name(files))
    alone = [
        FileStatus(None, name, FileState.ONLY_DATABASE, f"{name}@{len(versions)}")
        for name, versions in hashes.items()
        if name not in known
    ]
    return sorted([*found, *alone], key=lambda status: (status.name, str(status.path)))


def status(session: Session, workspace_folder: Path, name: str) -> FileStatus | None:
    """How one constitution's file stands to its versions; None: neither is there."""
    file = by_name(_files(workspace_folder)).get(name)
    hashes = _hashes(session, name).get(name, [])
    if file is not None:
        return status_of(file, hashes)
    return FileStatus(None, name, FileState.ONLY_DATABASE, f"{name}@{len(hashes)}") if hashes else None


def save_from_file(session: Session, path: Path, author: str, message: str = "") -> str:
    """Save what a file says as the next version of the constitution that it names; return 'name@3'.

    What the newest version says already makes no new one.
    """
    constitution = load_constitution(path)
    constitutions.save_version(session, constitution, author=author, message=message or f"From {path.name}.")
    return f"{constitution.name}@{constitutions.version_row(session, constitution.name).number}"


def write_version(session: Session, ref: str, workspace_folder: Path, *, overwrite: bool = False) -> Path:
    """Write the version 'name' (its newest) or 'name@3' to the constitution's file; return where that is.

    A file with edits that no version holds is only written over if `overwrite` says so: else they would be lost.
    """
    _, constitution = constitutions.load_version(session, ref)
    found = status(session, workspace_folder, constitution.name)
    if found is not None and found.state is FileState.FILE_CHANGED and not overwrite:
        raise ConstitutionError(
            f"{found.path} holds edits that no version of {constitution.name!r} has; writing {ref} to it would lose "
            "them. Save the file as a version first, or say that it may be overwritten."
        )
    path = target(found, workspace_folder, constitution.name)
    write_file(path, constitution)
    return path


def _files(workspace_folder: Path) -> list[FoundFile]:
    return find_files([shipped.CONSTITUTIONS, workspace_folder / "constitutions"])


def _hashes(session: Session, name: str | None = None) -> dict[str, list[str]]:
    """The hashes of each constitution's versions, the first version's first."""
    chosen = select(ConstitutionRow.name, ConstitutionVersionRow.hash).join(ConstitutionVersionRow)
    if name is not None:
        chosen = chosen.where(ConstitutionRow.name == name)
    hashes = defaultdict(list)
    for found, digest in session.execute(chosen.order_by(ConstitutionRow.name, ConstitutionVersionRow.number)):
        hashes[found].append(digest)
    return dict(hashes)


def target(found: FileStatus | None, workspace_folder: Path, name: str) -> Path:
    """Where a version is written: the constitution's own file, or one in the workspace where it has none to write."""
    path = found.path if found is not None else None
    if path is not None and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK):
        return path
    return workspace_folder / "constitutions" / file_name(name)
