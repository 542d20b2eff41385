"""How long a user waits before anything is on the screen. Run by `make bench`; limits are for a laptop."""

import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pytest

from cai_core.store.workspace import open_workspace


def cpu_seconds_of(*command: str) -> float:
    """The best of three, in processor seconds: what else the machine does adds to the clock's, and little to these."""
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], check=True, capture_output=True, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


@pytest.mark.parametrize(
    ("what", "command", "limit"),
    [
        ("cai-studio --help", ("-m", "cai_core.cli", "--help"), 3.0),
        ("what the app imports to enqueue a run", ("-c", "import cai_core.runs.queue"), 2.0),
        ("what every page imports", ("-c", "import streamlit, plotly.graph_objects, pandas"), 5.0),
    ],
)
def bench_start(what: str, command: tuple[str, ...], limit: float) -> None:
    seconds = cpu_seconds_of(*command)
    print(f"\n{what}: {seconds:.2f} s of processor time")
    assert seconds < limit


def bench_fresh_workspace(tmp_path: Path) -> None:
    begun = perf_counter()
    open_workspace(tmp_path / "fresh").close()
    seconds = perf_counter() - begun
    print(f"\na fresh workspace: {seconds:.2f} s")
    assert seconds < 15
