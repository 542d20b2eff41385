"""SL-CAI: supervised fine-tuning on revisions and helpful samples (paper section 3.1).

Loss falls on the last assistant turn alone, its end-of-turn token included: the turns before it are context. An
example longer than the limit is left out and counted; cut short, it would teach the model to stop in mid-sentence.
"""

from collections.abc import Sequence
from pathlib import Path

from datasets import Dataset
from peft import PeftModel
from transformers import PreTrainedTokenizerBase, PrinterCallback
from trl import SFTConfig as TrainerConfig
from trl import SFTTrainer

from cai_core.config import SftConfig
from cai_core.errors import RunError
from cai_core.models.rendering import Renderer
from cai_core.models.rows import common_length
from cai_core.models.weights import context_length
from cai_core.training.arguments import common_arguments, micro_batch
from cai_core.training.callback import Reporter
from cai_core.training.checkpoints import load_result, newest_checkpoint, save_result, save_snapshot, snapshots
from cai_core.training.lora import causal_policy, count_parameters
from cai_core.training.ordering import training_order
from cai_core.types import Example, ModelRef, OnStep, TrainingResult

IGNORED = -100
"""A label that carries no loss."""

Row = dict[str, list[int]]
"""`input_ids` and `labels`, one each a token; labels are token ids or `IGNORED`."""


def train_sft(
    config: SftConfig, examples: Sequence[Example], *, start: ModelRef, folder: Path, seed: int, on_step: OnStep
) -> TrainingResult:
    """Train an adapter on `examples`; resumes from `folder` if training was cut short there, returns if it is done.

    Facts: `trained` (examples), `left_out` (by reason), `tokens` (that carry loss, one epoch), `steps`. Raises
    `RunError` if no example is left, `ModelError` if the model cannot be loaded or its template cannot be used.
    """
    if done := load_result(folder):
        return done
    model, tokenizer = causal_policy(start, rank=config.lora_rank, seed=seed)
    renderer, limit = Renderer(tokenizer), min(config.max_length, context_length(model.config, tokenizer))
    rows = [row for example in examples if len((row := tokenised(example, renderer))["labels"]) <= limit]
    left_out = {"too_long": len(examples) - len(rows)}
    if not rows:
        raise RunError(
            f"none of the {len(examples)} examples has at most {limit} tokens, so there is nothing to "
            "train on. Raise max_length, or give chains that have revisions."
        )
    trainer, reporter = sft_trainer(config, rows, model, tokenizer, folder, seed, on_step)
    trainer.train(resume_from_checkpoint=_text(newest_checkpoint(folder)))
    if reporter.stopped:
        return TrainingResult(snapshots(folder), stopped=True, facts={"left_out": left_out})
    save_snapshot(model, folder, trainer.state.global_step)
    tokens = sum(label != IGNORED for row in rows for label in row["labels"])
    facts = {"trained": len(rows), "left_out": left_out, "tokens": tokens, "steps": trainer.state.global_step}
    return save_result(folder, facts)


def tokenised(example: Example, renderer: Renderer) -> Row:
    """An example's tokens, and labels that leave out everything before the answer: what a model is sent for it."""
    ids = renderer.closed_ids(example.turns)
    start = common_length(renderer.ids(example.turns[:-1]), ids)
    return {"input_ids": ids, "labels": [IGNORED] * start + ids[start:]}


def sft_trainer(
    config: SftConfig,
    rows: Sequence[Row],
    model: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    seed: int,
    on_step: OnStep,
) -> tuple[SFTTrainer, Reporter]:
    """TRL's trainer over rows that are tokenised already, in the order of the whole run, all epochs."""
    order = training_order(
        [len(row["labels"]) for row in rows], epochs=config.epochs, batch_size=config.batch_size, seed=seed
    )
    parameters = count_parameters(model)
    size, parts = micro_batch(config.batch_size, parameters)
    arguments = TrainerConfig(
        **common_arguments(
            folder,
            seed=seed,
            learning_rate=config.learning_rate,
            steps=-(-len(order) // config.batch_size),
            save_every=config.checkpoint_every,
            parameters=parameters,
        ),
        per_device_train_batch_size=size,
        gradient_accumulation_steps=parts,
        num_train_epochs=1,  # `order` holds every epoch
        max_length=None,  # too long ones are left out above; nothing is cut
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
    reporter = Reporter(on_step)
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list([rows[i] for i in order]),
        processing_class=tokenizer,
        callbacks=[reporter],
    )
    trainer.remove_callback(PrinterCallback)  # each step is reported already
    return trainer, reporter


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
