"""The configs of evaluation: battles, and a constitution's cases."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from cai_core.config.checks import STRICT, Count, Share, Temperature


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


@dataclass(frozen=True, config=STRICT)
class CasesConfig:
    """A constitution's cases under one of its versions: which pass, which fail."""

    constitution: str
    """Version to hold to the cases: 'name' for its newest version, or 'name@3'."""
    model: str = "sandbox"
    """Model that answers, criticises and revises, and that prefers one response of a pair."""
    judge: str = ""
    """Model that judges whether a revision is what was hoped for; empty takes `model`."""
    temperature: Temperature = 1.0
    """Sampling temperature."""
    max_new_tokens: Annotated[int, Field(ge=1, le=8192)] = 256
    """Longest response, critique or revision, in tokens."""
    few_shots: Annotated[int, Field(ge=0, le=64)] = 4
    """Few-shot examples in front of each request; 0 sends none."""
    min_mass: Share = 0.2
    """Least probability the two options must hold together in each order; below it nothing can be told."""
    width: Annotated[int, Field(ge=1, le=4096)] = 64
    """How many rows are generated at once."""
