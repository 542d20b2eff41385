"""Runs as the pages read them: lists, one in full, its metrics and rollouts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.queries.page import PAGE, Page
from db.schema import (
    ConstitutionRow,
    ConstitutionVersionRow,
    MetricRow,
    ModelRow,
    PromptRow,
    RolloutRow,
    RunParentRow,
    RunRow,
)
from db.schema_chains import DatasetRow, RunDatasetRow

SPARSE = ("heldout_loss",)
"""Metrics that not every step has: all of their points are shown."""
ACTIVE = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run in a list."""

    id: int
    kind: str
    state: str
    seed: int
    note: str
    phase: str
    done: int
    total: int | None
    stop_requested: bool
    seconds: float
    created_at: datetime
    started_at: datetime | None

    @property
    def active(self) -> bool:
        """Waiting or running."""
        return self.state in ACTIVE

    @property
    def share(self) -> float:
        """How much is done, 0..1; 0 while the total is unknown."""
        if self.state == "done":
            return 1.0
        return min(1.0, self.done / self.total) if self.total else 0.0


@dataclass(frozen=True, slots=True)
class RunDetail:
    """One run in full."""

    line: RunLine
    config: dict[str, Any]
    result: dict[str, Any]
    error: str | None
    attempt: int
    code_revision: str
    device: str | None
    ended_at: datetime | None
    constitution: str | None
    """'name@3'."""
    parents: tuple[tuple[int, str], ...]
    """(id, kind) of each parent."""
    children: tuple[tuple[int, str], ...]
    models: tuple[tuple[int, str], ...]
    """(id, name) of each snapshot it saved."""


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One value of a training step."""

    name: str
    step: int
    value: float


@dataclass(frozen=True, slots=True)
class RolloutLine:
    """A response sampled during training."""

    step: int
    reward: float | None
    """None: nobody scored it."""
    turns: tuple[tuple[str, str], ...]
    text: str


def _line(run: RunRow) -> RunLine:
    return RunLine(
        run.id,
        run.kind,
        run.state,
        run.seed,
        run.note,
        run.phase,
        run.done,
        run.total,
        run.stop_requested,
        run.seconds,
        run.created_at,
        run.started_at,
    )


def newest_runs(session: Session, before: int | None = None, limit: int = PAGE) -> Page[RunLine]:
    """A page of runs, the newest first; `before` is the last id of the page ahead."""
    rows = select(RunRow).order_by(RunRow.id.desc()).limit(limit + 1)
    if before is not None:
        rows = rows.where(RunRow.id < before)
    found = [_line(run) for run in session.scalars(rows)]
    return Page(tuple(found[:limit]), len(found) > limit)


def active_runs(session: Session, limit: int = 200) -> list[RunLine]:
    """Running and waiting runs, the oldest first."""
    rows = select(RunRow).where(RunRow.state.in_(ACTIVE)).order_by(RunRow.id).limit(limit)
    return [_line(run) for run in session.scalars(rows)]


def runs_of(
    session: Session, kinds: tuple[str, ...], include: Iterable[int | None] = (), limit: int = PAGE
) -> list[RunLine]:
    """The newest runs of each of these kinds, and those of `include` that are of one: what a select offers."""
    ids = {run for run in include if run is not None}
    for kind in kinds:
        ids |= set(
            session.scalars(select(RunRow.id).where(RunRow.kind == kind).order_by(RunRow.id.desc()).limit(limit))
        )
    rows = select(RunRow).where(RunRow.id.in_(ids), RunRow.kind.in_(kinds)).order_by(RunRow.id.desc())
    return [_line(run) for run in session.scalars(rows)]


def run_lines(session: Session, ids: tuple[int, ...]) -> list[RunLine]:
    """These runs, in order of id."""
    return [_line(run) for run in session.scalars(select(RunRow).where(RunRow.id.in_(ids)).order_by(RunRow.id))]


def run_detail(session: Session, run_id: int) -> RunDetail | None:
    """One run with its relations; None if there is none of this id."""
    run = session.get(RunRow, run_id)
    if run is None:
        return None
    return RunDetail(
        _line(run),
        dict(run.config),
        dict(run.result),
        run.error,
        run.attempt,
        run.code_revision,
        run.device,
        run.ended_at,
        version_name(session, run.constitution_version_id),
        _related(session, RunParentRow.parent_id, RunParentRow.run_id, run_id),
        _related(session, RunParentRow.run_id, RunParentRow.parent_id, run_id),
        _models(session, run_id),
    )


def _models(session: Session, run_id: int) -> tuple[tuple[int, str], ...]:
    rows = select(ModelRow.id, ModelRow.name).where(ModelRow.run_id == run_id).order_by(ModelRow.id)
    return tuple((row.id, row.name) for row in session.execute(rows))


def _related(session: Session, wanted: Any, given: Any, run_id: int) -> tuple[tuple[int, str], ...]:
    rows = select(RunRow.id, RunRow.kind).join(RunParentRow, wanted == RunRow.id).where(given == run_id)
    return tuple((row.id, row.kind) for row in session.execute(rows.order_by(RunRow.id)))


def version_name(session: Session, version_id: int | None) -> str | None:
    """'name@3' of a version of a constitution."""
    rows = (
        select(ConstitutionRow.name, ConstitutionVersionRow.number)
        .join(ConstitutionVersionRow, ConstitutionVersionRow.constitution_id == ConstitutionRow.id)
        .where(ConstitutionVersionRow.id == version_id)
    )
    found = session.execute(rows).first()
    return f"{found.name}@{found.number}" if found else None


def metrics(session: Session, run_id: int, points: int = 400) -> list[MetricPoint]:
    """A run's curves, thinned to about `points` steps each."""
    last = session.scalar(select(func.max(MetricRow.step)).where(MetricRow.run_id == run_id)) or 0
    every = max(1, last // points)
    rows = (
        select(MetricRow.name, MetricRow.step, MetricRow.value)
        .where(
            MetricRow.run_id == run_id,
            (MetricRow.step % every == 0) | (MetricRow.step == last) | MetricRow.name.in_(SPARSE),
        )
        .order_by(MetricRow.name, MetricRow.step)
    )
    return [MetricPoint(row.name, row.step, row.value) for row in session.execute(rows)]


def rollouts(session: Session, run_id: int, limit: int = 12) -> list[RolloutLine]:
    """The newest responses sampled during training."""
    rows = (
        select(RolloutRow.step, RolloutRow.reward, RolloutRow.text, PromptRow.turns)
        .join(PromptRow, PromptRow.id == RolloutRow.prompt_id)
        .where(RolloutRow.run_id == run_id)
        .order_by(RolloutRow.step.desc(), RolloutRow.position)
        .limit(limit)
    )
    return [RolloutLine(row.step, row.reward, turns_of(row.turns), row.text) for row in session.execute(rows)]


def turns_of(turns: list[Any]) -> tuple[tuple[str, str], ...]:
    """Stored turns as (role, text)."""
    return tuple((str(turn["role"]), str(turn["content"])) for turn in turns)


def seconds_of_last_loop(session: Session) -> float | None:
    """Time at work of the newest finished battles run with all its ancestors; None if none finished."""
    last = session.scalar(
        select(RunRow.id).where(RunRow.kind == "battles", RunRow.state == "done").order_by(RunRow.id.desc()).limit(1)
    )
    if last is None:
        return None
    ids = ancestors(session, last) | {last}
    return session.scalar(select(func.sum(RunRow.seconds)).where(RunRow.id.in_(ids)))


def ancestors(session: Session, run_id: int) -> set[int]:
    """Every run that this one reads from, itself or through a dataset, at any distance."""
    found: set[int] = set()
    ahead = {run_id}
    while ahead:
        rows = set(session.scalars(select(RunParentRow.parent_id).where(RunParentRow.run_id.in_(ahead))))
        frozen = select(DatasetRow.counts).join(RunDatasetRow).where(RunDatasetRow.run_id.in_(ahead))
        ahead = rows.union(*(counts["runs"] for counts in session.scalars(frozen))) - found
        found |= ahead
    return found
