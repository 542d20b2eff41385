"""What two versions of a constitution made of the same prompts and pairs, side by side, as the page reads it.

`before` and `after` are the two versions, A and B of the page; A and B are a comparison's responses here.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, union
from sqlalchemy.orm import Session, aliased

from db.queries.page import Page, beside, keyset
from db.queries.runs import turns_of
from db.schema import ComparisonRow, LabelRow, PrincipleRow, PromptRow
from db.schema_chains import ChainRow, RevisionRow


@dataclass(frozen=True, slots=True)
class PairFilter:
    """Which chains or labels of a comparison; an empty field lets all pass."""

    before: int
    after: int
    """Runs."""
    differ: bool = False
    """Chains that end in another text; labels that flip."""
    kind: str | None = None
    topic: str | None = None
    drew: tuple[str, str] | None = None
    """Of labels: the slugs of the principle before and of the one after."""


@dataclass(frozen=True, slots=True)
class ChainPairLine:
    """The same prompt's chains under both versions, in a list."""

    before: int
    after: int
    """Ids of the chains."""
    kind: str
    topic: str | None
    prompt: str
    drew: tuple[tuple[str, str], ...]
    """(before, after): slugs of the principles of the rounds that drew another, or one that asks for something else."""
    last_before: str | None
    last_after: str | None
    recalled: int


@dataclass(frozen=True, slots=True)
class LabelPairLine:
    """The same comparison's labels under both versions, in a list."""

    id: int
    """Of the label under B."""
    comparison: int
    kind: str
    topic: str | None
    prompt: str
    principle_before: str
    principle_after: str
    p_a_before: float | None
    p_a_after: float | None
    flips: bool


_OLD_CHAIN, _OLD_LABEL = aliased(ChainRow), aliased(LabelRow)
_OLD_PRINCIPLE = aliased(PrincipleRow)
_FLIPS = (LabelRow.p_a - 0.5) * (_OLD_LABEL.p_a - 0.5) < 0


def _last(chain: Any) -> ColumnElement[str | None]:
    """The text that a chain ends in."""
    revision = (
        select(RevisionRow.revision)
        .where(RevisionRow.chain_id == chain.id)
        .order_by(RevisionRow.round.desc())
        .limit(1)
        .correlate(chain)
    )
    return func.coalesce(revision.scalar_subquery(), chain.response)


def _chain_pairs(rows: Select[*tuple[Any, ...]], wanted: PairFilter) -> Select[*tuple[Any, ...]]:
    same = and_(
        _OLD_CHAIN.prompt_id == ChainRow.prompt_id,
        _OLD_CHAIN.sample == ChainRow.sample,
        _OLD_CHAIN.run_id == wanted.before,
    )
    rows = rows.join(_OLD_CHAIN, same).join(PromptRow, PromptRow.id == ChainRow.prompt_id)
    rows = _of_prompts(rows.where(ChainRow.run_id == wanted.after), wanted)
    if not wanted.differ:
        return rows
    ended = and_(ChainRow.state == "done", _OLD_CHAIN.state == "done")
    return rows.where(ended, _last(ChainRow).is_distinct_from(_last(_OLD_CHAIN)))


def _of_prompts(rows: Select[*tuple[Any, ...]], wanted: PairFilter) -> Select[*tuple[Any, ...]]:
    if wanted.kind:
        rows = rows.where(PromptRow.kind == wanted.kind)
    return rows.where(PromptRow.topic == wanted.topic) if wanted.topic else rows


def chain_pairs(session: Session, wanted: PairFilter, after: int = 0) -> Page[ChainPairLine]:
    """The chains under B after an id, each with A's."""
    columns = select(ChainRow, _OLD_CHAIN, PromptRow, _last(ChainRow), _last(_OLD_CHAIN)).select_from(ChainRow)
    found, more = keyset(session, _chain_pairs(columns, wanted), ChainRow.id, after)
    drew = _drew(session, [(old.id, new.id) for new, old, *_ in found])
    lines = [
        ChainPairLine(
            old.id,
            new.id,
            prompt.kind,
            prompt.topic,
            turns_of(prompt.turns)[-1][1],
            drew.get(new.id, ()),
            last_old,
            last_new,
            new.recalled,
        )
        for new, old, prompt, last_new, last_old in found
    ]
    return Page(tuple(lines), more)


