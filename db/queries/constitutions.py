"""Constitutions, their versions and where they were used, as the pages read them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.schema import ConstitutionRow, ConstitutionVersionRow, PrincipleRow, RunRow, VersionPrincipleRow


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version in a list."""

    id: int
    constitution: str
    number: int
    author: str
    message: str
    created_at: datetime
    principles: int
    runs: int
    """How many runs drew from it."""

    @property
    def name(self) -> str:
        """'name@3'."""
        return f"{self.constitution}@{self.number}"


def constitution_names(session: Session) -> list[str]:
    """Names of the constitutions that have a version, in order."""
    rows = select(ConstitutionRow.name).join(ConstitutionVersionRow).distinct().order_by(ConstitutionRow.name)
    return list(session.scalars(rows))


def versions(session: Session, name: str) -> list[VersionLine]:
    """A constitution's versions, the newest first."""
    principles = (
        select(func.count())
        .where(VersionPrincipleRow.version_id == ConstitutionVersionRow.id)
        .correlate(ConstitutionVersionRow)
        .scalar_subquery()
    )
    runs = (
        select(func.count())
        .where(RunRow.constitution_version_id == ConstitutionVersionRow.id)
        .correlate(ConstitutionVersionRow)
        .scalar_subquery()
    )
    rows = (
        select(ConstitutionVersionRow, principles, runs)
        .join(ConstitutionRow)
        .where(ConstitutionRow.name == name)
        .order_by(ConstitutionVersionRow.number.desc())
    )
    return [
        VersionLine(v.id, name, v.number, v.author, v.message, v.created_at, count, used)
        for v, count, used in session.execute(rows)
    ]


def drawable(session: Session) -> list[str]:
    """Ids of the principles that have what a chain asks: a critique request and a revision request."""
    both = PrincipleRow.critique_request.is_not(None) & PrincipleRow.revision_request.is_not(None)
    return list(session.scalars(select(PrincipleRow.slug).where(both).distinct().order_by(PrincipleRow.slug)))
