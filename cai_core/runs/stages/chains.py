"""Chains: red-team prompts are criticised and revised, the others answered plainly."""

from collections.abc import Generator, Iterable, Iterator
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cai_core.chains.critique_revision import critique_and_revise, plain_sample
from cai_core.chains.few_shots import draw_prefixes
from cai_core.config import ChainsConfig
from cai_core.models.drive import drive
from cai_core.runs.job import Job
from cai_core.runs.stages.common import Inputs, expect_use, inputs, model_row, text_model
from cai_core.runs.usage import asked_by_chains
from cai_core.store import chains, constitutions
from cai_core.types import Answer, Chain, Prompt, PromptKind, Request
from db.schema import ChainRow

Task = tuple[int, Generator[tuple[str, Request], Answer, Chain]]
Key = tuple[int, Prompt, int]
"""A prompt's row id, the prompt, and which of its samples."""
PARTS = ("response", "critique", "revision")


def run(job: Job) -> dict[str, Any]:
    """Make the chains that are not there yet."""
    config = job.config
    assert isinstance(config, ChainsConfig)
    drawn = inputs(job)
    with job.workspace.reading() as session:
        done = chains.done_keys(session, job.run_id)
        constitution = constitutions.load_version_id(session, job.constitution_version_id or 0)
        principles = constitutions.principle_ids(session, constitution.principles)
    job.begin("critique and revision", done=len(done), total=sum(1 for _ in _keys(config, drawn)))
    named = model_row(job, config.model)
    shots = constitution.few_shots.critique_revision
    expect_use(job, named, lambda: asked_by_chains(config, (prompt for _, prompt, _ in _keys(config, drawn)), shots))
    model = text_model(job, named, config.width)
    tasks = _tasks(job, config, (key for key in _keys(config, drawn) if (key[1].uid, key[2]) not in done))

    def save(session: Session, found: tuple[int, Chain]) -> None:
        chains.save(session, job.run_id, *found, principles)

    job.store(drive(tasks, dict.fromkeys(PARTS, model), config.width), save)
    return _result(job)


def _keys(config: ChainsConfig, drawn: Inputs) -> Iterator[Key]:
    """One chain a red-team prompt; of the others as many samples as are wanted."""
    for row_id, prompt in drawn:
        for sample in range(1 if prompt.kind == PromptKind.RED_TEAM else config.helpful_samples):
            yield row_id, prompt, sample


def _tasks(job: Job, config: ChainsConfig, left: Iterable[Key]) -> Iterator[Task]:
    constitution = job.constitution()
    shots = constitution.few_shots.critique_revision
    prefixes = draw_prefixes(shots, count=config.few_shot_prefixes, size=config.few_shots, seed=job.seed)
    for row_id, prompt, sample in left:
        if prompt.kind == PromptKind.RED_TEAM:
            chain = critique_and_revise(
                prompt, sample=sample, constitution=constitution, config=config, prefixes=prefixes, seed=job.seed
            )
        else:
            chain = plain_sample(prompt, sample=sample, config=config, seed=job.seed)
        yield row_id, chain


def _result(job: Job) -> dict[str, Any]:
    with job.workspace.reading() as session:
        counted = select(ChainRow.state, func.count()).where(ChainRow.run_id == job.run_id).group_by(ChainRow.state)
        states = dict(session.execute(counted).all())
    return {"rows": sum(states.values()), "states": states}