def _drew(session: Session, ids: list[tuple[int, int]]) -> dict[int, tuple[tuple[str, str], ...]]:
    """By the chain under B, where the two drew another."""
    wanted = [one for pair in ids for one in pair]
    rows = (
        select(
            RevisionRow.chain_id,
            RevisionRow.round,
            PrincipleRow.slug,
            PrincipleRow.critique_request,
            PrincipleRow.revision_request,
        )
        .join(PrincipleRow, PrincipleRow.id == RevisionRow.principle_id)
        .where(RevisionRow.chain_id.in_(wanted))
    )
    rounds: dict[int, dict[int, tuple[str, str | None, str | None]]] = {}
    for chain, number, slug, critique, revision in session.execute(rows):
        rounds.setdefault(chain, {})[number] = slug, critique, revision
    found = {}
    for old, new in ids:
        one, other = rounds.get(old, {}), rounds.get(new, {})
        both = ((one[number], other[number]) for number in sorted(one.keys() & other.keys()))
        found[new] = tuple((before[0], after[0]) for before, after in both if before != after)
    return found


def chain_pair_beside(session: Session, wanted: PairFilter, here: int) -> tuple[int | None, int | None]:
    """The chains under B before and after this one that pass the filter."""
    return beside(session, _chain_pairs(select(ChainRow.id).select_from(ChainRow), wanted), ChainRow.id, here)


def chain_under_a(session: Session, wanted: PairFilter, chain_id: int) -> int | None:
    """The chain under A of the same prompt as one under B."""
    rows = _chain_pairs(select(_OLD_CHAIN.id).select_from(ChainRow), PairFilter(wanted.before, wanted.after))
    found: int | None = session.scalar(rows.where(ChainRow.id == chain_id))
    return found


def _label_pairs(rows: Select[*tuple[Any, ...]], wanted: PairFilter) -> Select[*tuple[Any, ...]]:
    old = aliased(LabelRow)
    theirs = select(func.min(old.id)).where(old.run_id == wanted.before, old.comparison_id == LabelRow.comparison_id)
    same = theirs.where(old.principle_id == LabelRow.principle_id)
    # Of several labels of a comparison, the one under the same principle.
    one = func.coalesce(*(found.correlate(LabelRow).scalar_subquery() for found in (same, theirs)))
    rows = (
        rows.join(_OLD_LABEL, _OLD_LABEL.id == one)
        .join(ComparisonRow, ComparisonRow.id == LabelRow.comparison_id)
        .join(PromptRow, PromptRow.id == ComparisonRow.prompt_id)
        .join(PrincipleRow, PrincipleRow.id == LabelRow.principle_id)
        .join(_OLD_PRINCIPLE, _OLD_PRINCIPLE.id == _OLD_LABEL.principle_id)
        .where(LabelRow.run_id == wanted.after)
    )
    if wanted.drew:
        rows = rows.where(_OLD_PRINCIPLE.slug == wanted.drew[0], PrincipleRow.slug == wanted.drew[1])
    return _of_prompts(rows.where(_FLIPS) if wanted.differ else rows, wanted)


def label_pairs(session: Session, wanted: PairFilter, after: int = 0) -> Page[LabelPairLine]:
    """The labels under B after an id, each with A's."""
    columns = select(
        LabelRow.id,
        LabelRow.comparison_id,
        PromptRow.kind,
        PromptRow.topic,
        PromptRow.turns,
        _OLD_PRINCIPLE.slug.label("slug_before"),
        PrincipleRow.slug.label("slug_after"),
        _OLD_LABEL.p_a.label("p_a_before"),
        LabelRow.p_a.label("p_a_after"),
        func.coalesce(_FLIPS, False).label("flips"),
    ).select_from(LabelRow)
    found, more = keyset(session, _label_pairs(columns, wanted), LabelRow.id, after)
    lines = [
        LabelPairLine(
            row.id,
            row.comparison_id,
            row.kind,
            row.topic,
            turns_of(row.turns)[-1][1],
            row.slug_before,
            row.slug_after,
            row.p_a_before,
            row.p_a_after,
            bool(row.flips),
        )
        for row in found
    ]
    return Page(tuple(lines), more)


def label_pair_beside(session: Session, wanted: PairFilter, here: int) -> tuple[int | None, int | None]:
    """The labels under B before and after this one that pass the filter."""
    return beside(session, _label_pairs(select(LabelRow.id).select_from(LabelRow), wanted), LabelRow.id, here)


def comparison_under(session: Session, wanted: PairFilter, label_id: int) -> int | None:
    """The comparison that a label under B is of; None if it is no label of this comparison's run."""
    rows = select(LabelRow.comparison_id).where(LabelRow.id == label_id, LabelRow.run_id == wanted.after)
    return session.scalar(rows)


def pair_topics(session: Session, run: int) -> list[str]:
    """Topics of the prompts that a run under B has rows for."""
    chains = select(PromptRow.topic).join(ChainRow, ChainRow.prompt_id == PromptRow.id).where(ChainRow.run_id == run)
    labels = (
        select(PromptRow.topic)
        .join(ComparisonRow, ComparisonRow.prompt_id == PromptRow.id)
        .join(LabelRow, LabelRow.comparison_id == ComparisonRow.id)
        .where(LabelRow.run_id == run)
    )
    return sorted(topic for topic in session.scalars(union(chains, labels)) if topic)
