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

from cai_core.config import load_config
from cai_core.errors import CAIError, RunError
from cai_core.runs import launchers, queue
from cai_core.runs.job import Job, LostClaim, Stopped, heartbeat
from cai_core.store import runs
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import RunKind, RunState
from db.schema import now

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
        queue.kick(workspace)
    except CAIError as error:
        print(error, file=sys.stderr)
        code = 2
    sys.exit(code)


def work(workspace: Workspace, run_id: int) -> int:
    """Claim a run and take it to its end in this process; return the exit code."""
    stop = threading.Event()
    _listen(stop)
    job = claim(workspace, run_id, stop)
    if job is None:
        print(f"run {run_id} is not free: {_why(workspace, run_id)}", file=sys.stderr)
        return CLAIMED
    print(f"run {run_id} ({job.kind}), attempt {job.attempt}, pid {os.getpid()}", flush=True)
    try:
        with heartbeat(job, lambda: _give_up(job)):
            state, result, error = _outcome(job)
        _finish(job, state, result, error)
    except LostClaim:
        print(f"run {run_id} was taken over by another process; nothing more is written here.", file=sys.stderr)
        return CLAIMED
    print(f"run {run_id} is {state.value}{': ' + error if error else ''}", flush=True)
    return 1 if state == RunState.FAILED else 0


def claim(workspace: Workspace, run_id: int, stop: threading.Event | None = None) -> Job | None:
    """Write this process's pid into the run if no other has; None if the run is not free, or has failed by that.

    `stop` is set, now or later, when the run is to stop.
    """
    stop = stop or threading.Event()
    revision = runs.code_revision()
    with workspace.writing() as session:
        row = runs.get(session, run_id)
        if row.state == RunState.WAITING and queue.is_ready(row) and (free := queue.free_devices(session)):
            queue.reserve(row, free[0])  # a worker started by hand takes a device as `kick` would
        if row.state != RunState.RUNNING or row.pid is not None:
            return None
        kind = RunKind(row.kind)
        try:
            config = load_config(kind, row.config)
        except RunError as error:
            row.state, row.ended_at = RunState.FAILED.value, now()
            row.error = f"{error} A former version accepted them: clone the run with settings that fit."
            return None
        row.pid, row.process_started = os.getpid(), launchers.process_started(os.getpid())
        row.heartbeat_at, row.code_revision = now(), revision
        if row.stop_requested:
            stop.set()
        return Job(workspace, run_id, row.uid, row.attempt, kind, config, row.seed, row.constitution_version_id, stop)


def _why(workspace: Workspace, run_id: int) -> str:
    with workspace.reading() as session:
        row = runs.get(session, run_id)
    failed = row.error if row.state == RunState.FAILED else None
    return failed or "another process has it, or it is not its turn."


def _listen(stop: threading.Event) -> None:
    """SIGTERM asks to stop, as the flag in the database does."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: stop.set())


def _give_up(job: Job) -> None:
    """End this process although its stage is still busy: what it has is stored, and a kill does no harm.

    Marking the run takes the write lock, so nothing is being written at that moment.
    """
    _finish(job, RunState.STOPPED, {}, None)
    print(f"run {job.run_id} is stopped: its stage did not answer, so the process ends here.", flush=True)
    try:
        queue.kick(job.workspace)
    finally:
        os._exit(0)


def _outcome(job: Job) -> tuple[RunState, Mapping[str, Any], str | None]:
    """Run the stage; `LostClaim` if the run is no longer ours."""
    try:
        stage: Stage = import_module(STAGES[job.kind]).run
        return RunState.DONE, stage(job), None
    except Stopped:
        return RunState.STOPPED, {}, None
    except LostClaim:
        raise
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
        job.store_use(row)
        row.stop_requested = False
        if state == RunState.DONE:
            row.phase = ""


if __name__ == "__main__":
    main()
