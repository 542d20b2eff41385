"""The process of one run: claim it, run its stage, end in words. `python -m cai_core.runs.worker --run ID`."""

import argparse
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.config import load_config
from cai_core.errors import CAIError
from cai_core.runs import launchers, queue
from cai_core.runs.job import Job, LostClaim, Stopped, heartbeat
from cai_core.store import runs
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import RunKind, RunState
from db.schema import RunRow, now

Stage = Callable[[Job], Mapping[str, Any]]
"""Runs to its end and returns the run's result, or raises `Stopped`."""

STAGES: dict[RunKind, str] = {kind: f"cai_core.runs.stages.{kind.value}" for kind in RunKind}
"""Where each kind's `run` is: imported by name, for a worker should import only its own."""

CLAIMED = 3
"""Exit code of a worker whose run another process has."""


def main() -> None:
    """Run one run to its end."""
    parser = argparse.ArgumentParser(description="Run one run of a workspace to its end.")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--run", type=int, required=True)
    given = parser.parse_args()
    try:
        workspace = open_workspace(given.workspace, create=False)
        code = work(workspace, given.run)
        if code != CLAIMED:
            queue.kick(workspace)
    except CAIError as error:
        print(error, file=sys.stderr)
        code = 2
    sys.exit(code)


def work(workspace: Workspace, run_id: int) -> int:
    """Claim a run and take it to its end in this process; return the exit code."""
    job = claim(workspace, run_id)
    if job is None:
        print(f"run {run_id} is not free: another process has it, or it is not its turn.", file=sys.stderr)
        return CLAIMED
    _listen(job)
    print(f"run {run_id} ({job.kind}), attempt {job.attempt}, pid {os.getpid()}", flush=True)
    with heartbeat(job):
        state, result, error = _outcome(job)
    if state is None:
        print(f"run {run_id} was taken over by another process; nothing more is written here.", file=sys.stderr)
        return CLAIMED
    _finish(job, state, result, error)
    print(f"run {run_id} is {state.value}{': ' + error if error else ''}", flush=True)
    return 1 if state == RunState.FAILED else 0


def claim(workspace: Workspace, run_id: int) -> Job | None:
    """Write this process's pid into the run if no other has; None if the run is not free."""
    with workspace.writing() as session:
        row = runs.get(session, run_id)
        if row.state == RunState.WAITING and queue.is_ready(row):
            _reserve_device(session, row)
        if row.state != RunState.RUNNING or row.pid is not None:
            return None
        config = load_config(RunKind(row.kind), row.config)
        row.pid, row.process_started = os.getpid(), launchers.process_started(os.getpid())
        row.heartbeat_at = now()
        job = Job(workspace, run_id, row.attempt, RunKind(row.kind), config, row.seed, row.constitution_version_id)
        if row.stop_requested:
            job.stop.set()
        return job


def _reserve_device(session: Session, row: RunRow) -> None:
    """For a worker started by hand: take a free device as `kick` would."""
    taken = set(session.scalars(select(RunRow.device).where(RunRow.state == RunState.RUNNING.value)))
    free = next((device for device in launchers.devices() if device not in taken), None)
    if free is not None:
        queue.reserve(row, free)


def _listen(job: Job) -> None:
    """SIGTERM asks to stop, as the flag in the database does."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: job.stop.set())


def _outcome(job: Job) -> tuple[RunState | None, Mapping[str, Any], str | None]:
    """Run the stage; None as state: the run is no longer ours."""
    try:
        stage: Stage = import_module(STAGES[job.kind]).run
        return RunState.DONE, stage(job), None
    except Stopped:
        return RunState.STOPPED, {}, None
    except LostClaim:
        return None, {}, None
    except CAIError as error:
        return RunState.FAILED, {}, str(error)
    except Exception as error:
        traceback.print_exc()
        words = str(error).strip() or "no message"
        return RunState.FAILED, {}, f"{type(error).__name__}: {words}. The log holds the details."


def _finish(job: Job, state: RunState, result: Mapping[str, Any], error: str | None) -> None:
    with job.writing() as session:
        row = runs.get(session, job.run_id)
        row.state, row.error, row.ended_at = state.value, error, now()
        row.result = {**row.result, **result}
        row.stop_requested = False
        if state == RunState.DONE:
            row.phase = ""


if __name__ == "__main__":
    main()
