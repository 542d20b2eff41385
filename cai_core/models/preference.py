"""Scores of a preference model: one number a conversation, higher is preferred.

The model is a causal backbone with a linear head on the last token (`AutoModelForSequenceClassification`, one label);
its adapter holds the LoRA matrices and the head.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from peft import PeftModel
from safetensors import safe_open
from torch import Tensor
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase

from cai_core.errors import ModelError
from cai_core.models.rendering import Renderer
from cai_core.models.rows import Tokens, pad_right
from cai_core.models.weights import (
    check_adapter,
    context_length,
    load_base,
    load_tokenizer,
    pick_device,
    with_adapter,
)
from cai_core.types import Conversation, ModelRef

_PASS_TOKENS = 8192
"""Most tokens of one pass, padding included."""


def rewards(model: PreTrainedModel, ids: Tensor, mask: Tensor) -> Tensor:
    """Scores [rows] of `ids` [rows, tokens], padded on the right where `mask` [rows, tokens] is 0.

    Read at the last real token by the mask. The model's own forward looks for the padding id instead, which goes wrong
    where padding and end of turn are one token.
    """
    inner = model.get_base_model() if isinstance(model, PeftModel) else model
    read = getattr(inner, inner.base_model_prefix)(input_ids=ids, attention_mask=mask, use_cache=False)
    last = mask.sum(dim=-1) - 1
    scores: Tensor = inner.score(read.last_hidden_state[torch.arange(len(ids), device=ids.device), last])  # [rows, 1]
    return scores.squeeze(-1)


class PreferenceScorer:
    """A preference model in memory. `ref` names the base and the adapter with its head."""

    def __init__(self, ref: ModelRef, *, device: str | None = None) -> None:
        tokenizer = load_tokenizer(ref)
        self._hold(_load(ref, pick_device(device)), tokenizer)

    @classmethod
    def of(cls, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> "PreferenceScorer":
        """Around a model that is already in memory; it is put into evaluation mode."""
        scorer = cls.__new__(cls)
        scorer._hold(model.eval(), tokenizer)
        return scorer

    def _hold(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        self.model, self.tokenizer, self.renderer = model, tokenizer, Renderer(tokenizer)
        self._longest = context_length(model.config, tokenizer)

    def score(self, conversations: Sequence[Conversation]) -> list[float]:
        """One score each, in order; not a number where the conversation is longer than the model reads."""
        return self.score_ids([self.renderer.closed_ids(conversation) for conversation in conversations])

    @torch.inference_mode()
    def score_ids(self, rows: Sequence[Tokens]) -> list[float]:
        """As `score`, of whole conversations as token ids."""
        scores = [math.nan] * len(rows)
        fitting = [i for i in range(len(rows)) if 0 < len(rows[i]) <= self._longest]
        for part in _parts(sorted(fitting, key=lambda i: len(rows[i])), rows):
            ids, mask = (made.to(self.model.device) for made in pad_right([rows[i] for i in part]))
            for i, value in zip(part, rewards(self.model, ids, mask).tolist(), strict=True):
                scores[i] = value
        return scores


def score_conversations(ref: ModelRef, *, device: str | None = None) -> Callable[[Sequence[Conversation]], list[float]]:
    """Load a preference model; its scores of conversations, as `PreferenceScorer.score`."""
    return PreferenceScorer(ref, device=device).score


def _parts(ordered: Sequence[int], rows: Sequence[Tokens]) -> list[list[int]]:
    """Rows in order of length, cut where a pass would be full."""
    parts: list[list[int]] = []
    for i in ordered:
        if parts and (len(parts[-1]) + 1) * len(rows[i]) <= _PASS_TOKENS:
            parts[-1].append(i)
        else:
            parts.append([i])
    return parts


def scoring_base(ref: ModelRef, device: torch.device) -> PreTrainedModel:
    """The base with a new scalar head, in float32 whatever the base is in.

    bfloat16 would round scores to steps of 0.03 about 5, of the size of the margins that soft labels teach.
    """
    # Read from the config, the label count would be two, and the head of the wrong shape.
    model = load_base(ref, AutoModelForSequenceClassification, device, num_labels=1)
    model.score.float()
    model.score.register_forward_pre_hook(lambda head, inputs: (inputs[0].to(head.weight.dtype),))
    return model


def _load(ref: ModelRef, device: torch.device) -> PreTrainedModel:
    if ref.adapter is None:
        raise ModelError(
            f"{ref.base!r} has no preference adapter, so no head to score with. Give the adapter of a finished pm run."
        )
    check_adapter(ref, AutoModelForSequenceClassification)
    check_head(Path(ref.adapter))
    return with_adapter(scoring_base(ref, device), ref.adapter)


def check_head(folder: Path) -> None:
    """Raise `ModelError` unless the adapter holds the head's weights: fresh ones would score at random."""
    with safe_open(folder / "adapter_model.safetensors", framework="pt") as file:
        names = list(file.keys())
    if not any("score" in name.split(".") for name in names):
        raise ModelError(
            f"The adapter {str(folder)!r} holds no head named 'score': it is of a text model, not of a preference "
            "model. Give the adapter of a finished pm run."
        )
