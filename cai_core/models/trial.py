"""Which engine a model gets: its passes are tried, and compared with the model's own, before they are trusted."""

from dataclasses import dataclass

import psutil
import torch
from transformers import PreTrainedModel

from cai_core.models.adapters import Weights
from cai_core.models.engine import Engine
from cai_core.models.passes import Passes, Stretch
from cai_core.models.plain import PlainEngine
from cai_core.models.rows import Tokens
from cai_core.models.slots import Slots

SHARE = 0.4
"""Part of the memory that is free which keys and values may take."""
_KINDS = {"full_attention", "sliding_attention"}
"""Kinds of layers whose attention the engine knows."""


@dataclass(frozen=True)
class Trial:
    """What came of trying the engine's passes on a model."""

    refused: str | None
    """Why the model is answered the plain way; None where the engine may."""
    token_bytes: int = 0
    """Bytes of keys and values of one token, in all layers."""


def engine_for(
    weights: Weights, pad: int, *, width: int, share: float = SHARE
) -> tuple[Engine | PlainEngine, str | None]:
    """The engine, or the plain way and why."""
    trial = try_passes(weights)
    if trial.refused:
        return PlainEngine(weights, pad, width=width), trial.refused
    budget = int(share * free_memory(weights.model.device))
    return Engine(weights, width=width, budget=budget, token_bytes=trial.token_bytes), None


def free_memory(device: torch.device) -> int:
    """Bytes that are free on a device now."""
    return int(torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available)


def try_passes(weights: Weights) -> Trial:
    """Answer a few random tokens both ways, in rows that share a beginning and in rows that do not."""
    model = weights.model
    kinds = set(getattr(model.config.get_text_config(), "layer_types", None) or [])
    if strange := kinds - _KINDS:
        return Trial(f"its layers are of a kind that cannot share keys and values: {', '.join(sorted(strange))}")
    try:
        difference, windows, token_bytes = _compare(weights)
    except Exception as error:  # a model that is not made for it may raise anything
        said = str(error).strip().splitlines()
        return Trial(f"it cannot be run that way ({type(error).__name__}: {said[0] if said else 'no words'})")
    # Half precision rounds by itself; what is wrong by design is off by far more.
    most = 1e-3 if model.dtype == torch.float32 else 0.5
    if not difference <= most:
        return Trial(f"its log-probabilities would be off by {difference:.2g}")
    if _has_windows(model) != any(window is not None for window in windows.values()):
        return Trial("its layers do not say how far back they look")
    return Trial(None, token_bytes)


def _has_windows(model: PreTrainedModel) -> bool:
    config = model.config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    return "sliding_attention" in kinds if kinds else getattr(config, "sliding_window", None) is not None


def _compare(weights: Weights) -> tuple[float, dict[int, int | None], int]:
    """Largest difference of log-probabilities (nats), the layers' windows, bytes of a token."""
    model = weights.model
    passes, rows = Passes(weights), _rows(model)
    beginning = passes.begin(rows[0][:6])
    slots = Slots(len(rows), 32)
    stretches = [Stretch(i, beginning, 0, row[6:-1]) for i, row in enumerate(rows[:2])]
    stretches += [Stretch(i, None, 0, row[:-1]) for i, row in enumerate(rows) if i >= 2]
    passes.run(slots, stretches)
    groups = passes.groups([one.beginning for one in stretches])
    lengths, at = [len(one.tokens) for one in stretches], [len(row) - 1 for row in rows]
    logits = passes.step(slots, groups, lengths, at, [row[-1] for row in rows])
    difference = 0.0
    for row, told in zip(rows, logits, strict=True):
        with torch.inference_mode():
            own = model(input_ids=torch.tensor([row], device=model.device), use_cache=False).logits[0, -1]
        gap = torch.log_softmax(own.float(), -1) - torch.log_softmax(told.float(), -1)
        difference = max(difference, float(gap.abs().max()))
    return difference, passes.windows, slots.token_bytes


def _rows(model: PreTrainedModel) -> list[Tokens]:
    """Three rows of random tokens; the first two begin alike."""
    vocabulary = int(model.config.get_text_config().vocab_size)
    noise = torch.Generator().manual_seed(0)
    shared, one, two, three = (torch.randint(0, vocabulary, (n,), generator=noise).tolist() for n in (6, 5, 9, 4))
    return [shared + one, shared + two, three]
