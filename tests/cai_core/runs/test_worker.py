"""Workers as processes: one wins, a kill loses and doubles nothing, a stop is heard, a failure is told in words."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cai_core.errors import RunError
from cai_core.runs import job as jobs
from cai_core.runs import launchers, queue, worker
from cai_core.store import runs
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind, StepMetrics
from db.schema import RunRow
from db.schema_chains import ChainRow
from tests.cai_core.runs.helpers import (
    count,
    enqueue,
    finished,
    row,
    stored_chains,
    wait_for,
    wait_for_state,
)

REPOSITORY = Path(__file__).parents[3]
MANY = {"red_team_prompts": 300, "helpful_prompts": 50, "look_alike_prompts": 0, "rounds": 4}
ALL = 300 + 2 * 50


def start_worker(workspace: Workspace, run_id: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "cai_core.runs.worker", "--workspace", str(workspace.folder), "--run", str(run_id)]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_a_launched_worker_runs_to_its_end_and_kicks_the_next(opened: Workspace) -> None:
    first, second = enqueue(opened), enqueue(opened, seed=2)
    assert queue.kick(opened) == [first]
    done = wait_for_state(opened, second, "done", "failed", "lost")
    assert (row(opened, first).state, done.state) == ("done", "done")
    assert done.result["rows"] == done.done == done.total == 12 + 2 * 9
    assert done.seconds > 0
    assert done.ended_at is not None
    assert f"run {second} is done" in launchers.tail(opened.folder, second)


def test_of_two_launches_one_wins_and_the_other_says_so(opened: Workspace) -> None:
    run_id = enqueue(opened, **MANY)
    workers = [start_worker(opened, run_id) for _ in range(2)]
    said = [one.communicate(timeout=120)[0].decode() for one in workers]
    assert sorted(one.returncode for one in workers) == [0, worker.CLAIMED]
    [loser] = [text for text, one in zip(said, workers, strict=True) if one.returncode]
    assert f"run {run_id} is not free" in loser
    assert row(opened, run_id).state == "done"
    assert row(opened, run_id).attempt == 1


def test_killed_twice_and_resumed_a_run_has_the_rows_of_one_never_killed(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "STALE", timedelta(0))
    killed = enqueue(opened, **MANY)
    for at_least in (1, 120):
        queue.kick(opened)
        wait_for(lambda n=at_least: count(opened, ChainRow, killed) >= n)
        found = row(opened, killed)
        assert found.state == "running", "killed too late to show anything"
        os.kill(found.pid or 0, signal.SIGKILL)
        wait_for(lambda: queue.kick(opened) == [] and row(opened, killed).state == "lost")
        queue.resume(opened, killed)
    queue.kick(opened)
    wait_for_state(opened, killed, "done", "failed", "lost")
    whole = finished(opened, **MANY)
    assert row(opened, killed).attempt == 3
    assert len(stored_chains(opened, whole)) == ALL
    assert stored_chains(opened, killed) == stored_chains(opened, whole)


def test_a_running_worker_stops_when_asked_and_goes_on_when_resumed(opened: Workspace) -> None:
    run_id = enqueue(opened, **MANY)
    queue.kick(opened)
    wait_for(lambda: count(opened, ChainRow, run_id) > 0)
    queue.request_stop(opened, run_id)
    stopped = wait_for_state(opened, run_id, "stopped", "done")
    assert stopped.state == "stopped"
    assert stopped.done == count(opened, ChainRow, run_id) < ALL
    queue.resume(opened, run_id)
    queue.kick(opened)
    wait_for_state(opened, run_id, "done", "failed", "lost")
    assert stored_chains(opened, run_id) == stored_chains(opened, finished(opened, **MANY))


def test_the_flag_in_the_database_alone_stops_a_worker(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchers, "stop", lambda *_: None)
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 0.01)
    run_id = enqueue(opened, **MANY)
    real = jobs.Job._commit

    def ask(self: jobs.Job, batch: list[Any], save: Any) -> None:
        real(self, batch, save)
        if not row(opened, run_id).stop_requested:
            queue.request_stop(opened, run_id)
        self.stop.wait(30)

    monkeypatch.setattr(jobs.Job, "_commit", ask)
    assert worker.work(opened, run_id) == 0
    assert row(opened, run_id).state == "stopped"
    assert count(opened, ChainRow, run_id) < ALL


class Killed(BaseException):
    """Stands for SIGKILL inside one process: nothing after it is written."""


@pytest.mark.parametrize("commits", [0, 1, 2, 3])
def test_killed_before_or_after_any_commit_nothing_is_lost_or_doubled(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    monkeypatch.setattr(jobs, "BATCH_ROWS", 5)
    run_id = enqueue(opened)
    made = [0]
    real = jobs.Job._commit

    def commit(self: jobs.Job, batch: list[Any], save: Callable[[Any, Any], object]) -> None:
        if made[0] == commits:
            raise Killed
        made[0] += 1
        real(self, batch, save)

    with monkeypatch.context() as patch:
        patch.setattr(jobs.Job, "_commit", commit)
        with pytest.raises(Killed):
            worker.work(opened, run_id)
    assert count(opened, ChainRow, run_id) == 5 * commits
    with opened.writing() as session:
        found = session.get(RunRow, run_id)
        assert found is not None
        assert found.state == "running"
        found.state = "lost"
    queue.resume(opened, run_id)
    assert worker.work(opened, run_id) == 0
    assert stored_chains(opened, run_id) == stored_chains(opened, finished(opened))


def test_a_worker_that_was_taken_for_dead_writes_no_more(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = enqueue(opened)
    real = jobs.Job._commit

    def take_over(self: jobs.Job, batch: list[Any], save: Any) -> None:
        with opened.writing() as session:
            found = session.get(RunRow, run_id)
            assert found is not None
            found.attempt += 1
        real(self, batch, save)

    monkeypatch.setattr(jobs.Job, "_commit", take_over)
    assert worker.work(opened, run_id) == worker.CLAIMED
    assert count(opened, ChainRow, run_id) == 0
    assert row(opened, run_id).state == "running"


def test_an_error_of_ours_is_told_as_it_is(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = _failing(opened, monkeypatch, RunError("the moon is full. Wait."))
    assert worker.work(opened, run_id) == 1
    found = row(opened, run_id)
    assert (found.state, found.error) == ("failed", "the moon is full. Wait.")


def test_a_bug_is_told_in_words_and_its_traceback_is_in_the_log_alone(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run_id = _failing(opened, monkeypatch, ZeroDivisionError("division by zero"))
    worker.work(opened, run_id)
    found = row(opened, run_id)
    assert found.error == "ZeroDivisionError: division by zero. The log holds the details."
    assert "Traceback" in capfd.readouterr().err


def _failing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, error: Exception) -> int:
    from cai_core.runs.stages import chains

    def run(_job: jobs.Job) -> dict[str, Any]:
        raise error

    monkeypatch.setattr(chains, "run", run)
    return enqueue(workspace)


def test_settings_that_this_version_no_longer_accepts_fail_the_run_in_words(opened: Workspace) -> None:
    run_id = enqueue(opened)
    with opened.writing() as session:
        session.get_one(RunRow, run_id).config = {"constitution": "sandbox", "former": 1}
    assert worker.work(opened, run_id) == worker.CLAIMED
    found = row(opened, run_id)
    assert found.state == "failed"
    assert "former = 1: there is no such setting" in (found.error or "")
    assert "clone the run" in (found.error or "")


def test_a_run_has_the_revision_of_the_code_that_ran_it(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = enqueue(opened)
    monkeypatch.setattr(runs, "code_revision", lambda: "abc+")
    assert worker.claim(opened, run_id) is not None
    assert row(opened, run_id).code_revision == "abc+"


def test_a_run_taken_over_at_its_very_end_is_left_to_its_new_owner(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = enqueue(opened)
    real = worker._outcome

    def outcome(job: jobs.Job) -> Any:
        found = real(job)
        with opened.writing() as session:
            session.get_one(RunRow, run_id).attempt += 1
        return found

    monkeypatch.setattr(worker, "_outcome", outcome)
    assert worker.work(opened, run_id) == worker.CLAIMED
    assert row(opened, run_id).state == "running"


def test_a_stop_is_heard_from_before_the_claim_on(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = enqueue(opened)
    real = worker.claim

    def claim(*args: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return real(*args)

    monkeypatch.setattr(worker, "claim", claim)
    before = signal.signal(signal.SIGTERM, lambda *_: pytest.fail("nobody listened"))
    try:
        assert worker.work(opened, run_id) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert row(opened, run_id).state == "stopped"


@pytest.mark.parametrize("answered", [False, True])
def test_a_stop_that_nothing_answers_is_given_up_on(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    monkeypatch.setattr(jobs, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(jobs, "STOP_SECONDS", 0.05)
    job = worker.claim(opened, enqueue(opened))
    assert job is not None
    if answered:
        job.answered.set()
    job.stop.set()
    given_up = threading.Event()
    with jobs.heartbeat(job, given_up.set):
        assert given_up.wait(0.5 if answered else 60) is not answered


def test_a_slow_training_step_is_waited_for(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    job = worker.claim(opened, enqueue(opened))
    assert job is not None
    clock = iter([100.0, 100.0, 130.0, 130.0, 131.0, 131.0])  # looked at before and after it gives way to asks
    monkeypatch.setattr(jobs.time, "monotonic", lambda: next(clock))
    seen = []
    for step in (1, 2, 3):
        job.on_step(StepMetrics(step, 3, {}))
        seen.append(job.patience)
    assert seen == [jobs.STOP_SECONDS, 60.0, jobs.STOP_SECONDS]


def test_a_worker_whose_stage_hears_nothing_ends_all_the_same(opened: Workspace) -> None:
    """As one that waits for a large model's next token, or loads it."""
    run_id = enqueue(opened)
    code = (
        "import sys, time, types; from pathlib import Path; from cai_core.runs import job, worker; "
        "job.STOP_SECONDS = 0.2; "
        "worker.import_module = lambda _: types.SimpleNamespace(run=lambda _: time.sleep(600)); "
        f"sys.argv[1:] = ['--workspace', {str(opened.folder)!r}, '--run', '{run_id}']; worker.main()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE)
    wait_for(lambda: row(opened, run_id).pid)
    queue.request_stop(opened, run_id)
    said = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 0
    assert f"run {run_id} is stopped: its stage did not answer" in said
    assert row(opened, run_id).state == "stopped"
    queue.resume(opened, run_id)
    assert worker.work(opened, run_id) == 0
    assert row(opened, run_id).state == "done"


def test_a_worker_imports_only_its_own_stage(opened: Workspace) -> None:
    run_id = enqueue(opened)
    code = (
        "import sys; from pathlib import Path; from cai_core.runs import worker; "
        "from cai_core.store.workspace import open_workspace; "
        f"worker.work(open_workspace(Path({str(opened.folder)!r})), {run_id}); "
        "print([m for m in ('trl', 'peft', 'datasets', 'cai_core.runs.stages.rl') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_stage_is_there() -> None:
    assert set(worker.STAGES) == set(RunKind)
    for path in worker.STAGES.values():
        assert (REPOSITORY / f"{path.replace('.', '/')}.py").is_file()
