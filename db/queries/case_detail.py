"""One case as its page reads it: what it says, and what it came to, run by run."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from db.queries.runs import turns_of
from db.schema import ConstitutionVersionRow, RunRow
from db.schema_authoring import CaseResultRow, CaseRow

RESULTS = 50
"""The newest results of one case that are listed."""


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """One case in full."""

    id: int
    constitution: str
    kind: str
    turns: tuple[tuple[str, str], ...]
    principle: str | None
    response_a: str | None
    response_b: str | None
    preferred: str | None
    hope: str
    author: str
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class ResultLine:
    """What a case came to in one run."""

    id: int
    run: int
    version: int
    model: str
    state: str
    p_a: float | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseOrder:
    """One order's log-probabilities, of the responses, not of the positions."""

    order: str
    logprob_a: float
    logprob_b: float
    bounded: bool


@dataclass(frozen=True, slots=True)
class ResultDetail:
    """A result in full."""

    line: ResultLine
    judge: str
    principle: str | None
    """Its slug."""
    principle_title: str | None
    response: str | None
    critique: str | None
    revision: str | None
    disagrees: bool
    error: str | None
    orders: tuple[CaseOrder, ...]


def case_detail(session: Session, case_id: int) -> CaseDetail | None:
    """One case; None if there is none of this id."""
    row = session.get(CaseRow, case_id)
    if row is None:
        return None
    return CaseDetail(
        row.id,
        row.constitution.name,
        row.kind,
        turns_of(row.turns),
        row.principle,
        row.response_a,
        row.response_b,
        row.preferred,
        row.hope,
        row.author,
        row.created_at,
        row.retired_at,
    )


def case_results(session: Session, case_id: int) -> list[ResultLine]:
    """What a case came to, the newest first."""
    chosen = _results().where(CaseResultRow.case_id == case_id).order_by(CaseResultRow.id.desc()).limit(RESULTS)
    return [_result(row, number, config) for row, number, config in session.execute(chosen)]


def case_result(session: Session, case_id: int, result_id: int) -> ResultDetail | None:
    """One result of a case in full; None if it has no such result."""
    found = session.execute(_results().where(CaseResultRow.id == result_id, CaseResultRow.case_id == case_id)).first()
    if found is None:
        return None
    row, number, config = found
    return ResultDetail(
        _result(row, number, config),
        config["judge"] or config["model"],
        None if row.principle is None else row.principle.slug,
        None if row.principle is None else row.principle.title,
        row.response,
        row.critique,
        row.revision,
        row.order_disagrees,
        row.error,
        tuple(CaseOrder(o["order"], o["logprob_a"], o["logprob_b"], o["bounded"]) for o in row.orders),
    )


def _results() -> Select[*tuple[Any, ...]]:
    return (
        select(CaseResultRow, ConstitutionVersionRow.number, RunRow.config)
        .join(RunRow, RunRow.id == CaseResultRow.run_id)
        .join(ConstitutionVersionRow, ConstitutionVersionRow.id == RunRow.constitution_version_id)
    )


def _result(row: CaseResultRow, number: int, config: dict[str, Any]) -> ResultLine:
    return ResultLine(row.id, row.run_id, number, config["model"], row.state, row.p_a, row.created_at)
