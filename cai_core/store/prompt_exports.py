"""Prompts to a file, in one of the formats that hold what is asked."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from cai_core.errors import PromptError
from cai_core.interchange.rows import About, Export, ReadPrompt, write_rows
from cai_core.store import prompts
from cai_core.store.workspace import Workspace
from cai_core.types import PromptKind, Split
from db.schema import PromptRow

FORMATS = ("prompts", "prompt-only", "chat")
"""Those of `interchange.rows.WRITERS` that a prompt alone fits."""


def export_prompts(
    workspace: Workspace,
    path: Path,
    *,
    format: str = "prompts",
    source: str = "",
    kind: PromptKind | None = None,
    split: Split | None = None,
) -> Export:
    """Write the prompts of a set, kind and split, or all, to `path` whole or not at all, a chunk in memory at a time.

    The report numbers prompts by their row ids. `PromptError` where there is none to write, `DataFileError` where the
    file cannot be written.
    """
    if format not in FORMATS:
        raise PromptError(f"prompts cannot be written as {format!r}. Formats that hold them: {', '.join(FORMATS)}.")
    wanted = {PromptRow.source: source, PromptRow.kind: kind, PromptRow.split: split}
    chosen = [column == str(value) for column, value in wanted.items() if value]
    with workspace.reading() as session:
        # The ids alone are held, eight bytes each; the rows are read a chunk at a time at the same moment.
        ids = array("q", session.scalars(select(PromptRow.id).where(*chosen).order_by(PromptRow.id)))
        if not ids:
            raise PromptError(f"there is no such prompt. Prompt sets here: {prompts.sources(session)}.")
        export = write_rows(path, _rows(session, ids), format=format)
        count = _count_sources(session, chosen)
    named = (f"the names of {count} sets: an import puts all prompts in one",) if count > 1 else ()
    return replace(export, lost=(*export.lost, *named))


def _rows(session: Session, ids: Sequence[int]) -> Iterator[ReadPrompt]:
    for start in range(0, len(ids), prompts.CHUNK):
        for row_id, prompt in prompts.read(session, ids[start : start + prompts.CHUNK]):
            about = About(prompt.kind, prompt.split, prompt.topic, prompt.tags, prompt.extra)
            yield ReadPrompt(row_id, prompt.turns, about)


def _count_sources(session: Session, chosen: Sequence[ColumnElement[bool]]) -> int:
    return session.scalar(select(func.count(PromptRow.source.distinct())).where(*chosen)) or 0
