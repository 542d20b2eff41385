"""Models as the pages read them, each with the chain of causes behind it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.queries.runs import ancestors, version_name
from db.schema import ModelRow, PromptRow, RunRow

LISTED = 500
"""Most models a list or a select offers, the newest."""


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A model in a list."""

    id: int
    name: str
    kind: str
    base: str
    adapter: str | None
    run: int | None
    run_kind: str | None
    step: int | None
    final: bool
    facts: dict[str, Any]
    created_at: datetime
    endpoint: dict[str, Any] | None = None
    """How a server is asked for it."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A run that a model goes back to."""

    run: int
    kind: str
    seed: int
    constitution: str | None


def models(session: Session) -> list[ModelLine]:
    """The models, the newest first."""
    rows = select(ModelRow, RunRow.kind).outerjoin(RunRow, RunRow.id == ModelRow.run_id)
    found = session.execute(rows.order_by(ModelRow.id.desc()).limit(LISTED))
    return [
        ModelLine(
            m.id,
            m.name,
            m.kind,
            m.base,
            m.adapter,
            m.run_id,
            kind,
            m.step,
            m.final,
            dict(m.facts),
            m.created_at,
            m.endpoint,
        )
        for m, kind in found
    ]


def model_names(session: Session, kind: str = "causal", *, weights: bool = False) -> list[str]:
    """Names of the models of this kind, the newest first; only those whose weights are here, if so wanted."""
    rows = select(ModelRow.name).where(ModelRow.kind == kind).order_by(ModelRow.id.desc()).limit(LISTED)
    if weights:
        rows = rows.where(ModelRow.endpoint.is_(None))
    return list(session.scalars(rows))


def causes(session: Session, run_id: int) -> list[Cause]:
    """The run that made a model and every run behind it, the first cause first."""
    ids = ancestors(session, run_id) | {run_id}
    rows = select(RunRow).where(RunRow.id.in_(ids)).order_by(RunRow.id)
    return [
        Cause(run.id, run.kind, run.seed, version_name(session, run.constitution_version_id))
        for run in session.scalars(rows)
    ]


def prompt_sources(session: Session) -> list[str]:
    """Names of the prompt sets."""
    return list(session.scalars(select(PromptRow.source).distinct().order_by(PromptRow.source)))
