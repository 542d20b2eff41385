"""Labels: the AI's preferences, and what a preference model trains on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased, selectinload

from cai_core.store import comparisons, constitutions, prompts
from cai_core.types import Label, LabelledComparison, LabelState, Order, OrderScore, Prompt
from db.schema import ComparisonRow, LabelOrderRow, LabelRow, PrincipleRow, PromptRow


def save(
    session: Session,
    run_id: int,
    comparison_id: int,
    label: Label,
    principle_ids: Mapping[str, int],
    recalled: bool = False,
) -> bool:
    """Save a label with its orders; False, and nothing done, if the run already has it.

    `recalled`: another run was given what it was told in both orders.
    """
    principle_id = principle_ids[label.principle.uid]
    key = (LabelRow.run_id == run_id, LabelRow.comparison_id == comparison_id, LabelRow.principle_id == principle_id)
    if session.scalar(select(LabelRow.id).where(*key)) is not None:
        return False
    row = LabelRow(run_id=run_id, comparison_id=comparison_id, principle_id=principle_id)
    row.state, row.p_a, row.order_disagrees = label.state.value, label.p_a, label.order_disagrees
    row.few_shot, row.error, row.recalled = label.few_shot, label.error, recalled
    row.orders = [
        LabelOrderRow(
            order=one.order.value, logprob_a=one.logprob_a, logprob_b=one.logprob_b, sent=one.sent, bounded=one.bounded
        )
        for one in label.orders
    ]
    session.add(row)
    session.flush()
    return True


def done_keys(session: Session, run_id: int) -> set[tuple[int, int]]:
    """(comparison, principle) row ids of the labels that a run has, in whatever state."""
    chosen = select(LabelRow.comparison_id, LabelRow.principle_id).where(LabelRow.run_id == run_id)
    return {(comparison, principle) for comparison, principle in session.execute(chosen)}


def find(session: Session, run_id: int, comparison_id: int, principle: str = "") -> Label | None:
    """A run's label of a comparison, of several the one under the principle of this id; None if it has none."""
    chosen = select(LabelRow).where(LabelRow.run_id == run_id, LabelRow.comparison_id == comparison_id)
    rows = session.scalars(chosen.order_by(LabelRow.id)).all()
    row = next((row for row in rows if row.principle.slug == principle), rows[0] if rows else None)
    return None if row is None else to_noun(row)


def recalled(session: Session, run_id: int) -> int:
    """How many of a run's labels were taken over from another."""
    chosen = select(func.count()).where(LabelRow.run_id == run_id, LabelRow.recalled)
    return session.scalar(chosen) or 0


def pairs(session: Session, before: int, after: int) -> Iterator[tuple[Prompt, Label, Label]]:
    """What two runs say of the same comparison, with its prompt, in an order that no finishing decides.

    Where one of them labels comparisons under several principles, what they say under the principle of the same id.
    """
    one, other = aliased(LabelRow), aliased(LabelRow)
    same = and_(other.comparison_id == one.comparison_id, other.run_id == after)
    if _several(session, before) or _several(session, after):
        slugs = [select(PrincipleRow.slug).where(PrincipleRow.id == side.principle_id) for side in (one, other)]
        same = and_(same, slugs[0].scalar_subquery() == slugs[1].scalar_subquery())
    chosen = (
        select(PromptRow, one, other)
        .select_from(one)
        .join(other, same)
        .join(ComparisonRow, ComparisonRow.id == one.comparison_id)
        .join(PromptRow, PromptRow.id == ComparisonRow.prompt_id)
        .where(one.run_id == before)
        .order_by(PromptRow.uid, ComparisonRow.sample, one.principle_id)
        .options(*(selectinload(side.orders) for side in (one, other)))
        .options(*(selectinload(side.principle) for side in (one, other)))
    )
    for prompt, first, second in session.execute(chosen.execution_options(yield_per=500)):
        yield prompts.to_noun(prompt), to_noun(first), to_noun(second)


def _several(session: Session, run_id: int) -> bool:
    """Whether a run labelled comparisons under several principles."""
    counted = select(func.count(), func.count(LabelRow.comparison_id.distinct())).where(LabelRow.run_id == run_id)
    labels, comparisons_ = session.execute(counted).one()
    return bool(labels > comparisons_)


@dataclass(frozen=True, slots=True)
class Stored:
    """A label with the comparison it belongs to."""

    key: str
    label: Label
    labelled: LabelledComparison | None
    """What trains; None unless the state is `labelled`."""
    cut: bool
    """A response was cut at the token limit: it ends where its model did not."""


def of_run(session: Session, run_id: int) -> Iterator[Stored]:
    """A run's labels, in an order that does not depend on which finished first."""
    chosen = (
        select(LabelRow)
        .join(LabelRow.comparison)
        .join(ComparisonRow.prompt)
        .join(LabelRow.principle)
        .where(LabelRow.run_id == run_id)
        .order_by(PromptRow.uid, ComparisonRow.sample, PrincipleRow.uid)
        .options(
            selectinload(LabelRow.comparison).selectinload(ComparisonRow.prompt),
            selectinload(LabelRow.orders),
            selectinload(LabelRow.principle),
        )
    )
    for row in session.scalars(chosen.execution_options(yield_per=500)):
        prompt = row.comparison.prompt
        labelled = None
        if row.p_a is not None:
            labelled = LabelledComparison(comparisons.to_noun(row.comparison), row.p_a, prompt.kind)
        yield Stored(
            f"{prompt.uid}/{row.comparison.sample}", to_noun(row), labelled, comparisons.was_cut(row.comparison)
        )


def to_noun(row: LabelRow) -> Label:
    """A row as a noun."""
    orders = (OrderScore(Order(one.order), one.logprob_a, one.logprob_b, one.sent, one.bounded) for one in row.orders)
    return Label(
        state=LabelState(row.state),
        principle=constitutions.principle_to_noun(row.principle),
        p_a=row.p_a,
        orders=tuple(orders),
        order_disagrees=row.order_disagrees,
        few_shot=row.few_shot,
        error=row.error,
    )
