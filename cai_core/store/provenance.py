"""Where human judgement entered a model: told from the runs and datasets behind it, for its page and its card."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.store import runs
from cai_core.types import RunKind
from db.queries.runs import ancestors
from db.schema import ModelRow, RunRow
from db.schema_chains import DatasetRow, RunDatasetRow

Line = tuple[str, str]
"""(what is asked, what is known)."""
KEPT = {"not_rejected": "all but the rejected", "accepted": "the accepted alone"}


def human_judgement(session: Session, run_id: int | None) -> list[Line]:
    """What people decided on the way to a run's models; of a model that no run made, that nothing is known."""
    if run_id is None:
        return [("Human judgement", "not known: it was added by hand, and what is behind it is not recorded here")]
    behind = sorted(ancestors(session, run_id) | {run_id})
    rows = [runs.get(session, one) for one in behind]
    chosen = select(DatasetRow).join(RunDatasetRow).where(RunDatasetRow.run_id.in_(behind))
    datasets = list(session.scalars(chosen.order_by(DatasetRow.id).distinct()))
    return [
        ("Human harm labels used", "0: every preference is a model's" + _imported(rows)),
        ("Chains chosen by people's verdicts", "; ".join(map(_verdicts, filter(_chosen, datasets))) or "none"),
        ("Texts edited by hand", _edits(datasets)),
        ("Chosen or stopped by gold", "nothing: gold only measures" + _stopped(rows)),
    ]


def of_model(session: Session, model: ModelRow) -> list[Line]:
    """The same of a model."""
    return human_judgement(session, model.run_id)


def _chosen(dataset: DatasetRow) -> bool:
    recipe = dataset.recipe
    return recipe["verdicts"] != "all" or bool({"verdict", "reviewer"} & recipe["filter"].keys())


def _verdicts(dataset: DatasetRow) -> str:
    recipe: dict[str, Any] = dataset.recipe
    said = [f"{name} = {recipe['filter'][name]}" for name in ("verdict", "reviewer") if name in recipe["filter"]]
    said += [KEPT[recipe["verdicts"]]] if recipe["verdicts"] in KEPT else []
    left: dict[str, int] = dataset.counts["left_out"]
    out = left.get("left_out_rejected", 0) + left.get("left_out_not_accepted", 0)
    return f"dataset {dataset.name!r}: {', '.join(said)}; {out:,} texts left out for their verdicts"


def _edits(datasets: list[DatasetRow]) -> str:
    told = [
        f"{one.counts['edited']:,} of {one.counts['examples']:,} examples of dataset {one.name!r} are of branches that "
        "somebody edited"
        for one in datasets
        if one.counts["edited"]
    ]
    return "; ".join(told) or "0"


def _imported(rows: list[RunRow]) -> str:
    """Runs that were not made here: who judged there is not known."""
    found = [f"run {row.id} came from {row.origin}, where who judged is not known" for row in rows if row.origin]
    return "".join(f"; {one}" for one in found)


def _stopped(rows: list[RunRow]) -> str:
    early = [row for row in rows if row.kind == RunKind.SFT and row.config.get("early_stop_after")]
    return "".join(f"; run {row.id} keeps its best by held-out loss" for row in early)


def causes(session: Session, run_id: int) -> Iterator[RunRow]:
    """A run and all behind it, the first cause first."""
    for one in sorted(ancestors(session, run_id) | {run_id}):
        yield runs.get(session, one)
