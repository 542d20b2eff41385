"""What can be tried on the Playground: versions, their principles, and prompts drawn from a set."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from db.queries.asks import AskedPrinciple, asked_principle
from db.queries.runs import turns_of
from db.schema import ConstitutionRow, ConstitutionVersionRow, PrincipleRow, PromptRow, VersionPrincipleRow

MOST_TOPICS = 200


@dataclass(frozen=True, slots=True)
class PromptFilter:
    """Which prompts to draw from; None and '' take all."""

    source: str | None = None
    kind: str | None = None
    split: str | None = None
    topic: str | None = None


def version_refs(session: Session) -> list[str]:
    """'name@3' of every version: by name, the newest first."""
    rows = select(ConstitutionRow.name, ConstitutionVersionRow.number).join(ConstitutionVersionRow)
    ordered = rows.order_by(ConstitutionRow.name, ConstitutionVersionRow.number.desc())
    return [f"{name}@{number}" for name, number in session.execute(ordered)]


def version_principles(session: Session, ref: str) -> list[AskedPrinciple]:
    """A version's principles in order; none where there is no such version."""
    name, _, number = ref.rpartition("@")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return []
    chosen = (
        select(PrincipleRow)
        .join(VersionPrincipleRow, VersionPrincipleRow.principle_id == PrincipleRow.id)
        .join(ConstitutionVersionRow, ConstitutionVersionRow.id == VersionPrincipleRow.version_id)
        .join(ConstitutionRow, ConstitutionRow.id == ConstitutionVersionRow.constitution_id)
        .where(ConstitutionRow.name == name, ConstitutionVersionRow.number == int(number))
        .order_by(VersionPrincipleRow.position)
    )
    return [asked_principle(row) for row in session.scalars(chosen)]


def prompt_topics(session: Session, source: str | None) -> list[str]:
    """The topics of a prompt set, as far as they can be listed."""
    chosen = select(PromptRow.topic).where(PromptRow.topic.is_not(None)).distinct()
    if source:
        chosen = chosen.where(PromptRow.source == source)
    return [topic for topic in session.scalars(chosen.order_by(PromptRow.topic).limit(MOST_TOPICS)) if topic]


def count_prompts(session: Session, which: PromptFilter) -> int:
    """How many prompts there are to draw from."""
    return session.scalar(select(func.count()).select_from(PromptRow).where(*_wanted(which))) or 0


def prompt_at(session: Session, which: PromptFilter, number: int) -> tuple[tuple[str, str], ...] | None:
    """The turns of the prompt at this place among them, counted from 0; None past the end."""
    chosen = select(PromptRow.id).where(*_wanted(which)).order_by(PromptRow.id).offset(number).limit(1)
    row = session.scalar(select(PromptRow).where(PromptRow.id.in_(chosen)))
    return None if row is None else turns_of(row.turns)


def _wanted(which: PromptFilter) -> list[ColumnElement[bool]]:
    columns = {
        PromptRow.source: which.source,
        PromptRow.kind: which.kind,
        PromptRow.split: which.split,
        PromptRow.topic: which.topic,
    }
    return [column == value for column, value in columns.items() if value]
