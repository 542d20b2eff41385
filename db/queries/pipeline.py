"""What the home page counts: one line a stage."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.queries.runs import RunLine, active_runs, run_lines
from db.queries.waiting import Blocker, blocked
from db.schema import ComparisonRow, ConstitutionRow, ConstitutionVersionRow, LabelRow, ModelRow, RunRow
from db.schema_battles import BattleRow
from db.schema_chains import ChainRow

KINDS = ("chains", "sft", "comparisons", "labels", "pm", "rl", "battles")


@dataclass(frozen=True, slots=True)
class StageCount:
    """How much a stage made, and its newest run."""

    rows: int
    newest: RunLine | None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Counts for the whole loop."""

    constitutions: int
    versions: int
    stages: dict[str, StageCount]
    active: tuple[RunLine, ...]
    """Every running or waiting run, the oldest first."""
    blocked: dict[int, Blocker]
    """Of those, the ones that cannot start, and why."""


ROWS = {
    "chains": select(func.count(ChainRow.id)),
    "comparisons": select(func.count(ComparisonRow.id)),
    "labels": select(func.count(LabelRow.id)),
    "battles": select(func.count(BattleRow.id)),
}


def pipeline(session: Session) -> Pipeline:
    """Live counts of every stage."""
    newest = dict(iter(session.execute(select(RunRow.kind, func.max(RunRow.id)).group_by(RunRow.kind))))
    lines = {line.kind: line for line in run_lines(session, tuple(newest.values()))}
    return Pipeline(
        session.scalar(select(func.count(ConstitutionRow.id))) or 0,
        session.scalar(select(func.count(ConstitutionVersionRow.id))) or 0,
        {kind: StageCount(_rows(session, kind), lines.get(kind)) for kind in KINDS},
        tuple(active_runs(session)),
        blocked(session),
    )


def _rows(session: Session, kind: str) -> int:
    """Rows of a generating stage; snapshots of a training one."""
    made = select(func.count(ModelRow.id)).join(RunRow, RunRow.id == ModelRow.run_id).where(RunRow.kind == kind)
    return session.scalar(ROWS.get(kind, made)) or 0
