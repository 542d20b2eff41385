"""Comparisons: two responses to one prompt."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from cai_core.store import prompts
from cai_core.types import Comparison, Prompt, PromptKind, RowState
from db.schema import ComparisonRow, PromptRow, RunRow

if TYPE_CHECKING:
    from cai_core.preferences.pairs import PairResult


@dataclass(frozen=True, slots=True)
class Stored:
    """A comparison with the names that its rows and draws go by."""

    id: int
    key: str
    """Prompt uid and sample: the same in a run of the same seed in any workspace, unlike the uid."""
    comparison: Comparison


def comparison_uid(run_uid: str, prompt_uid: str, sample: int) -> str:
    """32 hex digits that name a comparison outside its workspace."""
    return hashlib.sha256(f"{run_uid}\x1f{prompt_uid}\x1f{sample}".encode()).hexdigest()[:32]


def save(session: Session, run: RunRow, prompt: tuple[int, Prompt], model_id: int, pair: "PairResult") -> bool:
    """Save a pair; False, and nothing done, if the run already has it."""
    prompt_id, noun = prompt
    key = (ComparisonRow.run_id == run.id, ComparisonRow.prompt_id == prompt_id, ComparisonRow.sample == 0)
    if session.scalar(select(ComparisonRow.id).where(*key)) is not None:
        return False
    session.add(
        ComparisonRow(
            uid=comparison_uid(run.uid, noun.uid, 0),
            run_id=run.id,
            prompt_id=prompt_id,
            sample=0,
            model_id=model_id,
            state=pair.state.value,
            response_a=pair.response_a,
            response_b=pair.response_b,
            seed_a=pair.seed_a,
            seed_b=pair.seed_b,
            finished_a=pair.finished_a,
            finished_b=pair.finished_b,
            sent=pair.sent,
            error=pair.error,
        )
    )
    return True


def done_keys(session: Session, run_id: int) -> set[str]:
    """Prompt uids of the comparisons a run has."""
    chosen = select(PromptRow.uid).join(ComparisonRow, ComparisonRow.prompt_id == PromptRow.id)
    return set(session.scalars(chosen.where(ComparisonRow.run_id == run_id)))


def ids_of_run(session: Session, run_id: int) -> list[int]:
    """Row ids of a run's comparisons that have both responses, in an order that no finishing decides."""
    chosen = (
        select(ComparisonRow.id)
        .join(ComparisonRow.prompt)
        .where(ComparisonRow.run_id == run_id, ComparisonRow.state == RowState.DONE.value)
        .order_by(PromptRow.uid, ComparisonRow.sample)
    )
    return list(session.scalars(chosen))


def kinds(session: Session, run_id: int) -> dict[PromptKind, int]:
    """How many of a run's comparisons that have both responses are of each kind of prompt."""
    chosen = select(PromptRow.kind, func.count()).join(ComparisonRow, ComparisonRow.prompt_id == PromptRow.id)
    chosen = chosen.where(ComparisonRow.run_id == run_id, ComparisonRow.state == RowState.DONE.value)
    return {PromptKind(kind): count for kind, count in session.execute(chosen.group_by(PromptRow.kind))}


def read(session: Session, ids: Sequence[int]) -> list[Stored]:
    """Comparisons by row id, in the order of the ids."""
    chosen = select(ComparisonRow).where(ComparisonRow.id.in_(ids)).options(selectinload(ComparisonRow.prompt))
    found = {row.id: row for row in session.scalars(chosen)}
    return [Stored(i, f"{found[i].prompt.uid}/{found[i].sample}", to_noun(found[i])) for i in ids]


def was_cut(row: ComparisonRow) -> bool:
    """Whether a response is known to have been cut at the token limit."""
    return row.finished_a is False or row.finished_b is False


def count_cut(session: Session, run_id: int) -> int:
    """How many of a run's comparisons have a response that was cut."""
    either = or_(ComparisonRow.finished_a.is_(False), ComparisonRow.finished_b.is_(False))
    chosen = select(func.count()).where(ComparisonRow.run_id == run_id, either)
    return session.scalar(chosen) or 0


def to_noun(row: ComparisonRow) -> Comparison:
    """A row with both responses as a noun."""
    if row.response_a is None or row.response_b is None:
        raise ValueError(f"comparison {row.id} is {row.state}: it has not both responses")
    return Comparison(prompts.to_noun(row.prompt), row.response_a, row.response_b)
