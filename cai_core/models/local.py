"""`LocalModel`: any Hugging Face causal model, with or without an adapter, in this process.

Each row draws from its own stream of random numbers, and sees nothing but its own tokens, so that a row's answer
depends on its request alone. In float32 (on a CPU) the same row gives the same text in any batch, but where two
candidates lie within about 1e-4 of each other. In bfloat16 (on a GPU) the shape of a batch moves logits by far more:
the distribution is the same but for rounding, yet a text may change with its neighbours, or after a resume.
"""

import sys
from collections.abc import Iterable, Iterator
from functools import partial

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from cai_core.models.adapters import Weights, load_weights
from cai_core.models.at_work import OnToken, Pull, Row
from cai_core.models.base import OnText
from cai_core.models.rendering import Renderer
from cai_core.models.rows import Options, Tokens, common_length
from cai_core.models.trial import SHARE, engine_for
from cai_core.models.weights import context_length, load_tokenizer, pick_device
from cai_core.types import Answer, Choice, Choose, Conversation, Failed, Failure, ModelRef, Request, Sample, Text

_MOST_SHARED = 256
"""Most few-shot prefixes whose tokens are remembered."""


class LocalModel:
    """A `TextModel` on transformers and PEFT. Holds the weights in memory for as long as it lives."""

    def __init__(self, ref: ModelRef, *, width: int = 64, device: str | None = None) -> None:
        tokenizer = load_tokenizer(ref)
        self._hold(load_weights(ref, pick_device(device)), tokenizer, width)

    @classmethod
    def of(
        cls, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, width: int = 64, share: float = SHARE
    ) -> "LocalModel":
        """Around a model that is in memory, put into evaluation mode. Who changes its weights calls `engine.forget`.

        `share`: part of the free memory that keys and values may take.
        """
        local = cls.__new__(cls)
        local._hold(Weights(model.eval()), tokenizer, width, share)
        return local

    def _hold(self, weights: Weights, tokenizer: PreTrainedTokenizerBase, width: int, share: float = SHARE) -> None:
        self.weights, self.model, self.tokenizer = weights, weights.model, tokenizer
        model = weights.model
        self.renderer = Renderer(tokenizer)
        self._ends = end_tokens(model, tokenizer)
        pad = int(tokenizer.pad_token_id or 0)
        self.engine, self.plain_because = engine_for(weights, pad, width=width, share=share)
        if self.plain_because:
            name = model.config.architectures or [model.config.model_type]
            print(f"{name[0]} is answered the plain way, several times slower: {self.plain_because}.", file=sys.stderr)
        self._shared_ids: dict[Conversation, Tokens] = {}
        self._context_length = context_length(model.config, tokenizer)

    @property
    def context_length(self) -> int:
        """How many tokens prompt and answer may take together."""
        return self._context_length

    def count_tokens(self, context: str | Conversation) -> int:
        """How many tokens a text takes, special tokens not added; of turns, how many are sent for them."""
        if not isinstance(context, str):
            return len(self.renderer.ids(context))
        return len(self.tokenizer(context, add_special_tokens=False, split_special_tokens=True).input_ids)

    def render(self, request: Request) -> str:
        """Exactly what is sent for this request, as text (special tokens written out)."""
        return self.renderer.text(request.context)

    def answer(
        self, requests: Iterable[tuple[str, Request]], *, on_text: OnText | None = None
    ) -> Iterator[tuple[str, Answer]]:
        """Yield `(key, answer)` once for every `(key, request)`, up to `width` at work at a time."""
        for key, done in self.rows(requests, on_text=on_text):
            yield key, self._answer(done) if isinstance(done, Row) else done

    def rows(
        self, requests: Iterable[tuple[str, Request]], *, on_text: OnText | None = None
    ) -> Iterator[tuple[str, Row | Failed]]:
        """As `answer`, with the tokens that were drawn."""
        failed: list[tuple[str, Failed]] = []
        pending = iter(requests)

        def pull() -> Row | None:
            while True:
                try:
                    key, request = next(pending)
                except StopIteration:  # for now: an answer may bring new requests
                    return None
                except Exception as error:
                    raise _Outside(error) from error
                ready = self._ready(key, request)
                if isinstance(ready, Row):
                    return ready
                failed.append((key, ready))

        def on_token(row: Row) -> bool:
            if on_text is not None:
                try:
                    on_text(row.key, self._text(row))
                except Exception as error:
                    raise _Outside(error) from error
            return row.tokens[-1] in self._ends or self._stopped(row)

        while True:
            for row in self._rows(pull, on_token):
                yield from _taken(failed)
                yield row.key, row
            if not failed:
                return
            # While only unusable requests were there, their answers may bring new ones.
            yield from _taken(failed)

    def _rows(self, pull: Pull, on_token: OnToken) -> Iterator[Row]:
        """Rows as they are done. Out of memory, fewer are at work; on another error, one by one, to find who fails.

        A fault of the device is raised: after one, every row would fail on this process, and none by its own fault.
        """
        queue: list[Row] = []  # rows that begin again
        alone = False
        while True:
            try:
                if alone and queue:
                    yield from self.engine.answer(partial(_first, [queue.pop(0)]), on_token)
                else:
                    alone = False
                    yield from self.engine.answer(lambda: _first(queue) or pull(), on_token)
                    return
            except _Outside as outside:
                raise outside.error from None
            except Exception as error:
                if isinstance(error, torch.AcceleratorError) and not _out_of_memory(error):
                    raise
                unfinished = [row.again() for row in self.engine.unfinished]
                self.engine.forget()
                if len(unfinished) == 1:
                    unfinished[0].error = _words(error)
                    yield unfinished[0]
                    continue
                queue[:0] = unfinished
                alone = not _out_of_memory(error)
                if not alone:
                    self.engine.width = max(1, min(self.engine.width, len(unfinished)) // 2)

    def _ready(self, key: str, request: Request) -> Row | Failed:
        """The row that answers a request; what cannot be rendered or does not fit fails alone."""
        try:
            row = self._sample(key, request) if isinstance(request, Sample) else self._choose(key, request)
        except Exception as error:  # a template may raise anything
            return Failed(Failure.FAILED, _words(error))
        if row.longest <= self.context_length:
            return row
        message = f"{row.longest} tokens are needed and the model takes {self.context_length}."
        return Failed(Failure.TOO_LONG, message)

    def _sample(self, key: str, sample: Sample) -> Row:
        ids = self.renderer.ids(sample.context)
        if not ids:
            raise ValueError("The context is empty, and this model has no token to begin with.")
        stops = (*sample.stop, *self.renderer.stops(sample.context))
        sent = self.renderer.sent(sample.context)
        return Row(key, ids, sent, sample=sample, stops=stops, shared=self._shared(sample, ids))

    def _choose(self, key: str, choose: Choose) -> Row:
        options = self._options(choose)
        sent = self.renderer.sent(choose.context, *choose.options)
        return Row(key, options.common, sent, options=options, shared=self._shared(choose, options.common))

    def _shared(self, request: Request, ids: Tokens) -> int:
        """How many tokens the turns take that other requests begin with too."""
        if not request.shared_turns or isinstance(request.context, str):
            return 0
        turns = request.context[: request.shared_turns]
        if turns not in self._shared_ids:
            if len(self._shared_ids) >= _MOST_SHARED:
                self._shared_ids.clear()
            self._shared_ids[turns] = self.renderer.ids(turns)
        return common_length(self._shared_ids[turns], ids)

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

    def _answer(self, row: Row) -> Answer:
        if row.error:
            return Failed(Failure.FAILED, row.error)
        if row.options:
            return Choice(tuple(row.scores), row.sent)
        return Text(self._text(row), row.ended, len(row.tokens), row.sent)

    def _text(self, row: Row) -> str:
        assert row.sample
        text = self.tokenizer.decode(row.tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return self.renderer.answer(row.sample.context, str(text), row.sample.stop)

    def _stopped(self, row: Row) -> bool:
        """Whether the newest tokens complete a stop string."""
        if not row.stops:
            return False
        # A token is a byte at least, and a few more tokens may hold a character that began before.
        reach = max(len(stop.encode()) for stop in row.stops) + 4
        tail = str(self.tokenizer.decode(row.tokens[-reach:], skip_special_tokens=True))
        return any(stop in tail for stop in row.stops)


class _Outside(Exception):  # noqa: N818 - carries what the caller's own code raised through the engine
    """Raised by who asks or listens, not by the model."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _first(rows: list[Row]) -> Row | None:
    return rows.pop(0) if rows else None


def _taken(failed: list[tuple[str, Failed]]) -> Iterator[tuple[str, Failed]]:
    while failed:
        yield failed.pop(0)


def _out_of_memory(error: Exception) -> bool:
    said = ("can't allocate memory", "out of memory")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(words in str(error) for words in said)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Tokens that end an answer: the generation config's, be it one or several, and the tokenizer's."""
    named = getattr(model.generation_config, "eos_token_id", None)
    several = named if isinstance(named, (list, tuple)) else [named]
    return frozenset(int(token) for token in [*several, tokenizer.eos_token_id] if token is not None)
