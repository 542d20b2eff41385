"""SL-CAI: supervised fine-tuning on revisions and helpful samples (paper section 3.1).

Loss falls on the last assistant turn alone, its end-of-turn token included: the turns before it are context. An
example longer than the limit is left out and counted; cut short, it would teach the model to stop in mid-sentence.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import PeftModel, load_peft_weights, set_peft_model_state_dict
from transformers import PreTrainedTokenizerBase, PrinterCallback
from trl import SFTConfig as TrainerConfig
from trl import SFTTrainer

from cai_core.config import SftConfig
from cai_core.errors import RunError
from cai_core.models.rendering import Renderer
from cai_core.models.weights import context_length, pick_device, pick_dtype
from cai_core.training.arguments import common_arguments, micro_batch
from cai_core.training.callback import Evaluate, Reporter
from cai_core.training.checkpoints import (
    copy_snapshot,
    load_result,
    newest_checkpoint,
    save_result,
    save_snapshot,
    snapshots,
    step_of,
)
from cai_core.training.evaluate import OnSamples, Progress, Samples
from cai_core.training.examples import IGNORED, Row, tokenised
from cai_core.training.lora import causal_policy, count_parameters
from cai_core.training.measure import reload_difference
from cai_core.training.ordering import training_order
from cai_core.training.packing import check_packing, packed
from cai_core.types import Example, ModelRef, OnStep, Prompt, TrainingResult

__all__ = ["IGNORED", "Row", "sft_trainer", "tokenised", "train_sft"]

CHECKED = 8
"""Rows that a saved adapter is checked on."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def train_sft(
    config: SftConfig,
    examples: Sequence[Example],
    *,
    start: ModelRef,
    folder: Path,
    seed: int,
    on_step: OnStep,
    sample_prompts: Sequence[Prompt] = (),
    on_samples: OnSamples = lambda _: None,
) -> TrainingResult:
    """Train an adapter on `examples`; resumes from `folder` if training was cut short there, returns if it is done.

    Facts: `trained` (examples), `left_out` (by reason), `tokens` (that carry loss, one epoch), `steps`, `heldout`
    (where any are: `examples`, `loss` of the snapshot in nats a token, and the `step` it is of), `stopped_early`,
    `reload_difference`. `on_samples` gets the answers to `sample_prompts` as it learns, those of step 0 first.

    Raises `RunError` if no example is left, `ModelError` if the model cannot be loaded, its template or a target cannot
    be used, or the saved adapter does not give the same log-probabilities when loaded again.
    """
    if done := load_result(folder):
        return done
    dtype = DTYPES.get(config.precision)
    model, tokenizer = causal_policy(
        start, rank=config.lora_rank, seed=seed, alpha=config.lora_alpha, targets=config.targets, dtype=dtype
    )
    limit = min(config.max_length, context_length(model.config, tokenizer))
    rows, heldout, left_out = _rows(config, examples, Renderer(tokenizer), limit)
    checkpoint = newest_checkpoint(folder)
    resumed_at = 0 if checkpoint is None else step_of(checkpoint)
    samples = Samples(sample_prompts, tokenizer, on_samples)
    progress = Progress(
        folder,
        heldout,
        every=config.evaluate_every,
        patience=config.early_stop_after,
        resumed_at=resumed_at,
        samples=samples,
    )
    if checkpoint is None:
        samples(model, 0)
    trainer, reporter = sft_trainer(config, rows, model, tokenizer, folder, seed, on_step, limit, progress)
    if not progress.over:  # as it is where it was killed after its last step
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    if reporter.stopped:
        return TrainingResult(snapshots(folder), stopped=True, facts={"left_out": left_out})
    step = trainer.state.global_step or resumed_at
    kept = _keep(model, folder, step, progress)
    facts: dict[str, Any] = {
        "trained": len(rows),
        "left_out": left_out,
        "tokens": sum(label != IGNORED for row in rows for label in row["labels"]),
        "steps": step,
    }
    if heldout:
        facts["heldout"] = {"examples": len(heldout), "loss": progress.losses[kept], "step": kept}
    if config.early_stop_after:
        facts["stopped_early"] = progress.over
    facts["reload_difference"] = reload_difference(model, snapshots(folder)[-1].folder, [*rows, *heldout][:CHECKED])
    return save_result(folder, facts)


