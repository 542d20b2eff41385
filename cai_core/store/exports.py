"""Exports: comparisons and labels as JSON Lines or CSV, named by uids that hold outside the workspace."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from cai_core.errors import RunError, WorkspaceError
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from db.schema import ComparisonRow, LabelRow, ModelRow, RunRow

Row = dict[str, Any]
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(workspace: Workspace, what: str, path: Path, run_ids: Sequence[int] = ()) -> int:
    """Write all of a noun, or that of some runs, to `path` whole or not at all; return how many rows."""
    unfinished = path.with_name(path.name + ".part")
    try:
        with workspace.reading() as session, unfinished.open("w", encoding="utf-8", newline="") as file:
            rows = _rows(session, what, run_ids)
            count = (_write_csv if path.suffix.lower() == ".csv" else _write_jsonl)(file, rows)
        unfinished.replace(path)
    except OSError as error:
        raise WorkspaceError(
            f"{path} cannot be written: {error.strerror}. Name a file in a folder you may write to."
        ) from None
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _rows(session: Session, what: str, run_ids: Sequence[int]) -> Iterator[Row]:
    chosen = select(RunRow).where(RunRow.kind == RunKind(what).value).order_by(RunRow.id)
    runs = [row for row in session.scalars(chosen) if not run_ids or row.id in run_ids]
    if wrong := set(run_ids) - {row.id for row in runs}:
        raise RunError(f"runs {sorted(wrong)} are no {what} runs of this workspace. `cai-studio runs list` shows them.")
    for run in runs:
        yield from WRITERS[what](session, run)


def _comparisons(session: Session, run: RunRow) -> Iterator[Row]:
    chosen = (
        select(ComparisonRow, ModelRow.name)
        .join(ModelRow, ModelRow.id == ComparisonRow.model_id)
        .where(ComparisonRow.run_id == run.id)
        .order_by(ComparisonRow.id)
        .options(selectinload(ComparisonRow.prompt))
        .execution_options(yield_per=500)
    )
    for row, model in session.execute(chosen):
        yield {
            "uid": row.uid,
            "run": run.uid,
            "prompt": row.prompt.uid,
            "kind": row.prompt.kind,
            "topic": row.prompt.topic,
            "turns": row.prompt.turns,
            "model": model,
            "state": row.state,
            "response_a": row.response_a,
            "response_b": row.response_b,
            "seed_a": row.seed_a,
            "seed_b": row.seed_b,
            "finished_a": row.finished_a,
            "finished_b": row.finished_b,
            "error": row.error,
        }


def _labels(session: Session, run: RunRow) -> Iterator[Row]:
    chosen = (
        select(LabelRow)
        .where(LabelRow.run_id == run.id)
        .order_by(LabelRow.id)
        .options(selectinload(LabelRow.comparison), selectinload(LabelRow.principle), selectinload(LabelRow.orders))
    )
    for row in session.scalars(chosen.execution_options(yield_per=500)):
        yield {
            "comparison": row.comparison.uid,
            "run": run.uid,
            "principle": row.principle.slug,
            "principle_uid": row.principle.uid,
            "state": row.state,
            "p_a": row.p_a,
            "order_disagrees": row.order_disagrees,
            "orders": [
                {"order": o.order, "logprob_a": o.logprob_a, "logprob_b": o.logprob_b, "bounded": o.bounded}
                for o in row.orders
            ],
            "error": row.error,
        }


WRITERS: dict[str, Callable[[Session, RunRow], Iterator[Row]]] = {
    "comparisons": _comparisons,
    "labels": _labels,
}


def _write_jsonl(file: TextIO, rows: Iterator[Row]) -> int:
    count = 0
    for row in rows:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
        count += 1
    return count


def _write_csv(file: TextIO, rows: Iterator[Row]) -> int:
    writer: csv.DictWriter[str] | None = None
    count = 0
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(file, fieldnames=list(row))
            writer.writeheader()
        writer.writerow({name: _cell(value) for name, value in row.items()})
        count += 1
    return count


def _cell(value: Any) -> Any:
    """A cell that a spreadsheet shows instead of running it: what looks like a formula gets an apostrophe."""
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
