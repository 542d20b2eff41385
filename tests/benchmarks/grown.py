"""One run of a stage in a process of its own, on a model that answers at once: what is left is the stage and the store.

`python -m tests.benchmarks.grown WORKSPACE RUN` prints its seconds and its peak memory in MB.
"""

import json
import resource
import subprocess
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from cai_core.models.scripted import ScriptedModel
from cai_core.runs import queue, worker
from cai_core.runs.stages import common
from cai_core.store import models
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import Choice, Choose, Request, RunKind
from db.schema import ComparisonRow, PromptRow, RunRow
from tests.benchmarks.measure import seconds
from tests.workspaces import fresh

SAID = "This is what a careful assistant would say to it, in about as many words as an answer mostly has. " * 3


@dataclass(frozen=True, slots=True)
class Grown:
    """What a run took."""

    rows: int
    seconds: float
    peak: float
    """Most memory that its process held, in MB."""


def chains(folder: Path, prompts: int) -> int:
    """A workspace with so many red-team prompts and a chains run on them; the run's id."""
    workspace = _workspace(folder, prompts)
    config = {"constitution": "sandbox", "model": "instant", "source": "grown", "red_team_prompts": prompts}
    run = queue.enqueue(workspace, RunKind.CHAINS, {**config, "helpful_prompts": 0, "rounds": 4}, seed=0)
    workspace.close()
    return run


def labels(folder: Path, pairs: int) -> int:
    """A workspace with so many comparisons and a labels run on them; the run's id."""
    workspace = _workspace(folder, pairs)
    with workspace.writing() as session:
        made = RunRow(uid="made", kind="comparisons", state="done", config={}, seed=0, code_revision="grown")
        made.config = {"red_team_prompts": pairs, "helpful_prompts": 0, "look_alike_prompts": 0}
        session.add(made)
        session.flush()
        model = models.get(session, "instant").id
        _insert(session, ComparisonRow, (_pair(n, made.id, model) for n in range(pairs)))
        parent = made.id
    config = {"constitution": "sandbox", "model": "instant", "width": 64}
    run = queue.enqueue(workspace, RunKind.LABELS, config, seed=0, parents=[parent])
    workspace.close()
    return run


def _workspace(folder: Path, prompts: int) -> Workspace:
    workspace = fresh(folder)
    with workspace.writing() as session:
        models.add(session, name="instant", base="scripted")
        _insert(session, PromptRow, map(_prompt, range(prompts)))
    return workspace


FIRST = 10_000_000
"""Ids of prompts begin behind those that ship."""


def _insert(session: Any, table: type, rows: Iterable[dict[str, Any]]) -> None:
    session.execute(insert(table), list(rows))


def _prompt(number: int) -> dict[str, Any]:
    turns = [{"role": "user", "content": f"Can you tell me how I would do what I have in mind, number {number}?"}]
    own = {"id": FIRST + number, "uid": f"{number:016x}", "kind": "red_team", "split": "train", "source": "grown"}
    return {**own, "topic": None, "turns": turns}


def _pair(number: int, run: int, model: int) -> dict[str, Any]:
    own = {"uid": f"pair-{number}", "run_id": run, "prompt_id": FIRST + number, "model_id": model, "state": "done"}
    return {**own, "response_a": f"{SAID}{number}", "response_b": SAID, "seed_a": 0, "seed_b": 1}


def grown(folder: Path, run: int) -> Grown:
    """Run it in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.grown", str(folder), str(run)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Grown(**json.loads(done.stdout.splitlines()[-1]))


def _instant(request: Request) -> Choice | str:
    if isinstance(request, Choose):
        return Choice((-0.5, -1.0), "0" * 16)
    return SAID


def _load(*_args: object, **_more: object) -> ScriptedModel:
    model = ScriptedModel(_instant)
    model.history = deque(maxlen=0)  # type: ignore[assignment]  # what it was asked would be most of the memory
    return model


def main(folder: Path, run: int) -> None:
    """Work a run to its end here."""
    for stage in ("chains", "labels"):
        import_module(f"cai_core.runs.stages.{stage}")  # before the clock starts
    common.load_text_model = _load
    workspace = open_workspace(folder, create=False)
    took = seconds(lambda: worker.work(workspace, run))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with workspace.reading() as session:
        row = session.get_one(RunRow, run)
        assert row.state == "done", row.error
        print(json.dumps({"rows": row.done, "seconds": took, "peak": peak}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
