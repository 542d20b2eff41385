"""The models that training changes: a frozen base with one LoRA adapter on every linear layer (Hu et al. 2021).

Nothing but the adapter and, in a preference model, its scalar head ever trains, so a snapshot is a small folder on an
untouched base. There is no dropout: with few steps its noise costs more than it saves.
"""

import torch
from peft import (
    LoraConfig,
    PeftConfig,
    PeftModel,
    TaskType,
    get_peft_model,
    get_peft_model_state_dict,
    load_peft_weights,
    set_peft_model_state_dict,
)
from transformers import (
    AutoModelForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    set_seed,
)
from transformers.pytorch_utils import Conv1D

from cai_core.errors import ModelError
from cai_core.models.preference import scoring_base
from cai_core.models.weights import check_adapter, load_base, load_tokenizer, pick_device
from cai_core.types import ModelRef

ALL_LINEAR = "all-linear"
"""Every linear layer but the output layer."""


def causal_policy(
    ref: ModelRef,
    *,
    rank: int,
    seed: int,
    alpha: int = 0,
    targets: str = ALL_LINEAR,
    dtype: torch.dtype | None = None,
) -> tuple[PeftModel, PreTrainedTokenizerBase]:
    """The model that writes, ready to train, and its tokenizer; see `lora_config` for `alpha` and `targets`.

    If `ref` names an adapter, training goes on with that adapter as it is; else it starts with a new one, which at
    first changes nothing. `dtype` is the frozen weights'.
    """
    if ref.adapter is not None:
        check_adapter(ref, AutoModelForCausalLM)
    model, tokenizer = load_base(ref, AutoModelForCausalLM, pick_device(None), dtype=dtype), load_tokenizer(ref)
    set_seed(seed % 2**32)  # a new adapter's matrices are drawn
    if ref.adapter is not None:
        return PeftModel.from_pretrained(model, ref.adapter, is_trainable=True), tokenizer
    return get_peft_model(model, lora_config(model, rank, TaskType.CAUSAL_LM, alpha=alpha, targets=targets)), tokenizer


def scorer_to_train(ref: ModelRef, *, rank: int, seed: int) -> tuple[PeftModel, PreTrainedTokenizerBase]:
    """The model that scores, ready to train: a scalar head on the last token, saved with the adapter.

    If `ref` names a causal adapter (SL-CAI, say), the new one starts as its copy at its rank; the head is new.
    """
    if ref.adapter is not None:
        check_adapter(ref, AutoModelForCausalLM)
    set_seed(seed % 2**32)  # the head is drawn first, then the adapter
    model, tokenizer = scoring_base(ref, pick_device(None)), load_tokenizer(ref)
    if ref.adapter is None:
        return get_peft_model(model, lora_config(model, rank, TaskType.SEQ_CLS)), tokenizer
    config = PeftConfig.from_pretrained(ref.adapter)
    config.task_type, config.modules_to_save, config.inference_mode = TaskType.SEQ_CLS, ["score"], False
    scorer = get_peft_model(model, config)
    head = get_peft_model_state_dict(scorer)
    set_peft_model_state_dict(scorer, head | load_peft_weights(ref.adapter, device="cpu"))
    return scorer, tokenizer


def lora_config(
    model: PreTrainedModel, rank: int, task: TaskType, *, alpha: int = 0, targets: str = ALL_LINEAR
) -> LoraConfig:
    """LoRA on the layers of `model` that `targets` names: all linear ones, or modules by name, commas between them.

    `alpha` 0 is twice the rank. Raises `ModelError` for a name that no linear layer has.
    """
    return LoraConfig(
        task_type=task,
        r=rank,
        lora_alpha=alpha or 2 * rank,
        lora_dropout=0.0,
        target_modules=ALL_LINEAR if targets == ALL_LINEAR else _named(model, targets),
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),  # GPT-2 keeps [in, out]
        modules_to_save=["score"] if task is TaskType.SEQ_CLS else None,
    )


def _named(model: PreTrainedModel, targets: str) -> list[str]:
    wanted = [name for part in targets.split(",") if (name := part.strip())]
    linear = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear | Conv1D)]
    there = sorted({name.rpartition(".")[2] for name in linear})
    wrong = [name for name in wanted if not any(one == name or one.endswith(f".{name}") for one in linear)]
    if wrong or not wanted:
        raise ModelError(
            f"targets = {targets!r}: {f'no linear layer is called {wrong[0]!r}' if wrong else 'no name is given'}. "
            f"This model has {', '.join(there)}; name some of them with commas between, or say {ALL_LINEAR}."
        )
    return wanted


def count_parameters(model: torch.nn.Module) -> int:
    """All parameters, trained or not."""
    return sum(parameter.numel() for parameter in model.parameters())
