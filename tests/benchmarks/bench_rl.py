"""A step of RL: sampled by the engine, or by TRL as it comes; the same model, prompts, lengths and update."""

import os
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback

from cai_core.config import RlConfig
from cai_core.models.rendering import Renderer
from cai_core.sandbox.prompts import prompts
from cai_core.training import rl
from cai_core.training.callback import Reporter
from cai_core.training.lora import causal_policy
from cai_core.types import ModelRef, PromptKind, Split
from tests.benchmarks.measure import Case

STEPS = 4
CONFIG = RlConfig(steps=STEPS, learning_rate=1e-6, kl_weight=0.02, max_new_tokens=80, snapshot_every=STEPS)
PROMPTS = prompts(PromptKind.RED_TEAM, Split.DEV, 64, 0)


class _Clock(TrainerCallback):
    """When each step begins, when its responses are there, and when it ends."""

    def __init__(self) -> None:
        self.begun: list[float] = []
        self.sampled: list[float] = []
        self.ended: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.begun.append(perf_counter())

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ended.append(perf_counter())

    def reward(self, completions: Sequence[Any], **_: Any) -> list[float]:
        """A reward that takes no time: what is measured is the step around it."""
        self.sampled.append(perf_counter())
        return [float(len(text) % 7) for text in completions]


def cases() -> Iterator[Case]:
    """16 prompts, 4 responses each, on the sandbox; the first step is left out."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    for name, part in (("RL step, GRPO: TRL's default", False), ("RL step, its sampling alone: TRL's default", True)):
        yield Case(
            name, "s", 2, partial(step, True, part), partial(step, False, part), larger_is_better=False, rounds=3
        )


def step(ours: bool, sampling: bool) -> float:
    """Seconds a step, or those of its sampling: from the end of the step before to the question for rewards."""
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _trainer(ours, Path(folder), clock).train()
    before = clock.ended[:-1]
    after = clock.sampled[1:] if sampling else clock.ended[1:]
    return median(end - begin for begin, end in zip(before, after, strict=True))


def _trainer(ours: bool, folder: Path, clock: _Clock) -> Any:
    model, tokenizer = causal_policy(ModelRef("sandbox"), rank=rl.NEW_ADAPTER_RANK, seed=0)
    if ours:
        trainer = rl.rl_trainer(CONFIG, PROMPTS, clock.reward, model, tokenizer, folder, 0, Reporter(lambda _: None))
    else:
        kind, arguments = rl._algorithm(CONFIG, rl._arguments(CONFIG, folder, 0, 0))
        renderer, order = Renderer(tokenizer), rl.prompt_order(len(PROMPTS), total=STEPS * 16, seed=0)
        rows = [{"prompt": rl.trainer_prompt(PROMPTS[i].turns, renderer)} for i in order]
        data = Dataset.from_list(rows)
        trainer = kind(
            model=model, reward_funcs=clock.reward, args=arguments, train_dataset=data, processing_class=tokenizer
        )
        trainer.remove_callback(PrinterCallback)
    trainer.add_callback(clock)
    return trainer
