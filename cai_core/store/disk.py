"""What takes the disk: files of the workspace by kind and run, the database by table."""

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from cai_core.store.backups import DATABASE
from cai_core.store.leftovers import ASIDE
from cai_core.store.workspace import Workspace
from db.schema import RunRow

KINDS = ("database", "adapters", "checkpoints", "logs", "exports", "backups", "being removed", "other")
_RUN = re.compile(r"run-(\d+)[-.]")


@dataclass(frozen=True, slots=True)
class RunUse:
    """What a run's files take."""

    run: int
    kind: str | None
    """Stage of the run; None: there is no such run any more, as after a restored database."""
    bytes: dict[str, int]
    """By kind of file."""

    @property
    def total(self) -> int:
        """Of all kinds."""
        return sum(self.bytes.values())


@dataclass(frozen=True, slots=True)
class DiskUse:
    """A workspace on the disk, in bytes."""

    folder: Path
    total: int
    free: int
    """Left on its disk."""
    kinds: dict[str, int]
    runs: tuple[RunUse, ...]
    """The largest first."""
    tables: dict[str, int] | None
    """Each with its indexes, the largest first; None where this SQLite does not tell."""


def disk_use(workspace: Workspace) -> DiskUse:
    """Measure the workspace's folder and its database."""
    kinds: dict[str, int] = dict.fromkeys(KINDS, 0)
    by_run: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for path, size in _files(workspace.folder):
        parts = path.relative_to(workspace.folder).parts
        kind = _kind(parts)
        kinds[kind] += size
        if kind in ("adapters", "checkpoints", "logs") and (named := _RUN.match(parts[1])):
            by_run[int(named[1])][kind] += size
    with workspace.reading() as session:
        stages = dict(iter(session.execute(select(RunRow.id, RunRow.kind))))
        tables = _tables(session)
    runs = [RunUse(run, stages.get(run), dict(sizes)) for run, sizes in by_run.items()]
    ranked = tuple(sorted(runs, key=lambda one: (-one.total, one.run)))
    free = shutil.disk_usage(workspace.folder).free
    return DiskUse(workspace.folder, sum(kinds.values()), free, kinds, ranked, tables)


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Every file and its size; what vanishes meanwhile, as a worker's may, is left out. Links are not followed."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            try:
                yield path, path.lstat().st_size
            except FileNotFoundError:
                continue


def _kind(parts: tuple[str, ...]) -> str:
    if len(parts) == 1:
        return "database" if parts[0].startswith(DATABASE) else "other"
    if parts[0] == "adapters":
        return "checkpoints" if any("checkpoint" in part for part in parts[2:-1]) else "adapters"
    if parts[0] == ASIDE:
        return "being removed"
    return parts[0] if parts[0] in KINDS else "other"


def _tables(session: Session) -> dict[str, int] | None:
    """Bytes of the pages of each table with its indexes, and of each search index with what belongs to it."""
    pages = text(
        "SELECT m.tbl_name, SUM(s.pgsize) FROM dbstat s JOIN sqlite_schema m ON m.name = s.name "
        "WHERE s.aggregate = TRUE GROUP BY m.tbl_name ORDER BY 2 DESC"
    )
    try:
        found = session.execute(pages).all()
    except OperationalError:
        return None  # built without dbstat
    sizes: dict[str, int] = defaultdict(int)
    for table, size in found:
        sizes[re.sub(r"^(\w+_search)_\w+$", r"\1", table)] += size
    return dict(sorted(sizes.items(), key=lambda one: -one[1]))


def in_words(size: int) -> str:
    """'640 bytes', '12.3 MB'."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return f"{size} bytes"
