"""Attention over rows that share their beginnings: what begins alike is kept once, and read by all rows together.

A pass takes its tokens flat, [1, tokens], without padding between rows. Each token attends to a beginning that its row
may share with others, and to the row's own tokens in its slot. Both parts are weighed by exp(score) and added before
the division by the sum of weights, so the result is the softmax over both: that of the row alone.

Registered by transformers' `AttentionInterface`, it takes the place of a model's attention and of nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from cai_core.models.slots import Slots

NAME = "cai_studio_shared"
"""The name that `set_attn_implementation` knows this attention by."""
_MOST_SCORES = {"cpu": 2**18, "cuda": 2**27}
"""Most attention scores computed at once: on a processor what stays in its cache, on a GPU what its memory allows."""
_LOWEST = -1e30
"""Below every score, and a number: what sees nothing has weight nought, and no infinity minus infinity."""


@dataclass
class Beginning:
    """Tokens that rows share, with their keys and values [kv heads, tokens, width], a pair a layer."""

    tokens: list[int]
    states: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    @property
    def length(self) -> int:
        """How many tokens it has."""
        return len(self.tokens)


@dataclass(frozen=True)
class Groups:
    """Flat tokens by the beginning of their rows."""

    parts: Sequence[tuple[Beginning, slice]] = ()
    """Each beginning with its tokens, a slice of `order`."""
    order: Tensor | None = None
    """[tokens that have a beginning]: which they are; None where they are all, in their order."""


@dataclass
class Asking:
    """Tokens of a pass that ask, flat, and what they may see."""

    flat: Tensor | None
    """[tokens]: place of each token among rows x most tokens of a row; None where every row has as many."""
    places: Tensor
    """[rows, most]: place of each token in its row's slot."""
    hidden: Tensor
    """[rows, most, own]: True where a token does not see an own token of its row."""
    positions: Tensor
    """[tokens]: position of each token in its whole sequence."""
    groups: Groups

    def padded(self, flat: Tensor) -> Tensor:
        """From flat [tokens, ...] to [rows, most, ...]; nought where a row has fewer tokens."""
        if self.flat is None:
            return flat.view(*self.places.shape, *flat.shape[1:])
        rows, most = self.places.shape
        padded = flat.new_zeros(rows * most, *flat.shape[1:])
        padded[self.flat] = flat
        return padded.view(rows, most, *flat.shape[1:])

    def unpadded(self, padded: Tensor) -> Tensor:
        """From [rows, most, ...] to flat [tokens, ...]."""
        flat = padded.flatten(0, 1)
        return flat if self.flat is None else flat[self.flat]


@dataclass
class Pass:
    """One forward pass: its rows, and the new tokens of each."""

    slots: Slots
    at: slice | Tensor
    """The slot of each row: a slice, or numbers [rows]."""
    key_positions: Tensor
    """[rows, own]: position of each own token in its whole sequence."""
    all: Asking
    """The new tokens, which are written and ask in every layer."""
    last: Asking | None = None
    """Those whose logits are wanted: in the last layer nobody else's answer is used. None where that is all."""
    kept: Tensor | None = None
    """[tokens of `last`]: which of the flat tokens they are."""
    last_layer: int | None = None
    """Number of the last layer, where it is known."""
    windows: dict[int, int | None] = field(default_factory=dict)
    """What each layer said of a sliding window as it was called."""


class Read(NamedTuple):
    """What queries read from some keys, before the division."""

    total: Tensor
    """[..., width]: values by weight."""
    weight: Tensor
    """[..., 1]: the sum of weights."""
    most: Tensor
    """[..., 1]: the score that has weight one."""

    def add(self, other: "Read") -> "Read":
        """Of both together."""
        most = torch.maximum(self.most, other.most)
        mine, its = torch.exp(self.most - most), torch.exp(other.most - most)
        return Read(self.total * mine + other.total * its, self.weight * mine + other.weight * its, most)


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
    keys, values, queries = (states[0].transpose(0, 1) for states in (key, value, query))  # [tokens, heads, width]
    rows.slots.write(layer, rows.at, rows.all.places, rows.all.flat, keys, values)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if rows.last is None or rows.kept is None or layer != rows.last_layer:
        return _read(rows, rows.all, layer, queries * scale, key.shape[1], sliding_window, softcap)[None], None
    read = _read(rows, rows.last, layer, queries[rows.kept] * scale, key.shape[1], sliding_window, softcap)
    whole = read.new_zeros(len(queries), *read.shape[1:])
    whole[rows.kept] = read
    return whole[None], None


AttentionInterface.register(NAME, shared_attention)


