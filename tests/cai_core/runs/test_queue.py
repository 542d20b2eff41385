"""The queue: what is refused at once, whose turn it is, stop, resume, clone."""

import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cai_core.config import ChainsConfig
from cai_core.errors import CAIError, ConstitutionError, ModelError, RunError
from cai_core.runs import launchers, presets, queue, worker
from cai_core.store import models
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from db.schema import RunRow, now
from tests.cai_core.runs.helpers import CHAINS, enqueue, finished, row, wait_for

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Runs that would have been launched."""
    found: list[int] = []

    def start(folder: Path, run_id: int, attempt: int, device: str) -> int:
        found.append(run_id)
        return os.getpid()

    monkeypatch.setattr(launchers, "start", start)
    return found


def change(workspace: Workspace, run_id: int, **values: Any) -> None:
    with workspace.writing() as session:
        found = session.get(RunRow, run_id)
        for name, value in values.items():
            setattr(found, name, value)


def test_enqueue_keeps_the_checked_config_and_the_version_of_now(opened: Workspace) -> None:
    run_id = queue.enqueue(opened, RunKind.CHAINS, ChainsConfig("sandbox", rounds=2), seed=7, note="n")
    found = row(opened, run_id)
    assert (found.state, found.seed, found.note, found.config["rounds"]) == ("waiting", 7, "n", 2)
    assert found.config["constitution"] == "sandbox@1"
    assert found.constitution_version_id is not None


@pytest.mark.parametrize(
    ("kind", "config", "error", "words"),
    [
        ("chains", {}, RunError, "constitution"),
        ("chains", {"constitution": "sandbox", "round": 2}, RunError, "round = 2"),
        ("chains", {"constitution": "sandbox", "rounds": 0}, RunError, "rounds = 0"),
        ("chains", {"constitution": "none"}, ConstitutionError, "'none'"),
        ("chains", {"constitution": "sandbox@9"}, ConstitutionError, "sandbox@1"),
        ("chains", {"constitution": "sandbox", "model": "gpt"}, ModelError, "'gpt'"),
        ("chains", {"constitution": "sandbox", "model": "pm"}, ModelError, "preference model"),
        ("sft", {}, RunError, "reads from a chains run"),
        ("comparisons", {}, RunError, "reads from a sft run"),
        ("rl", {"policy": "sandbox"}, RunError, "reads from a pm run"),
        ("rl", {"policy": "sandbox", "preference_model": "sandbox"}, ModelError, "causal model"),
        ("battles", {}, RunError, "sft or rl"),
        ("battles", {"models": ["sandbox", "scripted"], "judge": "feedback"}, RunError, "constitution"),
        ("dreams", {}, RunError, "no stage 'dreams'"),
    ],
)
def test_what_cannot_run_is_refused_and_nothing_is_written(
    opened: Workspace, kind: Any, config: dict[str, Any], error: type[CAIError], words: str
) -> None:
    with opened.writing() as session:
        models.add(session, name="pm", base="sandbox", adapter="x", kind="preference")
    with pytest.raises(error, match=words):
        queue.enqueue(opened, kind, config, seed=0)
    with opened.reading() as session:
        assert session.query(RunRow).count() == 0


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_range_is_refused(opened: Workspace, seed: int) -> None:
    with pytest.raises(RunError, match="seed"):
        queue.enqueue(opened, RunKind.CHAINS, CHAINS, seed=seed)


def test_parents_must_be_there_and_of_a_kind_the_stage_reads(opened: Workspace) -> None:
    chains = enqueue(opened)
    with pytest.raises(RunError, match="run 99"):
        enqueue(opened, RunKind.SFT, parents=[99])
    with pytest.raises(RunError, match="is a chains run; a pm run reads from labels"):
        enqueue(opened, RunKind.PM, parents=[chains])


def test_the_whole_loop_is_enqueued_at_once_with_its_parents(opened: Workspace) -> None:
    ids = presets.enqueue_loop(opened, seed=3)
    beside = (RunKind.PROMPTS, RunKind.SCORES, RunKind.CASES)
    assert list(ids) == [kind for kind in RunKind if kind not in beside]
    assert [link.parent_id for link in _with_parents(opened, ids[RunKind.RL])] == [ids[RunKind.SFT], ids[RunKind.PM]]


def _with_parents(workspace: Workspace, run_id: int) -> list[Any]:
    with workspace.reading() as session:
        found = session.get(RunRow, run_id)
        assert found is not None
        return list(found.parents)


def test_a_loop_that_does_not_fit_enqueues_nothing(opened: Workspace) -> None:
    with pytest.raises(ConstitutionError):
        presets.enqueue_loop(opened, seed=3, constitution="none")
    with opened.reading() as session:
        assert session.query(RunRow).count() == 0


def test_kick_launches_the_oldest_ready_run_and_one_a_device(opened: Workspace, launched: list[int]) -> None:
    first = enqueue(opened)
    enqueue(opened, RunKind.SFT, parents=[first], model="scripted")
    enqueue(opened)
    assert queue.kick(opened) == [first] == launched
    assert queue.kick(opened) == []
    assert row(opened, first).device in launchers.devices()
    assert row(opened, first).attempt == 1


def test_devices_run_side_by_side(opened: Workspace, launched: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAI_STUDIO_DEVICES", "cuda:0,cuda:1")
    ids = [enqueue(opened) for _ in range(3)]
    assert queue.kick(opened) == ids[:2]
    assert {row(opened, run_id).device for run_id in ids[:2]} == {"cuda:0", "cuda:1"}


def test_a_run_waits_for_its_parents(opened: Workspace, launched: list[int]) -> None:
    first = enqueue(opened)
    second = enqueue(opened, RunKind.SFT, parents=[first], model="scripted")
    change(opened, first, state="failed")
    assert queue.kick(opened) == []
    change(opened, first, state="done")
    assert queue.kick(opened) == [second]


def test_kicks_at_the_same_time_launch_a_run_once(opened: Workspace, launched: list[int]) -> None:
    first = enqueue(opened)
    threads = [threading.Thread(target=queue.kick, args=(opened,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert launched == [first]


def test_one_of_two_claims_wins(opened: Workspace) -> None:
    run_id = enqueue(opened)
    assert worker.claim(opened, run_id) is not None
    assert worker.claim(opened, run_id) is None


def test_a_run_whose_process_is_gone_is_lost_and_resumes(opened: Workspace, launched: list[int]) -> None:
    run_id = enqueue(opened)
    queue.kick(opened)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    change(opened, run_id, pid=gone.pid, process_started=1.0)
    assert queue.kick(opened) == []
    assert row(opened, run_id).state == "running", "a fresh heartbeat vouches for a process that cannot be seen"
    change(opened, run_id, heartbeat_at=now() - timedelta(minutes=1))
    queue.kick(opened)
    assert row(opened, run_id).state == "lost"
    assert "Resume it" in (row(opened, run_id).error or "")
    queue.resume(opened, run_id)
    assert queue.kick(opened) == [run_id]
    assert row(opened, run_id).attempt == 2


def test_a_living_process_with_an_old_heartbeat_is_not_lost(opened: Workspace, launched: list[int]) -> None:
    run_id = enqueue(opened)
    assert worker.claim(opened, run_id) is not None
    change(opened, run_id, heartbeat_at=now() - timedelta(hours=1))
    queue.kick(opened)
    assert row(opened, run_id).state == "running"
    assert queue.is_alive(row(opened, run_id))


def test_a_pid_that_another_process_has_now_is_not_the_run(opened: Workspace, launched: list[int]) -> None:
    run_id = enqueue(opened)
    queue.kick(opened)
    change(opened, run_id, pid=os.getpid(), process_started=launchers.process_started(os.getpid()) - 100)
    assert not queue.is_alive(row(opened, run_id))


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = launchers.process_started(child.pid)
    assert launchers.alive(child.pid, started)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not launchers.alive(child.pid, started)
    child.communicate()


def test_a_launched_process_that_never_claims_is_lost_in_the_end(opened: Workspace, launched: list[int]) -> None:
    run_id = enqueue(opened)
    queue.kick(opened)
    change(opened, run_id, heartbeat_at=now() - timedelta(minutes=10))
    queue.kick(opened)
    assert row(opened, run_id).state == "lost"


def test_a_launched_process_that_dies_at_its_start_is_lost_at_once(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    run_id = enqueue(opened)
    assert queue.kick(opened) == [run_id]
    wait_for(lambda: queue.kick(opened) == [] and row(opened, run_id).state == "lost")


def test_a_process_that_cannot_be_started_fails_the_run_in_words(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: object) -> int:
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(launchers, "start", start)
    run_id = enqueue(opened)
    queue.kick(opened)
    assert row(opened, run_id).state == "failed"
    assert "Cannot allocate memory" in (row(opened, run_id).error or "")


def test_stop_and_resume_of_a_waiting_run(opened: Workspace, launched: list[int]) -> None:
    run_id = enqueue(opened)
    queue.request_stop(opened, run_id)
    assert row(opened, run_id).state == "stopped"
    assert queue.kick(opened) == []
    queue.resume(opened, run_id)
    assert queue.kick(opened) == [run_id]


def test_a_stop_asked_before_the_worker_claimed_is_heard(opened: Workspace, launched: list[int]) -> None:
    run_id = enqueue(opened)
    queue.kick(opened)
    queue.request_stop(opened, run_id)
    assert worker.work(opened, run_id) == 0
    assert row(opened, run_id).state == "stopped"


@pytest.mark.parametrize("act", [queue.request_stop, queue.resume])
def test_a_run_that_is_done_is_neither_stopped_nor_resumed(opened: Workspace, act: Any) -> None:
    run_id = finished(opened)
    with pytest.raises(RunError, match="is done"):
        act(opened, run_id)


def test_a_clone_has_the_changes_and_all_else_of_its_model(opened: Workspace) -> None:
    first = enqueue(opened, seed=5)
    second = queue.clone(opened, first, {"rounds": 3})
    one, other = row(opened, first), row(opened, second)
    assert other.config == {**one.config, "rounds": 3}
    assert (other.seed, other.constitution_version_id) == (one.seed, one.constitution_version_id)
    assert other.note == f"clone of run {first}"
    with pytest.raises(RunError, match="nope"):
        queue.clone(opened, first, {"nope": 3})


def test_the_queue_is_light() -> None:
    heavy = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "streamlit")
    code = f"import sys, cai_core.runs.queue, cai_core.runs.presets; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert done.stdout.strip() == "[]"
