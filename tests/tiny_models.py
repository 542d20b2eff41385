"""Tiny models with random weights, saved to folders as users would have them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    BloomForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from cai_core.training.tokenizer import train_tokenizer

TEXTS = [
    "How do I boil an egg? Put it into water and wait for ten minutes.",
    "Teach me to fold a paper crane, please. It is a nice thing to do on a rainy day.",
    "The answer is: (A) and the answer is: (B). Which of these responses is more helpful?",
    "Critique Request: point out the harm. Revision Request: write it again without the harm.",
]
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 256,
}
KINDS: dict[str, tuple[type[Any], type[Any], dict[str, Any]]] = {
    "llama": (LlamaConfig, LlamaForCausalLM, {"num_key_value_heads": 2, "tie_word_embeddings": True}),
    "neox": (GPTNeoXConfig, GPTNeoXForCausalLM, {}),
    "mistral": (MistralConfig, MistralForCausalLM, {"num_key_value_heads": 2, "sliding_window": 16}),
    "qwen": (Qwen3Config, Qwen3ForCausalLM, {"num_key_value_heads": 1, "head_dim": 12}),
    # Every other layer looks back through a window; scores are capped.
    "gemma": (
        Gemma2Config,
        Gemma2ForCausalLM,
        {"num_key_value_heads": 2, "head_dim": 16, "sliding_window": 24, "query_pre_attn_scalar": 16},
    ),
    # Its positions are biases to the attention's scores, so it goes the plain way.
    "bloom": (BloomConfig, BloomForCausalLM, {"n_layer": 2, "n_head": 4}),
}
ENGINE_KINDS = tuple(kind for kind in KINDS if kind != "bloom")
"""What the engine reads."""
ADAPTED = {"neox": ("query_key_value",), "bloom": ("query_key_value",)}
"""Where an adapter goes, if not into `q_proj` and `v_proj`."""


def tokenizer(*, template: bool = True) -> PreTrainedTokenizerFast:
    """A byte-level BPE of 400 entries, with the sandbox's chat template or without any."""
    made = train_tokenizer(TEXTS * 3, vocabulary=400, context=256)
    if not template:
        made.chat_template = None
    return made


def tiny(kind: str = "llama", *, seed: int = 0, template: bool = True) -> tuple[Any, PreTrainedTokenizerFast]:
    """A model with perturbed weights (a fresh one says the same token for ever) and its tokenizer."""
    torch.manual_seed(seed)
    words = tokenizer(template=template)
    config, model, more = KINDS[kind]
    # The byte-level alphabet may leave the vocabulary short of what was asked for.
    made = model(config(vocab_size=len(words), eos_token_id=words.eos_token_id, bos_token_id=None, **SIZES, **more))
    return perturb(made, seed), words


def perturb(model: Any, seed: int, scale: float = 0.2) -> Any:
    """Add noise to every weight."""
    noise = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=noise) * scale)
    return model.eval()


def save(folder: Path, kind: str = "llama", *, seed: int = 0, template: bool = True) -> Path:
    """A model folder."""
    model, words = tiny(kind, seed=seed, template=template)
    return save_both(folder, model, words)


def save_both(folder: Path, model: PreTrainedModel, words: PreTrainedTokenizerFast) -> Path:
    """Model and tokenizer in one folder."""
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def save_adapter(base: Path, folder: Path, *, modules: Sequence[str] = ("q_proj", "v_proj"), seed: int = 0) -> Path:
    """A LoRA adapter with noise in both its matrices."""
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(r=4, target_modules=list(modules)))
    return _save_noisy(model, folder, seed)


def save_preference_adapter(base: Path, folder: Path, *, head: bool = True, seed: int = 0) -> Path:
    """A preference adapter, with its head or (wrongly) without."""
    model = LlamaForSequenceClassification.from_pretrained(base, num_labels=1)
    saved = {"modules_to_save": ["score"]} if head else {}
    config = LoraConfig(r=4, target_modules=["q_proj"], task_type="SEQ_CLS" if head else None, **saved)
    return _save_noisy(get_peft_model(model, config), folder, seed)


def _save_noisy(model: Any, folder: Path, seed: int) -> Path:
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=noise) * 0.3)
    model.save_pretrained(folder)
    return folder
