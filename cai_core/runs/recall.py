"""What a run takes over from a parent of its own kind: answers to requests that are the very same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cai_core.chains.critique_revision import PARTS, model_of
from cai_core.config import ChainsConfig, load_config
from cai_core.models.base import TextModel, sent_hash
from cai_core.runs.job import Job
from cai_core.store import runs
from cai_core.types import Request, RunKind
from db.schema import RunRow

ALIKE: dict[RunKind, tuple[str, ...]] = {
    RunKind.CHAINS: ("temperature", "max_new_tokens"),
    RunKind.LABELS: ("model",),
}
"""Settings that decide an answer beside what is sent; the seed does too."""


@dataclass(frozen=True, slots=True)
class Source:
    """The run whose answers are taken over."""

    run: int
    why_not: str
    """Why nothing of it can be; empty where it can."""
    parts: frozenset[str] = frozenset()
    """Of a chains run: the parts that the same model was asked for."""


def source(job: Job) -> Source | None:
    """The newest parent of the run's own kind; None if it has none."""
    with job.workspace.reading() as session:
        own, parent = runs.get(session, job.run_id), runs.parent(session, job.run_id, job.kind)
        if parent is None:
            return None
        parts = _same_models(own, parent) if job.kind is RunKind.CHAINS else frozenset()
        why_not = _differs(own, parent) or _other_rows(runs.parents(session, parent.id), own)
        if job.kind is RunKind.CHAINS and not parts:
            why_not = why_not or _other_model(own, parent)
        return Source(parent.id, why_not, parts)


def _same_models(own: RunRow, parent: RunRow) -> frozenset[str]:
    """The parts of a chain that both runs ask the same model for."""
    ours, theirs = (load_config(RunKind.CHAINS, row.config) for row in (own, parent))
    assert isinstance(ours, ChainsConfig)
    assert isinstance(theirs, ChainsConfig)
    return frozenset(part for part in PARTS if model_of(ours, part) == model_of(theirs, part))


def _other_model(own: RunRow, parent: RunRow) -> str:
    theirs, ours = parent.config.get("model"), own.config.get("model")
    return f"run {parent.id} has model {theirs!r} and this one {ours!r}, so its answers are no answers here."


def _differs(own: RunRow, parent: RunRow) -> str:
    """In words, the first of what decides an answer that is not the same."""
    named: list[tuple[str, Any, Any]] = [("seed", own.seed, parent.seed)]
    named += [(name, own.config.get(name), parent.config.get(name)) for name in ALIKE[RunKind(own.kind)]]
    for name, ours, theirs in named:
        if ours != theirs:
            return f"run {parent.id} has {name} {theirs!r} and this one {ours!r}, so its answers are no answers here."
    return ""


def _other_rows(behind: Sequence[RunRow], own: RunRow) -> str:
    """Labels are taken over for the same comparisons only."""
    if own.kind != RunKind.LABELS:
        return ""
    theirs = {row.id for row in behind if row.kind == RunKind.COMPARISONS}
    ours = {link.parent_id for link in own.parents if link.parent.kind == RunKind.COMPARISONS}
    if theirs & ours:
        return ""
    return f"its labels are of comparisons run {', '.join(map(str, theirs)) or 'none'}, and not of this run's."


def sent_by(models: TextModel | Mapping[str, TextModel]) -> Callable[[str, Request], str]:
    """What a request's answer would bear as `sent`, by the model of its part or by the only one."""

    def sent(part: str, request: Request) -> str:
        model = models[part] if isinstance(models, Mapping) else models
        return sent_hash(model.render(request), request)

    return sent


def recall_facts(found: Source | None, answers: int, of: int, rows: int) -> dict[str, Any]:
    """For a run's result: `answers` of so many were taken over, and `rows` rows whole; or why none was."""
    if found is None:
        return {}
    why = {"why_not": found.why_not} if found.why_not else {}
    return {"recalled": {"run": found.run, "answers": answers, "of": of, "rows": rows, **why}}
