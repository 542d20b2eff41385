"""Runs and training."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class RunKind(StrEnum):
    """The stages, in the order of the method."""

    PROMPTS = "prompts"
    """Before the method: more prompts, written by a model after some that are there."""
    CHAINS = "chains"
    SCORES = "scores"
    """Beside the method: what a judge makes of each round of chains."""
    SFT = "sft"
    COMPARISONS = "comparisons"
    LABELS = "labels"
    PM = "pm"
    RL = "rl"
    BATTLES = "battles"
    CASES = "cases"
    """Not a stage of the method: a constitution's cases under one of its versions."""


class RunState(StrEnum):
    """Where a run stands."""

    WAITING = "waiting"
    """Enqueued; its parents are not done, or no device is free."""
    RUNNING = "running"
    STOPPED = "stopped"
    """Stopped on request; resumes where it was."""
    FAILED = "failed"
    LOST = "lost"
    """Its process died without a word (killed, machine gone); resumes where it was."""
    DONE = "done"


class Stop(StrEnum):
    """What a caller answers to a training step to end training there."""

    STOP = "stop"


@dataclass(frozen=True, slots=True)
class StepMetrics:
    """What a trainer reports after a step."""

    step: int
    total: int
    values: Mapping[str, float]


OnStep = Callable[[StepMetrics], Stop | None]


@dataclass(frozen=True, slots=True)
class Rollout:
    """One response sampled during training, with what it was scored."""

    step: int
    prompt_uid: str
    text: str
    reward: float | None
    """By the preference model in RL; None during SL-CAI, where nobody scores."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An adapter saved at a step: a folder with safetensors. Not a checkpoint, which resumes a trainer."""

    step: int
    folder: Path


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training stage leaves behind."""

    snapshots: tuple[Snapshot, ...]
    stopped: bool
    """Ended by `Stop` before its last step; resumes from its newest complete checkpoint."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """JSON-ready results, e.g. held-out accuracy by source."""
