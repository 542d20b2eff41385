"""A request at work: its tokens, what it shares, and how the next token is drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from cai_core.models.attention import Beginning
from cai_core.models.rows import Options, Tokens, item_length
from cai_core.models.sampling import draw, uniforms
from cai_core.types import Sample


@dataclass(eq=False)
class Row:
    """A request at work. One of `sample` and `options` is there."""

    key: str
    ids: Tokens
    """The context; of options, what they have in common."""
    sent: str
    """Hash of what is sent."""
    sample: Sample | None = None
    options: Options | None = None
    stops: tuple[str, ...] = ()
    """Strings that end the answer."""
    shared: int = 0
    """How many of its first tokens other rows have too, as far as was said."""
    tokens: Tokens = field(default_factory=list)
    """Drawn so far."""
    ended: bool = False
    """The model ended its turn, or met a stop string."""
    beginning: Beginning | None = None
    placed: bool = False
    """Its beginning has been looked for."""
    scores: list[float] = field(default_factory=list)
    """Of options: the log-probability of each."""
    error: str | None = None
    draws: np.ndarray[tuple[int], np.dtype[np.float64]] | None = None
    """[most new tokens]: the row's own numbers in [0, 1)."""

    @property
    def own(self) -> Tokens:
        """What is in the row's slot: the context past the beginning, and what was drawn."""
        return self.ids[self.skip :] + self.tokens

    @property
    def skip(self) -> int:
        """Tokens of the beginning."""
        return self.beginning.length if self.beginning else 0

    @property
    def room(self) -> int:
        """Most tokens that the row's slot will hold."""
        length = item_length(self.options) if self.options else len(self.ids)
        return length - self.skip + (self.sample.max_new_tokens if self.sample else 0)

    @property
    def longest(self) -> int:
        """Most tokens that are read and written together."""
        if self.options:
            return len(self.ids) + max(map(len, self.options.tails))
        return len(self.ids) + (self.sample.max_new_tokens if self.sample else 0)

    @property
    def done(self) -> bool:
        """Nothing more is to be drawn."""
        return self.ended or self.sample is None or len(self.tokens) >= self.sample.max_new_tokens

    def again(self) -> "Row":
        """The row from its start."""
        return Row(self.key, self.ids, self.sent, self.sample, self.options, self.stops, self.shared)


Pull = Callable[[], Row | None]
"""The next row to answer; None while there is none."""
OnToken = Callable[[Row], bool]
"""Called with a row that has a token more; whether that ends it (an end token, or a stop string)."""
NOT_A_NUMBER = "The model's output is not a number."


def advance(rows: Sequence[Row], logits: Tensor, on_token: OnToken) -> None:
    """Draw a token for each row from `logits` [rows, vocabulary]; a row without numbers gets an error."""
    sound = torch.isfinite(logits).any(dim=-1)
    fine: list[Row] = []
    for row, good in zip(rows, sound.tolist(), strict=True):
        row.error = None if good else NOT_A_NUMBER
        if good:
            fine.append(row)
    if not fine:
        return
    samples = [row.sample for row in fine if row.sample]
    for row, sample in zip(fine, samples, strict=True):
        if row.draws is None:
            row.draws = uniforms(sample.seed, sample.max_new_tokens)
    at = [float(row.draws[len(row.tokens)]) for row in fine if row.draws is not None]
    tokens = draw(logits if len(fine) == len(rows) else logits[sound], samples, at).tolist()
    for row, token in zip(fine, tokens, strict=True):
        row.tokens.append(token)
        row.ended = on_token(row)
