"""The preference model: train on a labels run's soft labels."""

from collections.abc import Sequence
from typing import Any

from cai_core.config import PmConfig
from cai_core.errors import RunError
from cai_core.models.preference import score_conversations
from cai_core.runs.job import Job
from cai_core.runs.stages.common import model_ref, model_row, parent_id, register
from cai_core.runs.stages.gold import gold_agreement
from cai_core.store import labels
from cai_core.training.pairs import Pair, split_by_prompt
from cai_core.training.preference_model import train_preference_model
from cai_core.types import LabelledComparison, ModelRef, RunKind, assistant


def run(job: Job) -> dict[str, Any]:
    """Train to the end, enter the model, and hold it against gold on the comparisons kept out."""
    config = job.config
    assert isinstance(config, PmConfig)
    job.begin("gathering labels", done=0, total=None)
    labelled, left_out = _labelled(job, config)
    start = model_ref(job, model_row(job, config.model))
    job.begin("training the preference model", done=0, total=None)
    folder = job.workspace.adapters / f"run-{job.run_id}"
    result = train_preference_model(config, labelled, start=start, folder=folder, seed=job.seed, on_step=job.on_step)
    name = f"pm-{job.run_id}"
    facts = dict(register(job, result, name=name, start=start, kind="preference"))
    heldout = facts.get("heldout", {})
    return {
        **facts,
        "rows": len(labelled),
        "labels_left_out": left_out,
        "heldout_accuracy": heldout.get("all", {}).get("accuracy") if isinstance(heldout, dict) else None,
        "gold_agreement": _gold(model_ref(job, model_row(job, name)), _held_out(config, labelled, job.seed)),
    }


def _labelled(job: Job, config: PmConfig) -> tuple[list[LabelledComparison], dict[str, int]]:
    """What may train, and how many labels may not and why."""
    kept: list[LabelledComparison] = []
    left_out: dict[str, int] = {}
    with job.workspace.reading() as session:
        for one in labels.of_run(session, parent_id(job, RunKind.LABELS)):
            reason = one.label.state.value if one.labelled is None else ""
            if config.drop_order_disagreements and one.label.order_disagrees:
                reason = reason or "orders disagree"
            if reason:
                left_out[reason] = left_out.get(reason, 0) + 1
            elif one.labelled is not None:
                kept.append(one.labelled)
    if not kept:
        raise RunError(f"no label can train: {left_out or 'the labels run is empty'}. Label more comparisons.")
    return kept, left_out


def _held_out(config: PmConfig, labelled: Sequence[LabelledComparison], seed: int) -> list[LabelledComparison]:
    """The comparisons that training kept out, by the same draw."""
    by_uid = {item.comparison.prompt.uid: item for item in labelled}
    pairs = [Pair([], [], item.p_a, item.source, uid, 0, 0) for uid, item in by_uid.items()]
    _, held = split_by_prompt(pairs, share=config.heldout, seed=seed)
    return [by_uid[pair.prompt_uid] for pair in held]


def _gold(model: ModelRef, held: Sequence[LabelledComparison]) -> float | None:
    if not held:
        return None
    score = score_conversations(model)
    comparisons = [item.comparison for item in held]
    a = score([(*one.prompt.turns, assistant(one.response_a)) for one in comparisons])
    b = score([(*one.prompt.turns, assistant(one.response_b)) for one in comparisons])
    # Only the side counts here, not how far.
    sides = [0.5 + 0.25 * ((x > y) - (x < y)) for x, y in zip(a, b, strict=True)]
    return gold_agreement(list(zip(comparisons, sides, strict=True)))
