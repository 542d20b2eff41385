"""What is checked when a model is added: everything that can go wrong short of loading the weights."""

import math
from pathlib import Path
from typing import Any, Literal

import psutil
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, PreTrainedConfig

from cai_core.errors import ModelError
from cai_core.models.files import SCRIPTED, resolve_base
from cai_core.models.preference import check_head
from cai_core.models.rendering import Renderer
from cai_core.models.rows import common_length
from cai_core.models.weights import check_adapter, context_length, load_config, load_tokenizer, pick_device, pick_dtype
from cai_core.types import Conversation, Message, ModelRef, Role, assistant, user

ModelRole = Literal["text", "feedback", "preference"]
"""What a model is for: to write, to choose between (A) and (B), to score."""

_OVERHEAD = 1.3
"""Memory beyond the weights themselves, as a factor: activations, cache, one transient copy."""


def check_model(
    ref: ModelRef, role: ModelRole = "text", *, options: tuple[str, ...] = (" (A)", " (B)"), device: str | None = None
) -> dict[str, Any]:
    """Facts about a model, JSON-ready. Raises `ModelError` if it cannot take `role`; loads no weights."""
    if ref.base == SCRIPTED:
        return {"base": SCRIPTED, "parameters": 0}
    kind = AutoModelForSequenceClassification if role == "preference" else AutoModelForCausalLM
    base, config = resolve_base(ref.base), load_config(ref)
    shapes = _shapes(ref, config, kind)
    if Path(base).is_dir():
        _check_weights(Path(base), ref.base, shapes)
    if ref.adapter is not None:
        check_adapter(ref, kind)
    if role == "preference":
        _check_preference(ref)
    tokenizer = load_tokenizer(ref)
    renderer = Renderer(tokenizer)
    takes_system = check_template(ref.base, renderer)
    choices = option_tokens(renderer, options)
    if role == "feedback" and not choices["distinct"]:
        raise ModelError(
            f"{ref.base!r} cannot tell the options {options} apart: they are the same tokens. Take another model."
        )
    parameters = sum(_count(shape) for shape in shapes.values())
    return {
        "base": base,
        "architecture": (config.architectures or [config.model_type])[0],
        "parameters": parameters,
        "context_length": context_length(config, tokenizer),
        "vocabulary": config.get_text_config().vocab_size,
        "template": "chat template" if renderer.has_template else "Human/Assistant",
        "system_turn": takes_system,
        "options": choices,
        **_check_memory(ref, parameters, device),
    }


def check_template(name: str, renderer: Renderer) -> bool:
    """Whether the chat template takes a system turn. Raises `ModelError` if it fails on what every stage sends."""
    asked, answered = user("Question"), assistant("Answer")
    for turns in ((asked, answered), (asked, answered, asked), (asked, answered, asked, answered)):
        if (error := _fails(renderer, turns)) is not None:
            roles = ", ".join(turn.role for turn in turns)
            raise ModelError(
                f"The chat template of {name!r} fails on the turns {roles} ({error}). Few-shots need turns that "
                "alternate, and labels a last assistant turn to go on from. Give a model whose template takes both, or "
                "take chat_template out of its tokenizer files: its turns are then sent as 'Human:' and 'Assistant:'."
            )
    return _fails(renderer, (Message(Role.SYSTEM, "System"), asked)) is None


def _fails(renderer: Renderer, turns: Conversation) -> str | None:
    """What the template says against these turns."""
    try:
        renderer.ids(turns)
    except Exception as error:  # a template may raise anything
        return f"{type(error).__name__}: {error}"
    return None


def option_tokens(renderer: Renderer, options: tuple[str, ...]) -> dict[str, Any]:
    """The tokens of each option where labels ask for them, after a begun answer, and whether they differ."""
    begun = (user("Question"), assistant("The answer is:"))
    context, told = renderer.ids(begun), [renderer.ids(begun, option) for option in options]
    first = min(common_length(context, tokens) for tokens in told)
    tails = [tokens[first:] for tokens in told]
    distinct = len({tuple(tail) for tail in tails}) == len(tails) and all(tails)
    texts = [renderer.tokenizer.convert_ids_to_tokens(tail) for tail in tails]
    return {"tokens": texts, "distinct": distinct}


def _shapes(ref: ModelRef, config: PreTrainedConfig, kind: Any) -> dict[str, tuple[int, ...]]:
    """Shape of each parameter, from a model that has no memory."""
    try:
        with torch.device("meta"):
            model = kind.from_config(config)
    except (ValueError, KeyError, ImportError) as error:
        raise ModelError(
            f"{ref.base!r} is no causal language model ({str(error).strip().splitlines()[0]}). "
            "Give one that AutoModelForCausalLM can load."
        ) from error
    return {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}


def _check_weights(folder: Path, name: str, shapes: dict[str, tuple[int, ...]]) -> None:
    """The headers of the weight files can be read, and agree with the config."""
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as file:
                found = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
        except Exception as error:
            raise ModelError(
                f"The weights of {name!r} in {path.name} cannot be read ({error}). Copy or save the model again."
            ) from error
        for key in found.keys() & shapes.keys():
            if found[key] != shapes[key]:
                raise ModelError(
                    f"The weights of {name!r} do not fit its config.json: {key} is {list(found[key])} and should be "
                    f"{list(shapes[key])}. Save model and config together again."
                )


def _check_preference(ref: ModelRef) -> None:
    if ref.adapter is None:
        raise ModelError(
            f"{ref.base!r} has no adapter, so no head to score with. Give the adapter of a finished pm run."
        )
    check_head(Path(ref.adapter))


def _check_memory(ref: ModelRef, parameters: int, device: str | None) -> dict[str, Any]:
    """Bytes needed and free on the device; raises if they do not suffice."""
    on = pick_device(device)
    needed = int(parameters * pick_dtype(on).itemsize * _OVERHEAD)
    free = torch.cuda.mem_get_info(on)[0] if on.type == "cuda" else psutil.virtual_memory().available
    if needed > free:
        raise ModelError(
            f"{ref.base!r} needs about {needed / 2**30:.1f} GiB on {on} and {free / 2**30:.1f} GiB are free. "
            "Take a smaller model, or a machine with more memory."
        )
    return {"device": str(on), "memory_needed": needed, "memory_free": int(free)}


def memory_needed(ref: ModelRef, device: str | None = None) -> int:
    """Bytes that a causal model takes on a device, by its config; loads no weights."""
    shapes = _shapes(ref, load_config(ref), AutoModelForCausalLM)
    return int(sum(map(_count, shapes.values())) * pick_dtype(pick_device(device)).itemsize * _OVERHEAD)


def _count(shape: tuple[int, ...]) -> int:
    return math.prod(shape)
