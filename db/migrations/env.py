"""Alembic's entry: run the migrations on the connection that `db.migrations.migrate` hands over."""

from typing import Any, Literal

from alembic import context

# What migrations make:
from db import schema_asks, schema_authoring, schema_battles, schema_chains, schema_prompts  # noqa: F401
from db.schema import Base, UtcDateTime
from db.search import is_search_table


def render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our time type as the plain one: a migration must not change when our code does."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def listed(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether the schema speaks of it: search indexes are made by hand."""
    return kind != "table" or name is None or not is_search_table(name)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=render,
    include_name=listed,
    render_as_batch=True,  # SQLite alters a table by copying it
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
