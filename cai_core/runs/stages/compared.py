"""What a run under another version changed, against the run that it recalls: facts for its result."""

from dataclasses import asdict
from typing import Any

from cai_core.config import load_config
from cai_core.evaluation.version_compare import compare_chains, compare_labels
from cai_core.runs.job import Job
from cai_core.runs.recall import Source
from cai_core.runs.stages.gold import gold_knows
from cai_core.store import chains, labels, runs
from cai_core.types import RunKind
from db.schema import RunRow

COMPARED = "compared"
"""Where it is in a run's result."""
DECIDE: dict[RunKind, tuple[str, ...]] = {
    RunKind.CHAINS: (
        "rounds",
        "critique",
        "few_shots",
        "few_shot_prefixes",
        "critique_model",
        "revision_model",
        "principles",
        "skip_when_nothing_found",
        "strip_preamble",
    ),
    RunKind.LABELS: ("principles", "few_shots", "few_shot_prefixes", "min_mass"),
}
"""Settings beside those that recall wants alike, with which rows come out otherwise under the same version."""


def compared_chains(job: Job, former: Source | None) -> dict[str, Any]:
    """Against the chains that are recalled; nothing where the runs differ in more than their constitution."""
    if former is None or not _only_versions_differ(job, former):
        return {}
    _begin(job, former)
    with job.workspace.reading() as session:
        found = compare_chains(chains.pairs(session, former.run, job.run_id), knows=gold_knows)
    return {COMPARED: {**_versions(job, former), **asdict(found)}}


def compared_labels(job: Job, former: Source | None) -> dict[str, Any]:
    """Against the labels that are recalled; nothing where the runs differ in more than their constitution."""
    if former is None or not _only_versions_differ(job, former):
        return {}
    _begin(job, former)
    with job.workspace.reading() as session:
        found = compare_labels(labels.pairs(session, former.run, job.run_id))
    return {COMPARED: {**_versions(job, former), **asdict(found)}}


def _only_versions_differ(job: Job, former: Source) -> bool:
    with job.workspace.reading() as session:
        # Loaded, for a run of before has no word of a setting that came later.
        own, other = (load_config(job.kind, runs.get(session, run_id).config) for run_id in (job.run_id, former.run))
    return not former.why_not and all(getattr(own, name) == getattr(other, name) for name in DECIDE[job.kind])


def _begin(job: Job, former: Source) -> None:
    with job.workspace.reading() as session:
        row = runs.get(session, job.run_id)
        done, total = row.done, row.total
    job.begin(f"comparing with run {former.run}", done=done, total=total)


def _versions(job: Job, former: Source) -> dict[str, Any]:
    with job.workspace.reading() as session:
        before, after = (_ref(runs.get(session, run_id)) for run_id in (former.run, job.run_id))
    return {"run": former.run, "before": before, "after": after}


def _ref(row: RunRow) -> str:
    """'name@3', as it was frozen when the run was enqueued."""
    return str(row.config["constitution"])
