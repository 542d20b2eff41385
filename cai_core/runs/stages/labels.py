"""Labels: the feedback model's preference on each comparison, under each principle it draws, in both orders."""

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session

from cai_core.chains.few_shots import draw_prefixes
from cai_core.chains.recall import Known, recalling
from cai_core.config import LabelsConfig
from cai_core.constitution.draw import candidates, draw_principles
from cai_core.evaluation.battles import AXIS_OF
from cai_core.evaluation.judges import KIND_OF
from cai_core.models.base import TextModel
from cai_core.models.drive import drive
from cai_core.preferences.labels import label
from cai_core.preferences.recall import answers_of_label
from cai_core.runs.job import Job
from cai_core.runs.recall import Source, recall_facts, sent_by, source
from cai_core.runs.stages.common import expect_use, model_row, parent_id, text_model
from cai_core.runs.stages.compared import compared_labels
from cai_core.runs.stages.gold import label_facts
from cai_core.runs.usage import asked_by_labels
from cai_core.store import comparisons, constitutions, labels
from cai_core.store.rows import Rows
from cai_core.types import (
    Answer,
    Constitution,
    Label,
    Order,
    Principle,
    PrincipleKind,
    PromptKind,
    Request,
    RunKind,
)

Made = tuple[Label, int]
"""A label, and how many of its orders were taken over."""
Task = tuple[int, Generator[tuple[str, Request], Answer, Made]]
ORDERS = len(Order)


def run(job: Job) -> dict[str, Any]:
    """Label the comparisons that have no label of this run yet."""
    config = job.config
    assert isinstance(config, LabelsConfig)
    parent = parent_id(job, RunKind.COMPARISONS)
    with job.workspace.reading() as session:
        ids, kinds = comparisons.ids_of_run(session, parent), comparisons.kinds(session, parent)
        done = labels.done_keys(session, job.run_id)
        constitution = job.constitution()
        principles = constitutions.principle_ids(session, constitution.principles)
    former = source(job)
    stored = Rows(job.workspace, ids, comparisons.read)
    job.begin("labelling", done=len(done), total=_total(kinds, constitution, config))
    named, shots = model_row(job, config.model), constitution.few_shots.comparison
    asked = (one.comparison for one in stored for _ in _drawn(one, constitution, config, job.seed))
    expect_use(job, named, lambda: asked_by_labels(asked, shots, config.few_shots))
    model = text_model(job, named, config.width, late=former is not None)
    full = {one for one, count in Counter(one for one, _ in done).items() if count >= config.principles}
    drawn = (
        (one, principle)
        for one in stored.without(full)
        for principle in _drawn(one, constitution, config, job.seed)
        if (one.id, principles[principle.uid]) not in done
    )
    tasks = _tasks(job, config, drawn, former, model)

    def save(session: Session, found: tuple[int, Made]) -> None:
        comparison, (label, recalled) = found
        labels.save(session, job.run_id, comparison, label, principles, recalled=recalled == ORDERS)

    job.store(drive(tasks, {"feedback": model}, config.width), save)
    with job.workspace.reading() as session:
        facts = label_facts(labels.of_run(session, job.run_id))
        whole = labels.recalled(session, job.run_id)
    recalled = recall_facts(former, ORDERS * whole, ORDERS * facts["rows"], whole)
    return {**facts, **recalled, **compared_labels(job, former)}


def _kind(kind: PromptKind) -> PrincipleKind:
    """Of the principles that a prompt's comparison is labelled under."""
    return KIND_OF[AXIS_OF[kind]]


def _total(kinds: Mapping[PromptKind, int], constitution: Constitution, config: LabelsConfig) -> int:
    """How many labels there will be."""
    there = {kind: len(candidates(constitution, kind=_kind(kind), half="comparison")) for kind in kinds}
    return sum(count * min(config.principles, there[kind]) for kind, count in kinds.items())


def _drawn(one: comparisons.Stored, constitution: Constitution, config: LabelsConfig, seed: int) -> Iterable[Principle]:
    """The principles that a comparison is labelled under."""
    kind, count = _kind(one.comparison.prompt.kind), config.principles
    return draw_principles(constitution, kind=kind, half="comparison", seed=seed, row=one.key, round=0, count=count)


def _tasks(
    job: Job,
    config: LabelsConfig,
    left: Iterable[tuple[comparisons.Stored, Principle]],
    former: Source | None,
    model: TextModel,
) -> Iterator[Task]:
    shots = job.constitution().few_shots.comparison
    prefixes = draw_prefixes(shots, count=config.few_shot_prefixes, size=config.few_shots, seed=job.seed)
    sent = sent_by(model)
    for one, principle in left:
        task = label(one.comparison, key=one.key, principle=principle, config=config, prefixes=prefixes, seed=job.seed)
        yield one.id, recalling(task, _known(job, former, one.id, principle.id), sent)


def _known(job: Job, former: Source | None, comparison: int, principle: str) -> Known:
    """What the run that is recalled was told of this comparison, under this principle where it has several labels."""
    if former is None or former.why_not:
        return {}
    with job.workspace.reading() as session:
        found = labels.find(session, former.run, comparison, principle)
    return {} if found is None else answers_of_label(found)
