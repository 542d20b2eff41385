"""Labels: the AI's preferences, and what a preference model trains on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from cai_core.store import comparisons, constitutions
from cai_core.types import Label, LabelledComparison, LabelState, Order, OrderScore
from db.schema import ComparisonRow, LabelOrderRow, LabelRow, PromptRow


def save(session: Session, run_id: int, comparison_id: int, label: Label, principle_ids: Mapping[str, int]) -> bool:
    """Save a label with its orders; False, and nothing done, if the run already has it."""
    key = (LabelRow.run_id == run_id, LabelRow.comparison_id == comparison_id)
    if session.scalar(select(LabelRow.id).where(*key)) is not None:
        return False
    row = LabelRow(run_id=run_id, comparison_id=comparison_id, principle_id=principle_ids[label.principle.uid])
    row.state, row.p_a, row.order_disagrees = label.state.value, label.p_a, label.order_disagrees
    row.few_shot, row.error = label.few_shot, label.error
    row.orders = [
        LabelOrderRow(
            order=one.order.value, logprob_a=one.logprob_a, logprob_b=one.logprob_b, sent=one.sent, bounded=one.bounded
        )
        for one in label.orders
    ]
    session.add(row)
    session.flush()
    return True


def done_ids(session: Session, run_id: int) -> set[int]:
    """Comparisons that a run has labelled, in whatever state."""
    return set(session.scalars(select(LabelRow.comparison_id).where(LabelRow.run_id == run_id)))


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
        .where(LabelRow.run_id == run_id)
        .order_by(PromptRow.uid, ComparisonRow.sample)
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
