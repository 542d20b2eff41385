"""How long a user waits before anything is on the screen; limits are for a laptop."""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from cai_core.store.workspace import open_workspace
from tests.benchmarks.measure import Case, seconds

COMMANDS = (
    ("start: cai-studio --help", ("-m", "cai_core.cli", "--help"), 3.0),
    ("start: what the app imports to enqueue a run", ("-c", "import cai_core.runs.queue"), 2.0),
    ("start: what every page imports", ("-c", "import streamlit, plotly.graph_objects, pandas"), 5.0),
)


def cases() -> Iterator[Case]:
    """A command, the imports of a page, a new workspace: each against its limit."""
    for name, command, limit in COMMANDS:
        yield Case(name, "s of processor time", 1, partial(cpu_seconds, *command), limit, larger_is_better=False)
    with tempfile.TemporaryDirectory() as folder:
        places = (Path(folder, str(number)) for number in range(100))
        made = partial(seconds, lambda: open_workspace(next(places)).close())
        yield Case("start: a new workspace", "s", 1, made, 15.0, larger_is_better=False, rounds=3)


def cpu_seconds(*command: str) -> float:
    """Processor seconds of a Python command: what else the machine does adds little to them."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, capture_output=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
