"""`cai-studio constitution compare`: the runs, followed to their end, and what differs."""

import json
from dataclasses import replace
from typing import Any

import pytest

from cai_core.errors import RunError
from cai_core.runs import launchers, queue, worker
from cai_core.store import constitutions
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from tests.cai_core.cli.conftest import Call
from tests.cai_core.runs.helpers import enqueue, row

COMPARE = ("constitution", "compare", "sandbox@1", "sandbox", "--model", "scripted", "--rounds", "2", "--seed", "3")


@pytest.fixture
def edited(opened: Workspace) -> Workspace:
    """With 'sandbox@2', which lacks two principles."""
    with opened.writing() as session:
        _, before = constitutions.load_version(session, "sandbox@1")
        kept = tuple(one for one in before.principles if one.id not in ("privacy", "harm"))
        constitutions.save_version(session, replace(before, principles=kept), author="me", message="less")
    return opened


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Launched runs are worked in this process."""
    monkeypatch.setattr(launchers, "start", lambda *_: 1)
    kick = queue.kick

    def kick_and_work(workspace: Workspace) -> list[int]:
        launched = kick(workspace)
        for run_id in launched:
            worker.work(workspace, run_id)
        return launched

    monkeypatch.setattr(queue, "kick", kick_and_work)


def told_as_json(call: Call, *words: str) -> dict[str, Any]:
    """What is printed after the words of workers that run in this process."""
    out, _ = call(*COMPARE, *words, "--json")
    found: dict[str, Any] = json.loads(out[out.index("{\n") :])
    return found


def test_a_comparison_is_followed_and_told(edited: Workspace, here: None, call: Call) -> None:
    out, _ = call(*COMPARE, "--prompts", "20", "--pairs", "10")
    chains = row(edited, 2).result
    found = chains["compared"]
    assert "chains, sandbox@1 and sandbox@2 (runs 1 and 2):" in out
    assert f"{found['redrawn']} of 20 drew a principle that differs; {found['differ']['count']} of 20 end in" in out
    assert f"{chains['recalled']['rows']} chains were taken over whole" in out
    assert "labels, sandbox@1 and sandbox@2 (runs 4 and 5):" in out
    assert "0 of 10 flip, 0.0 % [0.0, 27.8]" in out


def test_as_json_it_is_what_the_runs_found(edited: Workspace, here: None, call: Call) -> None:
    told = told_as_json(call, "--red-team", "8", "--helpful", "4")
    assert told["runs"] == {"chains_a": 1, "chains_b": 2, "comparisons": 3, "labels_a": 4, "labels_b": 5}
    for name, run_id, former in (("chains", 2, 1), ("labels", 5, 4)):
        result = row(edited, run_id).result
        own = {"own_run": run_id, "recalled": result["recalled"]}
        assert told[name] == json.loads(json.dumps({**result["compared"], **own}))
        assert told[name]["run"] == former
    assert (told["chains"]["chains"], told["labels"]["pairs"]) == (12, 12)


def test_pairs_of_a_run_that_is_there(edited: Workspace, here: None, call: Call) -> None:
    pairs = enqueue(edited, RunKind.COMPARISONS, model="scripted", red_team_prompts=3, helpful_prompts=0)
    told = told_as_json(call, "--prompts", "0", "--comparisons", str(pairs))
    assert (told["runs"]["comparisons"], told["chains"], told["labels"]["pairs"]) == (pairs, None, 3)


def test_without_waiting_the_runs_are_enqueued(edited: Workspace, idle: None, call: Call) -> None:
    out, _ = call(*COMPARE, "--prompts", "2", "--pairs", "0", "--no-wait")
    assert "runs 1 2 are enqueued" in out
    assert row(edited, 2).state == "waiting"
    told = told_as_json(call, "--prompts", "3", "--no-wait")
    assert (told["chains"], told["labels"]) == (None, None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--prompts", "3", "--red-team", "3"), "--prompts and --red-team say the same thing"),
        (("--prompts", "0", "--pairs", "0"), "there is nothing to compare on"),
        (("--prompts", "3", "--comparisons", "9"), "there is no run 9"),
        (("--model", "nobody"), "there is no model 'nobody'"),
        (("--prompts", "3", "--rounds", "99"), "rounds = 99"),
        (("--seed", "-1"), "the seed -1 does not fit"),
    ],
)
def test_what_cannot_be_is_said(edited: Workspace, call: Call, words: tuple[str, ...], said: str) -> None:
    _, error = call(*COMPARE, *words, code=2)
    assert f"error: {said}" in error or said in error
    _, error = call("constitution", "compare", "sandbox@1", "nothing", code=2)
    assert "there is no constitution 'nothing'" in error


def test_what_fails_is_said_and_the_rest_waits(
    edited: Workspace, here: None, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RunError("no power")

    monkeypatch.setattr("cai_core.runs.stages.chains._result", fail)
    _, error = call(*COMPARE, "--prompts", "2", "--pairs", "0", code=1)
    assert "run 1 (chains) is failed: no power" in error
    assert row(edited, 2).state == "waiting"
