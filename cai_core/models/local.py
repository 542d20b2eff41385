"""`LocalModel`: any Hugging Face causal model, with or without an adapter, in this process.

Each row draws from its own stream of random numbers, padding is masked and positions are explicit, so that a row's
answer depends on its request alone. In float32 (on a CPU) the same row gives the same text in any batch, but where two
candidates lie within about 1e-4 of each other. In bfloat16 (on a GPU) the shape of a batch moves logits by far more:
the distribution is the same but for rounding, yet a text may change with its neighbours, or after a resume.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from cai_core.models.base import OnText
from cai_core.models.decode import Row, decode
from cai_core.models.forward import forward_for
from cai_core.models.rendering import Renderer
from cai_core.models.rows import Options, common_length
from cai_core.models.weights import context_length, load_causal, load_tokenizer, pick_device
from cai_core.types import Answer, Choice, Choose, Failed, Failure, ModelRef, Request, Sample, Text

_Row = TypeVar("_Row")


class LocalModel:
    """A `TextModel` on transformers and PEFT. Holds the weights in memory for as long as it lives."""

    def __init__(self, ref: ModelRef, *, width: int = 32, device: str | None = None) -> None:
        tokenizer = load_tokenizer(ref)
        self._hold(load_causal(ref, pick_device(device)), tokenizer, width)

    @classmethod
    def of(cls, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, width: int = 32) -> "LocalModel":
        """Around a model that is in memory and does not change: states of its weights are kept."""
        local = cls.__new__(cls)
        local._hold(model.eval(), tokenizer, width)
        return local

    def _hold(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, width: int) -> None:
        self.model, self.tokenizer, self.width = model, tokenizer, width
        self.renderer = Renderer(tokenizer)
        self._ends = end_tokens(model, tokenizer)
        self._forward = forward_for(model, int(tokenizer.pad_token_id or 0))
        self._context_length = context_length(model.config, tokenizer)

    @property
    def context_length(self) -> int:
        """How many tokens prompt and answer may take together."""
        return self._context_length

    def count_tokens(self, text: str) -> int:
        """How many tokens `text` takes, special tokens not added."""
        return len(self.tokenizer(text, add_special_tokens=False, split_special_tokens=True).input_ids)

    def render(self, request: Request) -> str:
        """Exactly what is sent for this request, as text (special tokens written out)."""
        return self.renderer.text(request.context)

    def answer(
        self, requests: Iterable[tuple[str, Request]], *, on_text: OnText | None = None
    ) -> Iterator[tuple[str, Answer]]:
        """Yield `(key, answer)` once for every `(key, request)`, `width` requests at a time."""
        pending = iter(requests)
        while window := list(islice(pending, self.width)):
            yield from self._answer_window(window)

    @torch.inference_mode()
    def _answer_window(self, window: Sequence[tuple[str, Request]]) -> Iterator[tuple[str, Answer]]:
        """Answer what fits in memory together; a request that cannot be rendered or fit fails alone."""
        rows: list[tuple[str, Row]] = []
        items: list[tuple[str, Options]] = []
        sent: dict[str, str] = {}
        for key, request in window:
            try:
                ready = self._prepare(request)
                sent[key] = self._sent(request)
            except Exception as error:  # a template may raise anything
                ready = _failed(error)
            if isinstance(ready, Row):
                rows.append((key, ready))
            elif isinstance(ready, Options):
                items.append((key, ready))
            else:
                yield key, ready
        # Side by side, rows that begin alike share their beginning.
        rows.sort(key=lambda row: row[1].ids)
        items.sort(key=lambda item: item[1].common)
        yield from guarded(rows, lambda part: self._decode(part, sent))
        yield from guarded(items, lambda part: self._score(part, sent))

    def _sent(self, request: Request) -> str:
        return self.renderer.sent(request.context, *(request.options if isinstance(request, Choose) else ()))

    def _prepare(self, request: Request) -> Row | Options | Failed:
        ready = self._row(request) if isinstance(request, Sample) else self._options(request)
        if isinstance(ready, Row):
            needed = len(ready.ids) + ready.sample.max_new_tokens
        else:
            needed = len(ready.common) + max(map(len, ready.tails))
        if needed <= self.context_length:
            return ready
        message = f"{needed} tokens are needed and the model takes {self.context_length}."
        return Failed(Failure.TOO_LONG, message)

    def _row(self, sample: Sample) -> Row:
        ids = self.renderer.ids(sample.context)
        if not ids:
            raise ValueError("The context is empty, and this model has no token to begin with.")
        return Row(sample, ids, (*sample.stop, *self.renderer.stops(sample.context)))

    def _options(self, choose: Choose) -> Options:
        """Each option's tokens, counted from the first that the context alone does not have."""
        if not choose.options or not all(choose.options):
            raise ValueError("A choice needs options, each of at least one character.")
        context = self.renderer.ids(choose.context)
        sequences = [self.renderer.ids(choose.context, option) for option in choose.options]
        first = min(common_length(context, sequence) for sequence in sequences)
        shared = sequences[0]
        for sequence in sequences[1:]:
            shared = shared[: common_length(shared, sequence)]
        if first == 0:
            raise ValueError("The context is empty, and this model has no token to begin with.")
        return Options(shared, tuple(sequence[len(shared) :] for sequence in sequences), first)

    def _decode(self, rows: Sequence[tuple[str, Row]], sent: dict[str, str]) -> Iterator[tuple[str, Answer]]:
        fresh = {key: replace(row, tokens=[], ended=False) for key, row in rows}
        keys = {id(row): key for key, row in fresh.items()}
        for row in decode(self._forward, self.tokenizer, list(fresh.values()), self._ends):
            key = keys[id(row)]
            yield key, Text(self._text(row), row.ended, len(row.tokens), sent[key])

    def _text(self, row: Row) -> str:
        text = self.tokenizer.decode(row.tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return self.renderer.answer(row.sample.context, str(text), row.sample.stop)

    def _score(self, items: Sequence[tuple[str, Options]], sent: dict[str, str]) -> Iterator[tuple[str, Answer]]:
        for (key, _), logprobs in zip(items, self._forward.score([item for _, item in items]), strict=True):
            if not all(map(math.isfinite, logprobs)):
                raise ValueError("The model's output is not a number.")
            yield key, Choice(tuple(logprobs), sent[key])


def guarded(
    rows: Sequence[tuple[str, _Row]], run: Callable[[Sequence[tuple[str, _Row]]], Iterator[tuple[str, Answer]]]
) -> Iterator[tuple[str, Answer]]:
    """Run rows together. Out of memory, halve them; on another error, run them one by one to find who fails.

    A fault of the device is raised: after one, every row would fail on this process, and none of them by its own fault.
    """
    if not rows:
        return
    done: set[str] = set()
    try:
        for key, answer in run(rows):
            done.add(key)
            yield key, answer
        return
    except Exception as error:
        if isinstance(error, torch.AcceleratorError) and not _out_of_memory(error):
            raise
        if len(rows) == 1:
            yield rows[0][0], _failed(error)
            return
        size = (len(rows) + 1) // 2 if _out_of_memory(error) else 1
    rest = [row for row in rows if row[0] not in done]
    for i in range(0, len(rest), size):
        yield from guarded(rest[i : i + size], run)


def _out_of_memory(error: Exception) -> bool:
    said = ("can't allocate memory", "out of memory")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(words in str(error) for words in said)


def _failed(error: Exception) -> Failed:
    return Failed(Failure.FAILED, f"{type(error).__name__}: {error}")


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Tokens that end an answer: the generation config's, be it one or several, and the tokenizer's."""
    named = getattr(model.generation_config, "eos_token_id", None)
    several = named if isinstance(named, (list, tuple)) else [named]
    return frozenset(int(token) for token in [*several, tokenizer.eos_token_id] if token is not None)
