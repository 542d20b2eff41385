"""The report of a whole loop, as `cai-studio demo --json` writes it."""

from collections.abc import Mapping
from typing import Any

from cai_core.store import runs
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind


def loop_report(workspace: Workspace, ids: Mapping[RunKind, int]) -> dict[str, Any]:
    """Seed, times, label and preference model figures, and each snapshot's rates and ratings."""
    with workspace.reading() as session:
        rows = {kind: runs.get(session, run_id) for kind, run_id in ids.items()}
    began = min(row.created_at for row in rows.values())
    ended = max(row.ended_at or row.created_at for row in rows.values())
    labels, pm, battles = (rows[kind].result for kind in (RunKind.LABELS, RunKind.PM, RunKind.BATTLES))
    return {
        "seed": rows[RunKind.CHAINS].seed,
        "seconds": round((ended - began).total_seconds(), 1),
        "stages": [
            {
                "kind": kind.value,
                "seconds": round(row.seconds, 1),
                "rows": row.result.get("rows", row.done),
                "run": row.id,
            }
            for kind, row in rows.items()
        ],
        "labels": {name: labels.get(name) for name in ("gold_agreement", "ece", "order_inconsistent", "states")},
        "pm": {name: pm.get(name) for name in ("heldout_accuracy", "gold_agreement")},
        "snapshots": battles.get("snapshots", []),
        "elo_differences": battles.get("elo_differences", {}),
    }
