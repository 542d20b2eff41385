"""The one callback behind every trainer: each step becomes `StepMetrics`, and a `Stop` ends training there."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from cai_core.training.checkpoints import checkpoint_folder, mark_complete
from cai_core.types import OnStep, StepMetrics, Stop

NAMES = {
    "loss": "loss",
    "grad_norm": "grad_norm",
    "learning_rate": "learning_rate",
    "mean_token_accuracy": "token_accuracy",
    "reward": "reward",
    "reward_std": "reward_std",
    "frac_reward_zero_std": "zero_spread",
    "kl": "kl",
    "entropy": "entropy",
    "completions/mean_length": "length",
    "completions/clipped_ratio": "cut",
    "unscored": "unscored",
}
"""What a trainer logs, and what it is called here.

`reward_std` spans the whole step; `zero_spread` is the share of prompts whose responses all scored alike; `length` is
in tokens; `cut` is the share of responses that met the token limit; `unscored` are responses without a reward; `kl`
and `entropy` are in nats a token.
"""


class Reporter(TrainerCallback):
    """Reports each step, stops where asked to, and marks checkpoints that are whole."""

    def __init__(self, on_step: OnStep, before_save: Callable[[Any, int], object] | None = None) -> None:
        """`before_save(model, step)` runs at each step that saves a checkpoint, before it is written."""
        self.stopped = False
        """`on_step` answered `Stop` before the last step."""
        self._on_step = on_step
        self._before_save = before_save

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> TrainerControl:
        """A step's numbers are ready; the trainer looks at `control` right after, checkpoint first."""
        if logs is None or "loss" not in logs:  # the summary after the last step
            return control
        if self._before_save is not None and state.global_step % args.save_steps == 0:
            self._before_save(kwargs["model"], state.global_step)
        values = {NAMES[name]: float(value) for name, value in logs.items() if name in NAMES and value is not None}
        answer = self._on_step(StepMetrics(state.global_step, state.max_steps, values))
        if answer is Stop.STOP and state.global_step < state.max_steps:
            self.stopped = control.should_save = control.should_training_stop = True
        return control

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """All files of a checkpoint are written: only now does it count."""
        mark_complete(checkpoint_folder(Path(args.output_dir), state.global_step))
        return control
