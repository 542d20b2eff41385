"""What a model makes of answers: their log-probabilities, the loss on what is held out, and whether a reload agrees."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor

from cai_core.errors import ModelError
from cai_core.models.rows import pad_right
from cai_core.models.weights import with_adapter
from cai_core.training.examples import IGNORED, Row

RELOAD_TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.05}
"""Nats. bfloat16 sums in another order give other last digits."""


@torch.no_grad()
def answer_logprobs(model: Any, rows: Sequence[Row], *, at_once: int = 8) -> Tensor:
    """Natural log-probability of every token that carries loss, row after row. Shape (tokens,), float32."""
    trained = model.training
    model.eval()
    try:
        return torch.cat([_of_batch(model, rows[i : i + at_once]) for i in range(0, len(rows), at_once)])
    finally:
        model.train(trained)


def _of_batch(model: Any, rows: Sequence[Row]) -> Tensor:
    ids, mask = (x.to(model.device) for x in pad_right([row["input_ids"] for row in rows]))  # (B, T)
    labels = torch.full_like(ids, IGNORED)
    for place, row in enumerate(rows):
        labels[place, : len(row["labels"])] = torch.tensor(row["labels"])
    kept = labels[:, 1:] != IGNORED
    logits: Tensor = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1][kept]  # (tokens, V)
    return logits.float().log_softmax(-1).gather(-1, labels[:, 1:][kept][:, None])[:, 0].cpu()


def mean_loss(model: Any, rows: Sequence[Row]) -> float:
    """Cross-entropy in nats a token over all tokens of `rows` that carry loss."""
    return -answer_logprobs(model, sorted(rows, key=lambda row: len(row["labels"]))).mean().item()


def reload_difference(model: PeftModel, adapter: Path, rows: Sequence[Row]) -> float:
    """Largest difference, in nats a token, between the trained model and its base with the saved adapter.

    The trained model is used up: its own base is what the saved adapter is put on, so no second one is in memory.
    Raises `ModelError` above the tolerance: what later stages load must be what was trained.
    """
    tolerance = RELOAD_TOLERANCE.get(model.dtype, 0.05)
    before = answer_logprobs(model, rows)
    after = answer_logprobs(with_adapter(model.unload(), str(adapter)), rows)
    difference = (before - after).abs().max().item()
    if not difference <= tolerance:  # so that what is not a number fails too
        raise ModelError(
            f"the adapter saved in {adapter} gives log-probabilities up to {difference:.3g} apart from the model just "
            f"trained; at most {tolerance} is rounding. Do not use it: check that its folder is writable and its disk "
            "not full, then train again."
        )
    return difference
