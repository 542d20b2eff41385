"""What the engine is compared with: transformers' own `generate` and forward, in padded batches."""

import copy
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import torch
from transformers import DynamicCache, PreTrainedModel

from cai_core.models.base import OnText
from cai_core.models.local import LocalModel
from cai_core.models.rendering import Renderer
from cai_core.models.rows import Tokens, pad_left
from cai_core.types import Answer, Conversation, Request, Sample, Text


class NaiveModel:
    """A `TextModel` on `generate`: so many requests at once, padded on the left, prefixes sent again each time."""

    def __init__(self, local: LocalModel, batch: int) -> None:
        self.model, self.tokenizer, self.batch = local.model, local.tokenizer, batch
        self.renderer = Renderer(local.tokenizer)
        self.context_length = local.context_length

    def answer(
        self, requests: Iterable[tuple[str, Request]], *, on_text: OnText | None = None
    ) -> Iterator[tuple[str, Answer]]:
        """Batch after batch."""
        pending = iter(requests)
        while window := list(islice(pending, self.batch)):
            asked = [request for _, request in window if isinstance(request, Sample)]
            contexts = [self.renderer.ids(one.context) for one in asked]
            most = max(one.max_new_tokens for one in asked)
            said = generated(self.model, contexts, most, self.tokenizer.eos_token_id)
            for (key, _), tokens in zip(window, said, strict=True):
                ended = tokens[-1] == self.tokenizer.eos_token_id
                yield key, Text(str(self.tokenizer.decode(tokens, skip_special_tokens=True)), ended, len(tokens), "")

    def render(self, request: Request) -> str:
        return self.renderer.text(request.context)

    def count_tokens(self, context: str | Conversation) -> int:
        return len(self.tokenizer(self.renderer.text(context)).input_ids)


@torch.inference_mode()
def generated(
    model: PreTrainedModel, contexts: Sequence[Tokens], most: int, end: int | None, prefix: DynamicCache | None = None
) -> list[Tokens]:
    """What `generate` samples after each context, up to its end token. `prefix`: states of what all begin with."""
    ids = pad_left(contexts, 0, model.device)
    real = pad_left([[1] * len(context) for context in contexts], 0, model.device)
    more = {}
    if prefix is not None:
        cache = copy.deepcopy(prefix)  # `generate` writes into it
        cache.batch_repeat_interleave(len(contexts))
        more["past_key_values"] = cache
    said = model.generate(
        input_ids=ids, attention_mask=real, do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
        max_new_tokens=most, eos_token_id=end, pad_token_id=0, **more,
    )  # fmt: skip
    rows = said[:, ids.shape[1] :].tolist()
    return [row[: row.index(end) + 1] if end in row else row for row in rows]


@torch.inference_mode()
def prefix_cache(model: PreTrainedModel, tokens: Tokens) -> DynamicCache:
    """The states of what all contexts begin with."""
    cache = DynamicCache(config=model.config)
    model(input_ids=torch.tensor([tokens]), past_key_values=cache, use_cache=True, logits_to_keep=1)
    return cache


@torch.inference_mode()
def next_logprobs(model: PreTrainedModel, contexts: Sequence[Tokens]) -> torch.Tensor:
    """Log-probabilities [rows, vocabulary] of the next token, one padded forward pass."""
    ids = pad_left(contexts, 0, model.device)
    real = pad_left([[1] * len(context) for context in contexts], 0, model.device)
    positions = (real.cumsum(-1) - 1).clamp(min=0)
    logits = model(input_ids=ids, attention_mask=real, position_ids=positions, logits_to_keep=1).logits
    return torch.log_softmax(logits[:, -1].float(), dim=-1)
