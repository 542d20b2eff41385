"""Runs that wait for nothing that will come: what they read from has failed, was lost or was stopped."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from db.schema import RunParentRow, RunRow

ENDED = ("failed", "lost", "stopped")
"""Ended without being done: what reads from such a run waits until somebody resumes it."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A run that others wait for and that does not go on by itself."""

    run: int
    state: str


def blocked(session: Session) -> dict[int, Blocker]:
    """Each waiting run that cannot start, and the run that holds it up, be it a parent or further back."""
    child, parent = aliased(RunRow), aliased(RunRow)
    rows = (
        select(child.id, parent.id, parent.state)
        .join(RunParentRow, RunParentRow.run_id == child.id)
        .join(parent, parent.id == RunParentRow.parent_id)
        .where(child.state == "waiting", parent.state != "done")
        .order_by(child.id, parent.id)
    )
    found: dict[int, Blocker] = {}
    # A parent is older than its child, so that in order of id it has been looked at before.
    for run, parent_id, state in session.execute(rows):
        reason = Blocker(parent_id, state) if state in ENDED else found.get(parent_id)
        if reason:
            found.setdefault(run, reason)
    return found
