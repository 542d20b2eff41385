"""Prompts: a model writes more after some that are there.

All are written first, row by row; then it is decided in their order which are kept. So neither the batch nor a kill
changes which those are.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from cai_core.chains import new_prompts
from cai_core.chains.new_prompts import Attempt
from cai_core.config import PromptsConfig
from cai_core.models.drive import Task, drive
from cai_core.runs.inputs import MOST_EXAMPLES
from cai_core.runs.job import Job
from cai_core.runs.stages.common import expect_use, model_ref, model_row, text_model
from cai_core.runs.usage import asked_by_prompts
from cai_core.store import prompt_attempts, prompts, runs
from cai_core.store.prompt_splits import read_shares, split_of
from cai_core.types import Prompt, PromptKind, PromptOutcome, RowState, derive_seed, prompt_uid, user
from db.schema import ModelRow


def run(job: Job) -> dict[str, Any]:
    """Write what is not written yet, then keep what is new."""
    config = job.config
    assert isinstance(config, PromptsConfig)
    pool = _pool(job, config)
    with job.workspace.reading() as session:
        done = prompt_attempts.done_positions(session, job.run_id)
    job.begin("writing prompts", done=len(done), total=config.prompts)
    left = [position for position in range(config.prompts) if position not in done]
    if left:
        _write(job, config, pool, left)
    job.begin("keeping what is new", done=config.prompts, total=config.prompts)
    _keep(job, config, pool)
    with job.workspace.reading() as session:
        return {**prompt_attempts.counts(session, job.run_id), "set": config.name}


def _pool(job: Job, config: PromptsConfig) -> list[Prompt]:
    """The prompts that examples are drawn from: chosen at the first start, the same ever after."""
    with job.workspace.reading() as session:
        ids = prompts.ids_of_run(session, job.run_id)
    if not ids:
        most, seed = min(MOST_EXAMPLES, config.examples * config.prompts), derive_seed(job.seed, "inputs", job.kind)
        with job.writing() as session:
            kind = PromptKind(config.kind)
            ids = prompt_attempts.draw_examples(session, kind, config.examples_from, most, seed)
            prompts.fix_inputs(session, job.run_id, ids)
            row = runs.get(session, job.run_id)
            row.result = {**row.result, "examples": len(ids)}
    with job.workspace.reading() as session:
        return [prompt for _, prompt in prompts.of_run(session, job.run_id)]


def _write(job: Job, config: PromptsConfig, pool: list[Prompt], left: list[int]) -> None:
    named = model_row(job, config.model)
    expect_use(job, named, lambda: asked_by_prompts(config, [text_of(prompt) for prompt in pool]))
    model = text_model(job, named, config.width)
    as_chat = _only_chats(job, named)

    def tasks() -> Iterator[tuple[int, Task[Attempt]]]:
        for position in left:
            yield (
                position,
                new_prompts.ask(
                    PromptKind(config.kind),
                    [text_of(pool[place]) for place in _shown(job, config, pool, position)],
                    seed=derive_seed(job.seed, "prompt", position),
                    temperature=config.temperature,
                    max_new_tokens=config.max_new_tokens,
                    as_chat=as_chat,
                ),
            )

    def save(session: Session, found: tuple[int, Attempt]) -> None:
        prompt_attempts.save(session, job.run_id, *found)

    job.store(drive(tasks(), {new_prompts.ROLE: model}, config.width), save)


def _only_chats(job: Job, named: ModelRow) -> bool:
    """Whether a server has not been seen to go on with plain text."""
    endpoint = model_ref(job, named).endpoint
    return endpoint is not None and endpoint.api == "chat" and not endpoint.completions


def _shown(job: Job, config: PromptsConfig, pool: list[Prompt], position: int) -> list[int]:
    return new_prompts.examples_of([prompt.uid for prompt in pool], position, count=config.examples, seed=job.seed)


def text_of(prompt: Prompt) -> str:
    """What a prompt of one turn says."""
    return prompt.turns[-1].content


def _keep(job: Job, config: PromptsConfig, pool: list[Prompt]) -> None:
    with job.workspace.reading() as session:
        if prompt_attempts.is_settled(session, job.run_id):
            return
    candidates = _candidates(job, config, pool)
    sources = [config.name, config.examples_from] if config.examples_from else None
    near: set[int] = set()
    if config.near < 1:
        near = prompt_attempts.near_ones(job.workspace, candidates, sources, config.near, job.seed)
    with job.writing() as session:
        prompt_attempts.settle(session, job.run_id, candidates, near)


def _candidates(job: Job, config: PromptsConfig, pool: list[Prompt]) -> dict[int, Prompt | PromptOutcome]:
    """What was read off each answer, in order; what failed is none."""
    shares = read_shares(config.split)
    with job.workspace.reading() as session:
        rows = prompt_attempts.of_run(session, job.run_id)
    found: dict[int, Prompt | PromptOutcome] = {}
    for row in rows:
        if row.state != RowState.DONE:
            continue
        shown = [pool[place] for place in _shown(job, config, pool, row.position)]
        text = new_prompts.read_off(row.text or "")
        if reason := new_prompts.refused(text, bool(row.finished), [text_of(one) for one in shown]):
            found[row.position] = reason
            continue
        turns = (user(text),)
        uid = prompt_uid(turns)
        origin = {"request": row.position, "seed": row.seed, "model": config.model, "examples": [p.uid for p in shown]}
        split = split_of(uid, shares, job.seed)
        found[row.position] = Prompt(uid, turns, PromptKind(config.kind), split, config.name, extra=origin)
    return found
