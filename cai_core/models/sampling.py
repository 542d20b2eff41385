"""Drawing tokens so that a row's text depends on nothing but its own distribution and its own seed.

Step t of a row inverts the cumulative distribution, in the vocabulary's order, at the t-th number of the row's own
stream. Torch's sampler draws one stream for a whole batch instead, and a row's text then changes with its neighbours.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cai_core.types import Sample


def uniforms(seed: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The row's numbers in [0, 1), keyed by (seed, step): Philox counts, so step t never depends on `count`."""
    return np.random.Generator(np.random.Philox(key=seed)).random(count)


def draw(logits: Tensor, samples: Sequence[Sample], at: Sequence[float]) -> Tensor:
    """The next tokens [n] of rows with `logits` [n, vocabulary], each drawn at its number of [0, 1)."""
    greedy = logits.argmax(dim=-1)
    if all(sample.temperature == 0 for sample in samples):
        return greedy
    device = logits.device
    temperature = torch.tensor([sample.temperature for sample in samples], device=device)[:, None]
    scale = torch.where(temperature > 0, temperature, torch.ones_like(temperature))
    # Float64, as a float32 running sum over a large vocabulary is off by more than rare tokens are likely.
    probabilities = torch.softmax(logits.double() / scale.double(), dim=-1)
    probabilities = keep_top_k(probabilities, [sample.top_k for sample in samples])
    top_p = torch.tensor([sample.top_p for sample in samples], device=device, dtype=torch.float64)
    probabilities = keep_top_p(probabilities, top_p)
    drawn = invert(probabilities, torch.tensor(at, device=device, dtype=torch.float64))
    return torch.where(temperature[:, 0] > 0, drawn, greedy)


def keep_top_k(probabilities: Tensor, top_k: Sequence[int]) -> Tensor:
    """Zero all but the `top_k` likeliest tokens of each row, 0 keeping all; made to add up to one again.

    Of equally likely tokens the first of the vocabulary are kept.
    """
    most = max(top_k)
    if most == 0 or min(k or probabilities.shape[-1] for k in top_k) >= probabilities.shape[-1]:
        return probabilities
    order = probabilities.sort(dim=-1, descending=True, stable=True).indices
    place = torch.arange(probabilities.shape[-1], device=probabilities.device)
    allowed = torch.tensor([k or probabilities.shape[-1] for k in top_k], device=probabilities.device)
    dropped = torch.zeros_like(order, dtype=torch.bool).scatter(-1, order, place >= allowed[:, None])
    kept = probabilities.masked_fill(dropped, 0.0)
    return kept / kept.sum(dim=-1, keepdim=True)


def keep_top_p(probabilities: Tensor, top_p: Tensor) -> Tensor:
    """Zero all but the smallest set of likeliest tokens whose sum reaches `top_p` [n]; not renormalised."""
    if bool((top_p >= 1).all()):
        return probabilities
    ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
    before = ordered.cumsum(dim=-1) - ordered
    dropped = (before >= top_p[:, None]) & (top_p < 1)[:, None]
    dropped[:, 0] = False
    return probabilities.masked_fill(torch.zeros_like(dropped).scatter(-1, order, dropped), 0.0)


def invert(probabilities: Tensor, at: Tensor) -> Tensor:
    """The token [n] where the running sum of `probabilities` [n, vocabulary] passes `at` [n] of its total."""
    running = probabilities.cumsum(dim=-1)
    target = at[:, None] * running[:, -1:]
    found = torch.searchsorted(running, target, right=True).squeeze(-1)
    # Rounding can carry the target to the very end, past the last token that has any probability.
    last = probabilities.shape[-1] - 1 - (probabilities > 0).flip(-1).to(torch.uint8).argmax(dim=-1)
    return torch.minimum(found, last)
