"""Which prompts: conditions that compose, in SQL; the same in the page's address and `--filter`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, exists, false, func, literal_column, or_, select

from db.queries.chain_filter import LONGEST_NUMBER
from db.schema import PROMPT_KINDS, SPLITS, ComparisonRow, PromptRow, RolloutRow, RunPromptRow
from db.schema_battles import ResponseRow
from db.schema_chains import ChainRow
from db.search import Index, matching

USES = (RunPromptRow, ChainRow, ComparisonRow, ResponseRow, RolloutRow)
"""What makes a prompt one that runs have used."""

IS_TAGGED: ColumnElement[bool] = literal_column("prompts.tags <> '[]'")
"""Written out, as the index on the prompts with tags has it."""


@dataclass(frozen=True, slots=True)
class PromptFilter:
    """Which prompts; an empty field lets all pass."""

    source: str | None = None
    """Prompt set."""
    kind: str | None = None
    split: str | None = None
    topic: str | None = None
    tag: str | None = None
    run: int | None = None
    """The run that wrote them."""
    used: str | None = None
    """'yes': a run has used them; 'no': none has."""
    text: str = ""
    """Words that all stand in the turns."""


LISTED: dict[str, tuple[str, ...]] = {"kind": PROMPT_KINDS, "split": SPLITS, "used": ("yes", "no")}
"""What fields accept that accept only some values."""


def read_filter(values: Mapping[str, str]) -> PromptFilter:
    """A filter from texts by field; `ValueError` says which is wrong, and what is accepted."""
    names = [field.name for field in fields(PromptFilter)]
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name not in names:
            raise ValueError(f"prompts are not filtered by {name!r}. Accepted: {', '.join(names)}.")
        if name in LISTED and value not in LISTED[name]:
            raise ValueError(f"{name} = {value!r} is none of {', '.join(LISTED[name])}.")
        if name == "run" and not (value.isascii() and value.isdigit() and len(value) < LONGEST_NUMBER):
            raise ValueError(f"{name} = {value!r} is no whole number.")
        found[name] = int(value) if name == "run" else value
    return PromptFilter(**found)


def dump_filter(wanted: PromptFilter) -> dict[str, str]:
    """The filter as texts by field, without what lets all pass; `read_filter` of it gives the same filter."""
    named = {field.name: getattr(wanted, field.name) for field in fields(PromptFilter)}
    return {name: str(value) for name, value in named.items() if value not in (None, "")}


def conditions(wanted: PromptFilter) -> list[ColumnElement[bool]]:
    """What a prompt must meet to pass."""
    plain = {
        PromptRow.source: wanted.source,
        PromptRow.kind: wanted.kind,
        PromptRow.split: wanted.split,
        PromptRow.topic: wanted.topic,
        PromptRow.run_id: wanted.run,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in plain.items() if value is not None]
    if wanted.tag is not None:
        found.append(has_tag(wanted.tag))
    if wanted.used is not None:
        found.append(is_used() if wanted.used == "yes" else ~is_used())
    if wanted.text.strip():
        words = matching(Index.PROMPTS, wanted.text)
        found.append(false() if words is None else PromptRow.id.in_(words))
    return found


def filtered(rows: Select[*tuple[Any, ...]], wanted: PromptFilter) -> Select[*tuple[Any, ...]]:
    """The rows, which come from prompts, that pass."""
    return rows.where(*conditions(wanted))


def has_tag(tag: str) -> ColumnElement[bool]:
    """Whether a prompt has a tag."""
    each = func.json_each(PromptRow.tags).table_valued("value")
    exactly = exists(select(1).select_from(each).where(each.c.value == tag))
    # Looked for as text first, for few prompts have it and reading JSON takes its time.
    return and_(IS_TAGGED, func.instr(cast(PromptRow.tags, String), json.dumps(tag)) > 0, exactly)


def is_used() -> ColumnElement[bool]:
    """Whether a run has taken a prompt as its input, or anything was made of it."""
    return or_(*(exists().where(table.prompt_id == PromptRow.id) for table in USES))
