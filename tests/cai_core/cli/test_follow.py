"""Following runs: what ended, what waits in vain, and why."""

import json
from pathlib import Path

import pytest

from cai_core.cli import follow
from cai_core.errors import RunError
from cai_core.runs import launchers, queue, worker
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from db.schema import RunRow
from tests.cai_core.cli.conftest import Call
from tests.cai_core.runs.helpers import enqueue, row


def end(workspace: Workspace, run_id: int, state: str, error: str = "the moon is full. Wait.") -> None:
    with workspace.writing() as session:
        found = session.get_one(RunRow, run_id)
        found.state, found.error = state, error


@pytest.mark.parametrize("state", ["failed", "stopped", "lost"])
def test_a_run_whose_ancestor_ended_otherwise_than_done_is_over(
    opened: Workspace, idle: None, call: Call, state: str
) -> None:
    chains = enqueue(opened)
    sft = enqueue(opened, RunKind.SFT, parents=[chains])
    end(opened, chains, state)
    launchers.log_file(opened.folder, chains).write_text("the last line\n")
    out, said = call("run", "comparisons", "--parent", str(sft), "--wait", "--json", code=1)
    assert f"run {chains} (chains) is {state}: the moon is full. Wait. the last line run 3 waits for it." in said
    assert f"runs resume {chains} " in said
    assert json.loads(out)["state"] == "waiting"


def test_a_run_whose_parent_may_still_get_done_is_waited_for(opened: Workspace, idle: None) -> None:
    chains = enqueue(opened)
    sft = enqueue(opened, RunKind.SFT, parents=[chains])
    [found] = follow._rows(opened, [sft])
    assert (found["state"], found["held_up_by"]) == ("waiting", None)


def test_enqueueing_under_a_parent_that_failed_says_what_it_waits_for(
    opened: Workspace, idle: None, call: Call
) -> None:
    chains = enqueue(opened)
    end(opened, chains, "failed")
    out, _ = call("run", "sft", "--parent", str(chains))
    assert f"It waits for run {chains} (chains), which is failed" in out


def test_a_run_that_fails_while_it_is_waited_for_says_why(
    opened: Workspace, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cai_core.runs.stages import chains

    def run(_job: object) -> None:
        raise RunError("the moon is full. Wait.")

    def start(folder: Path, run_id: int, *_: object) -> int:
        launchers.log_file(folder, run_id).write_text("the last line\n")
        return worker.work(opened, run_id)

    monkeypatch.setattr(chains, "run", run)
    monkeypatch.setattr(launchers, "start", start)
    _, said = call("run", "chains", "-c", "constitution=sandbox", "--wait", code=1)
    assert "run 1 (chains) is failed: the moon is full. Wait. the last line" in said
    assert "runs resume 1 " in said


def test_runs_are_resumed_all_or_none(opened: Workspace, idle: None, call: Call) -> None:
    first, second = enqueue(opened), enqueue(opened)
    for run_id in (first, second):
        queue.request_stop(opened, run_id)
    call("runs", "resume", str(first), str(second), "77", code=2)
    assert {row(opened, run_id).state for run_id in (first, second)} == {"stopped"}
    call("runs", "resume", str(first), str(second))
    assert {row(opened, run_id).state for run_id in (first, second)} == {"waiting"}
