"""What a battles run found: ratings by axis, and each model's rates by gold."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from sqlalchemy.orm import Session

from cai_core.config import BattlesConfig
from cai_core.evaluation.battles import Battle
from cai_core.evaluation.rates import gold_rates
from cai_core.evaluation.ratings import Ratings, fit_ratings
from cai_core.runs.job import Job
from cai_core.runs.stages.gold import gold_knows
from cai_core.store import battles, responses
from cai_core.types import Axis, Outcome, RunKind
from db.schema import ModelRow, RunRow
from db.schema_battles import BattleRow

ROLES = {RunKind.SFT.value: "sl-cai", RunKind.RL.value: "rl-cai"}
"""What the paper calls a snapshot of a kind of run."""


def rating_facts(job: Job, config: BattlesConfig, rows: Sequence[ModelRow]) -> dict[str, Any]:
    """The run's result, from the rows alone: again gives the same."""
    names = [row.name for row in rows]
    with job.workspace.reading() as session:
        roles = _roles(session, rows)
        said = responses.of_run(session, job.run_id, names)
        fought = battles.of_run(session, job.run_id)
    job.begin("rating", done=len(fought), total=len(fought))
    by_id = {one.id: one for of_model in said.values() for one in of_model.values()}
    by_axis = {axis: [_battle(row, by_id) for row in fought if row.axis == axis] for axis in Axis}
    anchor = next((row.name for row in rows if roles[row.name] == "sl-cai"), names[0])
    fits = {
        axis: fit_ratings(found, anchor=anchor, resamples=config.resamples, seed=job.seed)
        for axis, found in by_axis.items()
    }
    return {
        "rows": len(fought),
        "judge": config.judge,
        "split": config.split,
        "anchor": anchor,
        "battles": {
            axis.value: {"outcomes": fit.outcomes, "unrated": list(fit.unrated), "separable": fit.separable}
            for axis, fit in fits.items()
        },
        "elo_differences": {axis.value: _differences(fit, names, roles) for axis, fit in fits.items()},
        "snapshots": [_snapshot(row, roles[row.name], said[row.name], fits) for row in rows],
    }


def _roles(session: Session, rows: Sequence[ModelRow]) -> dict[str, str]:
    """'helpful' for a model that no run made, the paper's name for a last snapshot, a model's own for the rest."""
    roles: dict[str, str] = {}
    for row in rows:
        run = None if row.run_id is None else session.get(RunRow, row.run_id)
        role = "helpful" if run is None else ROLES.get(run.kind, row.name)
        roles[row.name] = role if row.final and role not in roles.values() else row.name
    return roles


def _battle(row: BattleRow, by_id: Mapping[int, responses.Response]) -> Battle:
    a, b = by_id[row.response_a_id], by_id[row.response_b_id]
    return Battle(a.prompt.uid, a.model, b.model, Outcome(row.outcome))


def _snapshot(
    row: ModelRow, role: str, said: dict[str, responses.Response], fits: dict[Axis, Ratings]
) -> dict[str, Any]:
    known = [(one.prompt, one.text) for one in said.values() if gold_knows(one.prompt.source)]
    rates = gold_rates(known)
    elo = {axis.value: _elo(fit, row.name) for axis, fit in fits.items()}
    return {
        "name": role,
        "model": row.name,
        "responses": len(said),
        "unanswered": sum(one.text is None for one in said.values()),
        "cut": sum(one.finished is False for one in said.values()),
        "gold": {name: share.value for name, share in rates.shares.items()} if known else {},
        "gold_intervals": {name: [share.low, share.high] for name, share in rates.shares.items()} if known else {},
        "harmful_by_topic": {topic: share.value for topic, share in rates.harmful_by_topic.items()},
        "elo": elo,
    }


def _differences(fit: Ratings, names: Sequence[str], roles: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every later model less every earlier one, in the order of the method."""
    found = []
    for earlier, later in combinations(names, 2):
        if (one := fit.difference(later, earlier)) is not None:
            values = {"mid": one.mid, "low": one.low, "high": one.high}
            found.append({"a": roles[later], "b": roles[earlier], **values})
    return found


def _elo(fit: Ratings, name: str) -> dict[str, Any]:
    rating = next((one for one in fit.ratings if one.name == name), None)
    if rating is None:
        return {}
    return {"mid": rating.mid, "low": rating.low, "high": rating.high, "battles": rating.battles}
