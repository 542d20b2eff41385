"""Forward passes over rows of unlike length, in two ways: with a shared prefix computed once, or plainly.

Few-shot prefixes are most of what a chain or a label sends, so rows that begin alike pay for the beginning once. That
needs a model whose every layer attends to all that went before and takes explicit positions and a mask of four
dimensions; every other model (sliding windows, state spaces, ALiBi) goes the plain way, through its own cache.
"""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer

from cai_core.models.cache import Batch, GrowingLayer, join, roomy
from cai_core.models.rows import (
    Options,
    Tokens,
    common_length,
    groups,
    item_length,
    lay_out,
    pad_left,
    positions_of,
    real_left,
    sum_tails,
)

_PASS_TOKENS = 8192
"""Most tokens of one pass over contexts, padding included: bounds its memory."""
_KEPT_TOKENS = 4096
"""Tokens of shared beginnings kept for later batches: a run's few-shot prefixes come again and again."""
_NEARLY = 0.9
"""A kept beginning serves where it covers this part of what a batch shares."""

States = list[tuple[Tensor, Tensor]]
"""Keys and values of a beginning, a pair [1, heads, tokens, width] a layer."""


class PlainForward:
    """Any causal model: rows padded on the left, the model's own cache, nothing shared."""

    def __init__(self, model: PreTrainedModel, pad: int) -> None:
        self.model, self.pad, self.device = model, pad, model.device
        accepted = inspect.signature(model.forward).parameters
        self._takes_positions = "position_ids" in accepted
        self._takes_keep = "logits_to_keep" in accepted

    def start(self, sequences: Sequence[Tokens]) -> tuple[Tensor, Batch]:
        """Logits [rows, vocabulary] after each sequence, and the batch to go on with."""
        ids, visible = pad_left(sequences, self.pad, self.device), real_left(sequences, self.device)
        batch = Batch(DynamicCache(config=self.model.config), visible, visible.sum(-1))
        return self._logits(ids, positions_of(visible), visible.long(), batch.cache, 1)[:, -1], batch

    def step(self, batch: Batch, tokens: Tensor) -> Tensor:
        """Append one token a row ([rows]); logits [rows, vocabulary] after it."""
        batch.visible = torch.cat([batch.visible, batch.visible.new_ones(len(tokens), 1)], dim=1)
        at = batch.positions[:, None]
        batch.positions = batch.positions + 1
        return self._logits(tokens[:, None], at, self._step_mask(batch.visible), batch.cache, 1)[:, -1]

    def select(self, batch: Batch, rows: Tensor) -> Batch:
        """Keep only `rows` of the batch."""
        batch.cache.batch_select_indices(rows)
        return Batch(batch.cache, batch.visible[rows], batch.positions[rows])

    def score(self, items: Sequence[Options]) -> list[list[float]]:
        """For each item and tail, the log-probability of all tokens from `first` on."""
        return [self._score_one(item) for item in items]

    def _score_one(self, item: Options) -> list[float]:
        sequences = [[*item.common, *tail] for tail in item.tails]
        ids, visible = pad_left(sequences, self.pad, self.device), real_left(sequences, self.device)
        keep = max(map(len, sequences)) - item.first + 1
        logits = self._logits(ids, positions_of(visible), visible.long(), None, keep)  # [tails, keep, vocabulary]
        logprobs = torch.log_softmax(logits[:, :-1].float(), dim=-1)
        told = logprobs.gather(-1, ids[:, 1 - keep :, None]).squeeze(-1).double()  # [tails, keep - 1]
        counts = [len(sequence) - item.first for sequence in sequences]
        return [float(row[len(row) - count :].sum()) for row, count in zip(told, counts, strict=True)]

    def _step_mask(self, visible: Tensor) -> Tensor:
        return visible.long()

    def _logits(self, ids: Tensor, positions: Tensor, mask: Tensor, cache: Cache | None, keep: int) -> Tensor:
        """Logits [rows, keep, vocabulary] at the last `keep` places."""
        more: dict[str, Any] = {"past_key_values": cache, "use_cache": cache is not None}
        if self._takes_positions:
            more["position_ids"] = positions
        if self._takes_keep:
            more["logits_to_keep"] = keep
        logits: Tensor = self.model(input_ids=ids, attention_mask=mask, **more).logits
        return logits[:, -keep:]


