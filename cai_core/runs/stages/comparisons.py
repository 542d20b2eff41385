"""Comparisons: two responses to each prompt."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cai_core.config import ComparisonsConfig
from cai_core.models.drive import drive
from cai_core.preferences.pairs import PairResult, sample_pair
from cai_core.runs.job import Job
from cai_core.runs.stages.common import expect_use, inputs, model_of_parent, model_row, text_model
from cai_core.runs.usage import asked_by_samples
from cai_core.store import comparisons, runs
from cai_core.types import Prompt, RunKind
from db.schema import ComparisonRow


def run(job: Job) -> dict[str, Any]:
    """Sample the pairs that are not there yet."""
    config = job.config
    assert isinstance(config, ComparisonsConfig)
    drawn = inputs(job)
    named = model_row(job, config.model) if config.model else model_of_parent(job, RunKind.SFT)
    with job.workspace.reading() as session:
        done = comparisons.done_keys(session, job.run_id)
        row = runs.get(session, job.run_id)
    job.begin("sampling pairs", done=len(done), total=len(drawn))
    prompts = (prompt for _, prompt in drawn)
    expect_use(job, named, lambda: asked_by_samples(prompts, each=2, max_new_tokens=config.max_new_tokens))
    model = text_model(job, named, config.width)
    tasks = (
        ((row_id, prompt), sample_pair(prompt, sample=0, config=config, seed=job.seed))
        for row_id, prompt in drawn
        if prompt.uid not in done
    )

    def save(session: Session, found: tuple[tuple[int, Prompt], PairResult]) -> None:
        comparisons.save(session, row, found[0], named.id, found[1])

    job.store(drive(tasks, {"response": model}, config.width), save)
    return {**_result(job), "model": named.name}


def _result(job: Job) -> dict[str, Any]:
    counted = select(ComparisonRow.state, func.count()).where(ComparisonRow.run_id == job.run_id)
    with job.workspace.reading() as session:
        states = dict(session.execute(counted.group_by(ComparisonRow.state)).all())
        cut = comparisons.count_cut(session, job.run_id)
    return {"rows": sum(states.values()), "states": states, "cut": cut}
