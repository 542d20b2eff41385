"""Drawing tokens so that a row's text depends on nothing but its own distribution and its own seed.

Step t of a row inverts the cumulative distribution, in the vocabulary's order, at the t-th number of the row's own
stream. Torch's sampler draws one stream for a whole batch instead, and a row's text then changes with its neighbours.
"""

import numpy as np
import torch
from torch import Tensor

from cai_core.types import Sample


def uniforms(seed: int, count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The row's numbers in [0, 1), keyed by (seed, step): Philox counts, so step t never depends on `count`."""
    return np.random.Generator(np.random.Philox(key=seed)).random(count)


class Drawer:
    """Draws the next token of each row of a batch."""

    def __init__(self, samples: list[Sample], device: torch.device) -> None:
        longest = max(sample.max_new_tokens for sample in samples)
        table = np.stack([uniforms(sample.seed, longest) for sample in samples])
        self._uniforms = torch.from_numpy(table).to(device)  # [rows, steps], float64
        self._temperature = torch.tensor([sample.temperature for sample in samples], device=device)  # [rows]
        self._top_p = torch.tensor([sample.top_p for sample in samples], device=device)  # [rows]

    def draw(self, logits: Tensor, rows: Tensor, step: int) -> Tensor:
        """`logits` [n, vocabulary] of the rows numbered `rows` [n]: their tokens [n] at `step`."""
        if not bool(torch.isfinite(logits).any(dim=-1).all()):
            raise ValueError("The model's output is not a number.")
        greedy = logits.argmax(dim=-1)
        temperature = self._temperature[rows]
        if not bool((temperature > 0).any()):
            return greedy
        scale = torch.where(temperature > 0, temperature, torch.ones_like(temperature))
        # Float64, as a float32 running sum over a large vocabulary is off by more than rare tokens are likely.
        probabilities = torch.softmax(logits.double() / scale.double()[:, None], dim=-1)
        probabilities = keep_top_p(probabilities, self._top_p[rows].double())
        return torch.where(temperature > 0, invert(probabilities, self._uniforms[rows, step]), greedy)


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
