"""Asking, and seeing to it that somebody answers: who is launched when, what gives up, what a waiting ask is told."""

import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from cai_core.errors import RunError
from cai_core.runs import launchers, warm, warm_queue
from cai_core.store import asks, models
from cai_core.store.workspace import Workspace
from cai_core.types import AskState
from db.schema import RunRow, now
from db.schema_asks import WarmWorkerRow
from tests.cai_core.runs.helpers import enqueue, wait_for
from tests.cai_core.runs.warming import ask_row, question, worker_row


@pytest.fixture
def launched(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Devices whose worker would have been started; each is this very process."""
    devices: list[str] = []

    def start(_words: object, _folder: Path, _log: Path, device: str) -> int:
        devices.append(device)
        return os.getpid()

    monkeypatch.setenv("CAI_STUDIO_DEVICES", "cpu")
    monkeypatch.setattr(launchers, "start_module", start)
    return devices


def told(workspace: Workspace, ask_id: int) -> str:
    with workspace.reading() as session:
        return warm_queue.waits_for(session, ask_id)


def change(workspace: Workspace, device: str = "cpu", **values: object) -> None:
    """Change a worker's row."""
    with workspace.writing() as session:
        for name, value in values.items():
            setattr(session.get_one(WarmWorkerRow, device), name, value)


def gone(workspace: Workspace) -> None:
    """As a worker that was killed, unseen, a while ago."""
    long_ago = now() - timedelta(minutes=1)
    change(workspace, pid=2**22 + 1, process_started=1.0, heartbeat_at=long_ago, launched_at=long_ago)


def test_the_first_ask_starts_a_worker_and_the_others_find_it(opened: Workspace, launched: list[str]) -> None:
    for _ in range(3):
        warm_queue.ask(opened, question())
    assert launched == ["cpu"]
    assert warm_queue.kick(opened) == []
    row = worker_row(opened)
    assert row is not None
    assert (row.pid, row.launches) == (os.getpid(), 1)


def test_nobody_is_started_where_nobody_asks(opened: Workspace, launched: list[str]) -> None:
    assert warm_queue.kick(opened) == []
    ask_id = warm_queue.ask(opened, question())
    warm_queue.request_stop(opened, ask_id)
    gone(opened)
    assert warm_queue.kick(opened) == []
    assert launched == ["cpu"]


def test_a_dead_worker_is_replaced_once_its_heartbeat_is_stale(opened: Workspace, launched: list[str]) -> None:
    ask_id = warm_queue.ask(opened, question())
    with opened.writing() as session:
        asks.take(session, "cpu", 1, "")
    gone(opened)
    change(opened, heartbeat_at=now())
    assert warm_queue.kick(opened) == [], "it may run where its process is not to be seen"
    gone(opened)
    assert told(opened, ask_id).startswith("its worker is gone")
    assert warm_queue.kick(opened) == ["cpu"]
    assert ask_row(opened, ask_id).state == "waiting"


def test_workers_that_never_come_up_are_given_up_in_words(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_queue, "STALE", timedelta(0))
    monkeypatch.setenv("CAI_STUDIO_DEVICES", "cpu")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    ask_id = warm_queue.ask(opened, question())
    wait_for(lambda: warm_queue.kick(opened) == [] and ask_row(opened, ask_id).state == "failed")
    error = ask_row(opened, ask_id).error or ""
    assert error.startswith("3 workers for cpu ended before they came up.")
    assert str(warm_queue.log_file(opened.folder, "cpu")) in error
    assert worker_row(opened) is None


def test_a_worker_that_cannot_be_started_is_said(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    row = ask_row(opened, warm_queue.ask(opened, question()))
    assert row.state == "failed"
    assert "its worker could not be started: " in (row.error or "")
    assert worker_row(opened, row.device) is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"temperature": 5.5}, "temperature is 5.5; it is a number from 0 to 5"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"max_new_tokens": 0}, "max new tokens is 0; it is a number from 1 to 8192"),
        ({"few_shots": 65}, "few shots is 65"),
        ({"samples": 0}, "samples is 0; it is a number from 1 to 8"),
        ({"samples": 8, "principles": ("p",) * 26}, "8 samples under 26 principles are more than 200 tries"),
        ({"seed": -1}, "the seed -1 does not fit"),
    ],
)
def test_what_is_out_of_bounds_is_said(
    opened: Workspace, launched: list[str], more: dict[str, float], words: str
) -> None:
    with pytest.raises(RunError, match=words):
        warm_queue.ask(opened, question(**more))
    assert launched == []


