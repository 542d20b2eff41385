"""The one callback behind every trainer: each step becomes `StepMetrics`, and a `Stop` ends training there."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

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
and `entropy` are in nats a token. SL-CAI adds `heldout_loss`, in nats a token, and `tokens_per_second`, padding not
counted.
"""


class Evaluate(Protocol):
    """Looks at a model between two steps."""

    @property
    def over(self) -> bool:
        """Whether training should end here, for it gets no better."""

    def __call__(self, model: Any, step: int, total: int) -> Mapping[str, float]:
        """What it found after `step` of `total`, by name."""


class Reporter(TrainerCallback):
    """Reports each step, stops where asked to, and marks checkpoints that are whole."""

    def __init__(
        self,
        on_step: OnStep,
        before_save: Callable[[Any, int], object] | None = None,
        *,
        evaluate: Evaluate | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`before_save(model, step)` runs at each step that saves a checkpoint, before it is written.

        `evaluate` runs at every step, before the step is reported; with it, tokens are timed.
        """
        self.stopped = False
        """`on_step` answered `Stop` before the last step."""
        self._on_step = on_step
        self._before_save = before_save
        self._evaluate = evaluate
        self._clock = clock
        self._since = (0.0, clock())
        """Tokens trained on, and when, as the last step ended."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """Time begins."""
        self._since = (0.0, self._clock())
        return control

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
        if self._evaluate is not None:
            values |= self._pace(logs)
            values |= self._evaluate(kwargs["model"], state.global_step, state.max_steps)
            if self._evaluate.over:
                control.should_save = control.should_training_stop = True
        answer = self._on_step(StepMetrics(state.global_step, state.max_steps, values))
        self._since = (float(logs.get("num_tokens", 0)), self._clock())
        ends = state.global_step >= state.max_steps or control.should_training_stop
        if answer is Stop.STOP and not ends:
            self.stopped = control.should_save = control.should_training_stop = True
        return control

    def _pace(self, logs: Mapping[str, Any]) -> dict[str, float]:
        """Tokens a second of the step that has just ended, without what was looked at between steps."""
        tokens, at = self._since
        seconds = self._clock() - at
        return {"tokens_per_second": (logs["num_tokens"] - tokens) / seconds} if seconds > 0 else {}

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> TrainerControl:
        """All files of a checkpoint are written: only now does it count."""
        mark_complete(checkpoint_folder(Path(args.output_dir), state.global_step))
        return control
