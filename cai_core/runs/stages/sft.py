"""SL-CAI: train an adapter on a chains run's revisions and helpful samples."""

from typing import Any

from cai_core.chains.examples import sft_examples
from cai_core.config import SftConfig
from cai_core.errors import RunError
from cai_core.runs.job import Job
from cai_core.runs.stages.common import model_ref, model_row, parent_id, register
from cai_core.store import chains
from cai_core.training.sft import train_sft
from cai_core.types import RunKind


def run(job: Job) -> dict[str, Any]:
    """Train to the end and enter the snapshot as a model."""
    config = job.config
    assert isinstance(config, SftConfig)
    job.begin("gathering examples", done=0, total=None)
    with job.workspace.reading() as session:
        found = (chain for _, chain in chains.of_run(session, parent_id(job, RunKind.CHAINS)))
        examples, counts = sft_examples(found, rounds=config.rounds)
    if not examples:
        told = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in counts.items()) or "the chains run is empty"
        raise RunError(f"no chain gives anything to train on ({told}). Raise the chains' max_new_tokens, or make more.")
    start = model_ref(job, model_row(job, config.model))
    job.begin("supervised fine-tuning", done=0, total=None)
    result = train_sft(config, examples, start=start, folder=job.adapters, seed=job.seed, on_step=job.on_step)
    facts = register(job, result, name=f"sl-cai-{job.run_id}", start=start)
    return {**facts, "rows": len(examples), "examples": counts}
