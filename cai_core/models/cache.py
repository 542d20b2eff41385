"""The cache behind a batch of rows: it grows in place, and batches of rows can be joined and cut down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

_GROWTH = 64
"""Room added at a time, in tokens."""


class GrowingLayer(CacheLayerMixin):
    """Keys and values [rows, heads, tokens, width] with room to grow: a new token is written, not concatenated."""

    def __init__(self, keys: Tensor | None = None, values: Tensor | None = None) -> None:
        super().__init__()
        self.keys, self.values = keys, values
        self.length = 0 if keys is None else keys.shape[2]
        self.is_initialized = keys is not None

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Begin empty, shaped like the first states."""
        self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Append, and return all keys and values so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        end = self.length + key_states.shape[2]
        if end > self.keys.shape[2]:
            room = end - self.keys.shape[2] + (_GROWTH if self.length else 0)
            self.keys, self.values = _grow(self.keys, room), _grow(self.values, room)
        self.keys[:, :, self.length : end] = key_states
        self.values[:, :, self.length : end] = value_states
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Length and offset of what is attended to."""
        return self.length + query_length, 0

    def get_seq_length(self) -> int:
        """Tokens so far."""
        return self.length

    def get_max_length(self) -> int:
        """-1: no bound."""
        return -1

    def filled(self) -> tuple[Tensor, Tensor]:
        """Keys and values so far, [rows, heads, tokens, width]."""
        assert self.keys is not None
        assert self.values is not None
        return self.keys[:, :, : self.length], self.values[:, :, : self.length]


def _grow(states: Tensor, room: int) -> Tensor:
    return torch.cat([states, states.new_empty(*states.shape[:2], room, states.shape[3])], dim=2)


@dataclass
class Batch:
    """Rows in progress: their cache, what each may attend to, and where each stands."""

    cache: Cache
    visible: Tensor
    """[rows, tokens so far], False on padding."""
    positions: Tensor
    """[rows]: position of each row's next token."""


def join(parts: Sequence[Batch]) -> Batch:
    """One batch of several, padded on the left; with room for a few tokens."""
    if len(parts) == 1:
        return parts[0]
    longest = max(part.visible.shape[1] for part in parts)
    pairs = zip(*([layer.filled() for layer in part.cache.layers] for part in parts), strict=True)
    layers = [roomy(*zip(*layer, strict=True)) for layer in pairs]
    visible = torch.cat([F.pad(part.visible, (longest - part.visible.shape[1], 0)) for part in parts])
    return Batch(Cache(layers=layers), visible, torch.cat([part.positions for part in parts]))


def roomy(keys: Sequence[Tensor], values: Sequence[Tensor]) -> GrowingLayer:
    """A layer of the rows of several [rows, heads, tokens, width], padded on the left, with room for more tokens."""
    longest = max(part.shape[2] for part in keys)
    layer = GrowingLayer(_stack(keys, longest), _stack(values, longest))
    layer.length = longest
    return layer


def _stack(states: Sequence[Tensor], longest: int) -> Tensor:
    """[all rows, heads, longest + room, width]: each part ends where the room begins."""
    first = states[0]
    whole = first.new_empty(sum(map(len, states)), first.shape[1], longest + _GROWTH, first.shape[3])
    row = 0
    for part in states:
        rows, left = slice(row, row + len(part)), longest - part.shape[2]
        # Padding is masked, but no number times nought is still no number.
        whole[rows, :, :left] = 0
        whole[rows, :, left:longest] = part
        row += len(part)
    return whole
