"""Files of what is being removed: moved aside before the rows go, deleted after, put right after a kill.

Beside each lies what it was and whose. While its owner is still in the database, the removal was not committed and
the files go back to their place; else they are what a removal left, and go.
"""

import json
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select

from cai_core.errors import WorkspaceError
from cai_core.store.locks import exclusive
from db.schema import ModelRow, RunRow
from db.session import reading

ASIDE, LOCK, NOTE, KEPT = ".removed", ".removing.lock", "what.json", "files"


@dataclass(frozen=True, slots=True)
class Owned:
    """A file or folder of the workspace, and the run (by uid) or model (by name) whose it is."""

    path: Path
    """Relative to the workspace."""
    owner: str
    """'run' or 'model'."""
    name: str


def set_aside(folder: Path, owned: Iterable[Owned]) -> list[Path]:
    """Move files out of their places; where one cannot be moved, all go back and `WorkspaceError` says why."""
    moved: list[Path] = []
    try:
        for one in owned:
            if (folder / one.path).exists():
                moved.append(_move(folder, one))
    except OSError as error:
        for place in moved:
            _put_back(folder, place)
        raise WorkspaceError(
            f"{error.filename} cannot be moved: {error.strerror}. Nothing was removed. Make the folder {folder} one "
            "that you may write to, with some room."
        ) from None
    return moved


def _move(folder: Path, one: Owned) -> Path:
    place = folder / ASIDE / uuid.uuid4().hex
    place.mkdir(parents=True)
    (place / NOTE).write_text(json.dumps({"path": str(one.path), "owner": one.owner, "name": one.name}))
    (folder / one.path).rename(place / KEPT)
    return place


def put_back(folder: Path, places: Iterable[Path]) -> None:
    """Move files back to where they were."""
    for place in places:
        _put_back(folder, place)


def _put_back(folder: Path, place: Path) -> None:
    note = json.loads((place / NOTE).read_text())
    there = folder / note["path"]
    if (place / KEPT).exists() and not there.exists():
        there.parent.mkdir(parents=True, exist_ok=True)
        (place / KEPT).rename(there)
    shutil.rmtree(place, ignore_errors=True)


def discard(places: Iterable[Path]) -> None:
    """Delete what was set aside; what cannot be deleted now goes at a later start."""
    for place in places:
        shutil.rmtree(place / KEPT, ignore_errors=True) if (place / KEPT).is_dir() else (place / KEPT).unlink(True)
        if not (place / KEPT).exists():
            shutil.rmtree(place, ignore_errors=True)


def clean(folder: Path, engine: Engine) -> int:
    """Put right what a killed removal left: files of owners that are still here go back, the others go. How many."""
    if not (folder / ASIDE).is_dir():
        return 0
    done = 0
    with exclusive(folder / LOCK, wait=False) as alone:
        places = sorted((folder / ASIDE).iterdir()) if alone else []
        for place in places:
            done += 1
            if not (place / NOTE).is_file() or not (place / KEPT).exists():
                shutil.rmtree(place, ignore_errors=True)  # killed before the move, or after the deletion
            elif _lives(engine, json.loads((place / NOTE).read_text())):
                _put_back(folder, place)
            else:
                discard([place])
    return done


def _lives(engine: Engine, note: dict[str, str]) -> bool:
    if note["owner"] == "model":
        found = select(ModelRow.id).where(ModelRow.name == note["name"])
    else:
        found = select(RunRow.id).where(RunRow.uid == note["name"])
    with reading(engine) as session:
        return session.scalar(found) is not None
