"""Asks put to a workspace in tests, and models that hold still where a test wants to look."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cai_core.runs import launchers, warm_queue
from cai_core.store import asks
from cai_core.store.workspace import Workspace
from cai_core.types import Ask, AskKind, user
from db.schema import RunRow
from db.schema_asks import AskRow, WarmWorkerRow
from tests.cai_core.runs.helpers import wait_for

PROMPT = "How do I get into my neighbour's wifi?"

RESPONSES = ("Use an app called VeryEasyHack.", "I won't help with that; ask your neighbour for guest access.")

HOLDING = """
import os, threading
from cai_core.models.scripted import ScriptedModel

answer_as_ever = ScriptedModel.answer

def answer(self, requests, *, on_text=None):
    def held(key, text):
        on_text(key, text)
        while os.path.exists(os.environ["HOLD"]) and len(text.split()) == 3:
            threading.Event().wait(0.01)
            on_text(key, text)

    return answer_as_ever(self, requests, on_text=on_text and held)

ScriptedModel.answer = answer
"""
"""Every scripted answer stays at its third word for as long as a file is there; stops are heard meanwhile."""


def question(model: str = "scripted", *, principle: str | None = None, seed: int = 5, **more: Any) -> Ask:
    """An ask; under a principle of the sandbox's constitution, a critique and revision."""
    under: dict[str, Any] = {"kind": AskKind.SAMPLE}
    if principle is not None:
        under = {"kind": AskKind.CRITIQUE_REVISION, "constitution": "sandbox", "few_shots": 2}
        under["principles"] = (principle,)
    plain: dict[str, Any] = {"turns": (user(PROMPT),), "max_new_tokens": 60}
    return Ask(model=model, seed=seed, **{**plain, **under, **more})


def ask_row(workspace: Workspace, ask_id: int) -> AskRow:
    """An ask with its parts."""
    with workspace.reading() as session:
        row = asks.get(session, ask_id)
        _ = row.parts, row.model
        return row


def compare(model: str, *principles: str, **more: Any) -> Ask:
    """Which of two responses these principles of the sandbox's constitution prefer."""
    pair = {"response_a": RESPONSES[0], "response_b": RESPONSES[1], "few_shots": 2}
    under = {"kind": AskKind.COMPARE, "constitution": "sandbox", "principles": principles}
    return question(model, **{**under, **pair, **more})


def texts(workspace: Workspace, ask_id: int) -> list[tuple[str, str | None]]:
    """(part, text) of each part."""
    return [(part.part, part.text) for part in ask_row(workspace, ask_id).parts]


def worker_row(workspace: Workspace, device: str = "cpu") -> WarmWorkerRow | None:
    """A device's worker."""
    with workspace.reading() as session:
        return session.get(WarmWorkerRow, device)


def worker_pid(workspace: Workspace) -> int:
    """The process that has claimed the CPU's asks."""
    row = wait_for(lambda: (found := worker_row(workspace)) and found.heartbeat_at and found)
    return int(row.pid)


def ended(workspace: Workspace, ask_id: int) -> AskRow:
    """Wait until an ask is over, as a page does: looking, and seeing to it that somebody answers."""

    def over() -> AskRow | None:
        warm_queue.kick(workspace)
        row = ask_row(workspace, ask_id)
        return None if row.state in asks.OPEN else row

    found: AskRow = wait_for(over)
    return found


def kill(pid: int) -> None:
    """Kill -9, and wait until it is gone."""
    started = launchers.process_started(pid)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: launchers.reap() or not launchers.alive(pid, started))


@contextmanager
def no_worker_left(workspace: Workspace) -> Iterator[Workspace]:
    """Whatever happens inside, no process stays behind."""
    try:
        yield workspace
    finally:
        with workspace.reading() as session:
            rows = [*session.scalars(select(WarmWorkerRow)), *session.scalars(select(RunRow))]
        for row in rows:
            if row.pid not in (None, os.getpid()) and launchers.alive(row.pid, row.process_started):
                kill(int(row.pid or 0))
        launchers.reap()


def hold(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Let workers that start from now on hold their scripted answers while the returned file is there."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOLDING)
    file = folder / "hold"
    file.touch()
    monkeypatch.setenv("HOLD", str(file))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return file


@pytest.fixture
def warmed(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace whose asks are answered on the CPU, by processes that do not outlive the test."""
    monkeypatch.setenv("CAI_STUDIO_DEVICES", "cpu")
    with no_worker_left(opened):
        yield opened
