"""Figures by round of chains runs (paper figures 5 to 7): means with their intervals, from a database's sums.

Chains of one prompt hang together, so intervals are over prompts (`stats.clusters`). Whether two runs differ is read
off the interval of their difference on the prompts that they share, not off whether two intervals overlap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from sqlalchemy.orm import Session

from cai_core.errors import RunError
from cai_core.stats.clusters import ClusterSums, clustered_mean, clustered_share
from cai_core.store import runs
from cai_core.types import RunKind
from db.queries.rounds import (
    BY,
    MEASURES,
    SCORED,
    RoundQuestion,
    RoundSums,
    ScoresRun,
    paired_sums,
    round_sums,
    scores_runs,
)

__all__ = ["BY", "MEASURES", "Curve", "Point", "curve", "differences", "question", "run_names", "unit"]

SHARES = ("refusal", "gates", "classes")
"""Measures that are shares of texts."""
TOLD: Mapping[str, tuple[str, str]] = {"critique": ("without critique", "with critique")}
"""How a setting that is off or on is said of a run."""


@dataclass(frozen=True, slots=True)
class Point:
    """A mean over the texts of one round, with its 95 % interval."""

    round: int
    group: str | None
    """Principle or topic; None over all, and of a text that has none."""
    name: str
    """Gate or class."""
    prompts: int
    texts: int
    unknown: int
    """Texts without a value, which are in no mean."""
    value: float | None
    low: float | None
    """None where there is but one prompt, or all say the same."""
    high: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """What was asked of a run, and what it came to."""

    asked: RoundQuestion
    points: tuple[Point, ...]


def question(
    session: Session, run: int, measure: str, *, by: str | None = None, judge: str | None = None
) -> RoundQuestion:
    """What to ask of a chains run, or of the chains that a scores run scored, which is then the judge.

    `judge`: the words of the judge whose newest finished run counts; without, the newest of any. Raises `RunError`
    where nothing was scored.
    """
    row = runs.get(session, run)
    scored = runs.parent(session, run, RunKind.CHAINS) if row.kind == RunKind.SCORES else None
    if row.kind not in (RunKind.CHAINS, RunKind.SCORES) or (row.kind == RunKind.SCORES and scored is None):
        raise RunError(f"run {run} is a {row.kind} run; rounds are of a chains run or of a scores run. Name one.")
    chains = run if scored is None else scored.id
    if measure not in SCORED:
        return RoundQuestion(chains, measure, by=by)
    return RoundQuestion(chains, measure, _scores(session, run, chains, measure, judge).id, by)


def _scores(session: Session, run: int, chains: int, measure: str, judge: str | None) -> ScoresRun:
    """The scores run to read: the one that is named, else the newest finished one of the judge."""
    found = [one for one in scores_runs(session, chains) if one.id == run or (run == chains and one.state == "done")]
    found = [one for one in found if judge in (None, one.judge) and (measure == "score" or one.kind == "gold")]
    if found:
        return found[0]
    who = f"by {judge}" if judge else "by gold" if measure == "classes" else "by any judge"
    raise RunError(
        f"the chains of run {chains} have no finished scores {who}. Make them with `cai-studio run scores --parent "
        f"{chains} -c judge=gold`, or on the Launch page."
    )


def curve(session: Session, asked: RoundQuestion) -> Curve:
    """All points of a question."""
    least, most = _bounds(session, asked)
    return Curve(asked, tuple(_point(asked.measure, sums, least, most) for sums in round_sums(session, asked)))


def _bounds(session: Session, asked: RoundQuestion) -> tuple[float, float]:
    """What a measure's values are never below or above; nor is a mean of them."""
    if asked.measure in SHARES:
        return 0.0, 1.0
    if asked.measure == "words":
        return 0.0, inf
    judge = runs.get(session, asked.scores or 0).config.get("judge")
    return (0.0, 1.0) if judge in ("gold", "feedback") else (-inf, inf)


def _point(measure: str, sums: RoundSums, least: float, most: float) -> Point:
    of_clusters = ClusterSums(sums.prompts, sums.n, sums.total, sums.squares, sums.cross, sums.sizes)
    found = (clustered_share if measure in SHARES else clustered_mean)(of_clusters)
    value, low, high = found or (None, None, None)
    low, high = None if low is None else max(least, low), None if high is None else min(most, high)
    return Point(sums.round, sums.group, sums.name, sums.prompts, sums.n, sums.unknown, value, low, high)


def differences(session: Session, one: RoundQuestion, other: RoundQuestion) -> tuple[Point, ...]:
    """How much higher `other` is than `one`, over the prompts of both; no point where they share none."""
    made: list[Point] = []
    for p in paired_sums(session, one, other):
        # One difference a prompt: every n is one.
        span = clustered_mean(ClusterSums(p.prompts, p.prompts, p.total, p.squares, p.total, p.prompts))
        if span is not None:
            made.append(Point(p.round, None, p.name, p.prompts, p.prompts, 0, *span))
    return tuple(made)


def unit(session: Session, asked: RoundQuestion) -> str:
    """What a measure's numbers are, in words."""
    if asked.measure == "words":
        return "words"
    if asked.measure in SHARES or asked.scores is None:
        return "share of texts"
    config = runs.get(session, asked.scores).config
    known = {
        "pm": "preference-model score",
        "gold": f"{config.get('axis', 'score')} by gold, 0 to 1",
        "feedback": "probability preferred to the initial response",
    }
    # A run that came in with a file may say anything of its judge, or nothing.
    return known.get(str(config.get("judge")), "score")


def run_names(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """A name for each chains run: what it has otherwise than the others, and its number."""
    rows = {run: runs.get(session, run) for run in dict.fromkeys(ids)}
    keys = dict.fromkeys(key for row in rows.values() for key in row.config)
    differ = [key for key in keys if len({_said(row.config, key) for row in rows.values()}) > 1]
    said = {run: [*(_said(row.config, key) for key in differ), row.note] for run, row in rows.items()}
    return {run: " · ".join([*dict.fromkeys(filter(None, parts)), f"run {run}"]) for run, parts in said.items()}


def _said(config: Mapping[str, Any], key: str) -> str:
    value = config.get(key)
    if key in TOLD:
        return TOLD[key][bool(value)]
    if key == "principles" and isinstance(value, list | None):
        return f"{len(value)} principles" if value else "all principles"
    return str(value) if key in ("constitution", "model") else f"{key.replace('_', ' ')} {value}"
