"""Chains: a prompt's response and its rounds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased, selectinload

from cai_core.chains.critique_revision import CUT
from cai_core.chains.gates import ChainGates, chain_gates, count_words
from cai_core.chains.measures import changed, measure
from cai_core.store import constitutions, prompts
from cai_core.types import Chain, Edit, Gate, Round, RowState, chain_uid
from db import search
from db.schema import PromptRow, RunRow
from db.schema_chains import ChainRow, RevisionRow

_WHOLE = (selectinload(ChainRow.prompt), selectinload(ChainRow.revisions).selectinload(RevisionRow.principle))


def save(
    session: Session, run_id: int, prompt_id: int, chain: Chain, principle_ids: Mapping[str, int], recalled: int = 0
) -> bool:
    """Save a finished chain whole; False, and nothing done, if the run already has it.

    `recalled`: how many of its answers another run was given.
    """
    key = (ChainRow.run_id == run_id, ChainRow.prompt_id == prompt_id, ChainRow.sample == chain.sample)
    if session.scalar(select(ChainRow.id).where(*key, ChainRow.branch == chain.branch)) is not None:
        return False
    row = row_of(session.get_one(RunRow, run_id), prompt_id, chain, principle_ids, recalled)
    enter(session, [(row, chain)])
    return True


def row_of(run: RunRow, prompt_id: int, chain: Chain, principle_ids: Mapping[str, int], recalled: int = 0) -> ChainRow:
    """The row of a chain, made here or read from a file, with all that its words tell."""
    row = ChainRow(uid=chain_uid(run.uid, chain), run_id=run.id, prompt_id=prompt_id)
    row.sample, row.branch, row.recalled = chain.sample, chain.branch, recalled
    row.seed, row.state, row.author = chain.seed, chain.state.value, chain.author
    row.response, row.few_shot, row.sent, row.error = chain.response, chain.few_shot, chain.sent, chain.error
    texts = [chain.response or "", *(one.revision for one in chain.rounds)]
    row.revisions = [_revision(one, began, principle_ids) for one, began in zip(chain.rounds, texts, strict=False)]
    _measure(row, chain)
    return row


def enter(session: Session, made: Sequence[tuple[ChainRow, Chain]]) -> None:
    """Enter rows of chains that are not there yet, to be found by their words."""
    session.add_all([row for row, _ in made])
    session.flush()
    search.add(session, search.Index.CHAINS, [(row.id, search_body(chain)) for row, chain in made])


def search_body(chain: Chain) -> str:
    """The text that a chain is found by."""
    turns = prompts.turns_to_json(chain.prompt.turns)
    return search.body_of_chain(turns, chain.response, [(one.critique, one.revision) for one in chain.rounds])


def _measure(row: ChainRow, chain: Chain) -> None:
    """What the words of a chain tell, on its row and those of its rounds."""
    for name, value in facts_of(chain, found := chain_gates(chain)).items():
        setattr(row, name, value)
    # Without an initial response nothing was looked at.
    for revision, (critique, revised) in zip(row.revisions, found.rounds, strict=chain.response is not None):
        revision.critique_gates = None if critique is None else int(critique)
        revision.revision_gates = int(revised)


def facts_of(chain: Chain, found: ChainGates) -> dict[str, Any]:
    """The chain's own columns of what its words tell."""
    if chain.response is None:
        return {"gates": None, "hits": None, "words": None, "changed": None}
    last = chain.rounds[-1].revision if chain.rounds else None
    return {
        "gates": None if found.response is None else int(found.response),
        "hits": None if found.hits is None else int(found.hits),
        "words": count_words(chain.response),
        "changed": None if last is None else changed(chain.response, last),
    }


def _revision(one: Round, before: str, principle_ids: Mapping[str, int]) -> RevisionRow:
    """A round's row; `before` is the response that it began with."""
    measured = measure(before, one.critique, one.revision)
    return RevisionRow(
        round=one.number,
        principle_id=principle_ids[one.principle.uid],
        critique=one.critique,
        revision=one.revision,
        critique_sent=one.critique_sent,
        revision_sent=one.revision_sent,
        finished=one.finished,
        skipped=one.skipped,
        written=one.written,
        edited=one.edited,
        found=measured.found,
        changed=measured.changed,
        longer=measured.longer,
    )


