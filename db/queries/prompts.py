"""Prompts as the page reads them: the sets, a filtered page, and one with all that used it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.orm import Session

from db.queries.page import Page, beside, keyset
from db.queries.prompt_filter import IS_TAGGED, PromptFilter, filtered, is_used
from db.queries.runs import turns_of
from db.schema import ComparisonRow, PromptRow, RunPromptRow, RunRow
from db.schema_battles import ResponseRow
from db.schema_chains import ChainRow

LISTED = 50
"""Uses of a prompt that are shown; the others are counted."""
OFFERED = 200
"""Topics or tags that a filter offers."""


@dataclass(frozen=True, slots=True)
class PromptSet:
    """A set in numbers."""

    name: str
    count: int
    kinds: dict[str, int]
    splits: dict[str, int]


@dataclass(frozen=True, slots=True)
class PromptLine:
    """A prompt in a list."""

    id: int
    source: str
    kind: str
    split: str
    topic: str | None
    tags: tuple[str, ...]
    turns: int
    prompt: str
    """The last user's turn."""
    run: int | None


@dataclass(frozen=True, slots=True)
class Use:
    """Something that was made of a prompt, or a run that took it."""

    id: int
    run: int
    kind: str


@dataclass(frozen=True, slots=True)
class Uses:
    """The first of something that used a prompt, and how many there are."""

    shown: tuple[Use, ...]
    count: int


@dataclass(frozen=True, slots=True)
class PromptDetail:
    """One prompt in full."""

    id: int
    uid: str
    source: str
    kind: str
    split: str
    topic: str | None
    tags: tuple[str, ...]
    turns: tuple[tuple[str, str], ...]
    extra: dict[str, Any]
    run: int | None
    """The run that wrote it."""
    created_at: datetime
    runs: Uses
    """Runs that took it as their input."""
    chains: Uses
    comparisons: Uses
    responses: Uses


def prompt_sets(session: Session) -> list[PromptSet]:
    """Every set, by name."""
    columns = (PromptRow.source, PromptRow.kind, PromptRow.split)
    found: dict[str, PromptSet] = {}
    for name, kind, split, count in session.execute(select(*columns, func.count()).group_by(*columns)):
        one = found.get(name, PromptSet(name, 0, {}, {}))
        kinds = {**one.kinds, kind: one.kinds.get(kind, 0) + count}
        splits = {**one.splits, split: one.splits.get(split, 0) + count}
        found[name] = PromptSet(name, one.count + count, kinds, splits)
    return [found[name] for name in sorted(found)]


def count_prompts(session: Session, wanted: PromptFilter) -> int:
    """How many pass."""
    return session.scalar(filtered(select(func.count(PromptRow.id)), wanted)) or 0


def count_used(session: Session, wanted: PromptFilter) -> int:
    """How many of those that pass a run has used."""
    return session.scalar(filtered(select(func.count(PromptRow.id)).where(is_used()), wanted)) or 0


def prompt_page(session: Session, wanted: PromptFilter, after: int = 0) -> Page[PromptLine]:
    """The prompts after an id that pass the filter."""
    rows, more = keyset(session, filtered(select(PromptRow), wanted), PromptRow.id, after)
    return Page(tuple(_line(row) for (row,) in rows), more)


def _line(row: PromptRow) -> PromptLine:
    turns = turns_of(row.turns)
    tags = tuple(map(str, row.tags))
    return PromptLine(
        row.id, row.source, row.kind, row.split, row.topic, tags, len(turns), turns[-1][1] if turns else "", row.run_id
    )


def prompt_beside(session: Session, wanted: PromptFilter, here: int) -> tuple[int | None, int | None]:
    """The prompts before and after this one that pass the filter."""
    return beside(session, filtered(select(PromptRow.id), wanted), PromptRow.id, here)


def topics(session: Session, source: str | None = None) -> list[str]:
    """The topics of a set, or of all."""
    rows = select(PromptRow.topic).where(PromptRow.topic.is_not(None)).distinct()
    rows = rows if source is None else rows.where(PromptRow.source == source)
    return [topic for topic in session.scalars(rows.order_by(PromptRow.topic).limit(OFFERED)) if topic is not None]


def tags(session: Session) -> list[tuple[str, int]]:
    """Every tag and how many prompts have it, the most frequent first."""
    each = func.json_each(PromptRow.tags).table_valued("value")
    count = func.count()
    tagged = select(each.c.value, count).select_from(PromptRow).join(each, true()).where(IS_TAGGED)
    rows = tagged.group_by(each.c.value).order_by(count.desc(), each.c.value).limit(OFFERED)
    return [(str(tag), number) for tag, number in session.execute(rows)]


def prompt_detail(session: Session, prompt_id: int) -> PromptDetail | None:
    """One prompt with what used it; None if there is none of this id."""
    row = session.get(PromptRow, prompt_id)
    if row is None:
        return None
    return PromptDetail(
        row.id,
        row.uid,
        row.source,
        row.kind,
        row.split,
        row.topic,
        tuple(map(str, row.tags)),
        turns_of(row.turns),
        dict(row.extra),
        row.run_id,
        row.created_at,
        _uses(session, select(RunRow.id, RunRow.id, RunRow.kind).join(RunPromptRow), RunPromptRow.prompt_id == row.id),
        _uses(session, select(ChainRow.id, RunRow.id, RunRow.kind).join(RunRow), ChainRow.prompt_id == row.id),
        _uses(
            session, select(ComparisonRow.id, RunRow.id, RunRow.kind).join(RunRow), ComparisonRow.prompt_id == row.id
        ),
        _uses(session, select(ResponseRow.id, RunRow.id, RunRow.kind).join(RunRow), ResponseRow.prompt_id == row.id),
    )


def _uses(session: Session, rows: Select[int, int, str], of_prompt: ColumnElement[bool]) -> Uses:
    chosen = rows.where(of_prompt)
    shown = tuple(Use(*one) for one in session.execute(chosen.order_by(RunRow.id.desc()).limit(LISTED)))
    count = len(shown)
    if count == LISTED:
        count = session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
    return Uses(shown, count)