def _rows(
    config: SftConfig, examples: Sequence[Example], renderer: Renderer, limit: int
) -> tuple[list[Row], list[Row], dict[str, int]]:
    """(to train on, held out, left out by reason)."""
    sides: dict[bool, list[Row]] = {False: [], True: []}
    long = {False: 0, True: 0}
    for example in examples:
        row = tokenised(example, renderer)
        if len(row["labels"]) <= limit:
            sides[example.heldout].append(row)
        else:
            long[example.heldout] += 1
    if not sides[False]:
        raise RunError(
            f"none of the {len(examples)} examples has at most {limit} tokens, so there is nothing to "
            "train on. Raise max_length, or give chains that have revisions."
        )
    if config.early_stop_after and not sides[True]:
        raise RunError(
            "early_stop_after waits for the held-out loss, and nothing is held out. Set heldout, name a dataset that "
            "holds some out, or set early_stop_after to 0."
        )
    over = {"heldout_too_long": long[True]} if long[True] else {}
    return sides[False], sides[True], {"too_long": long[False], **over}


def _keep(model: PeftModel, folder: Path, step: int, progress: Progress) -> int:
    """Save the snapshot, the last or the best, and leave its weights in `model`; the step that it is of."""
    best, adapter = progress.best, progress.best_adapter
    if best is None or adapter is None:
        save_snapshot(model, folder, step)
        return step
    set_peft_model_state_dict(model, load_peft_weights(str(adapter), device=str(model.device)))
    copy_snapshot(adapter, folder, best)
    return best


def sft_trainer(
    config: SftConfig,
    rows: Sequence[Row],
    model: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    seed: int,
    on_step: OnStep,
    limit: int | None = None,
    evaluate: Evaluate | None = None,
) -> tuple[SFTTrainer, Reporter]:
    """TRL's trainer over rows that are tokenised already, in the order of the whole run, all epochs.

    `limit`: tokens of a packed row; `config.max_length` unless given.
    """
    if config.packing:
        check_packing(model, rows)
        laid: Sequence[Row] = packed(rows, length=limit or config.max_length, epochs=config.epochs, seed=seed)
        epochs = 1
    else:
        laid, epochs = rows, config.epochs
    lengths = [len(row["labels"]) for row in laid]
    order = training_order(lengths, epochs=epochs, batch_size=config.batch_size, seed=seed)
    reporter = Reporter(on_step, evaluate=evaluate)
    trainer = SFTTrainer(
        model=model,
        args=TrainerConfig(**_arguments(config, folder, seed, len(order), count_parameters(model))),
        train_dataset=Dataset.from_list([dict(row) for row in laid]).select(order),
        processing_class=tokenizer,
        callbacks=[reporter],
    )
    trainer.remove_callback(PrinterCallback)  # each step is reported already
    return trainer, reporter


def _arguments(config: SftConfig, folder: Path, seed: int, rows: int, parameters: int) -> dict[str, Any]:
    size, parts = micro_batch(config.batch_size, parameters)
    steps = -(-rows // config.batch_size)
    common = common_arguments(
        folder,
        seed=seed,
        learning_rate=config.learning_rate,
        steps=steps,
        save_every=config.checkpoint_every,
        parameters=parameters,
    )
    dtype = DTYPES.get(config.precision) or pick_dtype(pick_device(None))
    recompute = {"on": True, "off": False}.get(config.gradient_checkpointing, common["activation_checkpointing"])
    return {
        **common,
        "lr_scheduler_type": "constant_with_warmup" if config.schedule == "constant" else config.schedule,
        "warmup_steps": int(steps * config.warmup + 1e-9),
        "bf16": dtype is torch.bfloat16,
        "activation_checkpointing": recompute,
        "per_device_train_batch_size": size,
        "gradient_accumulation_steps": parts,
        "num_train_epochs": 1,  # the rows are those of every epoch
        "max_length": config.max_length if config.packing else None,  # too long ones are left out; nothing is cut
        "packing": config.packing,
        "dataset_kwargs": {"skip_prepare_dataset": True},
    }
