"""What this machine can do at most: matrix rate and memory bandwidth, measured in a process of its own."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import cache
from statistics import median
from time import perf_counter

THREADS = 2
SIDE = 2048
"""Rows and columns of the matrices: large enough that multiplying them is all that takes time."""
MEGABYTES = 256
"""Of what is copied: no cache holds it."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """Rates of this machine, medians of several trials."""

    gflops: float
    """10⁹ floating-point operations a second: a float32 matrix product on `THREADS` threads."""
    copied: float
    """10⁹ bytes a second, read and written: a copy on `THREADS` threads."""
    cores: int

    def __str__(self) -> str:
        """One line for beside the table."""
        return (
            f"Hardware: float32 matrix product {self.gflops:.0f} GFLOP/s, memory copy {self.copied:.1f} GB/s read and "
            f"written, on {THREADS} threads of {self.cores} cores."
        )


@cache
def hardware() -> Hardware:
    """Measured once a process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.hardware"], check=True, capture_output=True, text=True, timeout=300
    )
    return Hardware(**json.loads(done.stdout))


def measure() -> Hardware:
    """Measure here: threads of the calling process are set for good."""
    import torch

    torch.set_num_threads(THREADS)
    a, b = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    there, here = torch.rand(MEGABYTES * 250_000), torch.empty(MEGABYTES * 250_000)
    product = _median_seconds(lambda: torch.mm(a, b))
    copy = _median_seconds(lambda: here.copy_(there))
    return Hardware(2 * SIDE**3 / product / 1e9, 2 * 4 * there.numel() / copy / 1e9, os.cpu_count() or 1)


def _median_seconds(work: object, rounds: int = 9) -> float:
    assert callable(work)
    times = []
    for _ in range(rounds):
        begun = perf_counter()
        work()
        times.append(perf_counter() - begun)
    return median(times[1:])


if __name__ == "__main__":
    print(json.dumps(asdict(measure())))
