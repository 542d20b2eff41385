"""A database as revision 0001 left it, with rows in every table."""

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Engine, MetaData, insert, select

from db.migrations import migrate
from db.session import open_engine, writing

ROWS = (1, 2)
LEGAL: dict[str, Any] = {
    "prompts.kind": "helpful",
    "prompts.split": "test",
    "principles.kind": "helpfulness",
    "runs.kind": "chains",
    "runs.state": "done",
    "models.kind": "causal",
    "chains.state": "done",
    "comparisons.state": "done",
    "labels.state": "labelled",
    "label_orders.order": "ab",
    "responses.state": "done",
    "battles.axis": "helpfulness",
    "battles.outcome": "a",
}
"""Columns that hold one of a few values."""
PLAIN: dict[type, Any] = {float: 0.5, bool: True, object: {"json": [1]}, datetime: datetime(2026, 3, 1, 12)}


def make(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Make it; return what every table holds."""
    engine = open_engine(f"sqlite:///{path}")
    migrate.upgrade(engine, "0001")
    tables = _tables(engine)
    with writing(engine) as session:
        for table in tables.sorted_tables:
            if table.name != "alembic_version":
                session.execute(insert(table), [{c.name: _value(c, n) for c in table.columns} for n in ROWS])
    found = contents(engine)
    engine.dispose()
    return found


def contents(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every table's rows."""
    with engine.connect() as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in _tables(engine).sorted_tables
            if table.name != "alembic_version"
        }


def _tables(engine: Engine) -> MetaData:
    tables = MetaData()
    tables.reflect(engine)
    return tables


def _value(column: "Column[Any]", number: int) -> Any:
    """Row n points at the rows n, so that every key is its own."""
    if (legal := LEGAL.get(str(column))) is not None:
        return legal
    plain = column.type.python_type
    if plain is int:
        return number
    return f"{column.name} {number}" if plain is str else PLAIN[plain]
