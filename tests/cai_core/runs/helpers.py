"""Runs on the scripted model, and waiting for what a database says."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from cai_core.runs import queue, worker
from cai_core.store import chains, models, runs
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from db.schema import RunRow

CHAINS: dict[str, Any] = {
    "constitution": "sandbox",
    "model": "scripted",
    "red_team_prompts": 12,
    "helpful_prompts": 6,
    "look_alike_prompts": 3,
    "rounds": 2,
}


def add_scripted(workspace: Workspace, name: str = "scripted") -> None:
    with workspace.writing() as session:
        models.add(session, name=name, base="scripted", revision=None if name == "scripted" else name)


def enqueue(
    workspace: Workspace, kind: RunKind = RunKind.CHAINS, *, parents: Any = (), seed: int = 1, **config: Any
) -> int:
    values = {**(CHAINS if kind == RunKind.CHAINS else {}), **config}
    return queue.enqueue(workspace, kind, values, seed=seed, parents=parents)


def finished(workspace: Workspace, kind: RunKind = RunKind.CHAINS, **rest: Any) -> int:
    """A run that was worked to its end in this process."""
    run_id = enqueue(workspace, kind, **rest)
    worker.work(workspace, run_id)
    found = row(workspace, run_id)
    assert found.state == "done", found.error
    return run_id


def row(workspace: Workspace, run_id: int) -> RunRow:
    with workspace.reading() as session:
        return runs.get(session, run_id)


def wait_for(condition: Callable[[], Any], seconds: float = 240.0) -> Any:
    """What `condition` gives once it is true; the deadline is for a test that would never end."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} seconds")


def wait_for_state(workspace: Workspace, run_id: int, *states: str) -> RunRow:
    def there() -> RunRow | None:
        found = row(workspace, run_id)
        return found if found.state in states else None

    found: RunRow = wait_for(there)
    return found


def count(workspace: Workspace, table: Any, run_id: int) -> int:
    with workspace.reading() as session:
        return len(session.scalars(select(table.id).where(table.run_id == run_id)).all())


def stored_chains(workspace: Workspace, run_id: int) -> list[Any]:
    """All that a chains run wrote, row ids aside."""
    with workspace.reading() as session:
        return [chain for _, chain in chains.of_run(session, run_id)]
