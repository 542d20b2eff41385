"""Scores: what a judge makes of the texts of chains, one a round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, load_only, selectinload

from cai_core.store import prompts
from cai_core.store.rows import Read
from cai_core.types import Prompt, RowState, Score
from db.schema_chains import ChainRow, RevisionRow, ScoreRow


@dataclass(frozen=True, slots=True)
class Unscored:
    """A text of a chain that has no score of a run yet."""

    chain: int
    """The chain's row id."""
    prompt: Prompt
    sample: int
    round: int
    """0: the initial response."""
    text: str | None
    """None: there is no response, `state` and `error` say why."""
    initial: str | None
    """The initial response, whatever the round."""
    state: RowState
    error: str | None


def chains_of(session: Session, chains_run: int) -> list[int]:
    """Row ids of the chains that are scored: all that the run itself made."""
    made = (ChainRow.run_id == chains_run, ChainRow.branch == 0)
    return list(session.scalars(select(ChainRow.id).where(*made).order_by(ChainRow.id)))


def count_texts(session: Session, chains_run: int) -> int:
    """How many texts those chains have, initial responses that failed included."""
    made = (ChainRow.run_id == chains_run, ChainRow.branch == 0)
    rounds = select(func.count()).select_from(RevisionRow).join(ChainRow, ChainRow.id == RevisionRow.chain_id)
    first = select(func.count()).select_from(ChainRow)
    return (session.scalar(first.where(*made)) or 0) + (session.scalar(rounds.where(*made)) or 0)


def count_done(session: Session, run_id: int) -> int:
    """How many texts a run has scored."""
    return session.scalar(select(func.count()).select_from(ScoreRow).where(ScoreRow.run_id == run_id)) or 0


def unscored(run_id: int) -> Read[Unscored]:
    """Reads chains by their ids: their texts that this run has not scored at that moment."""

    def read(session: Session, ids: Sequence[int]) -> list[Unscored]:
        scored = select(ScoreRow.chain_id, ScoreRow.round)
        scored = scored.where(ScoreRow.run_id == run_id, ScoreRow.chain_id.in_(ids))
        done = {(chain, round) for chain, round in session.execute(scored)}
        whole = select(ChainRow).where(ChainRow.id.in_(ids)).order_by(ChainRow.id)
        texts = selectinload(ChainRow.revisions).options(load_only(RevisionRow.round, RevisionRow.revision))
        rows = session.scalars(whole.options(selectinload(ChainRow.prompt), texts))
        return [text for row in rows for text in _texts(row) if (text.chain, text.round) not in done]

    return read


def _texts(row: ChainRow) -> list[Unscored]:
    prompt, state = prompts.to_noun(row.prompt), RowState(row.state)
    said = [(0, row.response), *((one.round, one.revision) for one in row.revisions)]
    return [Unscored(row.id, prompt, row.sample, number, text, row.response, state, row.error) for number, text in said]


def save(session: Session, run_id: int, chain: int, round: int, score: Score, principle_ids: Mapping[str, int]) -> bool:
    """Save a text's score; False, and nothing done, if the run already has it."""
    key = (ScoreRow.run_id == run_id, ScoreRow.chain_id == chain, ScoreRow.round == round)
    if session.scalar(select(ScoreRow.id).where(*key)) is not None:
        return False
    row = ScoreRow(run_id=run_id, chain_id=chain, round=round, state=score.state.value, value=score.value)
    row.principle_id = None if score.principle is None else principle_ids[score.principle.uid]
    row.verdict, row.error = score.verdict, score.error
    session.add(row)
    return True


def facts(session: Session, run_id: int) -> dict[str, Any]:
    """A scores run's result: texts by state, and how many of those judged have no value."""
    counted = select(ScoreRow.state, func.count(), func.count(ScoreRow.value)).where(ScoreRow.run_id == run_id)
    found = session.execute(counted.group_by(ScoreRow.state)).all()
    states = {state: count for state, count, _ in found}
    untold = sum(count - valued for state, count, valued in found if state == RowState.DONE)
    return {"rows": sum(states.values()), "states": states, "untold": untold}
