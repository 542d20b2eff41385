"""Chains as the pages read them: a filtered page, and one with all its rounds."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, String, func, or_, select
from sqlalchemy.orm import Session

from db.queries.page import Page, beside, keyset
from db.queries.runs import turns_of, version_name
from db.schema import ChainRow, ModelRow, PrincipleRow, PromptRow, RevisionRow, RunRow


@dataclass(frozen=True, slots=True)
class ChainFilter:
    """Which chains; an empty field lets all pass."""

    run: int | None = None
    kind: str | None = None
    principle: str | None = None
    """Slug of a principle that one of the rounds drew."""
    text: str = ""
    """Stands in the prompt, the response or a revision."""


@dataclass(frozen=True, slots=True)
class ChainLine:
    """A chain in a list."""

    id: int
    run: int
    kind: str
    topic: str | None
    state: str
    prompt: str
    """The last user's turn."""
    rounds: int
    last: str | None
    """The last revision, else the response."""


@dataclass(frozen=True, slots=True)
class RoundDetail:
    """One critique and revision."""

    number: int
    principle: str
    principle_slug: str
    critique_request: str | None
    revision_request: str | None
    critique: str | None
    revision: str
    finished: bool


@dataclass(frozen=True, slots=True)
class ChainDetail:
    """One chain in full."""

    id: int
    run: int
    constitution: str | None
    """'name@3': the version that its principles were drawn from."""
    model: str
    model_id: int | None
    temperature: float | None
    kind: str
    topic: str | None
    source: str
    split: str
    turns: tuple[tuple[str, str], ...]
    sample: int
    seed: int
    state: str
    error: str | None
    response: str | None
    rounds: tuple[RoundDetail, ...]


def _filtered(rows: Select[*tuple[Any, ...]], wanted: ChainFilter) -> Select[*tuple[Any, ...]]:
    rows = rows.join(PromptRow, PromptRow.id == ChainRow.prompt_id)
    if wanted.run is not None:
        rows = rows.where(ChainRow.run_id == wanted.run)
    if wanted.kind:
        rows = rows.where(PromptRow.kind == wanted.kind)
    if wanted.principle:
        drew = select(RevisionRow.chain_id).join(PrincipleRow, PrincipleRow.id == RevisionRow.principle_id)
        rows = rows.where(ChainRow.id.in_(drew.where(PrincipleRow.slug == wanted.principle)))
    return _with_text(rows, wanted.text) if wanted.text else rows


def _with_text(rows: Select[*tuple[Any, ...]], text: str) -> Select[*tuple[Any, ...]]:
    # Row by row, so that the first page of a common word is there after its first rows.
    revised = select(1).where(RevisionRow.chain_id == ChainRow.id, RevisionRow.revision.contains(text, autoescape=True))
    # Turn by turn: in the JSON as a whole, "role" and "content" would be found in every prompt.
    turn = func.json_each(PromptRow.turns).table_valued("value")
    content = func.json_extract(turn.c.value, "$.content", type_=String)
    asked = select(1).select_from(turn).where(content.contains(text, autoescape=True)).correlate(PromptRow)
    return rows.where(
        or_(
            ChainRow.response.contains(text, autoescape=True),
            asked.exists(),
            revised.correlate(ChainRow).exists(),
        )
    )


def chain_page(session: Session, wanted: ChainFilter, after: int = 0) -> Page[ChainLine]:
    """The chains after an id that pass the filter."""
    columns = select(
        ChainRow.id,
        ChainRow.run_id,
        ChainRow.state,
        ChainRow.response,
        PromptRow.kind,
        PromptRow.topic,
        PromptRow.turns,
    )
    found, more = keyset(session, _filtered(columns, wanted), ChainRow.id, after)
    last = _last_revisions(session, [row.id for row in found])
    lines = [
        ChainLine(
            row.id,
            row.run_id,
            row.kind,
            row.topic,
            row.state,
            turns_of(row.turns)[-1][1],
            *last.get(row.id, (0, row.response)),
        )
        for row in found
    ]
    return Page(tuple(lines), more)


def _last_revisions(session: Session, ids: list[int]) -> dict[int, tuple[int, str]]:
    """Round and text of each chain's last revision."""
    rows = select(RevisionRow.chain_id, RevisionRow.round, RevisionRow.revision).where(RevisionRow.chain_id.in_(ids))
    return {row.chain_id: (row.round, row.revision) for row in session.execute(rows.order_by(RevisionRow.round))}


def chain_beside(session: Session, wanted: ChainFilter, here: int) -> tuple[int | None, int | None]:
    """The chains before and after this one that pass the filter."""
    return beside(session, _filtered(select(ChainRow.id), wanted), ChainRow.id, here)


def chain_detail(session: Session, chain_id: int) -> ChainDetail | None:
    """One chain with its rounds; None if there is none of this id."""
    chain = session.get(ChainRow, chain_id)
    if chain is None:
        return None
    run = session.get_one(RunRow, chain.run_id)
    prompt, model = chain.prompt, str(run.config.get("model", ""))
    return ChainDetail(
        chain.id,
        run.id,
        version_name(session, run.constitution_version_id),
        model,
        session.scalar(select(ModelRow.id).where(ModelRow.name == model)),
        run.config.get("temperature"),
        prompt.kind,
        prompt.topic,
        prompt.source,
        prompt.split,
        turns_of(prompt.turns),
        chain.sample,
        chain.seed,
        chain.state,
        chain.error,
        chain.response,
        tuple(_round(revision) for revision in chain.revisions),
    )


def _round(row: RevisionRow) -> RoundDetail:
    principle = row.principle
    return RoundDetail(
        row.round,
        principle.title,
        principle.slug,
        principle.critique_request,
        principle.revision_request,
        row.critique,
        row.revision,
        row.finished,
    )


def drawn_principles(session: Session, run: int | None) -> list[tuple[str, int]]:
    """(slug, how often) of the principles that rounds drew, the most frequent first."""
    # Counted before the slugs are looked up: once a principle, not once a round.
    rounds = select(RevisionRow.principle_id, func.count().label("often"))
    if run is not None:
        rounds = rounds.join(ChainRow, ChainRow.id == RevisionRow.chain_id).where(ChainRow.run_id == run)
    drawn = rounds.group_by(RevisionRow.principle_id).subquery()
    often = func.sum(drawn.c.often)
    rows = select(PrincipleRow.slug, often).join(drawn, drawn.c.principle_id == PrincipleRow.id)
    rows = rows.group_by(PrincipleRow.slug).order_by(often.desc(), PrincipleRow.slug)
    return [(slug, count) for slug, count in session.execute(rows)]
