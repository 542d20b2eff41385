"""Examples as a model will see them: the tokens that training would use, by whether they carry loss.

A tokenizer is all it takes. Lengths are of some thousands of examples spread over the dataset, where it holds more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from statistics import median
from typing import Any

from cai_core.errors import ModelError
from cai_core.models.rendering import Renderer
from cai_core.models.weights import context_length, load_config, load_tokenizer
from cai_core.training.examples import IGNORED, tokenised
from cai_core.types import Example, ModelRef

LOOKED_AT = 2000
"""Examples whose lengths are taken."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One example as a model will see it."""

    key: str
    heldout: bool
    tokens: int
    too_long: bool
    """It has more tokens than the limit, so it would be left out."""
    segments: tuple[tuple[str, bool], ...]
    """(text, whether it carries loss) in order; special tokens are written out."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Some examples, and how long all that were looked at are."""

    limit: int
    """Most tokens of an example: max_length, or the model's context where that is shorter."""
    looked_at: int
    too_long: int
    """Of those that were looked at."""
    median: float
    longest: int
    loss_tokens: int
    """Tokens that carry loss, of those looked at that are not too long."""
    rows: tuple[Seen, ...]


def preview(ref: ModelRef, examples: Iterable[Example], *, max_length: int, rows: int) -> Preview:
    """Look at `examples`, and show the first `rows` of them.

    Raises `ModelError` for a model without a tokenizer here, or whose chat template cannot be used.
    """
    if ref.endpoint is not None:
        raise ModelError("an endpoint's tokens are its server's, and it is not trained here. Choose a local model.")
    tokenizer = load_tokenizer(ref)
    renderer, limit = Renderer(tokenizer), min(max_length, context_length(load_config(ref), tokenizer))
    seen: list[Seen] = []
    lengths: list[int] = []
    loss = 0
    for example in examples:
        ids, labels = _tokens(example, renderer)
        lengths.append(len(ids))
        if len(ids) <= limit:
            loss += sum(label != IGNORED for label in labels)
        if len(seen) < rows:
            segments = _segments(ids, labels, renderer)
            seen.append(Seen(example.key, example.heldout, len(ids), len(ids) > limit, segments))
    over = sum(length > limit for length in lengths)
    return Preview(limit, len(lengths), over, median(lengths or [0]), max(lengths, default=0), loss, tuple(seen))


def to_json(found: Preview) -> dict[str, Any]:
    """Plain JSON values."""
    return asdict(found)


def _tokens(example: Example, renderer: Renderer) -> tuple[list[int], list[int]]:
    try:
        row = tokenised(example, renderer)
    except ModelError:
        raise
    except Exception as error:  # a template may raise anything
        raise ModelError(f"the model's chat template cannot render {example.key}: {error}") from error
    return row["input_ids"], row["labels"]


def _segments(ids: Sequence[int], labels: Sequence[int], renderer: Renderer) -> tuple[tuple[str, bool], ...]:
    """Runs of tokens that carry loss, and of those that do not."""
    marked = groupby(zip(ids, labels, strict=True), key=lambda pair: pair[1] != IGNORED)
    return tuple((renderer.tokenizer.decode([token for token, _ in run]), carries) for carries, run in marked)