class SharedForward(PlainForward):
    """A model that attends to all that went before: what rows begin with alike is computed once."""

    def __init__(self, model: PreTrainedModel, pad: int) -> None:
        super().__init__(model, pad)
        self._kept: list[tuple[Tokens, States]] = []  # the newest last

    def start(self, sequences: Sequence[Tokens]) -> tuple[Tensor, Batch]:
        """As `PlainForward.start`; rows that begin alike should stand side by side."""
        logits, parts = [], []
        for begin, end, shared in groups(sequences):
            items = [Options(sequence, (), 1) for sequence in sequences[begin:end]]
            for part, batch in self._passes(items, shared, keep=1):
                logits.append(part[:, -1])
                parts.append(batch)
        return torch.cat(logits), join(parts)

    def select(self, batch: Batch, rows: Tensor) -> Batch:
        """Keep only `rows` of the batch, and only the places that one of them has."""
        visible = batch.visible[rows]
        skip = int(visible.any(dim=0).long().argmax())
        pairs = [layer.filled() for layer in batch.cache.layers]
        layers = [roomy([keys[rows, :, skip:]], [values[rows, :, skip:]]) for keys, values in pairs]
        return Batch(Cache(layers=layers), visible[:, skip:], batch.positions[rows])

    def score(self, items: Sequence[Options]) -> list[list[float]]:
        """As `PlainForward.score`: all tails of an item in one row, each blind to the others."""
        scores: list[list[float]] = []
        for begin, end, shared in groups([item.common[: item.first] for item in items]):
            group = items[begin:end]
            keep = max(item_length(item) - item.first for item in group) + 1
            logits = torch.cat([part for part, _ in self._passes(group, shared, keep)])  # [items, keep, vocabulary]
            logprobs = torch.log_softmax(logits.float(), dim=-1)
            scores += [sum_tails(item, row) for item, row in zip(group, logprobs, strict=True)]
        return scores

    def _passes(self, items: Sequence[Options], shared: int, keep: int) -> Iterator[tuple[Tensor, Batch]]:
        """Run items that share their first `shared` tokens: logits [rows, keep, vocabulary] and the batch, in parts."""
        shared, prefix = self._prefix(items[0].common[:shared]) if shared else (0, None)
        longest = max(item_length(item) for item in items) - shared
        size = max(1, _PASS_TOKENS // longest)
        for i in range(0, len(items), size):
            yield self._rows(items[i : i + size], shared, prefix, keep)

    def _prefix(self, tokens: Tokens) -> tuple[int, States]:
        """Length and states of the beginning `tokens`, or of nearly all of it where that was kept."""
        for i, (known, states) in enumerate(self._kept):
            length = common_length(known, tokens)
            if length >= _NEARLY * len(tokens):
                self._kept.append(self._kept.pop(i))
                return length, [(keys[:, :, :length], values[:, :, :length]) for keys, values in states]
        states = self._run_prefix(tokens)
        self._kept.append((tokens, states))
        while len(self._kept) > 1 and sum(len(known) for known, _ in self._kept) > _KEPT_TOKENS:
            self._kept.pop(0)
        return len(tokens), states

    def _run_prefix(self, tokens: Tokens) -> States:
        cache = self._cache(None, 1)
        ids = torch.tensor([tokens], device=self.device)
        at = torch.arange(len(tokens), device=self.device)[None]
        self._logits(ids, at, torch.ones_like(ids), cache, 1)
        return [layer.filled() for layer in cache.layers]

    def _cache(self, prefix: States | None, rows: int) -> Cache:
        if prefix is None:
            return Cache(layers=[GrowingLayer() for _ in DynamicCache(config=self.model.config).layers])
        spread = [[states.expand(rows, -1, -1, -1) for states in pair] for pair in prefix]
        return Cache(layers=[GrowingLayer(keys, values) for keys, values in spread])

    def _rows(self, items: Sequence[Options], shared: int, prefix: States | None, keep: int) -> tuple[Tensor, Batch]:
        """One pass over what the rows do not share."""
        tokens, branch, at = zip(*(lay_out(item, shared) for item in items), strict=True)
        ids = pad_left(tokens, self.pad, self.device)  # [rows, own]
        branches = pad_left(branch, -1, self.device)  # [rows, own]: 0 the context, 1.. its tails, -1 padding
        positions = pad_left(at, 0, self.device)
        causal = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=self.device).tril()
        same = branches[:, :, None] == branches[:, None, :]
        # Padding sees padding: a row of the softmax with nothing in it would be no number.
        seen = causal & (same | (branches[:, None, :] == 0) & (branches[:, :, None] >= 0))  # [rows, own, own]
        before = seen.new_ones(*seen.shape[:2], shared)
        cache = self._cache(prefix, len(items))
        logits = self._logits(ids, positions, self._mask(torch.cat([before, seen], dim=-1)), cache, keep)
        visible = torch.cat([before[:, 0], branches >= 0], dim=-1)
        return logits, Batch(cache, visible, positions[:, -1] + 1)

    def _mask(self, seen: Tensor) -> Tensor:
        """Additive mask [rows, 1, queries, keys]: the form that every attention takes."""
        lowest = torch.finfo(self.model.dtype).min
        mask = torch.zeros(seen.shape, dtype=self.model.dtype, device=self.device)
        return mask.masked_fill_(~seen, lowest)[:, None]

    def _step_mask(self, visible: Tensor) -> Tensor:
        return self._mask(visible[:, None, :])


def forward_for(model: PreTrainedModel, pad: int) -> PlainForward:
    """The faster way where the model's kind allows it."""
    layers = DynamicCache(config=model.config).layers
    full = bool(layers) and all(type(layer) is DynamicLayer for layer in layers)
    explicit = "position_ids" in inspect.signature(model.forward).parameters
    masks = getattr(model.config, "_attn_implementation", "") in {"sdpa", "eager"}
    return SharedForward(model, pad) if full and explicit and masks else PlainForward(model, pad)
