"""The preference model: train on a labels run's soft labels."""

from typing import Any

from cai_core.config import PmConfig
from cai_core.errors import RunError
from cai_core.runs.job import Job
from cai_core.runs.stages.common import model_ref, model_row, parent_id, register
from cai_core.runs.stages.gold import gold_agreement
from cai_core.store import labels
from cai_core.training.preference_model import train_preference_model
from cai_core.types import LabelledComparison, RunKind


def run(job: Job) -> dict[str, Any]:
    """Train to the end, enter the model, and hold it against gold on the comparisons kept out."""
    config = job.config
    assert isinstance(config, PmConfig)
    job.begin("gathering labels", done=0, total=None)
    labelled, left_out = _labelled(job, config)
    start = model_ref(job, model_row(job, config.model))
    job.begin("training the preference model", done=0, total=None)
    result = train_preference_model(
        config, labelled, start=start, folder=job.adapters, seed=job.seed, on_step=job.on_step
    )
    facts = dict(register(job, result, name=f"pm-{job.run_id}", start=start, kind="preference"))
    margins: Any = facts.pop("heldout_margins", [])
    heldout = facts.get("heldout", {})
    return {
        **facts,
        "rows": len(labelled),
        "labels_left_out": left_out,
        "heldout_accuracy": heldout.get("all", {}).get("accuracy") if isinstance(heldout, dict) else None,
        # Only the side counts here, not how far.
        "gold_agreement": gold_agreement(
            [(labelled[row].comparison, 0.5 * (1 + (margin > 0) - (margin < 0))) for row, margin in margins]
        ),
    }


def _labelled(job: Job, config: PmConfig) -> tuple[list[LabelledComparison], dict[str, int]]:
    """What may train, and how many labels may not and why."""
    kept: list[LabelledComparison] = []
    left_out: dict[str, int] = {}
    with job.workspace.reading() as session:
        for one in labels.of_run(session, parent_id(job, RunKind.LABELS)):
            reason = one.label.state.value if one.labelled is None else ""
            if one.cut:
                # It would learn an end of turn where there was none.
                reason = reason or "a response was cut"
            if config.drop_order_disagreements and one.label.order_disagrees:
                reason = reason or "orders disagree"
            if reason:
                left_out[reason] = left_out.get(reason, 0) + 1
            elif one.labelled is not None:
                kept.append(one.labelled)
    if not kept:
        raise RunError(f"no label can train: {left_out or 'the labels run is empty'}. Label more comparisons.")
    return kept, left_out
