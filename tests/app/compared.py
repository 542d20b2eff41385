"""A workspace with a comparison of two versions, made by the scripted model; some labels are turned round."""

from dataclasses import asdict, replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.evaluation.version_compare import compare_labels
from cai_core.runs import worker
from cai_core.runs.compare import LABELS_A, LABELS_B, VersionComparison, enqueue_compare
from cai_core.store import constitutions, labels, models, runs
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import PromptKind
from db.schema import LabelRow

FLIPPED = 5
"""Labels under B that are turned round."""
WANTED = VersionComparison(
    "sandbox@1",
    "sandbox@2",
    model="scripted",
    chains={PromptKind.RED_TEAM: 70, PromptKind.HELPFUL: 5},
    pairs={PromptKind.RED_TEAM: 60, PromptKind.HELPFUL: 10},
    rounds=2,
)


def compared(folder: Path) -> None:
    """Chains runs 1 and 2, comparisons run 3, labels runs 4 and 5; 'sandbox@2' lacks privacy and has theft reworded."""
    workspace = open_workspace(folder)
    save_version(workspace)
    ids = enqueue_compare(workspace, WANTED)
    for run_id in ids.values():
        worker.work(workspace, run_id)
    with workspace.writing() as session:
        _turn_round(session, ids)
    workspace.close()


def save_version(workspace: Workspace) -> None:
    """'sandbox@2', and the scripted model."""
    with workspace.writing() as session:
        models.add(session, name="scripted", base="scripted")
        _, one = constitutions.load_version(session, "sandbox@1")
        kept = tuple(
            replace(p, comparison="Which is longer?", revision_request="Write it anew.") if p.id == "theft" else p
            for p in one.principles
            if p.id != "privacy"
        )
        constitutions.save_version(session, replace(one, principles=kept), author="Ada", message="less")


def _turn_round(session: Session, ids: dict[str, int]) -> None:
    """The scripted model's labels do not heed the principle: some that were asked anew prefer the other."""
    own = (LabelRow.run_id == ids[LABELS_B], LabelRow.recalled.is_(False), LabelRow.p_a.is_not(None))
    for label in session.scalars(select(LabelRow).where(*own).order_by(LabelRow.id).limit(FLIPPED)):
        label.p_a = 1 - (label.p_a or 0.0)
    session.flush()
    row = runs.get(session, ids[LABELS_B])
    found = asdict(compare_labels(labels.pairs(session, ids[LABELS_A], ids[LABELS_B])))
    row.result = {**row.result, "compared": {**row.result["compared"], **found}}
