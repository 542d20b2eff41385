"""What a stage still needs before it can start, said in words."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.components.run_badge import TITLES
from cai_core.config import PARENTS
from cai_core.types import RunKind

STANDS_IN = {
    (RunKind.COMPARISONS, RunKind.SFT): "model",
    (RunKind.RL, RunKind.SFT): "policy",
    (RunKind.RL, RunKind.PM): "preference_model",
}
"""A setting that makes a parent run unnecessary by naming a model."""


def missing(kind: RunKind, values: Mapping[str, Any], parents: Iterable[str]) -> list[str]:
    """One sentence for each thing that is missing; `parents` are the kinds of the chosen runs."""
    given = set(parents)
    if kind is RunKind.BATTLES:
        enough = given or len(values.get("models") or ()) >= 2
        return [] if enough else ["Choose a parent run whose snapshots are compared, or name two models."]
    problems = [_sentence(kind, need) for need in PARENTS[kind] if need not in given and not _named(kind, need, values)]
    if "constitution" in values and not values["constitution"]:
        problems.append("Choose a constitution to draw principles from.")
    return problems


def _named(kind: RunKind, need: RunKind, values: Mapping[str, Any]) -> bool:
    field = STANDS_IN.get((kind, need))
    return bool(field and values.get(field))


def _sentence(kind: RunKind, need: RunKind) -> str:
    field = STANDS_IN.get((kind, need))
    instead = f", or name a model under {field.replace('_', ' ')!r}" if field else ""
    return f"Choose a {TITLES[need]} run to read from{instead}."
