"""The rounds and labels behind a principle's figures, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from db.queries.page import Page
from db.queries.runs import turns_of
from db.schema import ComparisonRow, LabelRow, PromptRow
from db.schema_chains import ChainRow, RevisionRow

SHOWN = 10
"""Examples at a time."""
ROUNDS: dict[str, tuple[ColumnElement[bool], ...]] = {
    "rounds": (),
    "found": (RevisionRow.found.is_(True),),
    "clear": (RevisionRow.found.is_(False),),
    "untold": (RevisionRow.found.is_(None), RevisionRow.changed.is_not(None)),
    "unchanged": (RevisionRow.changed == 0,),
    "rewritten": (RevisionRow.changed >= 0.5,),
    "longer": (RevisionRow.longer > 0,),
    "shorter": (RevisionRow.longer < 0,),
}
"""Which rounds are behind a figure."""
LABELS: dict[str, tuple[ColumnElement[bool], ...]] = {
    "labels": (),
    "prefers_a": (LabelRow.p_a > 0.5,),
    "prefers_b": (LabelRow.p_a < 0.5,),
    "disagree": (LabelRow.order_disagrees.is_(True), LabelRow.p_a.is_not(None)),
    "no_label": (LabelRow.p_a.is_(None),),
}
"""Which labels are."""


@dataclass(frozen=True, slots=True)
class RoundLine:
    """A round in a list of examples."""

    id: int
    chain: int
    number: int
    prompt: str
    """The last user's turn."""
    critique: str | None
    revision: str
    changed: float | None
    longer: int | None


@dataclass(frozen=True, slots=True)
class LabelLine:
    """A label in a list of examples."""

    id: int
    comparison: int
    prompt: str
    response_a: str | None
    response_b: str | None
    p_a: float | None
    state: str


@dataclass(frozen=True, slots=True)
class PairLine:
    """A comparison in a list of those that two principles see differently."""

    comparison: int
    prompt: str
    response_a: str | None
    response_b: str | None
    p_a: float | None
    """Under the one."""
    p_a_other: float | None


def round_examples(session: Session, wordings: Sequence[int], which: str, before: int | None = None) -> Page[RoundLine]:
    """Rounds of these wordings with an id below `before`."""
    ids, more = _newest(session, RevisionRow.principle_id, RevisionRow.id, wordings, ROUNDS[which], before)
    rows = (
        select(RevisionRow, PromptRow.turns)
        .join(ChainRow, ChainRow.id == RevisionRow.chain_id)
        .join(PromptRow, PromptRow.id == ChainRow.prompt_id)
        .where(RevisionRow.id.in_(ids))
        .order_by(RevisionRow.id.desc())
    )
    lines = [
        RoundLine(
            row.id, row.chain_id, row.round, turns_of(turns)[-1][1], row.critique, row.revision, row.changed, row.longer
        )
        for row, turns in session.execute(rows)
    ]
    return Page(tuple(lines), more)


def label_examples(session: Session, wordings: Sequence[int], which: str, before: int | None = None) -> Page[LabelLine]:
    """Labels under these wordings with an id below `before`."""
    ids, more = _newest(session, LabelRow.principle_id, LabelRow.id, wordings, LABELS[which], before)
    rows = (
        select(LabelRow, ComparisonRow, PromptRow.turns)
        .join(ComparisonRow, ComparisonRow.id == LabelRow.comparison_id)
        .join(PromptRow, PromptRow.id == ComparisonRow.prompt_id)
        .where(LabelRow.id.in_(ids))
        .order_by(LabelRow.id.desc())
    )
    lines = [
        LabelLine(row.id, pair.id, turns_of(turns)[-1][1], pair.response_a, pair.response_b, row.p_a, row.state)
        for row, pair, turns in session.execute(rows)
    ]
    return Page(tuple(lines), more)


def _newest(
    session: Session,
    principle: InstrumentedAttribute[int],
    column: InstrumentedAttribute[int],
    wordings: Sequence[int],
    conditions: Sequence[ColumnElement[bool]],
    before: int | None,
) -> tuple[list[int], bool]:
    """Ids of the newest rows, wording by wording: over several at once the index would not give them in order."""
    found: list[int] = []
    for wording in wordings:
        rows = select(column).where(principle == wording, *conditions)
        rows = rows if before is None else rows.where(column < before)
        found += session.scalars(rows.order_by(column.desc()).limit(SHOWN + 1))
    return sorted(found, reverse=True)[:SHOWN], len(found) > SHOWN


def pair_examples(
    session: Session, comparisons: Sequence[int], ones: Sequence[int], others: Sequence[int]
) -> list[PairLine]:
    """These comparisons, in their order, with the newest label under the one principle and under the other."""
    rows = select(ComparisonRow, PromptRow.turns).join(PromptRow, PromptRow.id == ComparisonRow.prompt_id)
    pairs = {row.id: (row, turns) for row, turns in session.execute(rows.where(ComparisonRow.id.in_(comparisons)))}
    said = select(LabelRow.comparison_id, LabelRow.principle_id, LabelRow.p_a).order_by(LabelRow.id)
    said = said.where(LabelRow.comparison_id.in_(comparisons), LabelRow.principle_id.in_([*ones, *others]))
    p_a: dict[tuple[int, bool], float | None] = {}
    for comparison, principle, value in session.execute(said.where(LabelRow.p_a.is_not(None))):
        p_a[comparison, principle in ones] = value
    return [
        PairLine(i, turns_of(turns)[-1][1], row.response_a, row.response_b, p_a.get((i, True)), p_a.get((i, False)))
        for i in comparisons
        for row, turns in (pairs[i],)
    ]
