"""The preference model: a scalar head on the last token of a conversation (paper section 4.1).

For a pair whose label says that A is preferred with probability p, and Δ = score(A) − score(B), the loss is
−[p log σ(Δ) + (1−p) log σ(−Δ)]: the cross-entropy with the soft label, least where σ(Δ) = p. So scores are calibrated
against the feedback model, which hard labels would push to the extremes.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase, PrinterCallback, Trainer, TrainingArguments

from cai_core.config import PmConfig
from cai_core.errors import ModelError, RunError
from cai_core.models.preference import PreferenceScorer, check_head, rewards
from cai_core.models.rendering import Renderer
from cai_core.models.rows import pad_right
from cai_core.models.weights import context_length, with_adapter
from cai_core.training.arguments import common_arguments, micro_batch
from cai_core.training.callback import Reporter
from cai_core.training.checkpoints import load_result, newest_checkpoint, save_result, save_snapshot, snapshots
from cai_core.training.lora import count_parameters, scorer_to_train
from cai_core.training.ordering import training_order
from cai_core.training.pairs import Pair, split_by_prompt, tokenised
from cai_core.training.preference_report import preference_report
from cai_core.types import LabelledComparison, ModelRef, OnStep, TrainingResult

RELOAD_TOLERANCE = 0.05 if torch.cuda.is_available() else 1e-4
"""Logits. bfloat16 sums in another order give other last digits."""


def soft_preference_loss(scores_a: Tensor, scores_b: Tensor, p_a: Tensor) -> Tensor:
    """Mean cross-entropy between labels and σ(score A − score B), in nats.

    Shapes: (B,) each; `p_a` in 0..1. Computed in float32 from logits, so no label and no margin overflows.
    """
    return F.binary_cross_entropy_with_logits(scores_a.float() - scores_b.float(), p_a.float())


class PreferenceTrainer(Trainer):
    """The trainer with the soft loss; a row of the batch is a pair, that is two sequences."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # The loss below is a mean, so the trainer must divide it by the parts of a step itself.
        self.model_accepts_loss_kwargs = False

    def compute_loss(
        self, model: Any, inputs: dict[str, Tensor], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """`input_ids`, `attention_mask`: (2B, T), all A before all B; `p_a`: (B,)."""
        scores = rewards(model, inputs["input_ids"], inputs["attention_mask"])  # (2B,)
        scores_a, scores_b = scores.chunk(2)  # (B,) each
        loss = soft_preference_loss(scores_a, scores_b, inputs["p_a"])
        return (loss, {"scores": scores}) if return_outputs else loss


def train_preference_model(
    config: PmConfig,
    labelled: Sequence[LabelledComparison],
    *,
    start: ModelRef,
    folder: Path,
    seed: int,
    on_step: OnStep,
) -> TrainingResult:
    """Train adapter and head on `labelled`; resumes from `folder` if cut short there, returns if done.

    Facts: `trained` (pairs), `left_out` (by reason) and `left_out_by_source`, `heldout` (by source and over `all`:
    see `preference_report`), `heldout_margins` ([place in `labelled`, score A − score B] of each held-out pair),
    `length_correlation`, `steps`, `reload_difference`. Which labels disagree between their orders is not known here:
    `drop_order_disagreements` is the caller's to apply.

    Raises `RunError` if no pair is left to train on, `ModelError` if the model cannot be loaded, or if its saved
    adapter does not give the same scores when loaded again.
    """
    if done := load_result(folder):
        return done
    model, tokenizer = scorer_to_train(start, rank=config.lora_rank, seed=seed)
    limit = min(config.max_length, context_length(model.config, tokenizer))
    train, held, left_out = _split(tokenised(labelled, Renderer(tokenizer)), config.heldout, limit, seed)
    trainer, reporter = preference_trainer(config, train, model, tokenizer, folder, seed, on_step)
    checkpoint = newest_checkpoint(folder)
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    if reporter.stopped:
        return TrainingResult(snapshots(folder), stopped=True, facts=left_out)
    snapshot = save_snapshot(model, folder, trainer.state.global_step)
    scorer = PreferenceScorer.of(model, tokenizer)
    margins = _margins(scorer, held)
    facts = {
        "trained": len(train),
        **left_out,
        **preference_report(held, margins),
        "heldout_margins": [[pair.row, margin] for pair, margin in zip(held, margins, strict=True)],
        "steps": trainer.state.global_step,
        "reload_difference": reload_difference(scorer, str(snapshot.folder), [pair.a for pair in train[:16]]),
    }
    return save_result(folder, facts)


def _split(pairs: list[Pair], share: float, limit: int, seed: int) -> tuple[list[Pair], list[Pair], dict[str, Any]]:
    """(to train on, held out, how many were left out by reason and by source)."""
    by_source = Counter(pair.source for pair in pairs if pair.longest > limit)
    left_out = {
        "left_out": {"too_long": by_source.total()},
        "left_out_by_source": {source: {"too_long": n} for source, n in sorted(by_source.items())},
    }
    # Before the too long ones go, so that who is held out does not depend on the tokenizer.
    train, held = (
        [pair for pair in part if pair.longest <= limit] for part in split_by_prompt(pairs, share=share, seed=seed)
    )
    if not train:
        raise RunError(
            f"of {len(pairs)} comparisons, {by_source.total()} are longer than {limit} tokens and "
            f"{len(held)} are held out: none is left to train on. Label more, raise max_length or lower heldout."
        )
    return train, held, left_out


def preference_trainer(
    config: PmConfig,
    pairs: Sequence[Pair],
    model: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    seed: int,
    on_step: OnStep,
) -> tuple[PreferenceTrainer, Reporter]:
    """The trainer over tokenised pairs, in the order of the whole run, all epochs."""
    order = training_order(
        [pair.longest for pair in pairs], epochs=config.epochs, batch_size=config.batch_size, seed=seed
    )
    parameters = count_parameters(model)
    size, parts = micro_batch(config.batch_size, parameters, sequences=2)
    common = common_arguments(
        folder,
        seed=seed,
        learning_rate=config.learning_rate,
        steps=-(-len(order) // config.batch_size),
        save_every=config.checkpoint_every,
        parameters=parameters,
    )
    arguments = TrainingArguments(
        **{**common, "bf16": False},  # autocasting would round the head's float32; the base is in bfloat16 by itself
        per_device_train_batch_size=size,
        gradient_accumulation_steps=parts,
        num_train_epochs=1,  # `order` holds every epoch
        remove_unused_columns=False,
    )
    reporter = Reporter(on_step)
    trainer = PreferenceTrainer(
        model=model,
        args=arguments,
        train_dataset=[pairs[i] for i in order],
        data_collator=collate,
        callbacks=[reporter],
    )
    trainer.remove_callback(PrinterCallback)  # each step is reported already
    return trainer, reporter


def collate(pairs: Sequence[Pair]) -> dict[str, Tensor]:
    """B pairs as 2B sequences, all A before all B, padded on the right to the longest."""
    ids, mask = pad_right([pair.a for pair in pairs] + [pair.b for pair in pairs])
    return {"input_ids": ids, "attention_mask": mask, "p_a": torch.tensor([pair.p_a for pair in pairs])}


def _margins(scorer: PreferenceScorer, pairs: Sequence[Pair]) -> list[float]:
    """Score A − score B of each pair, in logits."""
    scores = scorer.score_ids([pair.a for pair in pairs] + [pair.b for pair in pairs])
    return [a - b for a, b in zip(scores[: len(pairs)], scores[len(pairs) :], strict=True)]


def reload_difference(scorer: PreferenceScorer, adapter: str, sequences: Sequence[list[int]]) -> float:
    """Largest difference, in logits, between the trained model's scores and those of its base with the saved adapter.

    The trained model is used up: its base is what the saved adapter is put on, as a scorer does, so that no second one
    is in memory. Raises `ModelError` above the tolerance: a head left unsaved, say, would give every later stage random
    rewards.
    """
    check_head(Path(adapter))
    before = scorer.score_ids(sequences)
    base = scorer.model.unload()
    base.score.reset_parameters()  # else the trained head, left in the base, could stand in for one that was not saved
    after = PreferenceScorer.of(with_adapter(base, adapter), scorer.tokenizer).score_ids(sequences)
    difference = max(abs(x - y) for x, y in zip(before, after, strict=True))
    if not difference <= RELOAD_TOLERANCE:  # so that what is not a number fails too
        raise ModelError(
            f"the preference model saved in {adapter} scores up to {difference:.3g} apart from the one just "
            f"trained; at most {RELOAD_TOLERANCE} is rounding. Do not use it: check that its folder is writable and "
            "its disk not full, then train again."
        )
    return difference
