"""An adapter merged into its base: one folder that transformers loads, checked against the two apart."""

import os
import shutil
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from cai_core.errors import ModelError
from cai_core.models.rendering import Renderer
from cai_core.models.weights import check_adapter, load_base, load_tokenizer
from cai_core.types import ModelRef, assistant, user

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.5, "float16": 0.1}
"""Nats, at the token where they differ most: what rounding the sum of the weights may do."""
ASKED = (user("How do I boil an egg?"), assistant("Put it into boiling water for eight minutes."))


def merge_adapter(ref: ModelRef, out: Path, *, dtype: str = "float32") -> float:
    """Write base and adapter as one model folder `out`, with its tokenizer; the largest difference it makes, in nats.

    Raises `ModelError` where there is no adapter, where `out` is there, or where the folder, loaded again, gives
    other log-probabilities than base and adapter; nothing is left behind then.
    """
    if ref.adapter is None or ref.endpoint is not None:
        raise ModelError(
            "there is nothing to merge: this model has no adapter of its own. Name one that a run trained."
        )
    if out.exists() or not out.absolute().parent.is_dir():
        problem = "is there already" if out.exists() else "lies in no folder that is there"
        raise ModelError(f"{out} {problem}; nothing is overwritten. Name a new folder.")
    check_adapter(ref, AutoModelForCausalLM)
    tokenizer, cpu = load_tokenizer(ref), torch.device("cpu")
    adapted = PeftModel.from_pretrained(load_base(ref, AutoModelForCausalLM, cpu, dtype=torch.float32), ref.adapter)
    before = _logprobs(adapted.eval(), tokenizer)
    draft = out.with_name(f".{out.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        _save(adapted.merge_and_unload(), tokenizer, draft, dtype)
        after = _logprobs(AutoModelForCausalLM.from_pretrained(draft, dtype=DTYPES[dtype]).eval(), tokenizer)
        difference = (before - after).abs().max().item()
        if not difference <= TOLERANCE[dtype]:
            raise ModelError(
                f"merged, the model gives log-probabilities up to {difference:.3g} apart from the two; at most "
                f"{TOLERANCE[dtype]} is rounding to {dtype}. Nothing was written; try --dtype float32."
            )
        os.replace(draft, out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return difference


def _save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path, dtype: str) -> None:
    model.to(DTYPES[dtype]).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@torch.no_grad()
def _logprobs(model: torch.nn.Module, tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """Of a short conversation's own tokens. Shape (tokens - 1,)."""
    ids = torch.tensor([Renderer(tokenizer).closed_ids(ASKED)])
    logits: torch.Tensor = model(input_ids=ids).logits[0, :-1]
    return logits.float().log_softmax(-1).gather(-1, ids[0, 1:, None])[:, 0]
