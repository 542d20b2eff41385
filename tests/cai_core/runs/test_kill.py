"""Killed for real: a training that lost its process after a checkpoint ends as one that never did; so does a demo."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from sqlalchemy import select
from transformers import LlamaConfig, LlamaForCausalLM, set_seed

from cai_core.runs import queue, worker
from cai_core.store import models
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from db.schema import MetricRow, ModelRow, RolloutRow, RunRow
from db.schema_chains import ChainRow
from tests.cai_core.runs.helpers import count, enqueue, finished, row, wait_for
from tests.cai_core.training.tiny import tiny_tokenizer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # half a minute on an idle machine; several processes, each slow to start on a busy one
    # PEFT still reads a name that transformers has deprecated.
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning"),
]
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Equal to the last bit needs one order of additions, here and in the workers."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def add_tiny(workspace: Workspace, folder: Path) -> None:
    """A random model with a token a word."""
    tokenizer = tiny_tokenizer()
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    tokens = {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": None, "eos_token_id": tokenizer.eos_token_id}
    set_seed(0)
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes, **tokens)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    with workspace.writing() as session:
        models.add(session, name="tiny", base=str(folder))


def left_by(workspace: Workspace, run_id: int) -> dict[str, Any]:
    """What a training leaves, in whatever run: its adapters' bytes, its metrics and its rollouts."""
    with workspace.reading() as session:
        snapshots = session.scalars(select(ModelRow).where(ModelRow.run_id == run_id).order_by(ModelRow.step)).all()
        paced = MetricRow.name == "tokens_per_second"  # which is the clock's
        metrics = session.scalars(select(MetricRow).where(MetricRow.run_id == run_id, ~paced))
        rollouts = session.scalars(select(RolloutRow).where(RolloutRow.run_id == run_id))
        return {
            "adapters": {
                one.step: (workspace.folder / str(one.adapter) / "adapter_model.safetensors").read_bytes()
                for one in snapshots
            },
            "metrics": sorted((one.step, one.name, one.value) for one in metrics),
            "rollouts": sorted((one.step, one.position, one.prompt_id, one.text, one.reward) for one in rollouts),
        }


DIES = """
import os, signal
from cai_core.runs import worker
from cai_core.runs.job import Job

step_as_ever = Job.on_step

def on_step(job, step):
    answer = step_as_ever(job, step)
    if step.step == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

Job.on_step = on_step
worker.main()
"""
"""A worker that is killed after its fifth step, a checkpoint behind it."""


def kill_after_a_checkpoint(workspace: Workspace, run_id: int) -> None:
    command = [sys.executable, "-c", DIES, "--workspace", str(workspace.folder), "--run", str(run_id)]
    died = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=240, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    found = row(workspace, run_id)
    assert (found.state, found.done) == ("running", 5)
    assert (found.total or 0) > 5
    folder = workspace.adapters / f"run-{run_id}-{found.uid[:8]}" / "checkpoints"
    assert any(folder.glob("checkpoint-*/complete"))
    queue.kick(workspace)
    assert row(workspace, run_id).state == "lost"


@pytest.fixture
def before(opened: Workspace, tmp_path: Path) -> dict[RunKind, int]:
    """What trainings read, made by the scripted model."""
    add_tiny(opened, tmp_path / "tiny")
    chains = finished(opened, red_team_prompts=16)
    wanted = {"red_team_prompts": 24, "helpful_prompts": 8}
    comparisons = finished(opened, RunKind.COMPARISONS, model="scripted", **wanted)
    labels = finished(opened, RunKind.LABELS, model="scripted", constitution="sandbox", parents=[comparisons])
    return {RunKind.CHAINS: chains, RunKind.LABELS: labels}


def test_a_training_killed_after_a_checkpoint_ends_as_if_it_never_was(
    opened: Workspace, before: dict[RunKind, int], monkeypatch: pytest.MonkeyPatch, one_thread: None
) -> None:
    monkeypatch.setattr(queue, "STALE", timedelta(0))
    common = {"model": "tiny", "batch_size": 4, "lora_rank": 2, "learning_rate": 0.01, "checkpoint_every": 2}
    rl = {"policy": "", "steps": 12, "prompts_per_step": 2, "responses_per_prompt": 2, "max_new_tokens": 8}
    rl |= {"red_team_prompts": 8, "helpful_prompts": 4, "snapshot_every": 3, "learning_rate": 0.01}
    done: dict[RunKind, int] = dict(before)
    settings: list[tuple[RunKind, tuple[RunKind, ...], dict[str, Any]]] = [
        (RunKind.SFT, (RunKind.CHAINS,), {**common, "epochs": 4}),
        (RunKind.PM, (RunKind.LABELS,), {**common, "epochs": 4}),
        (RunKind.RL, (RunKind.SFT, RunKind.PM), rl),
    ]
    for kind, parents, config in settings:
        rest: dict[str, Any] = {"parents": [done[parent] for parent in parents], **config}
        killed = enqueue(opened, kind, **rest)
        kill_after_a_checkpoint(opened, killed)
        queue.resume(opened, killed)
        assert worker.work(opened, killed) == 0, row(opened, killed).error
        done[kind] = finished(opened, kind, **rest)
        once, twice = left_by(opened, done[kind]), left_by(opened, killed)
        assert once["adapters"], kind
        assert twice["adapters"] == once["adapters"], kind
        assert twice["metrics"] == once["metrics"], kind
        assert twice["rollouts"] == once["rollouts"], kind
        assert (kind != RunKind.PM) == bool(once["rollouts"])


SLOW = """
import time
from cai_core.models.scripted import ScriptedModel

answer_as_ever = ScriptedModel.answer

def answer(self, requests, **more):
    for one in answer_as_ever(self, requests, **more):
        time.sleep(0.02)
        yield one

ScriptedModel.answer = answer
"""
"""Keeps a run of scripted answers at work for a minute, so that its stop cannot come too late."""


LISTENING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("cai_core.cli", run_name="__main__", alter_sys=True)
"""
"""The command line, with an ear for Ctrl-C: tests that run in the background are deaf to it, and so is their kin."""


def test_ctrl_c_leaves_a_demo_whose_runs_go_on(opened: Workspace, tmp_path: Path) -> None:
    """The run at work keeps its rows, the others are stopped before their turn."""
    with opened.writing() as session:
        session.scalars(select(ModelRow).where(ModelRow.name == "sandbox")).one().base = "scripted"
    (tmp_path / "sitecustomize.py").write_text(SLOW)
    demo = subprocess.Popen(
        [sys.executable, "-c", LISTENING, "demo", "--workspace", str(opened.folder), "--seed", "1"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(tmp_path)])},
    )
    wait_for(lambda: states(opened) and count(opened, ChainRow, 1) > 0)
    os.kill(demo.pid, signal.SIGINT)
    _, said = (text.decode() for text in demo.communicate(timeout=240))
    assert demo.returncode == 130, said
    assert "runs resume 1 2 3 4 5 6 7 " in " ".join(said.split())
    assert set(states(opened)) == {"stopped"}
    made = count(opened, ChainRow, 1)
    assert 0 < made == row(opened, 1).done < 510
    queue.resume(opened, 1)
    assert worker.work(opened, 1) == 0
    assert count(opened, ChainRow, 1) == row(opened, 1).done == 510


def states(workspace: Workspace) -> list[str]:
    with workspace.reading() as session:
        return list(session.scalars(select(RunRow.state).order_by(RunRow.id)))
