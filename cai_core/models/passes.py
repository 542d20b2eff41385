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

from cai_core.models.attention import NAME, Beginning, Groups, Pass
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

    def __init__(self, model: PreTrainedModel, *, pass_tokens: int | None = None) -> None:
        self.model, self.device = model, model.device
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
        new = max(len(one.tokens) for one in stretches)
        own = max(one.start + len(one.tokens) for one in stretches)
        ids = torch.tensor([[token for one in stretches for token in one.tokens]], device=self.device)
        positions = torch.tensor([[at for one in stretches for at in one.absolute()]], device=self.device)
        flat = None
        if any(len(one.tokens) < new for one in stretches):
            flat = torch.tensor(
                [row * new + i for row, one in enumerate(stretches) for i in range(len(one.tokens))], device=self.device
            )
        ends = torch.tensor([len(one.tokens) for one in stretches]).cumsum(0).tolist()
        keep = [at for one, end in zip(stretches, ends, strict=True) for at in range(end - one.keep, end)]
        kept = None if keep == list(range(ids.shape[1])) else torch.tensor(keep, device=self.device)
        rows = self._pass(slots, stretches, new, own, flat)
        return self._logits(ids, positions, kept, rows)

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
        rows = Pass(slots, slice(0, len(tokens)), 1, None, places, hidden, at[:, None], key_positions, groups)
        return self._logits(torch.tensor([tokens], device=self.device), at[None], None, rows)

    def groups(self, beginnings: Sequence[Beginning | None]) -> Groups:
        """Rows by the beginning that they share."""
        members: dict[int, list[int]] = {}
        found: dict[int, Beginning] = {}
        for row, beginning in enumerate(beginnings):
            if beginning is not None:
                members.setdefault(id(beginning), []).append(row)
                found[id(beginning)] = beginning
        if len(found) == 1 and len(next(iter(members.values()))) == len(beginnings):
            return [(next(iter(found.values())), None)]
        return [(found[key], torch.tensor(rows, device=self.device)) for key, rows in members.items()]

    def _pass(self, slots: Slots, stretches: Sequence[Stretch], new: int, own: int, flat: Tensor | None) -> Pass:
        """Where the rows' tokens go and what they see. A padded place sees its own first token, and is not read."""
        starts = torch.tensor([one.start for one in stretches], device=self.device)
        places = starts[:, None] + torch.arange(new, device=self.device)  # [rows, new]
        keys = torch.arange(own, device=self.device)
        hidden = keys > places[..., None]  # [rows, new, own]
        base = torch.tensor([one.beginning.length if one.beginning else 0 for one in stretches], device=self.device)
        positions, key_positions = places + base[:, None], keys + base[:, None]
        for row, one in enumerate(stretches):
            if one.branches:
                count = len(one.tokens)
                branch = torch.tensor(one.branches, device=self.device)
                among = hidden[row, :count, one.start : one.start + count]
                among |= (branch[:, None] != branch[None]) & (branch[None] != 0)
                positions[row, :count] = key_positions[row, one.start : one.start + count] = torch.tensor(
                    one.absolute(), device=self.device
                )
        at = torch.tensor([one.slot for one in stretches], device=self.device)
        groups = self.groups([one.beginning for one in stretches])
        # A padded place that is past the keys there are would be written nowhere: it is never written at all.
        return Pass(slots, at, new, flat, places, hidden, positions, key_positions, groups)

    @torch.no_grad()
    def _logits(self, ids: Tensor, positions: Tensor, kept: Tensor | None, rows: Pass) -> Tensor:
        """Logits [kept, vocabulary] of flat `ids` [1, tokens]."""
        more = {} if kept is None else {"logits_to_keep": kept}
        with shared(self.model):
            logits: Tensor = self.model(
                input_ids=ids, position_ids=positions, use_cache=False, rows=rows, **more
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
