"""Chains: a prompt's response and its rounds."""

from collections.abc import Iterator, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from cai_core.store import constitutions, prompts
from cai_core.types import Chain, Round, RowState
from db.schema import ChainRow, PromptRow, RevisionRow


def save(session: Session, run_id: int, prompt_id: int, chain: Chain, principle_ids: Mapping[str, int]) -> bool:
    """Save a finished chain whole; False, and nothing done, if the run already has it."""
    key = (ChainRow.run_id == run_id, ChainRow.prompt_id == prompt_id, ChainRow.sample == chain.sample)
    if session.scalar(select(ChainRow.id).where(*key)) is not None:
        return False
    row = ChainRow(run_id=run_id, prompt_id=prompt_id, sample=chain.sample, seed=chain.seed, state=chain.state.value)
    row.response, row.few_shot, row.sent, row.error = chain.response, chain.few_shot, chain.sent, chain.error
    row.revisions = [_revision(one, principle_ids) for one in chain.rounds]
    session.add(row)
    session.flush()
    return True


def _revision(one: Round, principle_ids: Mapping[str, int]) -> RevisionRow:
    return RevisionRow(
        round=one.number,
        principle_id=principle_ids[one.principle.uid],
        critique=one.critique,
        revision=one.revision,
        critique_sent=one.critique_sent,
        revision_sent=one.revision_sent,
        finished=one.finished,
    )


def done_keys(session: Session, run_id: int) -> set[tuple[str, int]]:
    """(prompt uid, sample) of the chains a run has."""
    chosen = select(PromptRow.uid, ChainRow.sample).join(ChainRow.prompt).where(ChainRow.run_id == run_id)
    return {(uid, sample) for uid, sample in session.execute(chosen)}


def of_run(session: Session, run_id: int) -> Iterator[tuple[int, Chain]]:
    """A run's chains with their row ids, in an order that does not depend on which finished first."""
    chosen = (
        select(ChainRow)
        .join(ChainRow.prompt)
        .where(ChainRow.run_id == run_id)
        .order_by(PromptRow.uid, ChainRow.sample)
        .options(selectinload(ChainRow.prompt), selectinload(ChainRow.revisions).selectinload(RevisionRow.principle))
    )
    for row in session.scalars(chosen.execution_options(yield_per=200)):
        yield row.id, to_noun(row)


def to_noun(row: ChainRow) -> Chain:
    """A row as a noun."""
    rounds = tuple(
        Round(
            one.round,
            constitutions.principle_to_noun(one.principle),
            one.critique,
            one.revision,
            one.critique_sent,
            one.revision_sent,
            one.finished,
        )
        for one in row.revisions
    )
    return Chain(
        prompt=prompts.to_noun(row.prompt),
        sample=row.sample,
        seed=row.seed,
        response=row.response,
        rounds=rounds,
        state=RowState(row.state),
        few_shot=row.few_shot,
        sent=row.sent,
        error=row.error,
    )