def _weigh(scores: Tensor, softcap: float | None, hidden: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Weights in place of `scores` [..., keys], with their sum and the score of weight one, each [..., 1]."""
    scores = scores.float()
    if softcap:
        scores = torch.tanh(scores / softcap).mul_(softcap)
    if hidden is not None:
        scores.masked_fill_(hidden, -torch.inf)
    most = scores.amax(dim=-1, keepdim=True).clamp_(min=_LOWEST)
    scores.sub_(most).exp_()
    return scores, scores.sum(dim=-1, keepdim=True), most


def _read(
    rows: Pass, asking: Asking, layer: int, query: Tensor, kv_heads: int, window: int | None, softcap: float | None
) -> Tensor:
    """What flat `query` [tokens, heads, width] reads: [tokens, heads, width]."""
    asked = query.unflatten(1, (kv_heads, -1))  # [tokens, kv heads, per, width]
    read = _own(rows, asking, layer, asked, window, softcap)
    if asking.groups.parts:
        read = _with_beginnings(read, asking, layer, asked, window, softcap)
    return (read.total / read.weight).flatten(1, 2).to(query.dtype)


def _with_beginnings(
    read: Read, asking: Asking, layer: int, asked: Tensor, window: int | None, softcap: float | None
) -> Read:
    """`read`, with what the tokens read of their rows' beginnings."""
    order = asking.groups.order
    positions = asking.positions if order is None else asking.positions[order]
    asked = asked if order is None else asked[order]
    found = [
        _beginning(asked[tokens], *beginning.states[layer], positions[tokens], window, softcap)
        for beginning, tokens in asking.groups.parts
    ]
    part = found[0] if len(found) == 1 else Read(*(torch.cat(one) for one in zip(*found, strict=True)))
    if order is None:
        return read.add(part)
    added = Read(*(one[order] for one in read)).add(part)
    return Read(*(one.index_copy(0, order, new) for one, new in zip(read, added, strict=True)))


def _own(rows: Pass, asking: Asking, layer: int, asked: Tensor, window: int | None, softcap: float | None) -> Read:
    """What flat `asked` [tokens, kv heads, per, width] reads of its rows' own tokens."""
    hidden = asking.hidden
    if window is not None and int(asking.positions.max()) >= window:
        positions = asking.padded(asking.positions)
        hidden = hidden | (positions[..., None] - rows.key_positions[:, None] >= window)
    keys, values = rows.slots.read(layer, rows.at, hidden.shape[-1])
    query = asking.padded(asked).permute(0, 2, 3, 1, 4)  # [rows, kv heads, per, most, width]
    count, heads, per, most_new, width = query.shape
    flat = query.reshape(count, heads, per * most_new, width)
    parts = []
    for some in _chunks(count, heads * per * most_new * hidden.shape[-1], asked.device):
        scores = torch.matmul(flat[some], keys[some].transpose(-1, -2)).unflatten(2, (per, most_new))
        weights, weight, most = _weigh(scores, softcap, hidden[some, None, None])
        total = torch.matmul(weights.flatten(2, 3).to(values.dtype), values[some]).unflatten(2, (per, most_new))
        parts.append(Read(total, weight, most))
    whole = parts[0] if len(parts) == 1 else Read(*(torch.cat(one) for one in zip(*parts, strict=True)))
    return Read(*(asking.unpadded(one.permute(0, 3, 1, 2, 4)) for one in whole))  # [tokens, kv heads, per, ...]


def _beginning(
    asked: Tensor, keys: Tensor, values: Tensor, positions: Tensor, window: int | None, softcap: float | None
) -> Read:
    """What `asked` [tokens, kv heads, per, width] reads of a beginning's `keys` [kv heads, keys, width]."""
    count, heads, per, width = asked.shape
    query = asked.transpose(0, 1).reshape(heads, count * per, width)
    far = window is not None and int(positions.max()) >= window
    parts = []
    for some in _chunks(count, heads * per * keys.shape[1], asked.device):
        chosen = slice(some.start * per, some.stop * per)
        hidden = None
        if far:
            back = positions[some, None] - torch.arange(keys.shape[1], device=asked.device)
            hidden = (back >= (window or 0)).repeat_interleave(per, dim=0)
        weights, weight, most = _weigh(torch.bmm(query[:, chosen], keys.transpose(1, 2)), softcap, hidden)
        parts.append(Read(torch.bmm(weights.to(values.dtype), values), weight, most))
    whole = parts[0] if len(parts) == 1 else Read(*(torch.cat(one, dim=1) for one in zip(*parts, strict=True)))
    return Read(*(one.unflatten(1, (count, per)).transpose(0, 1) for one in whole))


def _chunks(count: int, scores: int, device: torch.device) -> Iterator[slice]:
    """Cut `count` things of so many scores each into parts of bounded size."""
    size = max(1, _MOST_SCORES.get(device.type, 2**22) // scores)
    for begin in range(0, count, size):
        yield slice(begin, min(count, begin + size))
