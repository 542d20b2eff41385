"""Loading weights: safetensors only, no remote code, and every mistake told before the first token."""

import json
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel
from safetensors import safe_open
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.pytorch_utils import Conv1D

from cai_core.errors import ModelError
from cai_core.models.files import check_adapter_files, resolve_base
from cai_core.types import ModelRef

_HUB_HINT = "Give 'sandbox', an existing folder, or a Hugging Face id that is in the cache or can be downloaded."
_ENDLESS = 10**9


def pick_device(device: str | None) -> torch.device:
    """The device named, or a GPU if there is one, or the CPU."""
    return torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def pick_dtype(device: torch.device) -> torch.dtype:
    """float32 on a CPU, where half precision is slow and inexact; bfloat16 on a GPU."""
    return torch.float32 if device.type == "cpu" else torch.bfloat16


def load_config(ref: ModelRef) -> PreTrainedConfig:
    """The base model's configuration."""
    return _from_hub(ref, lambda base, **more: AutoConfig.from_pretrained(base, trust_remote_code=False, **more))


def load_tokenizer(ref: ModelRef) -> PreTrainedTokenizerBase:
    """The base model's tokenizer, with a padding token."""
    tokenizer = _from_hub(
        ref, lambda base, **more: AutoTokenizer.from_pretrained(base, trust_remote_code=False, **more)
    )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_base(
    ref: ModelRef, kind: Any, device: torch.device, *, dtype: torch.dtype | None = None, **more: Any
) -> PreTrainedModel:
    """The base model as `kind` (an Auto class) on `device`, in the device's usual precision unless `dtype` is given."""
    dtype = dtype or pick_dtype(device)
    return _from_hub(
        ref,
        lambda base, **revision: kind.from_pretrained(
            base, trust_remote_code=False, use_safetensors=True, dtype=dtype, **more, **revision
        ).to(device),
    )


def load_causal(ref: ModelRef, device: torch.device) -> PreTrainedModel:
    """The causal model that `ref` names, its adapter merged into the weights where that loses nothing."""
    if ref.adapter is None:
        return load_base(ref, AutoModelForCausalLM, device).eval()
    check_adapter(ref, AutoModelForCausalLM)
    return with_adapter(load_base(ref, AutoModelForCausalLM, device), ref.adapter)


def with_adapter(model: PreTrainedModel, folder: str) -> PreTrainedModel:
    """`model`, changed in place, with a saved adapter: merged into its weights where that loses nothing."""
    adapted = PeftModel.from_pretrained(model, folder)
    # Merging rounds the sum to the weights' precision: nothing to float32, too much to bfloat16.
    exact = model.dtype == torch.float32
    changed: PreTrainedModel = adapted.merge_and_unload() if exact else adapted.get_base_model()
    return changed.eval()


def context_length(config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    """Most tokens that the model reads and writes together; 2,048 where neither config nor tokenizer says."""
    known = [getattr(config.get_text_config(), "max_position_embeddings", None), tokenizer.model_max_length]
    # A tokenizer that has no limit names a huge number.
    return min([int(length) for length in known if length and length < _ENDLESS] or [2048])


def check_adapter(ref: ModelRef, kind: Any) -> None:
    """Raise `ModelError` unless the adapter's files are whole and its matrices fit the base model's."""
    assert ref.adapter is not None
    folder = Path(ref.adapter)
    check_adapter_files(folder)
    _check_base_name(ref, folder)
    more = {"num_labels": 1} if kind is AutoModelForSequenceClassification else {}
    config = load_config(ref)
    for name, value in more.items():
        setattr(config, name, value)
    with torch.device("meta"):
        shapes = _shapes_out_in(kind.from_config(config))
    for name, shape in adapter_shapes(folder).items():
        if name in shapes and shapes[name] != shape:
            raise ModelError(
                f"The adapter {ref.adapter!r} is of another base model than {ref.base!r}: it changes {name} of shape "
                f"{list(shape)}, which here is {list(shapes[name])}. Give the base model that it was trained on."
            )
        if name not in shapes:
            raise ModelError(
                f"The adapter {ref.adapter!r} is of another base model than {ref.base!r}: it changes {name}, "
                "which this model does not have. Give the base model that it was trained on."
            )


def _shapes_out_in(model: PreTrainedModel) -> dict[str, tuple[int, ...]]:
    """Shape of each parameter by name; of matrices [out, in], even where GPT-2's layers keep them as [in, out]."""
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    turned = [f"{name}.weight" for name, module in model.named_modules() if isinstance(module, Conv1D)]
    return shapes | {name: shapes[name][::-1] for name in turned}


def adapter_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shape [out, in] of each matrix of the base model that a LoRA adapter changes, by parameter name."""
    try:
        with safe_open(folder / "adapter_model.safetensors", framework="pt") as file:
            sizes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
    except Exception as error:
        raise ModelError(
            f"The adapter's weights in {str(folder)!r} cannot be read ({error}). Save the adapter again."
        ) from error
    shapes: dict[str, tuple[int, ...]] = {}
    for key, size in sizes.items():
        if ".lora_A" in key and len(size) == 2:
            other = sizes.get(key.replace(".lora_A", ".lora_B"), (0,))
            name = key.split(".lora_A")[0].removeprefix("base_model.model.")
            shapes[f"{name}.weight"] = (other[0], size[1])
    return shapes


def _check_base_name(ref: ModelRef, folder: Path) -> None:
    """Compare with the base that the adapter names, where both can be compared."""
    try:
        named = PeftConfig.from_pretrained(str(folder)).base_model_name_or_path
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"The adapter's adapter_config.json in {str(folder)!r} cannot be read ({error}). Save the adapter again."
        ) from error
    base, path = resolve_base(ref.base), Path(named or "")
    if not named or named == base:
        return
    if path.is_dir() and Path(base).is_dir():
        differs = _config_facts(path) != _config_facts(Path(base))
    else:
        # A folder that is gone tells nothing; two different Hub ids do.
        differs = not path.is_absolute() and not Path(base).is_dir() and named.count("/") == 1
    if differs:
        raise ModelError(
            f"The adapter {ref.adapter!r} was trained on {named!r}, not on {ref.base!r}. Give {named!r} as base model."
        )


def _config_facts(folder: Path) -> dict[str, Any]:
    """What of a config.json shapes the weights."""
    facts = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    names = ("model_type", "hidden_size", "n_embd", "num_hidden_layers", "n_layer", "vocab_size")
    return {name: facts.get(name) for name in names}


def _from_hub(ref: ModelRef, load: Any) -> Any:
    """Call `load(base, revision=...)` and tell its failures in words."""
    base = resolve_base(ref.base)
    more = {"revision": ref.revision} if ref.revision else {}
    try:
        return load(base, **more)
    except Exception as error:  # foreign files make the readers below raise anything
        if isinstance(error, torch.OutOfMemoryError):
            raise ModelError(
                f"The model {ref.base!r} does not fit the device's memory. Take a smaller one, or another device."
            ) from error
        said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        hint = "Save the model again." if Path(base).is_dir() else _HUB_HINT
        raise ModelError(f"The model {ref.base!r} cannot be loaded: {said} {hint}") from error
