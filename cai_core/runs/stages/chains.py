"""Chains: red-team prompts are criticised and revised, the others answered plainly."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cai_core.chains.critique_revision import PARTS, critique_and_revise, model_of, plain_sample, samples_of
from cai_core.chains.few_shots import draw_prefixes
from cai_core.chains.recall import Known, answers_of_chain, recalling
from cai_core.config import ChainsConfig
from cai_core.models.base import TextModel
from cai_core.models.drive import drive
from cai_core.runs.job import Job
from cai_core.runs.recall import Source, recall_facts, sent_by, source
from cai_core.runs.stages.common import Inputs, expect_use, inputs, model_row, text_model
from cai_core.runs.stages.compared import compared_chains
from cai_core.runs.usage import asked_by_chains
from cai_core.store import chains, constitutions
from cai_core.types import Answer, Chain, CritiqueRevisionShot, Prompt, PromptKind, Request
from db.schema_chains import ChainRow

Made = tuple[Chain, int]
"""A chain, and how many of its answers were taken over."""
Task = tuple[int, Generator[tuple[str, Request], Answer, Made]]
Key = tuple[int, Prompt, int]
"""A prompt's row id, the prompt, and which of its samples."""


def run(job: Job) -> dict[str, Any]:
    """Make the chains that are not there yet."""
    config = job.config
    assert isinstance(config, ChainsConfig)
    drawn, former = inputs(job), source(job)
    with job.workspace.reading() as session:
        done = chains.done_keys(session, job.run_id)
        constitution = constitutions.load_version_id(session, job.constitution_version_id or 0)
        principles = constitutions.principle_ids(session, constitution.principles)
    job.begin("critique and revision", done=len(done), total=sum(1 for _ in _keys(config, drawn)))
    asked_for = _models(job, config, drawn, constitution.few_shots.critique_revision, late=former is not None)
    left = (key for key in _keys(config, drawn) if (key[1].uid, key[2]) not in done)
    tasks = _tasks(job, config, left, former, asked_for)

    def save(session: Session, found: tuple[int, Made]) -> None:
        prompt, (chain, recalled) = found
        chains.save(session, job.run_id, prompt, chain, principles, recalled)

    job.store(drive(tasks, asked_for, config.width), save)
    return {**_result(job, former), **compared_chains(job, former)}


def _models(
    job: Job, config: ChainsConfig, drawn: Inputs, shots: Sequence[CritiqueRevisionShot], *, late: bool
) -> dict[str, TextModel]:
    """The model of each part; one that is asked for several is loaded once."""
    rows = {part: model_row(job, model_of(config, part)) for part in PARTS}
    loaded: dict[str, TextModel] = {}
    for row in {row.name: row for row in rows.values()}.values():
        theirs = [part for part in PARTS if rows[part].name == row.name]
        prompts = (prompt for _, prompt, _ in _keys(config, drawn))
        expect_use(job, row, partial(asked_by_chains, config, prompts, shots, theirs))
        loaded[row.name] = text_model(job, row, config.width, late=late)
    return {part: loaded[row.name] for part, row in rows.items()}


def _keys(config: ChainsConfig, drawn: Inputs) -> Iterator[Key]:
    """As many chains of a red-team prompt, and samples of the others, as are wanted."""
    for row_id, prompt in drawn:
        for sample in range(samples_of(config, prompt.kind)):
            yield row_id, prompt, sample


def _tasks(
    job: Job, config: ChainsConfig, left: Iterable[Key], former: Source | None, asked_for: Mapping[str, TextModel]
) -> Iterator[Task]:
    constitution = job.constitution()
    shots = constitution.few_shots.critique_revision
    prefixes = draw_prefixes(shots, count=config.few_shot_prefixes, size=config.few_shots, seed=job.seed)
    sent = sent_by(asked_for)
    for row_id, prompt, sample in left:
        if prompt.kind == PromptKind.RED_TEAM:
            chain = critique_and_revise(
                prompt, sample=sample, constitution=constitution, config=config, prefixes=prefixes, seed=job.seed
            )
        else:
            chain = plain_sample(prompt, sample=sample, config=config, seed=job.seed)
        yield row_id, recalling(chain, _known(job, former, row_id, sample), sent)


def _known(job: Job, former: Source | None, prompt: int, sample: int) -> Known:
    """What the run that is recalled was told for this row."""
    if former is None or former.why_not:
        return {}
    with job.workspace.reading() as session:
        found = chains.find(session, former.run, prompt, sample)
    if found is None:
        return {}
    return {place: told for place, told in answers_of_chain(found).items() if place[0] in former.parts}


def _result(job: Job, former: Source | None) -> dict[str, Any]:
    with job.workspace.reading() as session:
        counted = select(ChainRow.state, func.count()).where(ChainRow.run_id == job.run_id, ChainRow.branch == 0)
        states = dict(session.execute(counted.group_by(ChainRow.state)).all())
        recalled = chains.recalled(session, job.run_id) if former else (0, 0, 0)
    return {"rows": sum(states.values()), "states": states, **recall_facts(former, *recalled)}
