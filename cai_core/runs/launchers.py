"""Start, watch and stop a run's process on this machine: the three calls that any launcher answers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

THREADS = "CAI_STUDIO_THREADS"
Key = tuple[Path, int]
"""Workspace folder and run id."""
_children: list[tuple[Key, subprocess.Popen[bytes]]] = []
_ended: set[Key] = set()
"""Runs whose newest process, started here, is gone."""


def log_file(folder: Path, run_id: int) -> Path:
    """Where a run's process writes what it prints, attempt after attempt."""
    return folder / "logs" / f"run-{run_id}.log"


def start(folder: Path, run_id: int, device: str) -> int:
    """Start a worker in a session of its own, so that it outlives the server; return its pid."""
    command = [sys.executable, "-m", "cai_core.runs.worker", "--workspace", str(folder), "--run", str(run_id)]
    with log_file(folder, run_id).open("ab") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=_environment(device),
        )
    # Kept so that `reap` can wait for it: a child that nobody waits for stays a zombie.
    _children.append(((folder, run_id), child))
    _ended.discard((folder, run_id))
    return child.pid


def _environment(device: str) -> dict[str, str]:
    threads = os.environ.get(THREADS) or str(psutil.cpu_count(logical=False) or 1)
    visible = device.removeprefix("cuda:") if device.startswith("cuda:") else ""
    return {
        "OMP_NUM_THREADS": threads,
        **os.environ,
        # Waiting threads sleep: busy waiting makes two trainings on one machine ten times slower.
        "OMP_WAIT_POLICY": "PASSIVE",
        "TOKENIZERS_PARALLELISM": "false",
        "CUDA_VISIBLE_DEVICES": visible,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
    }


def reap() -> None:
    """Wait for children that have ended."""
    for key, child in list(_children):
        if child.poll() is not None:
            _children.remove((key, child))
            if all(key != other for other, _ in _children):
                _ended.add(key)


def ended_unclaimed(folder: Path, run_id: int) -> bool:
    """Whether the process that this one started for the run is gone."""
    reap()
    return (folder, run_id) in _ended


def process_started(pid: int) -> float:
    """Start time of a process, in seconds since the epoch."""
    return float(psutil.Process(pid).create_time())


def alive(pid: int | None, started: float | None) -> bool:
    """Whether this very process lives: same pid, same start time, and not a zombie."""
    if pid is None or started is None:
        return False
    try:
        process = psutil.Process(pid)
        return bool(abs(process.create_time() - started) < 2.0 and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def stop(pid: int | None, started: float | None) -> None:
    """Ask a worker to stop; it saves what it has and ends."""
    if pid is not None and alive(pid, started):
        os.kill(pid, signal.SIGTERM)


def tail(folder: Path, run_id: int, lines: int = 50, most: int = 200_000) -> str:
    """The last lines of a run's log; empty if there is none."""
    path = log_file(folder, run_id)
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - most))
        return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])


def devices() -> tuple[str, ...]:
    """The devices that runs may take, a run each: `CAI_STUDIO_DEVICES`, or the first GPU, or the CPU."""
    named = os.environ.get("CAI_STUDIO_DEVICES", "")
    if named.strip():
        return tuple(name.strip() for name in named.split(",") if name.strip())
    return ("cuda:0",) if Path("/dev/nvidia0").exists() else ("cpu",)
