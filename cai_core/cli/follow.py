"""Follow runs to their end on the terminal."""

import time
from collections.abc import Sequence
from typing import Any

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from sqlalchemy.orm import Session

from cai_core.cli.common import console, say
from cai_core.errors import RunError
from cai_core.runs import launchers, queue
from cai_core.store import runs
from cai_core.store.workspace import Workspace
from cai_core.types import RunState
from db.schema import RunRow

TICK = 0.5
ENDED = (RunState.DONE, RunState.STOPPED, RunState.FAILED, RunState.LOST)
Rows = list[dict[str, Any]]


def follow(workspace: Workspace, run_ids: Sequence[int], *, quiet: bool = False) -> Rows:
    """Show progress until every run has ended, or waits for one that did not get done; return their summaries.

    Ctrl-C asks all of them to stop, waits until they have, and passes on.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[words]}"),
        TimeElapsedColumn(),
        console=console,
        disable=quiet,
    ) as progress:
        bars: dict[int, TaskID] = {}
        try:
            while True:
                queue.kick(workspace)
                rows = _rows(workspace, run_ids)
                _draw(progress, bars, rows)
                if all(row["state"] in ENDED or row["held_up_by"] for row in rows):
                    return rows
                time.sleep(TICK)
        except KeyboardInterrupt:
            stop_all(workspace, run_ids)
            raise


def _rows(workspace: Workspace, run_ids: Sequence[int]) -> Rows:
    with workspace.reading() as session:
        return [_row(session, runs.get(session, run_id)) for run_id in run_ids]


def _row(session: Session, row: RunRow) -> dict[str, Any]:
    """A run's summary, with the run that it waits for in vain."""
    culprit = runs.held_up_by(session, row.id) if row.state == RunState.WAITING else None
    return {**runs.summary(row), "held_up_by": culprit and runs.summary(culprit)}


def to_the_end(workspace: Workspace, run_ids: Sequence[int], *, quiet: bool = False) -> bool:
    """Follow runs; whether all are done. Says on standard error what stopped, why, and how to go on."""
    try:
        rows = follow(workspace, run_ids, quiet=quiet)
    except KeyboardInterrupt:
        _say(f"runs {' '.join(map(str, run_ids))} are stopped.")
        _say(_go_on(workspace, run_ids))
        raise typer.Exit(130) from None
    ended = [row["held_up_by"] or row for row in rows if row["state"] != RunState.DONE]
    for row in {row["id"]: row for row in ended}.values():
        _say(f"run {row['id']} ({row['kind']}) is {row['state']}: {row['error'] or 'on request'}")
        if last := launchers.tail(workspace.folder, row["id"], 15):
            _say(last)
        if row["id"] not in run_ids:
            _say(f"run {' '.join(map(str, run_ids))} waits for it.")
    if ended:
        _say(_go_on(workspace, sorted({row["id"] for row in ended})))
    return not ended


def _say(text: str) -> None:
    say(text, error=True)


def _go_on(workspace: Workspace, run_ids: Sequence[int]) -> str:
    listed = " ".join(map(str, run_ids))
    return f"`cai-studio runs resume {listed} --workspace {workspace.folder}` lets them go on where they were."


def _draw(progress: Progress, bars: dict[int, TaskID], rows: Rows) -> None:
    for row in rows:
        if row["id"] not in bars:
            name = f"{row['kind']} (run {row['id']})"
            bars[row["id"]] = progress.add_task(name, total=None, start=False, words="")
        bar = bars[row["id"]]
        if row["state"] == RunState.RUNNING:
            progress.start_task(bar)
        elif row["state"] in ENDED:
            progress.stop_task(bar)
        total = 1 if row["state"] == RunState.DONE and not row["total"] else row["total"]
        done = total if row["state"] == RunState.DONE else row["done"]
        progress.update(bar, total=total, completed=done or 0, words=f"{row['state']} {row['phase']}".strip())


def stop_all(workspace: Workspace, run_ids: Sequence[int], within: float = 60.0) -> None:
    """Stop waiting runs, ask running ones, and wait until none runs."""
    for run_id in reversed(run_ids):
        try:
            queue.request_stop(workspace, run_id)
        except RunError:
            continue  # it has ended already
    end = time.monotonic() + within
    while time.monotonic() < end:
        with workspace.writing() as session:
            queue.reconcile(session, workspace)
        if not any(row["state"] == RunState.RUNNING for row in _rows(workspace, run_ids)):
            return
        time.sleep(TICK)
