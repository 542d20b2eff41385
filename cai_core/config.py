"""One frozen config a stage: the single source for validation, form help, JSON and documentation.

Each field's docstring is the help a form shows. Unknown keys are refused. A model field names a row of the
`models` table; left empty, the model comes from the parent run that its docstring names.
"""

import json
from dataclasses import astuple, fields
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import ErrorDetails

from cai_core.errors import RunError
from cai_core.types import RunKind

STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True, strict=True)
"""Strict: true is no number, "no" no truth value, and 4.0 no count; a whole number is a fraction all the same."""

Count = Annotated[int, Field(ge=0, le=10_000_000)]
Positive = Annotated[int, Field(ge=1, le=10_000_000)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Rate = Annotated[float, Field(gt=0.0, le=1.0)]
Temperature = Annotated[float, Field(ge=0.0, le=5.0)]


@dataclass(frozen=True, config=STRICT)
class ChainsConfig:
    """Critique and revision: a response, then rounds of drawn principle, critique, revision (paper section 3.1)."""

    constitution: str
    """Constitution to draw principles from: 'name' for its newest version, or 'name@3'."""
    model: str = "sandbox"
    """Model that answers, criticises and revises. The paper's is a helpful-only RLHF model."""
    red_team_prompts: Count = 1000
    """How many red-team prompts get a chain."""
    helpful_prompts: Count = 500
    """How many helpful prompts get a plain sample, which keeps SL-CAI helpful."""
    look_alike_prompts: Count = 0
    """How many benign look-alikes get a plain sample too."""
    rounds: Annotated[int, Field(ge=1, le=16)] = 4
    """Critique-revision rounds a chain. The paper's is 4."""
    critique: bool = True
    """Write a critique before each revision; off revises directly (paper figure 7)."""
    helpful_samples: Annotated[int, Field(ge=1, le=64)] = 2
    """Samples for each helpful prompt. The paper's is 2."""
    temperature: Temperature = 1.0
    """Sampling temperature. The paper's is 1."""
    max_new_tokens: Annotated[int, Field(ge=1, le=8192)] = 256
    """Longest response, critique or revision, in tokens."""
    few_shots: Annotated[int, Field(ge=0, le=64)] = 4
    """Few-shot examples in front of each request; 0 sends none."""
    few_shot_prefixes: Annotated[int, Field(ge=1, le=1024)] = 8
    """How many different few-shot prefixes are drawn for the run and shared by its rows."""
    width: Annotated[int, Field(ge=1, le=4096)] = 64
    """How many rows are generated at once."""
    source: str = ""
    """Take prompts only from this source; empty takes all."""


@dataclass(frozen=True, config=STRICT)
class SftConfig:
    """SL-CAI: LoRA fine-tuning on revisions and helpful samples (paper section 3.1). Parent: chains."""

    model: str = "sandbox"
    """Model to start from. The paper starts from the pretrained model, not from the one that wrote the chains."""
    rounds: Annotated[int, Field(ge=0, le=16)] = 0
    """Train on the revisions of rounds 1 to n; 0 means all. The initial response never trains."""
    epochs: Annotated[int, Field(ge=1, le=100)] = 1
    """Passes over the examples. The paper's is 1."""
    learning_rate: Rate = 1e-4
    """Peak learning rate of the adapter."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 16
    """Examples a step."""
    lora_rank: Annotated[int, Field(ge=1, le=1024)] = 16
    """Rank of the LoRA matrices, on every linear layer; alpha is twice the rank."""
    max_length: Annotated[int, Field(ge=16, le=131072)] = 1024
    """Longest example in tokens; longer ones are left out and counted."""
    checkpoint_every: Positive = 50
    """Steps between checkpoints, from which a killed run resumes."""


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
    """AI preference labels: one drawn principle a comparison, both orders, soft (section 4.1). Parent: comparisons."""

    constitution: str
    """Constitution to draw comparison principles from: 'name' or 'name@3'."""
    model: str = "sandbox"
    """Feedback model. The paper's is a pretrained model."""
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


@dataclass(frozen=True, config=STRICT)
class BattlesConfig:
    """Snapshots against each other on held-out prompts, and their ratings. Parents: sft and rl runs."""

    models: Annotated[tuple[str, ...], Field(strict=False)] = ()  # in JSON it is a list
    """Models to compare; empty takes the start model and the last snapshots of the parent sft and rl runs."""
    snapshots_on_the_way: bool = False
    """Also compare the snapshots that RL saved on the way."""
    judge: Literal["gold", "feedback", "pm"] = "gold"
    """Who judges: the sandbox's gold judge, a feedback model under the constitution, or a preference model."""
    judge_model: str = ""
    """Feedback model or preference model that judges; empty takes the parents'."""
    constitution: str = ""
    """For a feedback judge: constitution to draw comparison principles from."""
    split: Literal["dev", "test"] = "test"
    """Prompts to use: tune on dev, report on test."""
    red_team_prompts: Count = 400
    """How many red-team prompts every model answers."""
    helpful_prompts: Count = 200
    """How many helpful prompts every model answers."""
    look_alike_prompts: Count = 150
    """How many benign look-alikes every model answers."""
    temperature: Temperature = 1.0
    """Sampling temperature. The paper's is 1."""
    max_new_tokens: Annotated[int, Field(ge=1, le=8192)] = 256
    """Longest response, in tokens."""
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 1000
    """Bootstrap resamples over prompts for the 95 % intervals."""
    width: Annotated[int, Field(ge=1, le=4096)] = 64
    """How many rows are generated at once."""
    source: str = ""
    """Take prompts only from this source; empty takes all."""


StageConfig = ChainsConfig | SftConfig | ComparisonsConfig | LabelsConfig | PmConfig | RlConfig | BattlesConfig

CONFIGS: dict[RunKind, type[StageConfig]] = {
    RunKind.CHAINS: ChainsConfig,
    RunKind.SFT: SftConfig,
    RunKind.COMPARISONS: ComparisonsConfig,
    RunKind.LABELS: LabelsConfig,
    RunKind.PM: PmConfig,
    RunKind.RL: RlConfig,
    RunKind.BATTLES: BattlesConfig,
}

PARENTS: dict[RunKind, tuple[RunKind, ...]] = {
    RunKind.CHAINS: (),
    RunKind.SFT: (RunKind.CHAINS,),
    RunKind.COMPARISONS: (RunKind.SFT,),
    RunKind.LABELS: (RunKind.COMPARISONS,),
    RunKind.PM: (RunKind.LABELS,),
    RunKind.RL: (RunKind.SFT, RunKind.PM),
    RunKind.BATTLES: (RunKind.SFT, RunKind.RL),
}
"""Which kinds of run a stage may read from. A comparisons, rl or battles run may name models instead."""


def load_config(kind: RunKind, values: dict[str, Any]) -> StageConfig:
    """Check `values` and build the stage's config; `RunError` names each field that does not fit."""
    try:
        config = CONFIGS[kind](**values)
        json.dumps(astuple(config), ensure_ascii=False).encode()
        return config
    except UnicodeEncodeError as error:
        raise RunError(f"the {kind} settings hold what is no text ({error.reason}). Write them in UTF-8.") from None
    except ValidationError as error:
        problems = "; ".join(map(_problem, error.errors()))
        accepted = ", ".join(f.name for f in fields(CONFIGS[kind]))
        raise RunError(f"the {kind} settings do not fit: {problems}. Accepted settings: {accepted}.") from None


def _problem(found: ErrorDetails, most: int = 80) -> str:
    name, value = ".".join(map(str, found["loc"])), repr(found["input"])
    if found["type"] == "missing":
        return f"{name} is missing"
    if found["type"] == "unexpected_keyword_argument":
        return f"{name} = {value[:most]}: there is no such setting"
    return f"{name} = {value if len(value) <= most else value[:most] + '…'}: {found['msg']}"


def dump_config(config: StageConfig) -> dict[str, Any]:
    """The config as plain JSON values; `load_config` of it gives the same config."""
    adapter: TypeAdapter[StageConfig] = TypeAdapter(type(config))
    values: dict[str, Any] = adapter.dump_python(config, mode="json")
    return values
