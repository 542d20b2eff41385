"""Labels: the feedback model's preference on each comparison, under one drawn principle, in both orders."""

from collections.abc import Generator, Iterator, Sequence
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
from cai_core.runs.stages.common import model_row, parent_id, text_model
from cai_core.runs.stages.gold import label_facts
from cai_core.store import comparisons, constitutions, labels
from cai_core.types import Answer, Label, Request, RunKind

Task = tuple[int, Generator[tuple[str, Request], Answer, Label]]


def run(job: Job) -> dict[str, Any]:
    """Label the comparisons that have no label of this run yet."""
    config = job.config
    assert isinstance(config, LabelsConfig)
    with job.workspace.reading() as session:
        stored = list(comparisons.of_run(session, parent_id(job, RunKind.COMPARISONS)))
        done = labels.done_ids(session, job.run_id)
        constitution = job.constitution()
        principles = constitutions.principle_ids(session, constitution.principles)
    job.begin("labelling", done=len(done), total=len(stored))
    model = text_model(job, model_row(job, config.model), config.width)
    tasks = _tasks(job, config, [one for one in stored if one.id not in done])

    def save(session: Session, found: tuple[int, Label]) -> None:
        labels.save(session, job.run_id, *found, principles)

    job.store(drive(tasks, {"feedback": model}, config.width), save)
    with job.workspace.reading() as session:
        return label_facts(list(labels.of_run(session, job.run_id)))


def _tasks(job: Job, config: LabelsConfig, left: Sequence[comparisons.Stored]) -> Iterator[Task]:
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
