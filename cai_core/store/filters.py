"""Filters that somebody saved by name; whoever saves the same name again changes it."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.errors import ReviewError
from db.queries.chain_filter import ChainFilter, dump_filter, read_filter
from db.schema_chains import FilterRow

PAGE = "chains"
LONGEST_NAME = 80


def save(session: Session, name: str, wanted: ChainFilter, *, author: str = "") -> None:
    """Keep a filter of chains under a name."""
    name = name.strip()
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise ReviewError(f"{name!r} cannot be a filter's name: it needs 1 to {LONGEST_NAME} printable characters.")
    row = session.scalar(select(FilterRow).where(FilterRow.page == PAGE, FilterRow.name == name))
    if row is None:
        row = FilterRow(page=PAGE, name=name)
        session.add(row)
    row.query, row.author = dump_filter(wanted), author


def drop(session: Session, name: str) -> None:
    """Forget a filter."""
    session.delete(_row(session, name))


def load(session: Session, name: str) -> ChainFilter:
    """A saved filter."""
    return read(_row(session, name).query)


def names(session: Session) -> list[str]:
    """The saved filters' names."""
    return list(session.scalars(select(FilterRow.name).where(FilterRow.page == PAGE).order_by(FilterRow.name)))


def read(values: Mapping[str, str]) -> ChainFilter:
    """A filter from texts by field, as addresses and commands give it."""
    try:
        return read_filter(values)
    except ValueError as error:
        raise ReviewError(str(error)) from None


def _row(session: Session, name: str) -> FilterRow:
    row = session.scalar(select(FilterRow).where(FilterRow.page == PAGE, FilterRow.name == name))
    if row is None:
        raise ReviewError(f"there is no saved filter {name!r}. Saved ones: {', '.join(names(session)) or 'none'}.")
    return row
