"""Attention over rows that share their beginnings: what begins alike is kept once, and read by all rows together.

A pass takes its tokens flat, [1, tokens], without padding between rows. Each row attends to a beginning that it may
share with others, and to its own tokens in its slot; both are one softmax, so the result is that of the row alone.
Registered by transformers' `AttentionInterface`, it takes the place of a model's attention and of nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from cai_core.models.slots import Slots

NAME = "cai_studio_shared"
"""The name that `set_attn_implementation` knows this attention by."""
_MOST_SCORES = 2**23
"""Most attention scores computed at once: bounds a pass's memory (32 MiB in float32)."""


@dataclass
class Beginning:
    """Tokens that rows share, with their keys and values [kv heads, tokens, width], a pair a layer."""

    tokens: list[int]
    states: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    @property
    def length(self) -> int:
        """How many tokens it has."""
        return len(self.tokens)


@dataclass
class Pass:
    """How the flat tokens of one forward pass lie: which rows they are of, where they go, what they may see."""

    slots: Slots
    at: slice | Tensor
    """The slot of each row of the pass: a slice, or numbers [rows]."""
    new: int
    """Most new tokens of a row."""
    flat: Tensor | None
    """[tokens]: place of each token among rows x new; None where every row has `new` tokens."""
    places: Tensor
    """[rows, new]: place of each new token in its slot."""
    hidden: Tensor
    """[rows, new, own]: True where a new token does not see an own token."""
    positions: Tensor
    """[rows, new]: position of each new token in its whole sequence."""
    key_positions: Tensor
    """[rows, own]: position of each own token in its whole sequence."""
    groups: Sequence[tuple[Beginning, Tensor | None]]
    """Each shared beginning with the rows that have it ([n] numbers; None: all of them)."""
    windows: dict[int, int | None] = field(default_factory=dict)
    """What each layer said of a sliding window as it was called."""

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.places)


