"""What several stages need: their inputs, the models they name, the snapshots they leave."""

from collections.abc import Callable, Mapping
from typing import Any

from cai_core.errors import RunError
from cai_core.models.base import TextModel
from cai_core.models.endpoint_use import Asked
from cai_core.models.load import load_text_model
from cai_core.runs.cards import write_card
from cai_core.runs.inputs import draw_prompts, wanted_prompts
from cai_core.runs.job import Job
from cai_core.runs.usage import expect, meter
from cai_core.store import models, prompts, runs
from cai_core.store.rows import Rows
from cai_core.types import ModelRef, Prompt, RunKind, Split, TrainingResult
from db.schema import ModelRow

Inputs = Rows[tuple[int, Prompt]]
"""Prompts with their row ids."""


def inputs(job: Job, split: Split = Split.TRAIN) -> Inputs:
    """The run's prompts: those of a parent of its own kind, else drawn at its first start; the same ever after."""
    with job.workspace.reading() as session:
        ids = prompts.ids_of_run(session, job.run_id)
        parent = runs.parent(session, job.run_id, job.kind)
    if not ids:
        ids = _draw(job, split) if parent is None else _take(job, parent.id)
    return Rows(job.workspace, ids, prompts.read)


def _draw(job: Job, split: Split) -> list[int]:
    config: Any = job.config
    # Ranking many prompts takes a while, and others wait for who writes.
    with job.workspace.reading() as session:
        ids, found = draw_prompts(session, job.kind, config, seed=job.seed, split=split)
    wanted = wanted_prompts(config)
    short = {kind.value: {"wanted": n, "found": found[kind]} for kind, n in wanted.items() if found[kind] < n}
    _fix(job, ids, {"prompts": found, "prompts_missing": short})
    return ids


def _take(job: Job, parent: int) -> list[int]:
    """The prompts of a run of the same kind."""
    with job.workspace.reading() as session:
        ids, found = prompts.ids_of_run(session, parent), prompts.count_by_kind(session, parent)
    if not ids:
        raise RunError(f"run {parent} has no prompts to take. Enqueue this run without that parent.")
    _fix(job, ids, {"prompts": found, "prompts_of": parent})
    return ids


def _fix(job: Job, ids: list[int], facts: dict[str, Any]) -> None:
    with job.writing() as session:
        prompts.fix_inputs(session, job.run_id, ids)
        row = runs.get(session, job.run_id)
        row.result = {**row.result, **facts}


def model_row(job: Job, name: str) -> ModelRow:
    """A model's row by name."""
    with job.workspace.reading() as session:
        return models.get(session, name)


def model_ref(job: Job, row: ModelRow) -> ModelRef:
    """The weights that a row names."""
    return models.to_ref(row, job.workspace.folder)


def text_model(job: Job, row: ModelRow, width: int, *, late: bool = False) -> TextModel:
    """Load a model; it ends with `Stopped` when the run is asked to stop. What it asks of a server is counted.

    `late`: its weights wait until something is asked of it.
    """
    model = load_text_model(model_ref(job, row), width=width, late=late)
    if (counts := meter(row.name, model)) is not None:
        job.meters.append(counts)
    return job.watch(model)


def expect_use(job: Job, row: ModelRow, asked: Callable[[], Asked], part: str = "") -> None:
    """Say what the run will ask of a server, where its model is one, perhaps in one of several parts."""
    if (endpoint := model_ref(job, row).endpoint) is None:
        return
    with job.writing() as session:
        expect(runs.get(session, job.run_id), row.name + part, endpoint, asked())


def model_of_parent(job: Job, kind: RunKind) -> ModelRow:
    """The last snapshot of the parent of a kind."""
    with job.workspace.reading() as session:
        parent = runs.parent(session, job.run_id, kind)
        found = models.of_run(session, parent.id) if parent else []
    if not found:
        raise RunError(f"run {job.run_id} has no {kind} parent that saved a model. Clone it and name a model instead.")
    return found[-1]


def parent_id(job: Job, kind: RunKind) -> int:
    """The parent run of a kind."""
    with job.workspace.reading() as session:
        parent = runs.parent(session, job.run_id, kind)
    if parent is None:
        raise RunError(f"run {job.run_id} reads from a {kind} run and has none. Enqueue one with a {kind} parent.")
    return parent.id


def register(
    job: Job, result: TrainingResult, *, name: str, start: ModelRef, kind: str = "causal"
) -> Mapping[str, Any]:
    """Enter a training's snapshots as models: the last under `name`, those on the way as `name@step`."""
    job.check()
    if result.stopped:
        job.stop.set()
        job.check()
    last = max(result.snapshots, key=lambda snapshot: snapshot.step)
    with job.writing() as session:
        for snapshot in result.snapshots:
            models.add(
                session,
                name=name if snapshot == last else f"{name}@{snapshot.step}",
                base=start.base,
                revision=start.revision,
                adapter=models.adapter_path(snapshot.folder, job.workspace.folder),
                kind=kind,
                run_id=job.run_id,
                step=snapshot.step,
                final=snapshot == last,
            )
    _write_cards(job, result)
    return {**result.facts, "model": name, "snapshots": [snapshot.step for snapshot in result.snapshots]}


def _write_cards(job: Job, result: TrainingResult) -> None:
    """Each snapshot's card, in its folder."""
    with job.workspace.reading() as session:
        folders = {snapshot.step: snapshot.folder for snapshot in result.snapshots}
        for row in models.of_run(session, job.run_id, final_only=False):
            if row.step in folders:
                write_card(session, row, folders[row.step], result.facts)
