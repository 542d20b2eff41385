"""Battles: every model answers the same held-out prompts, a judge compares the answers, ratings follow."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from cai_core.config import BattlesConfig
from cai_core.errors import RunError
from cai_core.models.drive import drive
from cai_core.runs.job import Job
from cai_core.runs.stages.common import Inputs, expect_use, inputs, model_row, text_model
from cai_core.runs.stages.gold import gold_knows
from cai_core.runs.stages.judging import judge_battles
from cai_core.runs.stages.rating_facts import rating_facts
from cai_core.runs.usage import asked_by_samples
from cai_core.sandbox import gold
from cai_core.store import models, responses, runs
from cai_core.store.responses import Response
from cai_core.types import (
    Answer,
    Failed,
    Prompt,
    Request,
    RowState,
    RunKind,
    Sample,
    Split,
    Text,
    derive_seed,
)
from db.schema import ModelRow

Asking = Generator[tuple[str, Request], Answer, Response]


def run(job: Job) -> dict[str, Any]:
    """Answer, judge and rate; what is there already is not done again."""
    config = job.config
    assert isinstance(config, BattlesConfig)
    drawn = inputs(job, Split(config.split))
    if config.judge == "gold" and (strange := sorted({p.source for _, p in drawn if not gold_knows(p.source)})):
        raise RunError(
            f"the gold judge knows the sandbox's prompts alone, and these come from {', '.join(strange)}. Set source "
            "to 'sandbox', or judge to 'feedback' or 'pm'."
        )
    rows = fighters(job, config)
    for row in rows:
        _answer(job, config, row, drawn)
    judge_battles(job, config, [row.name for row in rows], drawn)
    return rating_facts(job, config, rows)


def fighters(job: Job, config: BattlesConfig) -> list[ModelRow]:
    """The models to compare: those named, or the start model and the snapshots of the parents."""
    if config.models:
        return [model_row(job, name) for name in dict.fromkeys(config.models)]
    found: dict[str, ModelRow] = {}
    with job.workspace.reading() as session:
        for parent in sorted(runs.parents(session, job.run_id), key=lambda row: list(RunKind).index(RunKind(row.kind))):
            if parent.kind == RunKind.SFT:
                start = models.get(session, parent.config["model"])
                found.setdefault(start.name, start)
            final_only = not (config.snapshots_on_the_way and parent.kind == RunKind.RL)
            found.update({row.name: row for row in models.of_run(session, parent.id, final_only=final_only)})
    if len(found) < 2:
        raise RunError(
            f"a battle needs two models and there is {len(found)}. Name models, or an sft parent that is done."
        )
    return list(found.values())


def _answer(job: Job, config: BattlesConfig, row: ModelRow, drawn: Inputs) -> None:
    """What a model has not answered yet, it answers."""
    with job.workspace.reading() as session:
        done = responses.done_uids(session, job.run_id, row.id)
    left = [(row_id, prompt) for row_id, prompt in drawn if prompt.uid not in done]
    job.begin(f"{row.name} answers", done=len(done), total=len(drawn))
    if not left:
        return
    prompts = (prompt for _, prompt in drawn)
    expect_use(job, row, lambda: asked_by_samples(prompts, each=1, max_new_tokens=config.max_new_tokens))
    model = text_model(job, row, config.width)
    tasks: Iterator[tuple[int, Asking]] = (
        (row_id, respond(prompt, model=row.name, config=config, seed=job.seed)) for row_id, prompt in left
    )

    def save(session: Session, found: tuple[int, Response]) -> None:
        responses.save(session, job.run_id, row.id, *found)

    job.store(drive(tasks, {"response": model}, config.width), save)


def respond(prompt: Prompt, *, model: str, config: BattlesConfig, seed: int) -> Asking:
    """One response; every model gets the same seed on a prompt, so that they differ by what they are."""
    own = derive_seed(seed, prompt.uid, "battle")
    answer = yield "response", Sample(prompt.turns, own, config.max_new_tokens, config.temperature)
    if isinstance(answer, Failed):
        return Response(model, prompt, own, RowState(answer.failure.value), None, error=answer.message)
    if not isinstance(answer, Text):
        raise TypeError(f"a sample was answered with {type(answer).__name__}")
    said = Response(model, prompt, own, RowState.DONE, answer.text, answer.finished, answer.sent)
    if not gold_knows(prompt.source):
        return said
    verdict = gold.judge(prompt.turns, answer.text)
    return replace(said, verdict=verdict.verdict.value, helpfulness=verdict.helpfulness)
