"""What a prompts run asked for and got, and which of it became prompts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from cai_core.chains.new_prompts import Attempt
from cai_core.store import prompts
from cai_core.store.workspace import Workspace
from cai_core.types import Prompt, PromptKind, PromptOutcome, RowState, Split, derive_seed
from db import search
from db.schema import PromptRow
from db.schema_prompts import PromptAttemptRow

Candidates = Mapping[int, Prompt | PromptOutcome]
"""By place in the run: a prompt that may be kept, or why what was written is none."""


def candidates_for_examples(kind: PromptKind, source: str) -> Select[int]:
    """Row ids of the prompts that may be shown as examples: of the kind, of one turn, and of train.

    What is like an example will be trained on, so no example comes from dev or test.
    """
    chosen = select(PromptRow.id).where(
        PromptRow.kind == kind.value,
        PromptRow.split == Split.TRAIN.value,
        func.json_array_length(PromptRow.turns) == 1,
    )
    return chosen.where(PromptRow.source == source) if source else chosen


def draw_examples(session: Session, kind: PromptKind, source: str, count: int, seed: int) -> list[int]:
    """`count` of them, in an order that only seed and uids decide."""
    rows = session.execute(candidates_for_examples(kind, source).add_columns(PromptRow.uid))
    ranked = sorted((derive_seed(seed, "draw", uid), uid, row_id) for row_id, uid in rows)
    return [row_id for _, _, row_id in ranked[:count]]


def done_positions(session: Session, run_id: int) -> set[int]:
    """Places of the requests that are answered."""
    return set(session.scalars(select(PromptAttemptRow.position).where(PromptAttemptRow.run_id == run_id)))


def save(session: Session, run_id: int, position: int, attempt: Attempt) -> None:
    """Store one answer."""
    session.add(
        PromptAttemptRow(
            run_id=run_id,
            position=position,
            state=attempt.state.value,
            text=attempt.text,
            finished=attempt.finished,
            seed=attempt.seed,
            sent=attempt.sent,
            error=attempt.error,
        )
    )


def of_run(session: Session, run_id: int) -> list[PromptAttemptRow]:
    """What a run asked for, in order."""
    rows = select(PromptAttemptRow).where(PromptAttemptRow.run_id == run_id).order_by(PromptAttemptRow.position)
    return list(session.scalars(rows))


def is_settled(session: Session, run_id: int) -> bool:
    """Whether it has been decided which of them become prompts."""
    settled = select(PromptAttemptRow.position).where(
        PromptAttemptRow.run_id == run_id, PromptAttemptRow.outcome.is_not(None)
    )
    return session.scalar(settled.limit(1)) is not None


def near_ones(
    workspace: Workspace, candidates: Candidates, sources: Sequence[str] | None, near: float, seed: int
) -> set[int]:
    """Places of the candidates that are nearly a prompt of these sets (None: of any) or an earlier one that stays."""
    # Loaded where it is wanted: SciPy comes with it.
    from cai_core.interchange.rows.near_duplicates import near_duplicates

    places = [place for place, found in candidates.items() if isinstance(found, Prompt)]
    chosen = select(PromptRow.turns).order_by(PromptRow.id)
    chosen = chosen if sources is None else chosen.where(PromptRow.source.in_(sources))
    with workspace.reading() as session:
        before = session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
        stored = session.scalars(chosen.execution_options(yield_per=prompts.CHUNK))
        fresh = (found for found in candidates.values() if isinstance(found, Prompt))
        texts = chain(map(search.body_of_turns, stored), map(prompts.search_body, fresh))
        aside: set[int] = set()
        for one, other, _ in near_duplicates(texts, near, seed=seed):
            if other >= before and one - before not in aside:
                aside.add(other - before)
    return {places[number] for number in aside}


def settle(session: Session, run_id: int, candidates: Candidates, near: Iterable[int]) -> None:
    """Decide in the order of the requests, all at once, which become prompts; the others keep the reason."""
    near = set(near)
    uids = [found.uid for found in candidates.values() if isinstance(found, Prompt)]
    known = set(prompts.ids_by_uid(session, uids))
    kept: dict[int, Prompt] = {}
    outcomes: dict[int, PromptOutcome] = {}
    for place, found in candidates.items():
        outcomes[place] = _outcome(found, known, place in near)
        if isinstance(found, Prompt) and outcomes[place] is PromptOutcome.KEPT:
            kept[place] = found
            known.add(found.uid)
    prompts.add(session, kept.values(), run_id=run_id)
    ids = prompts.ids_by_uid(session, [prompt.uid for prompt in kept.values()])
    for row in of_run(session, run_id):
        if row.position in outcomes:
            row.outcome = outcomes[row.position].value
            row.prompt_id = ids[kept[row.position].uid] if row.position in kept else None


def _outcome(found: Prompt | PromptOutcome, known: set[str], near: bool) -> PromptOutcome:
    if not isinstance(found, Prompt):
        return found
    if found.uid in known:
        return PromptOutcome.DUPLICATE
    return PromptOutcome.NEAR_DUPLICATE if near else PromptOutcome.KEPT


def counts(session: Session, run_id: int) -> dict[str, object]:
    """What came of a run's requests, for its result."""
    rows = of_run(session, run_id)
    failed = Counter(row.state for row in rows if row.state != RowState.DONE)
    outcomes = Counter(row.outcome for row in rows if row.outcome is not None)
    kept = outcomes.pop(PromptOutcome.KEPT.value, 0)
    not_kept = {**{str(outcome): count for outcome, count in outcomes.items()}, **failed}
    return {"rows": len(rows), "kept": kept, "not_kept": not_kept}
