"""Datasets as the pages read them: the newest in a list, and one with what used it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.schema import ModelRow
from db.schema_chains import DatasetRow, RunDatasetRow

LISTED = 200
"""Most datasets that a list or a select offers, the newest."""


@dataclass(frozen=True, slots=True)
class DatasetLine:
    """A dataset in a list."""

    id: int
    name: str
    hash: str
    author: str
    created_at: datetime
    recipe: dict[str, Any]
    counts: dict[str, Any]
    """See `cai_core.store.dataset_rows.choose`."""


@dataclass(frozen=True, slots=True)
class DatasetUse:
    """What was made of a dataset: a run, and the models that it saved."""

    run: int
    models: tuple[tuple[int, str], ...]


def datasets(session: Session) -> list[DatasetLine]:
    """The datasets, the newest first."""
    return [_line(row) for row in session.scalars(select(DatasetRow).order_by(DatasetRow.id.desc()).limit(LISTED))]


def dataset_names(session: Session) -> list[str]:
    """Their names, the newest first."""
    return list(session.scalars(select(DatasetRow.name).order_by(DatasetRow.id.desc()).limit(LISTED)))


def dataset(session: Session, dataset_id: int) -> DatasetLine | None:
    """One; None if there is none of this id."""
    row = session.get(DatasetRow, dataset_id)
    return None if row is None else _line(row)


def _line(row: DatasetRow) -> DatasetLine:
    return DatasetLine(row.id, row.name, row.hash, row.author, row.created_at, dict(row.recipe), dict(row.counts))


def dataset_uses(session: Session, dataset_id: int) -> list[DatasetUse]:
    """The runs that train on it, in order."""
    rows = (
        select(RunDatasetRow.run_id, ModelRow.id, ModelRow.name)
        .outerjoin(ModelRow, ModelRow.run_id == RunDatasetRow.run_id)
        .where(RunDatasetRow.dataset_id == dataset_id)
        .order_by(RunDatasetRow.run_id, ModelRow.id)
    )
    found: dict[int, list[tuple[int, str]]] = {}
    for run, model, name in session.execute(rows):
        found.setdefault(run, []).extend([] if model is None else [(model, name)])
    return [DatasetUse(run, tuple(models)) for run, models in found.items()]
