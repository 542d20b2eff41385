"""Keyset pages: rows after an id, never an offset, never a whole table."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

PAGE = 50
"""Rows a page."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows in order of id, and whether more follow."""

    rows: tuple[Row, ...]
    more: bool


def keyset(
    session: Session, rows: Select[*tuple[Any, ...]], column: InstrumentedAttribute[int], after: int, limit: int = PAGE
) -> tuple[list[Any], bool]:
    """The first `limit` rows whose id is above `after`, and whether more follow."""
    found = list(session.execute(rows.where(column > after).order_by(column).limit(limit + 1)))
    return found[:limit], len(found) > limit


def beside(
    session: Session, ids: Select[*tuple[Any, ...]], column: InstrumentedAttribute[int], here: int
) -> tuple[int | None, int | None]:
    """The id before and the id after `here` among `ids`."""
    before = session.scalar(ids.where(column < here).order_by(column.desc()).limit(1))
    after = session.scalar(ids.where(column > here).order_by(column).limit(1))
    return before, after
