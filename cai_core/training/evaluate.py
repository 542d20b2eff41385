"""What is looked at as SL-CAI learns: the loss on held-out examples, and answers to a few prompts.

What was measured is written down with the step, and on a resume forgotten from the checkpoint's step on: a run that was
killed measures, stops early and keeps as its best what it would have without.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from cai_core.models.local import LocalModel
from cai_core.training.checkpoints import checkpoints_folder, save_adapter, step_of
from cai_core.training.examples import Row
from cai_core.training.measure import mean_loss
from cai_core.types import Answer, Conversation, Failed, Prompt, Rollout, Sample, Text

OnSamples = Callable[[Sequence[Rollout]], object]
ANSWER_TOKENS = 128
"""Longest answer to a sample prompt."""
FILE, BEST = "evaluations.json", "best"


class Progress:
    """Measures every so many steps, and after the last; keeps the best adapter where training may stop early."""

    def __init__(
        self,
        folder: Path,
        heldout: Sequence[Row],
        *,
        every: int,
        patience: int,
        resumed_at: int,
        samples: "Samples | None" = None,
    ) -> None:
        """`patience`: measures without a better one until training is over; 0: it never is."""
        self._folder, self._heldout, self._every, self._patience = folder, heldout, every, patience
        self._samples = samples
        self.losses: dict[int, float] = {step: loss for step, loss in _read(folder) if step <= resumed_at}
        """Held-out loss by step."""
        for adapter in self._adapters():
            if step_of(adapter) not in self.losses:
                shutil.rmtree(adapter)

    def __call__(self, model: Any, step: int, total: int) -> Mapping[str, float]:
        """Look, if it is time."""
        if step % self._every and step != total:
            return {}
        if self._samples is not None:
            self._samples(model, step)
        if not self._heldout:
            return {}
        loss = self.losses[step] = mean_loss(model, self._heldout)
        if self._patience and self.best == step:
            save_adapter(model, self._folder / BEST / f"step-{step}")
        self._write()
        return {"heldout_loss": loss}

    @property
    def best(self) -> int | None:
        """The step with the least loss, the first of several; None before anything was measured."""
        return _least(self.losses)

    @property
    def over(self) -> bool:
        """Whether so many measures in a row were no better than the best."""
        later = [step for step in self.losses if self.best is not None and step > self.best]
        return bool(self._patience) and len(later) >= self._patience

    @property
    def best_adapter(self) -> Path | None:
        """The adapter of the best step, where it is kept."""
        return None if not self._patience or self.best is None else self._folder / BEST / f"step-{self.best}"

    def _write(self) -> None:
        draft = self._folder / f".{FILE}.part"
        draft.write_text(json.dumps([{"step": step, "loss": loss} for step, loss in self.losses.items()]))
        os.replace(draft, self._folder / FILE)
        kept = {self.best, *(_least(self.losses, checkpoint) for checkpoint in self._checkpoints())}
        for adapter in self._adapters():
            if step_of(adapter) not in kept:
                shutil.rmtree(adapter)

    def _adapters(self) -> list[Path]:
        return list((self._folder / BEST).glob("step-*"))

    def _checkpoints(self) -> list[int]:
        """The steps that a resume might begin at."""
        return [step_of(path) for path in checkpoints_folder(self._folder).glob("checkpoint-*")]


def _least(losses: Mapping[int, float], until: int | None = None) -> int | None:
    known = [step for step in losses if until is None or step <= until]
    return min(known, key=lambda step: (losses[step], step)) if known else None


def _read(folder: Path) -> list[tuple[int, float]]:
    path = folder / FILE
    return [(one["step"], one["loss"]) for one in json.loads(path.read_text())] if path.is_file() else []


class Samples:
    """Answers the same prompts again and again, greedily, so that one can see it learn."""

    def __init__(self, prompts: Sequence[Prompt], tokenizer: PreTrainedTokenizerBase, on_samples: OnSamples) -> None:
        self._prompts, self._tokenizer, self._on_samples = prompts, tokenizer, on_samples
        self._answering: LocalModel | None = None

    def __call__(self, model: Any, step: int) -> None:
        """Answer them all, and hand the answers on; one that cannot be given is said to be so."""
        if not self._prompts:
            return
        trained = model.training
        if self._answering is None:
            self._answering = LocalModel.of(model, self._tokenizer, width=len(self._prompts), share=0.1)
        model.eval()
        self._answering.engine.forget()  # the weights have changed
        answers = dict(self._answering.answer((str(i), _asked(one.turns)) for i, one in enumerate(self._prompts)))
        self._answering.engine.forget()  # and their memory is wanted for the next step
        model.train(trained)
        self._on_samples(
            [Rollout(step, prompt.uid, _text(answers[str(i)]), None) for i, prompt in enumerate(self._prompts)]
        )


def _text(answer: Answer) -> str:
    if isinstance(answer, Text):
        return answer.text
    return f"[no answer: {answer.message if isinstance(answer, Failed) else 'no text'}]"


def _asked(turns: Conversation) -> Sample:
    return Sample(turns, seed=0, max_new_tokens=ANSWER_TOKENS, temperature=0.0)
