"""Scores of a preference model that is at hand, over token ids."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cai_core.models.preference import rewards

BATCH = 64
"""Sequences a forward pass."""


def padded(sequences: Sequence[Sequence[int]], pad: int = 0) -> tuple[Tensor, Tensor]:
    """(ids, mask), each (N, T): padded on the right to the longest, T. The mask is 0 on padding."""
    width = max(map(len, sequences))
    ids = [[*sequence, *[pad] * (width - len(sequence))] for sequence in sequences]
    mask = [[1] * len(sequence) + [0] * (width - len(sequence)) for sequence in sequences]
    return torch.tensor(ids), torch.tensor(mask)


@torch.inference_mode()
def score_ids(model: Any, sequences: Sequence[Sequence[int]]) -> list[float]:
    """The scalar head's logit at each sequence's last token, in the order given. Sorted by length on the way."""
    was_training = model.training
    model.eval()
    order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
    scores = [0.0] * len(sequences)
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        ids, mask = padded([sequences[i] for i in batch])
        found = rewards(model, ids.to(model.device), mask.to(model.device))  # (B,)
        for i, score in zip(batch, found.float().tolist(), strict=True):
            scores[i] = score
    model.train(was_training)
    return scores
