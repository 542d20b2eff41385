"""Values of training steps."""

from collections.abc import Iterable

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from cai_core.types import StepMetrics
from db.schema import MetricRow


def add(session: Session, run_id: int, steps: Iterable[StepMetrics]) -> None:
    """Save steps; one that a resumed trainer took again replaces what it reported before."""
    steps = list(steps)
    session.execute(
        delete(MetricRow).where(MetricRow.run_id == run_id, MetricRow.step.in_([metrics.step for metrics in steps]))
    )
    rows = [
        {"run_id": run_id, "name": name, "step": metrics.step, "value": float(value)}
        for metrics in steps
        for name, value in metrics.values.items()
        if value == value  # a NaN cannot be stored, and says nothing
    ]
    if rows:
        session.execute(insert(MetricRow), rows)
