"""What a row costs in a long run against a short one: of chains and of labels, the model answering at once.

The model's own time would hide the stage's and the store's, which are what could grow.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.benchmarks import grown
from tests.benchmarks.measure import Case

FEW, MANY = 100, 10_000
MAKES: dict[str, Callable[[Path, int], int]] = {"chain": grown.chains, "label": grown.labels}
ROUNDS = 2


def cases() -> Iterator[Case]:
    """Time a row, then the peak memory of the same runs."""
    for row, make in MAKES.items():
        peaks: dict[int, list[float]] = defaultdict(list)
        times = [partial(milliseconds, make, count, peaks) for count in (MANY, FEW)]
        name = f"time per {row}, {MANY:,} prompts: {FEW}"
        yield Case(name, "ms", 0.8, *times, larger_is_better=False, rounds=ROUNDS, warm_up=0)
        most = [partial(peaks[count].pop, 0) for count in (MANY, FEW)]
        name = f"peak memory, {MANY:,} prompts of {row}s: {FEW}"
        yield Case(name, "MB", 0.8, *most, larger_is_better=False, rounds=ROUNDS, warm_up=0)


def milliseconds(make: Callable[[Path, int], int], rows: int, peaks: dict[int, list[float]]) -> float:
    """A row's share of a run in a fresh workspace; its peak memory is noted beside."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        found = grown.grown(workspace, make(workspace, rows))
    assert found.rows == rows
    peaks[rows].append(found.peak)
    return 1000 * found.seconds / rows
