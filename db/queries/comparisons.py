"""Comparisons and their labels as the pages read them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from db.queries.page import Page, beside, keyset
from db.queries.runs import turns_of, version_name
from db.schema import ComparisonRow, LabelRow, ModelRow, PrincipleRow, PromptRow, RunRow


@dataclass(frozen=True, slots=True)
class ComparisonFilter:
    """Which comparisons; an empty field lets all pass."""

    run: int | None = None
    """A comparisons run."""
    kind: str | None = None
    state: str | None = None
    """State of one of its labels, or 'unlabelled'."""
    disagree: bool = False
    """Only comparisons with a label whose two orders prefer different responses."""
    text: str = ""
    """Stands in either response."""


@dataclass(frozen=True, slots=True)
class ComparisonLine:
    """A comparison in a list, with its newest label that passes the filter."""

    id: int
    run: int
    kind: str
    prompt: str
    response_a: str | None
    response_b: str | None
    p_a: float | None
    state: str
    principle: str | None
    disagrees: bool
    labels: int
    """How many labels it has in all."""


@dataclass(frozen=True, slots=True)
class OrderReading:
    """One order's log-probabilities, of the responses, not of the positions."""

    order: str
    logprob_a: float
    logprob_b: float
    bounded: bool = False
    """One of them is only a bound: the server did not list that option."""

    @property
    def log_odds(self) -> float:
        """Log P(A preferred) − log P(B preferred)."""
        return self.logprob_a - self.logprob_b


@dataclass(frozen=True, slots=True)
class LabelDetail:
    """One label with both orders."""

    run: int
    state: str
    p_a: float | None
    constitution: str | None
    """'name@3': the version that the principle was drawn from."""
    principle: str
    principle_slug: str
    principle_kind: str
    comparison: str | None
    disagrees: bool
    error: str | None
    orders: tuple[OrderReading, ...]


@dataclass(frozen=True, slots=True)
class ComparisonDetail:
    """One comparison in full, the newest label first."""

    id: int
    run: int
    model: str
    model_id: int
    kind: str
    topic: str | None
    source: str
    turns: tuple[tuple[str, str], ...]
    state: str
    error: str | None
    response_a: str | None
    response_b: str | None
    seed_a: int
    seed_b: int
    labels: tuple[LabelDetail, ...]


def _filtered(rows: Select[*tuple[Any, ...]], wanted: ComparisonFilter) -> Select[*tuple[Any, ...]]:
    each = aliased(LabelRow)
    labels = select(func.max(each.id)).where(each.comparison_id == ComparisonRow.id)
    if wanted.state and wanted.state != "unlabelled":
        labels = labels.where(each.state == wanted.state)
    if wanted.disagree:
        labels = labels.where(each.order_disagrees)
    rows = rows.join(PromptRow, PromptRow.id == ComparisonRow.prompt_id)
    shown = and_(LabelRow.comparison_id == ComparisonRow.id, LabelRow.id == labels.scalar_subquery())
    rows = rows.outerjoin(LabelRow, shown)
    if wanted.run is not None:
        rows = rows.where(ComparisonRow.run_id == wanted.run)
    if wanted.kind:
        rows = rows.where(PromptRow.kind == wanted.kind)
    if wanted.state:
        rows = rows.where(LabelRow.id.is_(None) if wanted.state == "unlabelled" else LabelRow.id.is_not(None))
    if wanted.disagree:
        rows = rows.where(LabelRow.order_disagrees)
    if wanted.text:
        a, b = ComparisonRow.response_a, ComparisonRow.response_b
        rows = rows.where(or_(a.contains(wanted.text, autoescape=True), b.contains(wanted.text, autoescape=True)))
    return rows


def comparison_page(session: Session, wanted: ComparisonFilter, after: int = 0) -> Page[ComparisonLine]:
    """The comparisons after an id that pass the filter."""
    every = aliased(LabelRow)
    labels = select(func.count()).select_from(every).where(every.comparison_id == ComparisonRow.id).scalar_subquery()
    rows = _filtered(select(ComparisonRow, PromptRow, LabelRow, PrincipleRow.title, labels), wanted)
    rows = rows.outerjoin(PrincipleRow, PrincipleRow.id == LabelRow.principle_id)
    found, more = keyset(session, rows, ComparisonRow.id, after)
    return Page(tuple(_line(*row) for row in found), more)


def _line(
    pair: ComparisonRow, prompt: PromptRow, label: LabelRow | None, principle: str | None, labels: int
) -> ComparisonLine:
    return ComparisonLine(
        pair.id,
        pair.run_id,
        prompt.kind,
        turns_of(prompt.turns)[-1][1],
        pair.response_a,
        pair.response_b,
        label.p_a if label else None,
        label.state if label else "unlabelled",
        principle,
        bool(label and label.order_disagrees),
        labels,
    )


def comparison_beside(session: Session, wanted: ComparisonFilter, here: int) -> tuple[int | None, int | None]:
    """The comparisons before and after this one that pass the filter."""
    return beside(session, _filtered(select(ComparisonRow.id), wanted), ComparisonRow.id, here)


def comparison_detail(session: Session, comparison_id: int) -> ComparisonDetail | None:
    """One comparison with its labels; None if there is none of this id."""
    pair = session.get(ComparisonRow, comparison_id)
    if pair is None:
        return None
    labels = session.scalars(select(LabelRow).where(LabelRow.comparison_id == pair.id).order_by(LabelRow.id.desc()))
    prompt = pair.prompt
    return ComparisonDetail(
        pair.id,
        pair.run_id,
        session.get_one(ModelRow, pair.model_id).name,
        pair.model_id,
        prompt.kind,
        prompt.topic,
        prompt.source,
        turns_of(prompt.turns),
        pair.state,
        pair.error,
        pair.response_a,
        pair.response_b,
        pair.seed_a,
        pair.seed_b,
        tuple(_label(session, label) for label in labels),
    )


def _label(session: Session, row: LabelRow) -> LabelDetail:
    principle, run = row.principle, session.get_one(RunRow, row.run_id)
    return LabelDetail(
        row.run_id,
        row.state,
        row.p_a,
        version_name(session, run.constitution_version_id),
        principle.title,
        principle.slug,
        principle.kind,
        principle.comparison,
        row.order_disagrees,
        row.error,
        tuple(OrderReading(o.order, o.logprob_a, o.logprob_b, o.bounded) for o in row.orders),
    )


def label_states(session: Session, comparisons_run: int | None) -> list[tuple[str, int]]:
    """(state, count) of labels, ties and failures included."""
    rows = select(LabelRow.state, func.count()).group_by(LabelRow.state).order_by(func.count().desc())
    if comparisons_run is not None:
        rows = rows.join(ComparisonRow, ComparisonRow.id == LabelRow.comparison_id)
        rows = rows.where(ComparisonRow.run_id == comparisons_run)
    return [(state, count) for state, count in session.execute(rows)]
