"""Full-text search: the words of chains and of prompts, in SQLite's FTS5.

The index holds words alone, not the texts, so that a database does not hold everything twice. To take a row out, the
text that went in has to be given again.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, column, func, literal_column, select, table, text
from sqlalchemy.orm import Session

HELD = 16 * 2**20
"""Bytes of new entries that are held before they are written: a large import merges less, in about half the time."""


class Index(StrEnum):
    """A searchable kind of row; the index's row ids are the rows'."""

    CHAINS = "chain_search"
    PROMPTS = "prompt_search"


def is_search_table(name: str) -> bool:
    """Whether a table is an index's own, which the schema does not list."""
    return any(name == index.value or name.startswith(f"{index.value}_") for index in Index)


def create(connection: Connection) -> None:
    """Make the empty indexes."""
    for index in Index:
        connection.execute(
            text(
                f"CREATE VIRTUAL TABLE {index.value} USING fts5"
                "(body, content='', tokenize='unicode61 remove_diacritics 2')"
            )
        )
        connection.execute(text(f"INSERT INTO {index.value}({index.value}, rank) VALUES ('hashsize', {HELD})"))


def drop(connection: Connection) -> None:
    """Drop the indexes."""
    for index in Index:
        connection.execute(text(f"DROP TABLE {index.value}"))


def add(session: Session | Connection, index: Index, bodies: Iterable[tuple[int, str]]) -> None:
    """Enter the texts of rows, as (row id, text)."""
    rows = [{"id": row_id, "body": body} for row_id, body in bodies]
    if rows:
        session.execute(text(f"INSERT INTO {index.value}(rowid, body) VALUES (:id, :body)"), rows)


def remove(session: Session | Connection, index: Index, bodies: Iterable[tuple[int, str]]) -> None:
    """Take rows out, each with the very text that it went in with."""
    rows = [{"id": row_id, "body": body} for row_id, body in bodies]
    if rows:
        words = f"INSERT INTO {index.value}({index.value}, rowid, body) VALUES ('delete', :id, :body)"
        session.execute(text(words), rows)


def matching(index: Index, wanted: str) -> Select[int] | None:
    """Row ids of the rows that hold every word of `wanted`; None where it holds no word.

    The words are quoted, so nothing in them is read as an operator of the search.
    """
    quoted = " ".join('"' + word.replace('"', '""') + '"' for word in wanted.replace("\x00", " ").split())
    if not any(character.isalnum() for character in quoted):
        return None
    found = table(index.value, column("rowid"))
    match: ColumnElement[bool] = literal_column(index.value).op("MATCH")(quoted)
    return select(found.c.rowid).where(match)


def count(session: Session, index: Index) -> int:
    """How many rows an index holds."""
    found = table(index.value)
    return session.scalar(select(func.count()).select_from(found)) or 0


def body_of_turns(turns: Any) -> str:
    """The text of a stored conversation."""
    return "\n".join(str(turn["content"]) for turn in turns if isinstance(turn, Mapping) and "content" in turn)


def body_of_chain(turns: Any, response: str | None, rounds: Iterable[tuple[str | None, str]]) -> str:
    """The text of a chain: prompt, response, and (critique, revision) of each round in order."""
    texts = [body_of_turns(turns), response or ""]
    for critique, revision in rounds:
        texts += [critique or "", revision]
    return "\n".join(texts)
