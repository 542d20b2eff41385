"""Labels: the feedback model's preference on each comparison, under one drawn principle, in both orders."""

from collections.abc import Generator, Iterable, Iterator
from typing import Any

from sqlalchemy.orm import Session

from cai_core.chains.few_shots import draw_prefixes
from cai_core.config import LabelsConfig
from cai_core.constitution.draw import draw_principle
from cai_core.evaluation.battles import AXIS_OF
from cai_core.evaluation.judges import KIND_OF
from cai_core.models.drive import drive
from cai_core.preferences.labels import label
from cai_core.runs.job import Job
from cai_core.runs.stages.common import expect_use, model_row, parent_id, text_model
from cai_core.runs.stages.gold import label_facts
from cai_core.runs.usage import asked_by_labels
from cai_core.store import comparisons, constitutions, labels
from cai_core.store.rows import Rows
from cai_core.types import Answer, Label, Request, RunKind

Task = tuple[int, Generator[tuple[str, Request], Answer, Label]]


def run(job: Job) -> dict[str, Any]:
    """Label the comparisons that have no label of this run yet."""
    config = job.config
    assert isinstance(config, LabelsConfig)
    with job.workspace.reading() as session:
        ids = comparisons.ids_of_run(session, parent_id(job, RunKind.COMPARISONS))
        done = labels.done_ids(session, job.run_id)
        constitution = job.constitution()
        principles = constitutions.principle_ids(session, constitution.principles)
    stored = Rows(job.workspace, ids, comparisons.read)
    job.begin("labelling", done=len(done), total=len(stored))
    named, shots = model_row(job, config.model), constitution.few_shots.comparison
    expect_use(job, named, lambda: asked_by_labels((one.comparison for one in stored), shots, config.few_shots))
    model = text_model(job, named, config.width)
    tasks = _tasks(job, config, stored.without(done))

    def save(session: Session, found: tuple[int, Label]) -> None:
        labels.save(session, job.run_id, *found, principles)

    job.store(drive(tasks, {"feedback": model}, config.width), save)
    with job.workspace.reading() as session:
        return label_facts(labels.of_run(session, job.run_id))


def _tasks(job: Job, config: LabelsConfig, left: Iterable[comparisons.Stored]) -> Iterator[Task]:
    constitution = job.constitution()
    shots = constitution.few_shots.comparison
    prefixes = draw_prefixes(shots, count=config.few_shot_prefixes, size=config.few_shots, seed=job.seed)
    for one in left:
        kind = KIND_OF[AXIS_OF[one.comparison.prompt.kind]]
        principle = draw_principle(constitution, kind=kind, half="comparison", seed=job.seed, row=one.key, round=0)
        yield (
            one.id,
            label(one.comparison, key=one.key, principle=principle, config=config, prefixes=prefixes, seed=job.seed),
        )
