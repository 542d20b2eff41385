"""Runs of a constitution's cases: which one stands for a version, and which one it is compared with.

A version's run is its newest that is done, or else its newest that has results. It is compared with the nearest earlier
version that has one, there with the newest that asked the same models in the same way, if there is such a run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.queries.runs import ACTIVE
from db.schema import ConstitutionRow, ConstitutionVersionRow, RunRow

RUNS = 500
"""The newest runs of a constitution's cases that are looked at."""
NOT_COMPARED = ("constitution", "width")
"""Settings that may differ between two runs that asked in the same way."""


@dataclass(frozen=True, slots=True)
class CasesRun:
    """A cases run."""

    id: int
    version: int
    """Number of the version that it tried."""
    state: str
    model: str
    judge: str
    seed: int
    asked: tuple[tuple[str, Any], ...]
    """All that decides what is asked, but for the version."""
    results: int
    at: datetime
    """When it ended, or else was enqueued."""

    @property
    def active(self) -> bool:
        """Waiting or running."""
        return self.state in ACTIVE


def cases_runs(session: Session, constitution: str) -> list[CasesRun]:
    """The cases runs of a constitution, the newest first."""
    columns = (RunRow.id, RunRow.state, RunRow.seed, RunRow.config, RunRow.done, RunRow.created_at, RunRow.ended_at)
    chosen = (
        select(ConstitutionVersionRow.number, *columns)
        .join(ConstitutionVersionRow, ConstitutionVersionRow.id == RunRow.constitution_version_id)
        .join(ConstitutionRow, ConstitutionRow.id == ConstitutionVersionRow.constitution_id)
        .where(RunRow.kind == "cases", ConstitutionRow.name == constitution)
    )
    return [_run(row) for row in session.execute(chosen.order_by(RunRow.id.desc()).limit(RUNS))]


def _run(row: Any) -> CasesRun:
    config = {**row.config, "judge": row.config["judge"] or row.config["model"]}
    asked = {name: value for name, value in config.items() if name not in NOT_COMPARED}
    return CasesRun(
        row.id,
        row.number,
        row.state,
        config["model"],
        config["judge"],
        row.seed,
        (*sorted(asked.items()), ("seed", row.seed)),
        row.done,
        row.ended_at or row.created_at,
    )


def run_of_version(runs: Iterable[CasesRun], number: int) -> CasesRun | None:
    """The run that stands for a version; `runs` come newest first."""
    own = [run for run in runs if run.version == number]
    done = (run for run in own if run.state == "done")
    return next(done, None) or next((run for run in own if run.results), None)


def run_before(runs: Sequence[CasesRun], shown: CasesRun) -> CasesRun | None:
    """The run on an earlier version that a run is compared with; `runs` come newest first."""
    earlier = [run for run in runs if run.version < shown.version and run.state == "done"]
    if not earlier:
        return None
    nearest = max(run.version for run in earlier)
    own = [run for run in earlier if run.version == nearest]
    return next((run for run in own if run.asked == shown.asked), own[0])


def constitution_of_run(session: Session, run_id: int) -> str | None:
    """The constitution whose cases a run tried; None for no cases run."""
    chosen = (
        select(ConstitutionRow.name)
        .join(ConstitutionVersionRow)
        .join(RunRow, RunRow.constitution_version_id == ConstitutionVersionRow.id)
    )
    return session.scalar(chosen.where(RunRow.id == run_id, RunRow.kind == "cases"))
