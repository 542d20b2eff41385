"""SL-CAI: train an adapter on a frozen dataset, or on a chains run's revisions and helpful samples."""

from collections.abc import Sequence
from typing import Any

from cai_core.config import SftConfig
from cai_core.config.datasets import Recipe
from cai_core.runs.job import Job
from cai_core.runs.stages.common import model_ref, model_row, parent_id, register
from cai_core.store import dataset_rows, datasets, prompts, rollouts
from cai_core.store.dataset_rows import TRAINED_REVISION, TRAINED_SAMPLE
from cai_core.training.sft import train_sft
from cai_core.types import Example, Prompt, Rollout, RunKind, derive_seed, prompt_uid


def run(job: Job) -> dict[str, Any]:
    """Train to the end and enter the snapshot as a model."""
    config = job.config
    assert isinstance(config, SftConfig)
    job.begin("gathering examples", done=0, total=None)
    examples, counts = _examples(job, config)
    asked = _sample_prompts(job, config, examples)

    def on_samples(found: Sequence[Rollout]) -> None:
        with job.writing() as session:
            rollouts.save(session, job.run_id, found, {prompt.uid: row_id for row_id, prompt in asked})

    start = model_ref(job, model_row(job, config.model))
    job.begin("supervised fine-tuning", done=0, total=None)
    result = train_sft(
        config,
        examples,
        start=start,
        folder=job.adapters,
        seed=job.seed,
        on_step=job.on_step,
        sample_prompts=[prompt for _, prompt in asked],
        on_samples=on_samples,
    )
    facts = register(job, result, name=f"sl-cai-{job.run_id}", start=start)
    trained = {TRAINED_REVISION: counts["revisions"], TRAINED_SAMPLE: counts["samples"]}
    told = {reason: number for reason, number in {**trained, **counts["left_out"]}.items() if number}
    return {**facts, "rows": len(examples), "examples": told}


def _examples(job: Job, config: SftConfig) -> tuple[list[Example], dict[str, Any]]:
    """The dataset's, or those that its parent's chains give; how many there are of what, and left out why."""
    with job.workspace.reading() as session:
        if config.dataset:
            row = datasets.get(session, config.dataset)
            return list(datasets.examples(session, row)), row.counts
        chains = {"run": str(parent_id(job, RunKind.CHAINS)), "branches": "without"}
        chosen = dataset_rows.choose(session, _recipe(config, chains, job.seed))
        datasets.check_trains(chosen.counts)
        return list(datasets.of_rows(session, chosen)), chosen.counts


def _recipe(config: SftConfig, chains: dict[str, str], seed: int) -> Recipe:
    return Recipe(filter=chains, rounds=config.rounds, heldout=config.heldout, seed=seed)


def _sample_prompts(job: Job, config: SftConfig, examples: Sequence[Example]) -> list[tuple[int, Prompt]]:
    """Prompts to answer as it learns, with their row ids: held out ones if there are, the same at every start."""
    held = [example for example in examples if example.heldout]
    uids = {prompt_uid(example.turns[:-1]) for example in held or examples}
    drawn = sorted(uids, key=lambda uid: derive_seed(job.seed, "samples", uid))[: config.sample_prompts]
    with job.workspace.reading() as session:
        ids = prompts.ids_by_uid(session, drawn)
        return prompts.read(session, [ids[uid] for uid in drawn])
