"""Engines and sessions: the only way to the database.

SQLite runs in WAL, so readers never wait. Writers begin with `BEGIN IMMEDIATE`: a transaction that reads first
and writes later would fail beside another writer, whatever the busy timeout.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=60000", "foreign_keys=ON")
"""A minute's patience: a writer beside a large import waits; a run that gave up sooner would have failed for it."""


class BrokenReferencesError(Exception):
    """Rows would point at rows that are not there."""


def open_engine(url: str) -> Engine:
    """An engine for `url`; for SQLite with write-ahead log, foreign keys and explicit transactions."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    # Otherwise the driver begins transactions by itself, and only before the first write.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that sees one moment of the database; nothing it changes is kept."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session that holds the write lock; commits at the end, rolls back on an error. Keep it short."""
    with Session(engine.execution_options(writes=True), expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def altering(engine: Engine) -> Iterator[Connection]:
    """One writing transaction that may replace tables; committed if every row still points at one that is there.

    SQLite alters a table by copying it and dropping the old one, which rows that refer to it forbid while foreign keys
    are enforced; and they can be switched only outside of a transaction.
    """
    with engine.execution_options(writes=True).connect() as connection:
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:
            _foreign_keys(connection, "OFF")
        try:
            with connection.begin():
                yield connection
                if sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                    tables = ", ".join(sorted({f"{row[0]} → {row[2]}" for row in broken}))
                    raise BrokenReferencesError(f"{len(broken)} rows point at rows that are not there ({tables})")
        finally:
            if sqlite:
                _foreign_keys(connection, "ON")


def _foreign_keys(connection: Connection, state: str) -> None:
    # On the driver's own connection: ours would begin a transaction first.
    driver: Any = connection.connection.dbapi_connection
    driver.execute(f"PRAGMA foreign_keys={state}")