def test_a_stop_is_for_what_is_open(opened: Workspace, launched: list[str]) -> None:
    ask_id = warm_queue.ask(opened, question())
    warm_queue.request_stop(opened, ask_id)
    assert ask_row(opened, ask_id).state == "stopped"
    with pytest.raises(RunError, match=f"ask {ask_id} is stopped: only one that waits"):
        warm_queue.request_stop(opened, ask_id)


def test_a_waiting_ask_is_told_what_for(opened: Workspace, launched: list[str]) -> None:
    first, second, third = (warm_queue.ask(opened, question()) for _ in range(3))
    assert told(opened, first) == "a worker is coming up"
    change(opened, heartbeat_at=now())
    assert told(opened, first) == "its worker takes it up in a moment"
    assert told(opened, second) == f"ask {first} is before it"
    assert told(opened, third) == "2 asks are before it"
    with opened.writing() as session:
        asks.take(session, "cpu", os.getpid(), "")
    change(opened, doing="loading scripted")
    assert told(opened, first) == "the model is being loaded"
    change(opened, doing="answering")
    assert told(opened, first) == "the model reads the prompt"
    run_id = enqueue(opened)
    with opened.writing() as session:
        run = session.get_one(RunRow, run_id)
        run.state, run.device = "running", "cpu"
    assert told(opened, first) == f"run {run_id} finishes its batch beside it, then gives way"
    with opened.writing() as session:
        session.get_one(RunRow, run_id).phase = warm_queue.GIVES_WAY
    assert told(opened, first) == "the model reads the prompt"
    with opened.writing() as session:
        asks.write_parts(session, first, {0: {"part": "response", "text": "Words"}})
    assert told(opened, first) == ""
    warm_queue.request_stop(opened, first)
    assert told(opened, first) == "it is being stopped"
    with opened.writing() as session:
        asks.end(asks.get(session, first), AskState.DONE)
    assert told(opened, first) == ""


def test_an_ask_goes_where_its_model_is_warm_else_where_no_run_is(
    opened: Workspace, launched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setenv("CAI_STUDIO_DEVICES", "cuda:0,cuda:1")
    run_id = enqueue(opened)
    with opened.writing() as session:
        run = session.get_one(RunRow, run_id)
        run.state, run.device, run.heartbeat_at = "running", "cuda:0", now()
    assert ask_row(opened, warm_queue.ask(opened, question())).device == "cuda:1"
    with opened.writing() as session:
        started = launchers.process_started(os.getpid())
        warm_row = WarmWorkerRow(device="cuda:0", pid=os.getpid(), process_started=started, models=["scripted"])
        session.add(warm_row)
    assert ask_row(opened, warm_queue.ask(opened, question())).device == "cuda:0"
    with opened.writing() as session:
        models.add(session, name="cold", base="scripted", revision="cold")
    assert ask_row(opened, warm_queue.ask(opened, question("cold"))).device == "cuda:1"


def test_a_device_that_a_living_process_has_is_not_claimed(opened: Workspace, launched: list[str]) -> None:
    warm_queue.ask(opened, question())
    parent = os.getppid()
    change(opened, pid=parent, process_started=launchers.process_started(parent))
    assert not warm.claim(opened, "cpu")
    gone(opened)
    assert warm.claim(opened, "cpu")
    row = worker_row(opened)
    assert row is not None
    assert row.pid == os.getpid()


def test_a_model_at_a_server_takes_no_turn_on_a_device_of_ours(opened: Workspace, launched: list[str]) -> None:
    with opened.writing() as session:
        models.add(session, name="far", base="http://127.0.0.1:9/v1").endpoint = {"model": "m"}
    assert ask_row(opened, warm_queue.ask(opened, question("far"))).device == warm_queue.REMOTE
    assert launched == [warm_queue.REMOTE]
    run_id = enqueue(opened)
    assert not warm_queue.is_asked(opened, run_id)
