"""Rollouts: what a policy said during RL, and its rewards."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from cai_core.types import Rollout
from db.schema import RolloutRow


def save(session: Session, run_id: int, rollouts: Sequence[Rollout], prompt_ids: Mapping[str, int]) -> None:
    """Save whole steps; a step that a resumed trainer took again replaces what it said before."""
    for step, group in groupby(sorted(rollouts, key=lambda r: r.step), key=lambda r: r.step):
        session.execute(delete(RolloutRow).where(RolloutRow.run_id == run_id, RolloutRow.step == step))
        rows = [
            {
                "run_id": run_id,
                "step": step,
                "position": position,
                "prompt_id": prompt_ids[rollout.prompt_uid],
                "text": rollout.text,
                "reward": rollout.reward,
            }
            for position, rollout in enumerate(group)
        ]
        session.execute(insert(RolloutRow), rows)
