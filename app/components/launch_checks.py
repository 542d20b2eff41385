"""What a stage still needs before it can start, said in words."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.components.run_badge import TITLES
from cai_core.config import PARENTS
from cai_core.types import RunKind

STANDS_IN = {
    (RunKind.SFT, RunKind.CHAINS): "dataset",
    (RunKind.COMPARISONS, RunKind.SFT): "model",
    (RunKind.RL, RunKind.SFT): "policy",
    (RunKind.RL, RunKind.PM): "preference_model",
}
"""A setting that makes a parent run unnecessary by naming a model or a dataset."""


def missing(kind: RunKind, values: Mapping[str, Any], parents: Iterable[str]) -> list[str]:
    """One sentence for each thing that is missing; `parents` are the kinds of the chosen runs."""
    given = set(parents)
    if kind is RunKind.BATTLES:
        enough = given or len(values.get("models") or ()) >= 2
        return [] if enough else ["Choose a parent run whose snapshots are compared, or name two models."]
    if kind is RunKind.SCORES:
        return _for_scores(values, given)
    needs = [need for need in PARENTS[kind] if need is not kind and need not in given]
    problems = [_sentence(kind, need) for need in needs if not _named(kind, need, values)]
    if "constitution" in values and not values["constitution"]:
        problems.append("Choose a constitution to draw principles from.")
    return problems


def _for_scores(values: Mapping[str, Any], given: set[str]) -> list[str]:
    """A judge that is a model is named, and a constitution where it compares under one."""
    problems = [] if RunKind.CHAINS in given else [_sentence(RunKind.SCORES, RunKind.CHAINS)]
    if values.get("judge") != "gold" and not values.get("judge_model"):
        problems.append("Choose the judge model.")
    if values.get("judge") == "feedback" and not values.get("constitution"):
        problems.append("Choose a constitution to draw comparison principles from.")
    return problems


def _named(kind: RunKind, need: RunKind, values: Mapping[str, Any]) -> bool:
    field = STANDS_IN.get((kind, need))
    return bool(field and values.get(field))


def _sentence(kind: RunKind, need: RunKind) -> str:
    field = STANDS_IN.get((kind, need))
    instead = (
        f", or name a {'dataset' if field == 'dataset' else 'model'} under {field.replace('_', ' ')!r}" if field else ""
    )
    return f"Choose a {TITLES[need]} run to read from{instead}."
