"""Unsaved drafts, as the pages list them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.schema import ConstitutionRow, ConstitutionVersionRow
from db.schema_authoring import DraftRow

LISTED = 50


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A draft in a list."""

    id: int
    base: str | None
    """'name@3'; None: a new constitution."""
    name: str
    """As it would be saved."""
    updated_at: datetime


def draft_lines(session: Session, person_id: int) -> list[DraftLine]:
    """What somebody has not saved, what was edited last first; at most 50."""
    rows = (
        select(
            DraftRow.id,
            ConstitutionRow.name,
            ConstitutionVersionRow.number,
            DraftRow.content["name"].as_string(),
            DraftRow.updated_at,
        )
        .outerjoin(ConstitutionVersionRow, DraftRow.base_version_id == ConstitutionVersionRow.id)
        .outerjoin(ConstitutionRow, ConstitutionVersionRow.constitution_id == ConstitutionRow.id)
        .where(DraftRow.person_id == person_id)
        .order_by(DraftRow.updated_at.desc(), DraftRow.id.desc())
        .limit(LISTED)
    )
    return [
        DraftLine(draft_id, None if name is None else f"{name}@{number}", typed, at)
        for draft_id, name, number, typed, at in session.execute(rows)
    ]
