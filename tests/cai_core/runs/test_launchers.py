"""Launched processes: found by attempt, waited for by any thread, blind to the current folder."""

import sys
import threading
from pathlib import Path

import pytest

from cai_core.runs import launchers, queue
from cai_core.store.workspace import Workspace
from db.schema import RunRow
from tests.cai_core.runs.helpers import enqueue, row, wait_for


def launch_and_lose(folder: Path, run_id: int, attempt: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends at once, as one that was killed before it claimed its run."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/bin/false")
        launchers.start(folder, run_id, attempt, "cpu")
    wait_for(lambda: launchers.ended_unclaimed(folder, run_id, attempt))


def test_a_run_that_another_process_launches_again_is_not_lost(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = enqueue(opened)
    launch_and_lose(opened.folder, run_id, 1, monkeypatch)
    with opened.writing() as session:
        queue.reserve(session.get_one(RunRow, run_id), "cpu")
    queue.kick(opened)
    assert row(opened, run_id).state == "lost", "attempt 1 is the one that died here"
    queue.resume(opened, run_id)
    with opened.writing() as session:
        again = session.get_one(RunRow, run_id)
        queue.reserve(again, "cpu")
        assert (again.attempt, again.heartbeat_at is not None) == (2, True)
    queue.kick(opened)
    assert row(opened, run_id).state == "running", "attempt 2 belongs to another process, which starts it now"


def test_children_are_waited_for_by_many_threads_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    failed: list[BaseException] = []

    def reap() -> None:
        try:
            wait_for(lambda: all(launchers.ended_unclaimed(tmp_path, run_id, 1) for run_id in range(20)))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=reap) for _ in range(4)]
    for thread in threads:
        thread.start()
    for run_id in range(20):
        launchers.start(tmp_path, run_id, 1, "cpu")
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_worker_imports_nothing_from_the_current_folder(
    opened: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("db", "app", "cai_core", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the current folder')")
    monkeypatch.chdir(tmp_path)
    pid = launchers.start(opened.folder, 999, 1, "cpu")
    started = launchers.process_started(pid)
    wait_for(lambda: launchers.reap() or not launchers.alive(pid, started))
    said = launchers.tail(opened.folder, 999)
    assert "there is no run 999" in said
