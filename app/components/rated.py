"""A battles run's result as what the Ratings page draws."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.components.rating_plane import FAMILIES, RatedModel
from cai_core.types import Axis, Rating
from db.queries.battles import Contender

RATED = ("a", "b", "tie")
"""Outcomes that count; the others could not be told."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`first` less `second` on one axis, in Elo points."""

    axis: str
    first: str
    second: str
    mid: float
    low: float
    high: float

    @property
    def told_apart(self) -> bool:
        """The interval excludes zero."""
        return self.low > 0 or self.high < 0


def shown(entry: Mapping[str, Any]) -> str:
    """A snapshot's name: 'rl-cai (rl-cai-6)', the paper's and the model's; once where they are the same."""
    role, model = str(entry["name"]), str(entry.get("model") or entry["name"])
    return role if role == model else f"{role} ({model})"


def shown_names(result: Mapping[str, Any]) -> dict[str, str]:
    """How each model is shown."""
    return {str(entry.get("model") or entry["name"]): shown(entry) for entry in result.get("snapshots", [])}


def rated_models(result: Mapping[str, Any], contenders: Sequence[Contender]) -> list[RatedModel]:
    """Every model that was rated on both axes."""
    by_name, colours = {contender.name: contender for contender in contenders}, tints(contenders)
    found = []
    for entry in result.get("snapshots", []):
        model = entry.get("model") or entry["name"]
        contender = by_name.get(model)
        helpfulness, harmlessness = _rating(entry, Axis.HELPFULNESS), _rating(entry, Axis.HARMLESSNESS)
        if helpfulness and harmlessness:
            kind, run = family(contender), contender.run if contender else None
            colour = colours.get(model, FAMILIES[kind][0])
            found.append(RatedModel(shown(entry), kind, helpfulness, harmlessness, run, colour))
    return found


def not_rated(result: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each model and axis without a rating: what is missing, and why."""
    anchor = shown_names(result).get(str(result.get("anchor")), "the others")
    for axis in Axis:
        outcomes = result.get("battles", {}).get(axis.value, {}).get("outcomes", {})
        fought, told = sum(outcomes.values()), sum(outcomes.get(outcome, 0) for outcome in RATED)
        lacking = [shown(entry) for entry in result.get("snapshots", []) if not _rating(entry, axis)]
        if lacking and not fought:
            yield f"No model is rated on {axis}: no battle was fought on it, for the run drew no prompts of that kind."
        elif lacking and not told:
            yield f"No model is rated on {axis}: none of its {fought:,} battles could be told."
        elif lacking:
            yield f"No battle that could be told ties these to {anchor} on {axis}: {', '.join(lacking)}."


def _rating(entry: Mapping[str, Any], axis: Axis) -> Rating | None:
    value = entry.get("elo", {}).get(axis.value)
    if not value:
        return None
    mid, low, high = (float(value[part]) for part in ("mid", "low", "high"))
    return Rating(entry["name"], mid, low, high, int(value.get("battles", 0)))


def family(contender: Contender | None) -> str:
    """Which method made a model, by the kind of its run."""
    if contender is None:
        return "other"
    return {None: "helpful", "sft": "sl-cai", "rl": "rl-cai"}.get(contender.run_kind, "other")


def tints(contenders: Sequence[Contender]) -> dict[str, str]:
    """A colour for each model: its family's, fainter the earlier the snapshot is."""
    found: dict[str, str] = {}
    for kind, (colour, _) in FAMILIES.items():
        own = sorted((one for one in contenders if family(one) == kind), key=lambda one: (one.run or 0, one.step or 0))
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        for place, one in enumerate(own, start=1):
            found[one.name] = f"rgba({red},{green},{blue},{0.3 + 0.7 * place / len(own):.2f})"
    return found


def differences(result: Mapping[str, Any]) -> list[Difference]:
    """Pairwise differences with their intervals."""
    names = {str(entry["name"]): shown(entry) for entry in result.get("snapshots", [])}
    return [
        Difference(axis, names.get(d["a"], d["a"]), names.get(d["b"], d["b"]), d["mid"], d["low"], d["high"])
        for axis, rows in result.get("elo_differences", {}).items()
        for d in rows
    ]
