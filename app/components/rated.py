"""A battles run's result as what the Ratings page draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.components.rating_plane import RatedModel
from cai_core.types import Axis, Rating
from db.queries.battles import Contender


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


def rated_models(result: Mapping[str, Any], contenders: Sequence[Contender]) -> list[RatedModel]:
    """Every model that was rated on both axes."""
    by_name = {contender.name: contender for contender in contenders}
    found = []
    for entry in result.get("snapshots", []):
        contender = by_name.get(entry.get("model") or entry["name"])
        ratings = {axis: _rating(entry, axis) for axis in Axis}
        helpfulness, harmlessness = ratings[Axis.HELPFULNESS], ratings[Axis.HARMLESSNESS]
        if helpfulness and harmlessness:
            run = contender.run if contender else None
            found.append(RatedModel(entry["name"], family(contender), helpfulness, harmlessness, run))
    return found


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


def differences(result: Mapping[str, Any]) -> list[Difference]:
    """Pairwise differences with their intervals."""
    return [
        Difference(axis, str(d["a"]), str(d["b"]), float(d["mid"]), float(d["low"]), float(d["high"]))
        for axis, rows in result.get("elo_differences", {}).items()
        for d in rows
    ]
