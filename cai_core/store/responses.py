"""Responses: what each model of a battles run says to each held-out prompt, and gold's verdict on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from cai_core.store import prompts
from cai_core.types import Prompt, RowState
from db.schema import ModelRow, PromptRow
from db.schema_battles import ResponseRow


@dataclass(frozen=True, slots=True)
class Response:
    """One model's answer to one prompt."""

    model: str
    prompt: Prompt
    seed: int
    state: RowState
    text: str | None
    finished: bool | None = None
    """False: cut at the token limit."""
    sent: str | None = None
    error: str | None = None
    verdict: str | None = None
    helpfulness: float | None = None
    id: int = 0
    """Row id; 0 before it is stored."""


def save(session: Session, run_id: int, model_id: int, prompt_id: int, response: Response) -> bool:
    """Save a response; False, and nothing done, if the run already has it."""
    key = (ResponseRow.run_id == run_id, ResponseRow.model_id == model_id, ResponseRow.prompt_id == prompt_id)
    if session.scalar(select(ResponseRow.id).where(*key)) is not None:
        return False
    row = ResponseRow(run_id=run_id, model_id=model_id, prompt_id=prompt_id, seed=response.seed)
    row.state, row.text, row.sent, row.error = response.state.value, response.text, response.sent, response.error
    row.finished, row.verdict, row.helpfulness = response.finished, response.verdict, response.helpfulness
    session.add(row)
    return True


def done_uids(session: Session, run_id: int, model_id: int) -> set[str]:
    """Prompts that a model has answered in a run."""
    chosen = select(PromptRow.uid).join(ResponseRow, ResponseRow.prompt_id == PromptRow.id)
    return set(session.scalars(chosen.where(ResponseRow.run_id == run_id, ResponseRow.model_id == model_id)))


def of_run(session: Session, run_id: int, models: Sequence[str]) -> dict[str, dict[str, Response]]:
    """A run's responses by model and prompt uid; prompts in the same order for every model."""
    chosen = (
        select(ResponseRow)
        .join(ResponseRow.prompt)
        .join(ResponseRow.model)
        .where(ResponseRow.run_id == run_id, ModelRow.name.in_(models))
        .order_by(PromptRow.uid)
        .options(selectinload(ResponseRow.prompt), selectinload(ResponseRow.model))
    )
    found: dict[str, dict[str, Response]] = {name: {} for name in models}
    for row in session.scalars(chosen):
        found[row.model.name][row.prompt.uid] = to_noun(row)
    return found


def to_noun(row: ResponseRow) -> Response:
    """A row as a noun."""
    return Response(
        model=row.model.name,
        prompt=prompts.to_noun(row.prompt),
        seed=row.seed,
        state=RowState(row.state),
        text=row.text,
        finished=row.finished,
        sent=row.sent,
        error=row.error,
        verdict=row.verdict,
        helpfulness=row.helpfulness,
        id=row.id,
    )
