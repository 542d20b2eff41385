"""Slots: where rows in progress, and rows just finished, keep their own keys and values."""

from collections.abc import Sequence

import torch
from torch import Tensor

_ROUND = 64
"""Slots grow by whole multiples of this, in tokens."""


class Slots:
    """`count` slots of equal room for each layer; a slot holds the tokens of a row past what it shares."""

    def __init__(self, count: int, room: int) -> None:
        self.count, self.room = count, rounded(room)
        self._keys: dict[int, Tensor] = {}  # by layer, [slots, kv heads, room, width]
        self._values: dict[int, Tensor] = {}

    @property
    def layers(self) -> list[int]:
        """The layers that have written."""
        return sorted(self._keys)

    @property
    def token_bytes(self) -> int:
        """Bytes that one token takes in all layers; 0 before the first write."""
        held = (*self._keys.values(), *self._values.values())
        return sum(one.shape[1] * one.shape[3] * one.element_size() for one in held)

    def resize(self, count: int, room: int) -> None:
        """Have `count` slots of `room` tokens; what fits of what they hold stays."""
        room = rounded(room)
        if (count, room) == (self.count, self.room):
            return
        for states in (self._keys, self._values):
            for layer, held in states.items():
                states[layer] = _moved(held, count, room)
        self.count, self.room = count, room

    def write(
        self, layer: int, at: slice | Tensor, places: Tensor, flat: Tensor | None, keys: Tensor, values: Tensor
    ) -> None:
        """Put flat states [tokens, kv heads, width] at their `places` [rows, new] in the slots `at` [rows]."""
        held_keys, held_values = self._held(layer, keys, values)
        if isinstance(at, slice):
            at = torch.arange(at.start, at.stop, device=places.device)
        rows, where = at[:, None].expand_as(places).flatten(), places.flatten()
        if flat is not None:
            # Padding is not written: its place belongs to nobody yet, or to an older token.
            rows, where = rows[flat], where[flat]
        held_keys[rows, :, where], held_values[rows, :, where] = keys, values

    def read(self, layer: int, at: slice | Tensor, length: int) -> tuple[Tensor, Tensor]:
        """The first `length` keys and values of the slots `at`, each [rows, kv heads, length, width]."""
        return self._keys[layer][at, :, :length], self._values[layer][at, :, :length]

    def copy(self, source: Sequence[int], target: Sequence[int], length: int) -> None:
        """Copy the first `length` tokens of slots to other slots."""
        if not source:
            return
        for states in (self._keys, self._values):
            for held in states.values():
                held[list(target), :, :length] = held[list(source), :, :length]

    def clear(self, slot: int) -> None:
        """Nought: what is no number would spread to rows that merely have it beside them."""
        for states in (self._keys, self._values):
            for held in states.values():
                held[slot] = 0

    def _held(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        if layer not in self._keys:
            # Zeros, for what is hidden is still multiplied, and nought times no number is no number.
            self._keys[layer] = keys.new_zeros(self.count, keys.shape[1], self.room, keys.shape[2])
            self._values[layer] = values.new_zeros(self.count, values.shape[1], self.room, values.shape[2])
        return self._keys[layer], self._values[layer]


def rounded(room: int) -> int:
    """The least room that slots have which hold `room` tokens."""
    return -(-room // _ROUND) * _ROUND


def _moved(held: Tensor, count: int, room: int) -> Tensor:
    moved = held.new_zeros(count, held.shape[1], room, held.shape[3])
    slots, tokens = min(count, len(held)), min(room, held.shape[2])
    moved[:slots, :, :tokens] = held[:slots, :, :tokens]
    return moved
