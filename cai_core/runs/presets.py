"""Settings that fit together: the whole loop on the sandbox, as the demo and the home page's button run it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from cai_core.runs import queue
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind

Step = tuple[RunKind, dict[str, Any], tuple[RunKind, ...]]
"""A run's kind and settings, and which runs of the loop are its parents."""


def sandbox_loop(constitution: str = "sandbox") -> list[Step]:
    """The seven runs of the loop in order, sized for two cores and eight minutes."""
    return [
        (RunKind.CHAINS, _chains(constitution), ()),
        (RunKind.SFT, {"learning_rate": 1e-3, "epochs": 2, "batch_size": 16}, (RunKind.CHAINS,)),
        (RunKind.COMPARISONS, _comparisons(), (RunKind.SFT,)),
        (RunKind.LABELS, {"constitution": constitution, "few_shots": 2}, (RunKind.COMPARISONS,)),
        (RunKind.PM, {"learning_rate": 1e-3, "epochs": 2}, (RunKind.LABELS,)),
        (RunKind.RL, _rl(), (RunKind.SFT, RunKind.PM)),
        (RunKind.BATTLES, _battles(), (RunKind.SFT, RunKind.RL)),
    ]


def _chains(constitution: str) -> dict[str, Any]:
    return {
        "constitution": constitution,
        "red_team_prompts": 300,
        "helpful_prompts": 150,
        "look_alike_prompts": 60,
        "helpful_samples": 1,
        "rounds": 4,
        "few_shots": 2,
        "max_new_tokens": 96,
        "source": "sandbox",
    }


def _comparisons() -> dict[str, Any]:
    return {
        "red_team_prompts": 350,
        "helpful_prompts": 350,
        "look_alike_prompts": 80,
        "max_new_tokens": 96,
        "source": "sandbox",
    }


def _rl() -> dict[str, Any]:
    return {
        "red_team_prompts": 400,
        "helpful_prompts": 400,
        "look_alike_prompts": 120,
        "steps": 44,
        "prompts_per_step": 16,
        "responses_per_prompt": 4,
        "learning_rate": 7e-4,
        "kl_weight": 0.2,
        "max_new_tokens": 80,
        "snapshot_every": 22,
        "source": "sandbox",
    }


def _battles() -> dict[str, Any]:
    return {
        "red_team_prompts": 400,
        "helpful_prompts": 200,
        "look_alike_prompts": 150,
        "max_new_tokens": 96,
        "source": "sandbox",
    }


def enqueue_loop(workspace: Workspace, *, seed: int, constitution: str = "sandbox") -> dict[RunKind, int]:
    """Enqueue all seven runs with their parents, or none; return their ids."""
    with workspace.writing() as session:
        return enqueue_steps(session, sandbox_loop(constitution), seed=seed)


def enqueue_steps(session: Session, steps: Iterable[Step], *, seed: int) -> dict[RunKind, int]:
    """Enqueue runs that read from each other; return their ids. All or none, as the caller's transaction ends."""
    ids: dict[RunKind, int] = {}
    for kind, config, parents in steps:
        ids[kind] = queue.add(session, kind, config, seed=seed, parents=[ids[parent] for parent in parents])
    return ids
