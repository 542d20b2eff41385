"""What all trainers are told alike; each stage adds its own."""

from pathlib import Path
from typing import Any

import torch

from cai_core.training.checkpoints import checkpoints_folder

SMALL = 100_000_000
"""Parameters up to which a whole step of 64 sequences is computed at once."""
LARGE = 1_000_000_000
"""Parameters from which activations are computed again in the backward pass, to save memory."""


def common_arguments(
    folder: Path, *, seed: int, learning_rate: float, steps: int, save_every: int, parameters: int
) -> dict[str, Any]:
    """Arguments of `transformers.TrainingArguments` and its children.

    The learning rate rises over the first 1 % of `steps` and falls linearly to zero. float32 on a CPU, where bfloat16
    is slower; bfloat16 with float32 adapters on a GPU. Rows come in the order they lie in.
    """
    gpu = torch.cuda.is_available()
    return {
        "output_dir": str(checkpoints_folder(folder)),
        "learning_rate": learning_rate,
        "lr_scheduler_type": "linear",
        "warmup_steps": steps // 100,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # a loss that is not a number must be seen
        "save_strategy": "steps",
        "save_steps": save_every,
        "save_total_limit": 2,
        "train_sampling_strategy": "sequential",
        "seed": seed % 2**32,  # numpy's seeds are 32 bits wide
        "data_seed": seed % 2**32,
        "use_cpu": not gpu,
        "bf16": gpu,
        "dataloader_pin_memory": gpu,
        "dataloader_num_workers": 0,
        "activation_checkpointing": parameters >= LARGE,
        "report_to": "none",
        "disable_tqdm": True,
    }


def micro_batch(rows: int, parameters: int, *, sequences: int = 1) -> tuple[int, int]:
    """How many of a step's `rows` are computed at once, and in how many parts: their product is `rows`.

    A row is so many `sequences`; at most 64 are computed at once, of a model that is not small 8.
    """
    most = (64 if parameters <= SMALL else 8) // sequences
    size = max(n for n in range(1, min(most, rows) + 1) if rows % n == 0)
    return size, rows // size
