"""RL-CAI: train SL-CAI's adapter on against the preference model."""

from collections.abc import Sequence
from typing import Any

from cai_core.config import RlConfig
from cai_core.runs.job import Job
from cai_core.runs.stages.common import inputs, model_of_parent, model_ref, model_row, register
from cai_core.store import rollouts
from cai_core.training.rl import train_rl
from cai_core.types import Rollout, RunKind


def run(job: Job) -> dict[str, Any]:
    """Train to the end and enter the snapshots as models."""
    config = job.config
    assert isinstance(config, RlConfig)
    drawn = inputs(job)
    named = model_row(job, config.policy) if config.policy else model_of_parent(job, RunKind.SFT)
    judge = model_row(job, config.preference_model) if config.preference_model else model_of_parent(job, RunKind.PM)
    policy = model_ref(job, named)
    prompt_ids = {prompt.uid: row_id for row_id, prompt in drawn}
    job.begin("reinforcement learning", done=0, total=config.steps)

    def on_rollouts(found: Sequence[Rollout]) -> None:
        with job.writing() as session:
            rollouts.save(session, job.run_id, found, prompt_ids)

    result = train_rl(
        config,
        [prompt for _, prompt in drawn],
        policy=policy,
        preference_model=model_ref(job, judge),
        folder=job.adapters,
        seed=job.seed,
        on_step=job.on_step,
        on_rollouts=on_rollouts,
    )
    facts = register(job, result, name=f"rl-cai-{job.run_id}", start=policy)
    return {**facts, "rows": config.steps, "policy": named.name, "preference_model": judge.name}
