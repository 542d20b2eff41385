"""The configs of the RL stage: comparisons, labels, the preference model, RL-CAI."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from cai_core.config.checks import STRICT, Count, Positive, Rate, Share, Temperature


@dataclass(frozen=True, config=STRICT)
class ComparisonsConfig:
    """Two responses a prompt, sampled from SL-CAI (paper section 4.1). Parent: sft, unless a model is named."""

    model: str = ""
    """Model that writes both responses; empty takes the parent sft run's snapshot."""
    red_team_prompts: Count = 1000
    """How many red-team prompts get a comparison."""
    helpful_prompts: Count = 500
    """How many helpful prompts get a comparison."""
    look_alike_prompts: Count = 0
    """How many benign look-alikes get a comparison."""
    temperature: Temperature = 1.0
    """Sampling temperature. The paper's is 1."""
    max_new_tokens: Annotated[int, Field(ge=1, le=8192)] = 256
    """Longest response, in tokens."""
    width: Annotated[int, Field(ge=1, le=4096)] = 64
    """How many rows are generated at once."""
    source: str = ""
    """Take prompts only from this source; empty takes all."""


@dataclass(frozen=True, config=STRICT)
class LabelsConfig:
    """AI preference labels: one drawn principle a comparison, both orders, soft (section 4.1). Parent: comparisons.

    A labels run as second parent gives its answers to the very same questions.
    """

    constitution: str
    """Constitution to draw comparison principles from: 'name' or 'name@3'."""
    model: str = "sandbox"
    """Feedback model. The paper's is a pretrained model."""
    principles: Annotated[int, Field(ge=1, le=1000)] = 1
    """How many principles label each comparison, each a label of its own. The paper's is 1."""
    few_shots: Annotated[int, Field(ge=0, le=64)] = 4
    """Few-shot comparisons in front of each question; 0 sends none."""
    few_shot_prefixes: Annotated[int, Field(ge=1, le=1024)] = 8
    """How many different few-shot prefixes are drawn for the run; both orders of a comparison share one."""
    min_mass: Share = 0.2
    """Least probability the two options must hold together in each order; below it the label is 'unparseable'."""
    width: Annotated[int, Field(ge=1, le=4096)] = 64
    """How many rows are scored at once."""


@dataclass(frozen=True, config=STRICT)
class PmConfig:
    """Preference model: sequence classification with LoRA on soft labels (section 4.1). Parent: labels."""

    model: str = "sandbox"
    """Model to start from; gets a scalar head, saved with the adapter."""
    epochs: Annotated[int, Field(ge=1, le=100)] = 1
    """Passes over the comparisons. The paper's is 1."""
    learning_rate: Rate = 1e-4
    """Peak learning rate of adapter and head."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 16
    """Comparisons a step; each is two sequences."""
    lora_rank: Annotated[int, Field(ge=1, le=1024)] = 16
    """Rank of the LoRA matrices, on every linear layer; alpha is twice the rank."""
    max_length: Annotated[int, Field(ge=16, le=131072)] = 1024
    """Longest conversation in tokens; comparisons with a longer side are left out and counted."""
    heldout: Annotated[float, Field(ge=0.0, le=0.5)] = 0.1
    """Share of the comparisons kept out of training to measure accuracy and calibration."""
    drop_order_disagreements: bool = False
    """Leave out labels whose two orders prefer different responses; off trains on their average."""
    checkpoint_every: Positive = 50
    """Steps between checkpoints, from which a killed run resumes."""


@dataclass(frozen=True, config=STRICT)
class RlConfig:
    """RL-CAI: reinforcement learning from the preference model, from SL-CAI (section 4.2). Parents: sft, pm."""

    algorithm: Literal["rloo", "grpo"] = "grpo"
    """RLOO with unnormalised advantages, or GRPO without scaling by the group's spread; both keep soft labels soft."""
    policy: str = ""
    """Snapshot to start from and to stay near (KL); empty takes the parent sft run's."""
    preference_model: str = ""
    """Preference model that gives the reward; empty takes the parent pm run's."""
    red_team_prompts: Count = 1000
    """How many red-team prompts to draw from."""
    helpful_prompts: Count = 500
    """How many helpful prompts to draw from."""
    look_alike_prompts: Count = 0
    """How many benign look-alikes to draw from."""
    steps: Positive = 100
    """Optimiser steps."""
    prompts_per_step: Annotated[int, Field(ge=1, le=4096)] = 16
    """Prompts a step."""
    responses_per_prompt: Annotated[int, Field(ge=2, le=128)] = 4
    """Responses sampled for each prompt; the others are a response's baseline."""
    learning_rate: Rate = 1e-5
    """Peak learning rate of the adapter."""
    kl_weight: Annotated[float, Field(ge=0.0, le=10.0)] = 0.02
    """Weight of the KL divergence from SL-CAI. The paper's is 0.001 with full fine-tuning."""
    temperature: Annotated[float, Field(gt=0.0, le=5.0)] = 1.0
    """Sampling temperature. The paper's is 1."""
    max_new_tokens: Annotated[int, Field(ge=1, le=8192)] = 128
    """Longest response, in tokens. HH RLHF's is 128."""
    snapshot_every: Positive = 25
    """Steps between snapshots (kept for evaluation) and checkpoints (for resuming)."""
    source: str = ""
    """Take prompts only from this source; empty takes all."""
