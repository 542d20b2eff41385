"""Follow runs to their end on the terminal."""

import time
from collections.abc import Sequence
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cai_core.cli.common import console
from cai_core.errors import RunError
from cai_core.runs import queue
from cai_core.store import runs
from cai_core.store.workspace import Workspace
from cai_core.types import RunState

TICK = 0.5
ENDED = (RunState.DONE, RunState.STOPPED, RunState.FAILED, RunState.LOST)
Rows = list[dict[str, Any]]


def follow(workspace: Workspace, run_ids: Sequence[int], *, quiet: bool = False) -> Rows:
    """Show progress until every run has ended or one that others wait for has failed; return their summaries.

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
                if _over(rows):
                    return rows
                time.sleep(TICK)
        except KeyboardInterrupt:
            stop_all(workspace, run_ids)
            raise


def _rows(workspace: Workspace, run_ids: Sequence[int]) -> Rows:
    with workspace.reading() as session:
        return [runs.summary(runs.get(session, run_id)) for run_id in run_ids]


def _over(rows: Rows) -> bool:
    """Nothing runs, and nothing waits that could still have its turn."""
    states = [row["state"] for row in rows]
    if RunState.RUNNING in states:
        return False
    return RunState.WAITING not in states or any(state in ENDED[1:] for state in states)


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
