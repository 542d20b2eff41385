"""Few-shot prefixes: drawn once for a run and shared by its rows, so that few different contexts are sent.

K prefixes instead of one a row let an engine reuse what it computed for a prefix, and let both orders of a comparison
stand behind the same one.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from cai_core.types import derive_seed

S = TypeVar("S")


def draw_prefixes(shots: Sequence[S], *, count: int, size: int, seed: int) -> tuple[tuple[S, ...], ...]:
    """`count` prefixes of `size` shots each, without a shot twice in one; all shots where there are fewer.

    No prefixes at all if there are no shots or `size` is 0: requests are then sent bare.
    """
    size = min(size, len(shots))
    if size == 0:
        return ()
    return tuple(
        tuple(Random(derive_seed(seed, "prefix", number)).sample(list(shots), size)) for number in range(count)
    )


def prefix_of(row: str, *, count: int, seed: int) -> int | None:
    """Which of `count` prefixes a row takes, 0..count-1 by hash; None if there are none."""
    return derive_seed(seed, "which prefix", row) % count if count else None
