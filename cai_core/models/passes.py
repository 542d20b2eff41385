"""Forward passes of a causal model over rows that share their beginnings.

A pass sends the new tokens of all rows flat, so no row pays for another's length, and reads what came before from
`Slots` and `Beginning`s (cai_core/models/attention.py).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from cai_core.models.adapters import Weights
from cai_core.models.attention import NAME, Asking, Beginning, Groups, Pass
from cai_core.models.slots import Slots

Tokens = list[int]


@dataclass(frozen=True)
class Stretch:
    """The new tokens of one row in a pass."""

    slot: int
    beginning: Beginning | None
    start: int
    """Place of the first new token among the row's own tokens."""
    tokens: Tokens
    keep: int = 1
    """At how many of its last tokens logits are wanted."""
    branches: Sequence[int] = ()
    """For each new token: 0 the context, 1.. its tails, each blind to the others; empty: all context."""
    positions: Sequence[int] = ()
    """Position of each new token in the whole sequence; empty: one after the other."""

    def absolute(self) -> Sequence[int]:
        """Position of each new token."""
        first = self.start + (self.beginning.length if self.beginning else 0)
        return self.positions or range(first, first + len(self.tokens))


class Passes:
    """Runs passes through a model, which keeps its own attention for everybody else."""

    def __init__(self, weights: Weights, *, pass_tokens: int | None = None) -> None:
        self.weights, self.model, self.device = weights, weights.model, weights.model.device
        self.windows: dict[int, int | None] = {}
        # Small passes stay in a processor's cache; a GPU wants to be filled.
        self.pass_tokens = pass_tokens or (2048 if self.device.type == "cpu" else 16384)

    def begin(self, tokens: Tokens) -> Beginning:
        """Compute a beginning: its keys and values in every layer."""
        slots = Slots(1, len(tokens))
        for start in range(0, len(tokens), self.pass_tokens):
            self.run(slots, [Stretch(0, None, start, tokens[start : start + self.pass_tokens])])
        states = [slots.read(layer, slice(0, 1), len(tokens)) for layer in slots.layers]
        return Beginning(tokens, [(keys[0].clone(), values[0].clone()) for keys, values in states])

    def run(self, slots: Slots, stretches: Sequence[Stretch]) -> Tensor:
        """One pass over stretches of any length: logits [sum of keep, vocabulary], stretch after stretch."""
        ids = torch.tensor([[token for one in stretches for token in one.tokens]], device=self.device)
        positions = torch.tensor([at for one in stretches for at in one.absolute()], device=self.device)
        ends = torch.tensor([len(one.tokens) for one in stretches]).cumsum(0).tolist()
        keep = [at for one, end in zip(stretches, ends, strict=True) for at in range(end - one.keep, end)]
        kept = None if len(keep) == ids.shape[1] else torch.tensor(keep, device=self.device)
        return self._logits(ids, positions, self._pass(slots, stretches, positions, kept))

    def step(
        self, slots: Slots, groups: Groups, lengths: Sequence[int], positions: Sequence[int], tokens: Tokens
    ) -> Tensor:
        """One token more for the rows in the first slots: logits [rows, vocabulary]. `lengths`: own tokens so far."""
        places = torch.tensor(lengths, device=self.device)[:, None]
        at = torch.tensor(positions, device=self.device)
        own = max(lengths) + 1
        keys = torch.arange(own, device=self.device)
        hidden = (keys > places)[:, None]  # [rows, 1, own]
        key_positions = keys + (at[:, None] - places)
        asking = Asking(None, places, hidden, at, groups)
        rows = Pass(slots, slice(0, len(tokens)), key_positions, asking)
        return self._logits(torch.tensor([tokens], device=self.device), at, rows)

    def groups(self, beginnings: Sequence[Beginning | None]) -> Groups:
        """Flat tokens by the beginning of their rows, given for each token."""
        members: dict[int, list[int]] = {}
        found: dict[int, Beginning] = {}
        for token, beginning in enumerate(beginnings):
            if beginning is not None:
                members.setdefault(id(beginning), []).append(token)
                found[id(beginning)] = beginning
        parts, order = [], list[int]()
        for key, tokens in members.items():
            parts.append((found[key], slice(len(order), len(order) + len(tokens))))
            order += tokens
        everybody = order == list(range(len(beginnings)))
        return Groups(parts, None if everybody else torch.tensor(order, device=self.device))

    def _pass(self, slots: Slots, stretches: Sequence[Stretch], positions: Tensor, kept: Tensor | None) -> Pass:
        """Where the rows' tokens go and what they see."""
        own = max(one.start + len(one.tokens) for one in stretches)
        base = torch.tensor([one.beginning.length if one.beginning else 0 for one in stretches], device=self.device)
        key_positions = torch.arange(own, device=self.device) + base[:, None]
        for row, one in enumerate(stretches):
            if one.positions:
                among = slice(one.start, one.start + len(one.tokens))
                key_positions[row, among] = torch.tensor(one.positions, device=self.device)
        at = torch.tensor([one.slot for one in stretches], device=self.device)
        everybody = self._asking(stretches, [len(one.tokens) for one in stretches], positions, own)
        if kept is None:
            return Pass(slots, at, key_positions, everybody)
        last = self._asking(stretches, [one.keep for one in stretches], positions[kept], own)
        return Pass(slots, at, key_positions, everybody, last, kept, max(self.windows, default=None))

    def _asking(self, stretches: Sequence[Stretch], counts: Sequence[int], positions: Tensor, own: int) -> Asking:
        """The last so many tokens of each row."""
        most = max(counts)
        flat = None
        if min(counts) < most:
            places = [row * most + i for row, count in enumerate(counts) for i in range(count)]
            flat = torch.tensor(places, device=self.device)
        first = [one.start + len(one.tokens) - count for one, count in zip(stretches, counts, strict=True)]
        at = torch.tensor(first, device=self.device)[:, None] + torch.arange(most, device=self.device)  # [rows, most]
        hidden = torch.arange(own, device=self.device) > at[..., None]  # [rows, most, own]
        for row, (one, count) in enumerate(zip(stretches, counts, strict=True)):
            if one.branches:
                among = slice(one.start, one.start + len(one.tokens))
                branch = torch.tensor(one.branches, device=self.device)
                hidden[row, :count, among] |= (branch[-count:, None] != branch) & (branch != 0)
        groups = self.groups(
            [one.beginning for one, count in zip(stretches, counts, strict=True) for _ in range(count)]
        )
        return Asking(flat, at, hidden, positions, groups)

    @torch.no_grad()
    def _logits(self, ids: Tensor, positions: Tensor, rows: Pass) -> Tensor:
        """Logits [tokens kept, vocabulary] of flat `ids` [1, tokens] at `positions` [tokens]."""
        self.weights.activate()
        more = {} if rows.kept is None else {"logits_to_keep": rows.kept}
        with shared(self.model):
            logits: Tensor = self.model(
                input_ids=ids, position_ids=positions[None], use_cache=False, rows=rows, **more
            ).logits[0]
        self.windows.update(rows.windows)
        return logits


@contextmanager
def shared(model: PreTrainedModel) -> Iterator[None]:
    """While inside, the model attends by rows."""
    before = model.config._attn_implementation
    if before == NAME:
        yield
        return
    model.set_attn_implementation(NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
