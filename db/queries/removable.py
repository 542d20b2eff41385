"""What can be removed, for a select: the newest first."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.schema import ModelRow, RunRow
from db.schema_chains import DatasetRow

OFFERED = 500


def removable(session: Session, kind: str) -> list[tuple[int, str]]:
    """Id and name of each run, model or dataset."""
    if kind == "run":
        rows = select(RunRow.id, RunRow.kind, RunRow.state, RunRow.note).order_by(RunRow.id.desc()).limit(OFFERED)
        return [
            (run, " · ".join(part for part in (f"Run {run}", stage, state, note) if part))
            for run, stage, state, note in session.execute(rows)
        ]
    table = ModelRow if kind == "model" else DatasetRow
    named = select(table.id, table.name).order_by(table.id.desc()).limit(OFFERED)
    return [(row_id, name) for row_id, name in session.execute(named)]