def shared_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    rows: Pass | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Attention of the pass `rows`: `query` [1, heads, tokens, width], `key` and `value` [1, kv heads, tokens, width].

    Returns [1, tokens, heads, width]. Raises `NotImplementedError` for what it would get wrong.
    """
    if rows is None or attention_mask is not None or others.get("s_aux") is not None:
        raise NotImplementedError("this attention takes a pass of flat rows, without mask or sinks")
    layer = int(getattr(module, "layer_idx"))  # noqa: B009
    rows.windows[layer] = sliding_window
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    rows.slots.write(layer, rows.at, rows.places, _spread(key, rows), _spread(value, rows), rows.flat)
    asked = _grouped(_spread(query, rows) * scale, key.shape[1])  # [rows, kv heads, per kv head, new, width]
    read = _attend(rows, layer, asked, sliding_window, softcap)  # the same shape, of the values' width
    per_row = read.flatten(1, 2).transpose(1, 2)  # [rows, new, heads, width]
    told = per_row.flatten(0, 1)
    return (told if rows.flat is None else told[rows.flat])[None], None


AttentionInterface.register(NAME, shared_attention)


def _spread(states: Tensor, rows: Pass) -> Tensor:
    """From flat [1, heads, tokens, width] to [rows, heads, new, width]; nought where a row has fewer tokens."""
    flat = states[0].transpose(0, 1)  # [tokens, heads, width]
    if rows.flat is not None:
        padded = flat.new_zeros(rows.rows * rows.new, *flat.shape[1:])
        padded[rows.flat] = flat
        flat = padded
    return flat.view(rows.rows, rows.new, *flat.shape[1:]).transpose(1, 2)


def _grouped(query: Tensor, kv_heads: int) -> Tensor:
    """[rows, heads, new, width] as [rows, kv heads, heads per kv head, new, width]."""
    return query.unflatten(1, (kv_heads, -1))


def _attend(rows: Pass, layer: int, asked: Tensor, window: int | None, softcap: float | None) -> Tensor:
    """Some rows at a time, or some tokens of one row, so that the scores stay within bounds."""
    longest = max((beginning.length for beginning, _ in rows.groups), default=0)
    of_token = asked.shape[1] * asked.shape[2] * (longest + rows.hidden.shape[-1])
    keys, values = rows.slots.read(layer, rows.at, rows.hidden.shape[-1])
    if rows.rows * rows.new * of_token <= _MOST_SCORES:
        return _some(rows, layer, asked, keys, values, slice(None), slice(None), window, softcap)
    several = max(1, _MOST_SCORES // (of_token * rows.new))
    tokens = rows.new if several > 1 else max(1, _MOST_SCORES // of_token)
    parts = []
    for row in range(0, rows.rows, several):
        chosen = slice(row, row + several)
        cut = [slice(token, token + tokens) for token in range(0, rows.new, tokens)]
        parts.append(
            torch.cat([_some(rows, layer, asked, keys, values, chosen, one, window, softcap) for one in cut], dim=3)
        )
    return torch.cat(parts)


def _some(
    rows: Pass,
    layer: int,
    asked: Tensor,
    keys: Tensor,
    values: Tensor,
    chosen: slice,
    tokens: slice,
    window: int | None,
    softcap: float | None,
) -> Tensor:
    """Attention of the rows `chosen` and their new `tokens`."""
    query, hidden = asked[chosen, :, :, tokens], rows.hidden[chosen, tokens]
    keys, values = keys[chosen], values[chosen]
    count, heads, per, new, width = query.shape
    positions = rows.positions[chosen, tokens]
    groups = _within(rows.groups, chosen, rows.rows, query.device)
    flat = query.reshape(count, heads, per * new, width)
    own = torch.matmul(flat, keys.transpose(-1, -2)).view(count, heads, per, new, -1)
    longest = max((beginning.length for beginning, _ in groups), default=0)
    before = _before(groups, layer, query, longest)
    if softcap:
        own = torch.tanh(own / softcap) * softcap
        before = None if before is None else torch.tanh(before / softcap) * softcap
    if window is not None and longest + hidden.shape[-1] > window:
        hidden = hidden | (positions[..., None] - rows.key_positions[chosen][:, None] >= window)
    own = own.masked_fill_(hidden[:, None, None], -torch.inf)
    if before is None:
        weights = torch.softmax(own, dim=-1, dtype=torch.float32).to(values.dtype)
        return torch.matmul(weights.view(count, heads, per * new, -1), values).view(count, heads, per, new, -1)
    before = _hide_before(before, groups, positions, window)
    scores = torch.cat([before, own], dim=-1)
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(values.dtype)
    read = torch.matmul(weights[..., longest:].reshape(count, heads, per * new, -1), values)
    read = read.view(count, heads, per, new, -1)
    return _add_before(read, groups, layer, weights)


Groups = Sequence[tuple[Beginning, Tensor | None]]


def _within(groups: Groups, chosen: slice, count: int, device: torch.device) -> Groups:
    """The groups among the `chosen` rows, numbered anew."""
    if chosen == slice(None):
        return groups
    first, last = chosen.start, min(chosen.stop, count)
    found: list[tuple[Beginning, Tensor | None]] = []
    for beginning, members in groups:
        if members is None:
            found.append((beginning, None))
            continue
        inside = members[(members >= first) & (members < last)] - first
        if len(inside):
            found.append((beginning, inside))
    return found


def _before(groups: Groups, layer: int, query: Tensor, longest: int) -> Tensor | None:
    """Scores [rows, kv heads, per, new, longest] of the shared beginnings; -inf where a row has none."""
    if not groups:
        return None
    beginning, members = groups[0]
    if members is None:
        return _of_beginning(query, beginning.states[layer][0])
    scores = query.new_full((*query.shape[:-1], longest), -torch.inf)
    for beginning, members in groups:
        assert members is not None
        scores[members, :, :, :, : beginning.length] = _of_beginning(query[members], beginning.states[layer][0])
    return scores


def _of_beginning(query: Tensor, keys: Tensor) -> Tensor:
    """`query` [n, kv heads, per, new, width] against `keys` [kv heads, tokens, width]: one product a head."""
    n, heads, per, new, width = query.shape
    turned = query.transpose(0, 1).reshape(heads, n * per * new, width)
    return torch.bmm(turned, keys.transpose(1, 2)).view(heads, n, per, new, -1).transpose(0, 1)


def _hide_before(before: Tensor, groups: Groups, positions: Tensor, window: int | None) -> Tensor:
    """Hide what lies further back than a sliding window."""
    if window is None or int(positions.max()) < window:
        return before
    hidden = torch.zeros(before.shape[0], before.shape[3], before.shape[4], dtype=torch.bool, device=before.device)
    for beginning, members in groups:
        chosen: Any = slice(None) if members is None else members
        back = positions[chosen][..., None] - torch.arange(beginning.length, device=before.device)
        hidden[chosen, :, : beginning.length] = back >= window
    return before.masked_fill(hidden[:, None, None], -torch.inf)


def _add_before(read: Tensor, groups: Groups, layer: int, weights: Tensor) -> Tensor:
    """Add what each row reads from its beginning."""
    for beginning, members in groups:
        values = beginning.states[layer][1]
        part = weights[..., : beginning.length] if members is None else weights[members][..., : beginning.length]
        n, heads, per, new, _ = part.shape
        turned = part.transpose(0, 1).reshape(heads, n * per * new, -1)
        told = torch.bmm(turned, values).view(heads, n, per, new, -1).transpose(0, 1)
        if members is None:
            return read + told
        read = read.index_add(0, members, told.contiguous())
    return read
