"""An example as the trainer sees it: tokens, and which of them carry loss. Needs a tokenizer, and no trainer."""

from cai_core.models.rendering import Renderer
from cai_core.models.rows import common_length
from cai_core.types import Example

IGNORED = -100
"""A label that carries no loss."""

Row = dict[str, list[int]]
"""`input_ids` and `labels`, one each a token; labels are token ids or `IGNORED`. Packed: `seq_lengths` too."""


def tokenised(example: Example, renderer: Renderer) -> Row:
    """An example's tokens, and labels that leave out everything before the answer: what a model is sent for it."""
    ids = renderer.closed_ids(example.turns)
    start = common_length(renderer.ids(example.turns[:-1]), ids)
    return {"input_ids": ids, "labels": [IGNORED] * start + ids[start:]}
