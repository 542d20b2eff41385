"""The plain way to answer, for models that the engine does not read right: the model's own cache, nothing shared.

State spaces, ALiBi, attention of their own: rows are padded on the left, answered a batch at a time, and a batch ends
with its longest row.
"""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import Cache

from cai_core.models.adapters import Weights
from cai_core.models.at_work import NOT_A_NUMBER, OnToken, Pull, Row, advance
from cai_core.models.rows import Options, Tokens, pad_left, positions_of, real_left


class PlainEngine:
    """Any causal model, up to `width` rows at once; answers as `Engine` does."""

    def __init__(self, weights: Weights, pad: int, *, width: int) -> None:
        self.model, self.width, self.unfinished = weights.model, width, list[Row]()
        self._weights, self._pad, self._device = weights, pad, weights.model.device
        model = weights.model
        accepted = inspect.signature(model.forward).parameters
        self._takes_positions = "position_ids" in accepted
        self._takes_keep = "logits_to_keep" in accepted

    def forget(self) -> None:
        """Nothing is kept between batches."""

    def answer(self, pull: Pull, on_token: OnToken) -> Iterator[Row]:
        """Yield each row as it is done. What goes wrong is raised; `unfinished` has the rows that were at work."""
        while True:
            rows: list[Row] = []
            while len(rows) < self.width and (row := pull()) is not None:
                rows.append(row)
            if not rows:
                return
            self.unfinished = list(rows)
            for row in self._batch(rows, on_token):
                self.unfinished.remove(row)
                yield row

    def _batch(self, rows: Sequence[Row], on_token: OnToken) -> Iterator[Row]:
        for row in rows:
            if row.options:
                row.scores = self._score(row.options)
                row.error = None if all(score > -torch.inf for score in row.scores) else NOT_A_NUMBER
                yield row
        active = [row for row in rows if row.sample]
        if not active:
            return
        cache, visible = DynamicCache(config=self.model.config), real_left([row.ids for row in active], self._device)
        ids = pad_left([row.ids for row in active], self._pad, self._device)
        logits = self._logits(ids, positions_of(visible), visible, cache, 1)[:, -1]
        while True:
            advance(active, logits, on_token)
            yield from [row for row in active if row.done or row.error]
            going = [i for i, row in enumerate(active) if not (row.done or row.error)]
            if not going:
                return
            if len(going) < len(active):
                kept = torch.tensor(going, device=self._device)
                cache.batch_select_indices(kept)
                visible, active = visible[kept], [active[i] for i in going]
            visible = torch.cat([visible, visible.new_ones(len(active), 1)], dim=1)
            tokens = torch.tensor([[row.tokens[-1]] for row in active], device=self._device)
            logits = self._logits(tokens, visible.sum(-1, keepdim=True) - 1, visible, cache, 1)[:, -1]

    def _score(self, item: Options) -> list[float]:
        """For each tail, the log-probability of all tokens from `first` on."""
        sequences: list[Tokens] = [[*item.common, *tail] for tail in item.tails]
        ids, visible = pad_left(sequences, self._pad, self._device), real_left(sequences, self._device)
        keep = max(map(len, sequences)) - item.first + 1
        logits = self._logits(ids, positions_of(visible), visible, None, keep)  # [tails, keep, vocabulary]
        logprobs = torch.log_softmax(logits[:, :-1].float(), dim=-1)
        told = logprobs.gather(-1, ids[:, 1 - keep :, None]).squeeze(-1).double()  # [tails, keep - 1]
        counts = [len(sequence) - item.first for sequence in sequences]
        return [float(row[len(row) - count :].sum()) for row, count in zip(told, counts, strict=True)]

    @torch.inference_mode()
    def _logits(self, ids: Tensor, positions: Tensor, visible: Tensor, cache: Cache | None, keep: int) -> Tensor:
        """Logits [rows, keep, vocabulary] at the last `keep` places."""
        self._weights.activate()
        more: dict[str, Any] = {"past_key_values": cache, "use_cache": cache is not None}
        if self._takes_positions:
            more["position_ids"] = positions
        if self._takes_keep:
            more["logits_to_keep"] = keep
        logits: Tensor = self.model(input_ids=ids, attention_mask=visible.long(), **more).logits
        return logits[:, -keep:]
