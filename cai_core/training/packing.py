"""Packing: several examples end to end in one row, each seeing itself alone, as TRL lays them out ("bfd").

An example is never cut: those longer than a row are left out before. Every epoch is packed anew in an order of its own.
"""

from collections.abc import Sequence

import numpy as np
import torch
from datasets import Dataset
from trl import pack_dataset

from cai_core.errors import ModelError
from cai_core.training.examples import Row

APART = 1e-2
"""Log-probabilities may differ so much between a row alone and packed: rounding, not another's text."""


def packed(rows: Sequence[Row], *, length: int, epochs: int, seed: int) -> list[Row]:
    """Rows of at most `length` tokens for the whole run, as a pure function of the seed; `seq_lengths` parts them."""
    rng = np.random.default_rng(seed)
    found: list[Row] = []
    for _ in range(epochs):
        shuffled = [rows[i] for i in rng.permutation(len(rows))]
        laid = pack_dataset(Dataset.from_list(shuffled), length, "bfd").to_list()
        found += [laid[i] for i in rng.permutation(len(laid))]
    return found


@torch.no_grad()
def check_packing(model: torch.nn.Module, rows: Sequence[Row]) -> None:
    """Raise `ModelError` unless this model reads a packed example as if it stood alone."""
    first, second = rows[0]["input_ids"], rows[-1]["input_ids"]
    places = [*range(len(first)), *range(len(second))]
    trained = model.training
    model.eval()
    try:
        both = _logprobs(model, [*first, *second], places)[len(first) :]
        alone = _logprobs(model, second, list(range(len(second))))
    except TypeError as error:
        raise ModelError(
            f"this model takes no positions ({error}), so it cannot pack. Set packing to false."
        ) from error
    finally:
        model.train(trained)
    apart = (both - alone).abs().max().item()
    if not apart <= APART * max(1.0, alone.abs().max().item()):
        raise ModelError(
            f"this model lets packed examples see each other: log-probabilities move by {apart:.3g}. Set packing to "
            "false."
        )


def _logprobs(model: torch.nn.Module, ids: list[int], places: list[int]) -> torch.Tensor:
    device = next(model.parameters()).device
    given = {"input_ids": torch.tensor([ids], device=device), "position_ids": torch.tensor([places], device=device)}
    logits: torch.Tensor = model(**given, use_cache=False).logits[0]  # (T, V)
    return logits.float().log_softmax(-1)