def done_keys(session: Session, run_id: int) -> set[tuple[str, int]]:
    """(prompt uid, sample) of the chains a run has made."""
    made = (ChainRow.run_id == run_id, ChainRow.branch == 0)
    chosen = select(PromptRow.uid, ChainRow.sample).join(ChainRow.prompt).where(*made)
    return {(uid, sample) for uid, sample in session.execute(chosen)}


def find(session: Session, run_id: int, prompt_id: int, sample: int) -> Chain | None:
    """A run's chain of a prompt's sample; None if it has none."""
    key = (ChainRow.run_id == run_id, ChainRow.prompt_id == prompt_id, ChainRow.sample == sample, ChainRow.branch == 0)
    row = session.scalar(select(ChainRow).where(*key).options(*_WHOLE))
    return None if row is None else to_noun(row)


def recalled(session: Session, run_id: int) -> tuple[int, int, int]:
    """Of a run's answers, how many were taken over, and of how many; then of how many chains all were."""
    asked = 1 + func.count(RevisionRow.revision_sent) + func.count(RevisionRow.critique_sent)
    each = (
        select(ChainRow.recalled.label("taken"), asked.label("asked"))
        .outerjoin(RevisionRow, RevisionRow.chain_id == ChainRow.id)
        .where(ChainRow.run_id == run_id, ChainRow.branch == 0)
        .group_by(ChainRow.id)
        .subquery()
    )
    whole = func.count().filter(each.c.taken == each.c.asked)
    taken, total, chains = session.execute(select(func.sum(each.c.taken), func.sum(each.c.asked), whole)).one()
    return taken or 0, total or 0, chains


def pairs(session: Session, before: int, after: int) -> Iterator[tuple[Chain, Chain]]:
    """What two runs made of the same sample of the same prompt, in an order that no finishing decides."""
    one, other = aliased(ChainRow), aliased(ChainRow)
    same = and_(other.prompt_id == one.prompt_id, other.sample == one.sample, other.run_id == after)
    chosen = (
        select(one, other)
        .select_from(one)
        .join(other, same)
        .join(PromptRow, PromptRow.id == one.prompt_id)
        .where(one.run_id == before, one.branch == 0, other.branch == 0)
        .order_by(PromptRow.uid, one.sample)
        .options(*(selectinload(side.prompt) for side in (one, other)))
        .options(*(selectinload(side.revisions).selectinload(RevisionRow.principle) for side in (one, other)))
    )
    for first, second in session.execute(chosen.execution_options(yield_per=200)):
        yield to_noun(first), to_noun(second)


def of_run(session: Session, run_id: int) -> Iterator[tuple[int, Chain]]:
    """A run's chains with their row ids, in an order that does not depend on which finished first; no branches."""
    chosen = (
        select(ChainRow)
        .join(ChainRow.prompt)
        .where(ChainRow.run_id == run_id, ChainRow.branch == 0)
        .order_by(PromptRow.uid, ChainRow.sample)
        .options(*_WHOLE)
    )
    for row in session.scalars(chosen.execution_options(yield_per=200)):
        yield row.id, to_noun(row)


def sources(session: Session, run_id: int) -> set[str]:
    """The prompt sets that a run's chains are of."""
    chosen = select(PromptRow.source).join(ChainRow, ChainRow.prompt_id == PromptRow.id)
    return set(session.scalars(chosen.where(ChainRow.run_id == run_id).distinct()))


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
            critique_finished=not _was_cut(one.critique_gates),
            revision_finished=not _was_cut(one.revision_gates) or one.skipped,
            skipped=one.skipped,
            written=one.written,
            edited=None if one.edited is None else Edit(one.edited),
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
        branch=row.branch,
        author=row.author,
        finished=row.error != CUT and not _was_cut(row.gates),
    )


def _was_cut(gates: int | None) -> bool:
    return bool((gates or 0) & Gate.CUT)
