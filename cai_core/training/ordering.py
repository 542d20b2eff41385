"""In which order rows are trained on: shuffled, yet batches of about one length, so little padding is computed.

The order of the whole run, all epochs, is laid out beforehand as a pure function of the seed, and the trainer reads it
in sequence: a resumed run skips what it has read and goes on with the very batches that were next.
"""

from collections.abc import Sequence

import numpy as np

WINDOW = 16
"""So many batches are shuffled together, then sorted by length and cut."""


def training_order(lengths: Sequence[int], *, epochs: int, batch_size: int, seed: int) -> list[int]:
    """Row numbers, each `epochs` times. Row i has `lengths[i]` tokens; batches are `batch_size` in a row."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.permutation(len(lengths)) for _ in range(epochs)])
    by_row = np.asarray(lengths)
    order: list[int] = []
    for start in range(0, len(rows), WINDOW * batch_size):
        window = rows[start : start + WINDOW * batch_size]
        window = window[np.argsort(by_row[window], kind="stable")]
        full, rest = divmod(len(window), batch_size)
        for batch in rng.permutation(full):  # so that the order of batches says nothing about length
            order += window[batch * batch_size : (batch + 1) * batch_size].tolist()
        order += window[len(window) - rest :].tolist()  # only the very last batch may be smaller
    return order
