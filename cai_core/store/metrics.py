"""Values of training steps."""

from collections.abc import Iterable

from sqlalchemy import delete, insert, select
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


def series(session: Session, run_id: int) -> dict[str, list[tuple[int, float]]]:
    """Every metric of a run as (step, value), in order."""
    chosen = select(MetricRow.name, MetricRow.step, MetricRow.value).where(MetricRow.run_id == run_id)
    found: dict[str, list[tuple[int, float]]] = {}
    for name, step, value in session.execute(chosen.order_by(MetricRow.name, MetricRow.step)):
        found.setdefault(name, []).append((step, value))
    return found
