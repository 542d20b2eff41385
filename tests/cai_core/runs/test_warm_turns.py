"""Runs give way to asks, are never starved, and hear their stop; with a clock of the test's own."""

import os
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.runs import job as jobs
from cai_core.runs import launchers, queue, warm_queue, worker
from cai_core.runs.job import Job, Stopped
from cai_core.runs.warm_turns import EVERY, MOST, TURN, Turns
from cai_core.store import asks
from cai_core.store.workspace import Workspace
from cai_core.types import StepMetrics
from db.schema import now
from db.schema_asks import AskRow, WarmWorkerRow
from tests.cai_core.runs.helpers import enqueue, finished, row, stored_chains
from tests.cai_core.runs.warming import question


@dataclass
class World:
    """A clock that stands still but for waiting, and people who ask during given stretches of time."""

    asked: list[tuple[float, float]]
    at: float = 100.0
    over: bool = False
    looks: int = 0
    said: list[bool] = field(default_factory=list)

    def turns(self) -> Turns:
        return Turns(self.somebody, self.said.append, self.wait, lambda: self.at)

    def somebody(self) -> bool:
        self.looks += 1
        return any(begin <= self.at < end for begin, end in self.asked)

    def wait(self, seconds: float) -> bool:
        self.at += seconds
        return self.over


def test_a_run_pauses_until_the_answer_is_there() -> None:
    world = World([(100.0, 103.0)])
    world.turns().give_way()
    assert world.at == pytest.approx(103.0, abs=0.06)
    assert world.said == [True, False]


def test_a_run_that_nobody_disturbs_looks_ten_times_a_second_at_most() -> None:
    world = World([])
    turns = world.turns()
    for _ in range(10_000):
        turns.give_way()
        world.at += 0.001
    assert world.looks <= 10.0 / EVERY + 1
    assert world.said == []


def test_a_pause_has_an_end_and_the_run_a_turn() -> None:
    world = World([(0.0, 1e9)])
    turns = world.turns()
    turns.give_way()
    assert world.at == pytest.approx(100.0 + MOST, abs=0.06)
    began = world.at
    while world.at < began + TURN - 0.01:
        turns.give_way()
        world.at += 0.01
    assert world.said == [True, False], "its turn was taken from it"
    world.at = began + TURN + 0.01
    turns.give_way()
    assert world.said == [True, False, True, False]


def test_a_run_that_is_to_end_does_not_wait_for_others() -> None:
    world = World([(0.0, 1e9)], over=True)
    world.turns().give_way()
    assert world.at < 100.1
    assert world.said == [True, False]


@given(st.lists(st.tuples(st.floats(100, 200), st.floats(0, 60)), max_size=5), st.floats(0.01, 3))
def test_no_run_is_starved(stretches: list[tuple[float, float]], batch: float) -> None:
    """Whoever asks and for however long: between two batches lie ten seconds at most."""
    world = World([(begin, begin + length) for begin, length in stretches])
    turns = world.turns()
    while world.at < 300:
        before = world.at
        turns.give_way()
        assert world.at - before <= MOST + 0.06
        world.at += batch


def add_ask(workspace: Workspace, *, device: str = "cpu", alive: bool = True) -> int:
    """A waiting ask, and a worker that is this very process, or one that is gone."""
    with workspace.writing() as session:
        started = launchers.process_started(os.getpid())
        pid = os.getpid() if alive else 2**22 + 1
        session.add(WarmWorkerRow(device=device, pid=pid, process_started=started, launched_at=now()))
        if not alive:
            session.get_one(WarmWorkerRow, device).launched_at = now().replace(year=2020)
        return asks.add(session, question(), device=device).id


def answered(workspace: Workspace, ask_id: int) -> None:
    with workspace.writing() as session:
        session.get_one(AskRow, ask_id).state = "done"


def test_a_chains_run_says_that_it_waits_and_makes_the_same_rows(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = stored_chains(opened, finished(opened))
    run_id = enqueue(opened)
    ask_id = add_ask(opened)
    phases: list[str] = []

    def wait(job: Job, seconds: float) -> bool:
        phases.append(row(opened, run_id).phase)
        answered(opened, ask_id)
        return False

    monkeypatch.setattr(Job, "_over", wait)
    assert worker.work(opened, run_id) == 0
    assert phases == [warm_queue.GIVES_WAY]
    assert stored_chains(opened, run_id) == wanted


@pytest.mark.parametrize(("device", "alive"), [("cuda:0", True), ("cpu", False)])
def test_asks_of_another_device_or_of_a_dead_worker_hold_nobody_up(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch, device: str, alive: bool
) -> None:
    run_id = enqueue(opened)
    add_ask(opened, device=device, alive=alive)
    monkeypatch.setattr(Job, "_over", lambda *_: pytest.fail("it waited"))
    assert worker.work(opened, run_id) == 0
    assert row(opened, run_id).state == "done"


def test_a_training_gives_way_between_steps_and_the_pause_is_no_slow_step(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = enqueue(opened)
    asked: list[int] = []
    phases: list[str] = []
    clock = SimpleNamespace(at=0.0, monotonic=lambda: clock.at)

    def wait(_job: Job, _seconds: float) -> bool:
        phases.append(row(opened, run_id).phase)
        answered(opened, asked[0])
        clock.at += 100.0
        return False

    monkeypatch.setattr(Job, "_over", wait)
    monkeypatch.setattr(jobs, "time", clock)
    job = worker.claim(opened, run_id)
    assert job is not None
    job.begin("training", done=0, total=3)
    job.on_step(StepMetrics(1, 3, {}))
    assert phases == []
    asked.append(add_ask(opened))
    monkeypatch.setattr(job.turns, "_look_at", 0.0)
    job.on_step(StepMetrics(2, 3, {}))
    assert phases == [warm_queue.GIVES_WAY]
    assert (row(opened, run_id).phase, row(opened, run_id).done) == ("training", 2)
    clock.at += 1.0
    job.on_step(StepMetrics(3, 3, {}))
    assert job.patience == jobs.STOP_SECONDS, "the pause was taken for a part of a step"


def test_a_paused_run_hears_its_stop(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = enqueue(opened)
    add_ask(opened)
    over_as_ever = Job._over

    def wait(job: Job, seconds: float) -> bool:
        if not job.stop.is_set():
            queue.request_stop(opened, run_id)
            job.stop.set()
        return over_as_ever(job, seconds)

    monkeypatch.setattr(Job, "_over", wait)
    monkeypatch.setattr("cai_core.runs.launchers.stop", lambda *_: None)
    assert worker.work(opened, run_id) == 0
    assert row(opened, run_id).state == "stopped"


def test_a_stop_in_a_pause_ends_as_any_stop_does(opened: Workspace) -> None:
    job = worker.claim(opened, enqueue(opened))
    assert job is not None
    add_ask(opened)
    job.stop.set()
    job.give_way()
    with pytest.raises(Stopped):
        job.check()
