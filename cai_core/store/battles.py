"""Battles: two responses to one prompt, judged on one axis."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.types import Axis, Outcome
from db.schema_battles import BattleRow


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged battle, with its responses' row ids."""

    axis: Axis
    prompt_id: int
    response_a_id: int
    response_b_id: int
    judge: str
    outcome: Outcome
    p_a: float | None = None
    principle_id: int | None = None
    error: str | None = None
    """Why there is no verdict."""


def save(session: Session, run_id: int, battle: Judged) -> bool:
    """Save a battle; False, and nothing done, if the run already has it."""
    key = (
        BattleRow.run_id == run_id,
        BattleRow.axis == battle.axis.value,
        BattleRow.response_a_id == battle.response_a_id,
        BattleRow.response_b_id == battle.response_b_id,
    )
    if session.scalar(select(BattleRow.id).where(*key)) is not None:
        return False
    row = BattleRow(run_id=run_id, axis=battle.axis.value, prompt_id=battle.prompt_id, judge=battle.judge)
    row.response_a_id, row.response_b_id = battle.response_a_id, battle.response_b_id
    row.outcome, row.p_a, row.principle_id = battle.outcome.value, battle.p_a, battle.principle_id
    row.error = battle.error
    session.add(row)
    return True


def done_keys(session: Session, run_id: int) -> set[tuple[Axis, int, int]]:
    """(axis, response a, response b) of the battles a run has."""
    chosen = select(BattleRow.axis, BattleRow.response_a_id, BattleRow.response_b_id)
    rows = session.execute(chosen.where(BattleRow.run_id == run_id))
    return {(Axis(axis), a, b) for axis, a, b in rows}


def of_run(session: Session, run_id: int) -> list[BattleRow]:
    """A run's battles, in the order they were judged."""
    return list(session.scalars(select(BattleRow).where(BattleRow.run_id == run_id).order_by(BattleRow.id)))
