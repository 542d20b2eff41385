"""Runs: their rows, parents and results."""

import subprocess
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.errors import RunError
from cai_core.types import RunKind, RunState
from db.schema import RunParentRow, RunRow


def add(
    session: Session,
    *,
    kind: RunKind,
    config: Mapping[str, Any],
    seed: int,
    parents: Sequence[int],
    constitution_version_id: int | None,
    note: str = "",
) -> RunRow:
    """Add a waiting run. Its code revision is that of the process that takes it up."""
    row = RunRow(uid=uuid.uuid4().hex, kind=kind.value, config=dict(config), seed=seed, note=note)
    row.constitution_version_id, row.code_revision = constitution_version_id, ""
    row.parents = [RunParentRow(parent_id=parent) for parent in dict.fromkeys(parents)]
    session.add(row)
    session.flush()
    return row


def get(session: Session, run_id: int) -> RunRow:
    """A run's row."""
    row = session.get(RunRow, run_id)
    if row is None:
        raise RunError(f"there is no run {run_id} in this workspace. `cai-studio runs list` shows those there are.")
    return row


def parents(session: Session, run_id: int) -> list[RunRow]:
    """The runs that a run reads from."""
    chosen = select(RunRow).join(RunParentRow, RunParentRow.parent_id == RunRow.id)
    return list(session.scalars(chosen.where(RunParentRow.run_id == run_id).order_by(RunRow.id)))


def parent(session: Session, run_id: int, kind: RunKind) -> RunRow | None:
    """The newest parent of a kind, if there is one."""
    return next((row for row in reversed(parents(session, run_id)) if row.kind == kind), None)


def held_up_by(session: Session, run_id: int) -> RunRow | None:
    """The run that a waiting run waits for in vain: one of its ancestors that ended without being done."""
    for found in parents(session, run_id):
        if found.state == RunState.WAITING:
            found = held_up_by(session, found.id) or found
        if found.state in (RunState.STOPPED, RunState.FAILED, RunState.LOST):
            return found
    return None


def newest(session: Session, limit: int) -> list[RunRow]:
    """The newest runs first."""
    return list(session.scalars(select(RunRow).order_by(RunRow.id.desc()).limit(limit)))


def summary(row: RunRow) -> dict[str, Any]:
    """A run as plain JSON values, for the command line."""
    version = row.constitution_version
    names = ("id", "uid", "kind", "state", "seed", "note", "done", "total", "phase", "error", "attempt", "device")
    return {
        **{name: getattr(row, name) for name in names},
        "constitution": None if version is None else f"{version.constitution.name}@{version.number}",
        "parents": [link.parent_id for link in row.parents],
        "seconds": row.seconds,
        "code_revision": row.code_revision,
        "created_at": row.created_at.isoformat(),
        "started_at": row.started_at and row.started_at.isoformat(),
        "ended_at": row.ended_at and row.ended_at.isoformat(),
        "config": row.config,
        "result": row.result,
    }


def progress(summed: Mapping[str, Any]) -> str:
    """How far a run is, in words."""
    total = "" if summed["total"] is None else f" of {summed['total']}"
    return f"{summed['done']}{total} {summed['phase']}".strip()


@cache
def code_revision() -> str:
    """The commit of the code, marked '+' if it was changed since; else the installed version."""
    folder = Path(__file__).parents[2]
    try:
        if not (folder / ".git").exists():
            return version("cai-studio")
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError, PackageNotFoundError):
        return "unknown"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
