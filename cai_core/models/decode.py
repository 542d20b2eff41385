"""The decode loop: samples a batch of rows token by token; finished rows leave it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from transformers import PreTrainedTokenizerBase

from cai_core.models.forward import PlainForward
from cai_core.models.rows import Tokens
from cai_core.models.sampling import Drawer
from cai_core.types import Sample

_LEAVE = 0.875
"""The batch is cut down to its unfinished rows once they are at most this part: a cut copies the cache."""


@dataclass
class Row:
    """One sample being answered."""

    sample: Sample
    ids: Tokens
    """The context."""
    stops: tuple[str, ...]
    tokens: list[int] = field(default_factory=list)
    ended: bool = False
    """The model ended its turn, or met a stop string."""

    @property
    def done(self) -> bool:
        """Nothing more is to be drawn."""
        return self.ended or len(self.tokens) >= self.sample.max_new_tokens


def decode(
    forward: PlainForward, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], ends: frozenset[int]
) -> Iterator[Row]:
    """Answer all rows together, and yield each as it is done. Rows that begin alike should stand side by side."""
    drawer = Drawer([row.sample for row in rows], forward.device)
    logits, batch = forward.start([row.ids for row in rows])
    active = list(range(len(rows)))  # row of each place in the batch
    for step in range(max(row.sample.max_new_tokens for row in rows)):
        tokens = drawer.draw(logits, torch.tensor(active, device=forward.device), step)
        for number, token in zip(active, tokens.tolist(), strict=True):
            row = rows[number]
            if not row.done and _append(row, token, tokenizer, ends):
                yield row
        places = [place for place, number in enumerate(active) if not rows[number].done]
        if not places:
            return
        if len(places) <= _LEAVE * len(active):
            kept = torch.tensor(places, device=forward.device)
            batch, tokens = forward.select(batch, kept), tokens[kept]
            active = [active[place] for place in places]
        logits = forward.step(batch, tokens)


def _append(row: Row, token: int, tokenizer: PreTrainedTokenizerBase, ends: frozenset[int]) -> bool:
    """Add a token to a row; whether the row is now done."""
    row.tokens.append(token)
    row.ended = token in ends or _stopped(row, tokenizer)
    return row.done


def _stopped(row: Row, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the newest tokens complete a stop string."""
    if not row.stops:
        return False
    # A token is a byte at least, and a few more tokens may hold a character that began before.
    reach = max(len(stop.encode()) for stop in row.stops) + 4
    tail = str(tokenizer.decode(row.tokens[-reach:], skip_special_tokens=True))
    return any(stop in tail for stop in row.stops)
