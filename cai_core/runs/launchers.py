"""Start, watch and stop a run's process on this machine: the three calls that any launcher answers."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

import psutil

from cai_core.errors import RunError

THREADS, DEVICES, SHOWN = "CAI_STUDIO_THREADS", "CAI_STUDIO_DEVICES", "CAI_STUDIO_VISIBLE_DEVICES"
VISIBLE, ALL = "CUDA_VISIBLE_DEVICES", "all"
Key = tuple[Path, int, int]
"""Workspace folder, run id and attempt; of what is no run's process 0 and its pid."""
_children: dict[Key, "subprocess.Popen[bytes]"] = {}
_ended: set[Key] = set()
"""Attempts whose process, started here, is gone."""
_reaping = threading.Lock()
"""Pages reap too, each in a thread of its own."""


def log_file(folder: Path, run_id: int) -> Path:
    """Where a run's process writes what it prints, attempt after attempt."""
    return folder / "logs" / f"run-{run_id}.log"


def start(folder: Path, run_id: int, attempt: int, device: str) -> int:
    """Start a worker in a session of its own, so that it outlives the server; return its pid."""
    words = ["cai_core.runs.worker", "--workspace", str(folder), "--run", str(run_id)]
    child = _popen(words, log_file(folder, run_id), device)
    # Kept so that `reap` can wait for it: a child that nobody waits for stays a zombie.
    with _reaping:
        _children[folder, run_id, attempt] = child
    return child.pid


def start_module(words: Sequence[str], folder: Path, log: Path, device: str) -> int:
    """Start `python -m` with these words, as `start` starts a run's worker; return its pid."""
    child = _popen(words, log, device)
    with _reaping:
        _children[folder, 0, child.pid] = child
    return child.pid


def _popen(words: Sequence[str], log: Path, device: str) -> "subprocess.Popen[bytes]":
    with log.open("ab") as file:
        return subprocess.Popen(
            # -P: what lies in the current folder, a db.py or an app.py, is not ours to import.
            [sys.executable, "-P", "-m", *words],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=_environment(device),
        )


def _environment(device: str) -> dict[str, str]:
    threads = os.environ.get(THREADS) or str(psutil.cpu_count(logical=False) or 1)
    return {
        "OMP_NUM_THREADS": threads,
        **os.environ,
        # Waiting threads sleep: busy waiting makes two trainings on one machine ten times slower.
        "OMP_WAIT_POLICY": "PASSIVE",
        "TOKENIZERS_PARALLELISM": "false",
        VISIBLE: _visible_to_worker(device),
        SHOWN: _shown(),  # for the run that a worker launches as it ends
        "PYTHONPATH": os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
    }


def _visible_to_worker(device: str) -> str:
    """What a worker on `device` may see: cuda:N is the N-th GPU there is for us, by number or UUID."""
    number, gpus = _gpu_number(device), _gpus()
    if number is None or gpus is None:
        return "" if number is None else str(number)
    if number >= len(gpus):
        raise OSError(f"{device} is none of the {len(gpus)} GPUs in {VISIBLE}={_shown()!r}")
    return gpus[number]


def _gpu_number(device: str) -> int | None:
    """N of cuda:N (0 of cuda); None for what is no GPU."""
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return None
    if not (number or "0").isdecimal():
        raise RunError(f"{DEVICES} names {device!r}: give cpu, or cuda:0, cuda:1 and so on, with commas between.")
    return int(number or 0)


def _shown() -> str:
    """CUDA_VISIBLE_DEVICES, which a scheduler sets, as it was before a worker was given its one GPU; or ALL."""
    return os.environ.get(SHOWN, os.environ.get(VISIBLE, ALL))


def _gpus() -> list[str] | None:
    """The GPUs there are for us, by number or UUID; None where nothing says, and all there are may be used."""
    if _shown() == ALL:
        return None
    entries = (entry.strip() for entry in _shown().split(","))
    return list(takewhile(lambda entry: entry and not entry.startswith("-"), entries))  # as CUDA reads it


def reap() -> None:
    """Wait for children that have ended."""
    with _reaping:
        gone = [key for key, child in _children.items() if child.poll() is not None]
        _ended.update(gone)
        for key in gone:
            del _children[key]


def ended_unclaimed(folder: Path, run_id: int, attempt: int) -> bool:
    """Whether the process that this one started for the run's attempt is gone."""
    reap()
    return (folder, run_id, attempt) in _ended


def process_started(pid: int) -> float:
    """Start time of a process, in seconds since the epoch."""
    return float(psutil.Process(pid).create_time())


def started_or_none(pid: int) -> float | None:
    """Start time of a process; None if it is gone already."""
    try:
        return process_started(pid)
    except psutil.Error:
        return None


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
    """The devices that runs may take, a run each: those of `CAI_STUDIO_DEVICES`, or the first GPU; else the CPU.

    GPUs are numbered among those that CUDA_VISIBLE_DEVICES shows, where it is set; one that it does not is left out.
    """
    gpus = _gpus()
    named = [name.strip() for name in os.environ.get(DEVICES, "").split(",") if name.strip()]
    if not named and (any(Path("/dev").glob("nvidia[0-9]*")) if gpus is None else gpus):
        named = ["cuda:0"]
    numbers = [(name, _gpu_number(name)) for name in named]
    return tuple(name for name, n in numbers if n is None or gpus is None or n < len(gpus)) or ("cpu",)
