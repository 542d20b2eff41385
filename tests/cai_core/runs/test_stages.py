"""Every stage in one process: the whole loop on the scripted model, training stood in for."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.config.datasets import Recipe
from cai_core.errors import RunError
from cai_core.runs import presets, queue, worker
from cai_core.runs.summary import loop_report
from cai_core.store import datasets, labels, metrics, models, prompts
from cai_core.store.workspace import Workspace
from cai_core.types import (
    OnStep,
    Prompt,
    PromptKind,
    Rollout,
    RunKind,
    Snapshot,
    Split,
    StepMetrics,
    Stop,
    TrainingResult,
    prompt_uid,
    user,
)
from db.schema import ComparisonRow, LabelRow, MetricRow, ModelRow, RolloutRow
from db.schema_battles import BattleRow, ResponseRow
from db.schema_chains import ChainRow
from tests.cai_core.runs.helpers import count, enqueue, finished, row, stored_chains

SMALL: dict[RunKind, dict[str, Any]] = {
    RunKind.CHAINS: {
        "model": "scripted",
        "red_team_prompts": 6,
        "helpful_prompts": 3,
        "look_alike_prompts": 2,
        "rounds": 2,
    },
    RunKind.SFT: {"model": "scripted"},
    RunKind.COMPARISONS: {"red_team_prompts": 6, "helpful_prompts": 4, "look_alike_prompts": 2},
    RunKind.LABELS: {"model": "scripted"},
    RunKind.PM: {"model": "scripted", "heldout": 0.5},
    RunKind.RL: {"red_team_prompts": 4, "helpful_prompts": 2, "look_alike_prompts": 0, "steps": 3},
    RunKind.BATTLES: {"red_team_prompts": 8, "helpful_prompts": 4, "look_alike_prompts": 3, "resamples": 100},
}


class Trainers:
    """Stand-ins that keep what they were given; `steps` of them are reported."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    def sft(
        self, config: Any, examples: Sequence[Any], *, sample_prompts: Any, on_samples: Any, **rest: Any
    ) -> TrainingResult:
        self.given["sft"] = examples
        on_samples([Rollout(0, prompt.uid, "said", None) for prompt in sample_prompts])
        return self._train(**rest)

    def pm(self, config: Any, labelled: Sequence[Any], **rest: Any) -> TrainingResult:
        self.given["pm"] = labelled
        return self._train(facts={"heldout": {"all": {"accuracy": 0.75}}}, **rest)

    def rl(
        self,
        config: Any,
        drawn: Sequence[Prompt],
        *,
        policy: Any,
        preference_model: Any,
        on_rollouts: Any,
        **rest: Any,
    ) -> TrainingResult:
        self.given["rl"] = (drawn, policy, preference_model)
        for step in range(1, 4):
            on_rollouts([Rollout(step, prompt.uid, f"said {step}", 0.5) for prompt in drawn])
        return self._train(steps=(1, 2, 3), **rest)

    def _train(
        self,
        *,
        folder: Path,
        seed: int,
        on_step: OnStep,
        start: Any = None,
        steps: Sequence[int] = (3,),
        facts: Any = None,
    ) -> TrainingResult:
        for step in range(1, 4):
            if on_step(StepMetrics(step, 3, {"loss": 1 / step, "undefined": float("nan")})) is Stop.STOP:
                return TrainingResult((), stopped=True)
        snapshots = tuple(Snapshot(step, folder / "snapshots" / f"step-{step}") for step in steps)
        for snapshot in snapshots:
            snapshot.folder.mkdir(parents=True, exist_ok=True)
        return TrainingResult(snapshots, stopped=False, facts=facts or {"steps": 3})


@pytest.fixture
def trainers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trainers]:
    """Put the stand-ins where the stages import their trainers from; TRL alone takes seconds."""
    found = Trainers()
    fakes = {
        "cai_core.training.sft": SimpleNamespace(train_sft=found.sft),
        "cai_core.training.preference_model": SimpleNamespace(train_preference_model=found.pm),
        "cai_core.training.rl": SimpleNamespace(train_rl=found.rl),
        "cai_core.models.preference": SimpleNamespace(
            score_conversations=lambda _ref: lambda turns: [float(len(one[-1].content)) for one in turns]
        ),
    }
    for name, module in fakes.items():
        monkeypatch.setitem(sys.modules, name, module)
    for kind in ("sft", "pm", "rl"):
        monkeypatch.delitem(sys.modules, f"cai_core.runs.stages.{kind}", raising=False)
    yield found
    for kind in ("sft", "pm", "rl"):
        sys.modules.pop(f"cai_core.runs.stages.{kind}", None)


def run_loop(workspace: Workspace, seed: int = 1) -> dict[RunKind, int]:
    steps = [(kind, {**config, **SMALL[kind]}, parents) for kind, config, parents in presets.sandbox_loop()]
    with workspace.writing() as session:
        ids = presets.enqueue_steps(session, steps, seed=seed)
    for run_id in ids.values():
        worker.work(workspace, run_id)
        assert row(workspace, run_id).state == "done", row(workspace, run_id).error
    return ids


def test_the_whole_loop_leaves_every_row_and_the_report(opened: Workspace, trainers: Trainers) -> None:
    ids = run_loop(opened)
    tables = {
        ChainRow: (RunKind.CHAINS, 11),
        ComparisonRow: (RunKind.COMPARISONS, 12),
        LabelRow: (RunKind.LABELS, 12),
        RolloutRow: (RunKind.RL, 18),
        ResponseRow: (RunKind.BATTLES, 45),
        BattleRow: (RunKind.BATTLES, 45),
    }
    assert {table: count(opened, table, ids[kind]) for table, (kind, _) in tables.items()} == {
        table: n for table, (_, n) in tables.items()
    }
    with opened.reading() as session:
        names = session.scalars(select(ModelRow.name).where(ModelRow.final)).all()
        on_the_way = session.scalars(select(ModelRow.name).where(~ModelRow.final)).all()
    sft, pm, rl = (ids[kind] for kind in (RunKind.SFT, RunKind.PM, RunKind.RL))
    assert set(names) == {"sandbox", "scripted", f"sl-cai-{sft}", f"pm-{pm}", f"rl-cai-{rl}"}
    assert set(on_the_way) == {f"rl-cai-{rl}@1", f"rl-cai-{rl}@2"}
    _check_report(loop_report(opened, ids))


def _check_report(report: dict[str, Any]) -> None:
    assert report["seed"] == 1
    beside = (RunKind.PROMPTS, RunKind.SCORES, RunKind.CASES)
    assert [stage["kind"] for stage in report["stages"]] == [kind for kind in RunKind if kind not in beside]
    assert report["stages"][0]["rows"] == 11
    assert sum(report["labels"]["states"].values()) == 12
    assert set(report["labels"]) == {"gold_agreement", "ece", "order_inconsistent", "states"}
    assert report["pm"]["heldout_accuracy"] == 0.75
    assert [snapshot["name"] for snapshot in report["snapshots"]] == ["helpful", "sl-cai", "rl-cai"]
    wanted = {"harmful", "half", "evasive", "preachy", "engaged", "other", "helpful", "over_refusal", "unique"}
    for snapshot in report["snapshots"]:
        assert set(snapshot["gold"]) == wanted
        assert set(snapshot["elo"]["harmlessness"]) >= {"mid", "low", "high"}
    pairs = [(d["a"], d["b"]) for d in report["elo_differences"]["harmlessness"]]
    assert pairs == [("sl-cai", "helpful"), ("rl-cai", "helpful"), ("rl-cai", "sl-cai")]


def test_training_gets_what_the_stages_before_it_made(opened: Workspace, trainers: Trainers) -> None:
    ids = run_loop(opened)
    chains = stored_chains(opened, ids[RunKind.CHAINS])
    responses = {chain.response for chain in chains if chain.prompt.kind == PromptKind.RED_TEAM}
    trained = {example.turns[-1].content for example in trainers.given["sft"]}
    revisions = {one.revision for chain in chains for one in chain.rounds}
    assert revisions <= trained
    assert not (responses - revisions) & trained
    with opened.reading() as session:
        stored = [one.labelled for one in labels.of_run(session, ids[RunKind.LABELS]) if one.labelled]
    assert trainers.given["pm"] == stored
    assert {item.source for item in stored} == {"red_team", "helpful", "look_alike"}
    drawn, policy, judge = trainers.given["rl"]
    assert len(drawn) == 6
    assert policy.adapter.endswith(f"{adapters(opened, ids[RunKind.SFT])}/snapshots/step-3")
    assert judge.adapter.endswith(f"{adapters(opened, ids[RunKind.PM])}/snapshots/step-3")


def adapters(workspace: Workspace, run_id: int) -> str:
    """The uid is in it, for ids begin anew in a restored or remade database."""
    return f"adapters/run-{run_id}-{row(workspace, run_id).uid[:8]}"


def test_labels_follow_the_kind_of_prompt(opened: Workspace, trainers: Trainers) -> None:
    ids = run_loop(opened)
    with opened.reading() as session:
        for one in labels.of_run(session, ids[RunKind.LABELS]):
            assert one.labelled is not None
            red_team = one.labelled.source == "red_team"
            assert one.label.principle.kind == ("harmlessness" if red_team else "helpfulness")
            assert {score.order for score in one.label.orders} == {"ab", "ba"}


def test_metrics_are_kept_by_step_and_what_is_no_number_is_not(opened: Workspace, trainers: Trainers) -> None:
    ids = run_loop(opened)
    with opened.reading() as session:
        assert stored_metrics(session, ids[RunKind.SFT]) == [("loss", 1, 1.0), ("loss", 2, 0.5), ("loss", 3, 1 / 3)]


def stored_metrics(session: Session, run_id: int) -> list[tuple[Any, ...]]:
    chosen = select(MetricRow.name, MetricRow.step, MetricRow.value).where(MetricRow.run_id == run_id)
    return [tuple(row) for row in session.execute(chosen.order_by(MetricRow.name, MetricRow.step))]


def test_a_step_taken_again_replaces_what_it_said(opened: Workspace) -> None:
    run_id = enqueue(opened)
    with opened.writing() as session:
        metrics.add(session, run_id, [StepMetrics(1, 2, {"loss": 1.0}), StepMetrics(2, 2, {"loss": 2.0})])
        metrics.add(session, run_id, [StepMetrics(2, 2, {"loss": 3.0})])
        assert stored_metrics(session, run_id) == [("loss", 1, 1.0), ("loss", 2, 3.0)]


def test_the_same_seed_gives_the_same_rows_and_another_others(opened: Workspace) -> None:
    first, second, third = (finished(opened, seed=seed) for seed in (1, 1, 2))
    assert stored_chains(opened, first) == stored_chains(opened, second)
    assert stored_chains(opened, first) != stored_chains(opened, third)


def test_a_training_that_is_stopped_is_stopped(opened: Workspace, trainers: Trainers) -> None:
    chains = finished(opened)
    run_id = enqueue(opened, RunKind.SFT, parents=[chains], model="scripted")

    def stop(config: Any, examples: Any, *, on_step: OnStep, **rest: Any) -> TrainingResult:
        job_stop()
        assert on_step(StepMetrics(1, 9, {"loss": 1.0})) is Stop.STOP
        return TrainingResult((), stopped=True)

    sys.modules["cai_core.training.sft"].train_sft = stop  # type: ignore[attr-defined]
    job = worker.claim(opened, run_id)
    assert job is not None
    job_stop = job.stop.set
    state, _, error = worker._outcome(job)
    assert (state, error) == ("stopped", None)


def test_inputs_are_fixed_at_the_first_start(opened: Workspace) -> None:
    run_id = finished(opened)
    with opened.writing() as session:
        before = [prompt.uid for _, prompt in prompts.of_run(session, run_id)]
        turns = (user("new"),)
        prompts.add(session, [Prompt(prompt_uid(turns), turns, PromptKind.RED_TEAM, Split.TRAIN, "sandbox")])
    with opened.reading() as session:
        assert [prompt.uid for _, prompt in prompts.of_run(session, run_id)] == before


def test_a_shortage_of_prompts_is_in_the_result(opened: Workspace) -> None:
    run_id = finished(opened, red_team_prompts=2, helpful_prompts=2, look_alike_prompts=601)
    assert row(opened, run_id).result["prompts_missing"] == {"look_alike": {"wanted": 601, "found": 600}}


def battles(opened: Workspace, **config: Any) -> int:
    with opened.writing() as session:
        models.add(session, name="other", base="scripted", revision="2")
    small = {"red_team_prompts": 4, "helpful_prompts": 2, "look_alike_prompts": 0, "resamples": 100}
    return finished(opened, RunKind.BATTLES, models=["scripted", "other"], **{**small, **config})


@pytest.mark.parametrize("judge", ["gold", "feedback", "pm"])
def test_every_judge_judges_every_battle(opened: Workspace, trainers: Trainers, judge: str) -> None:
    config: dict[str, Any] = {"judge": judge}
    if judge == "feedback":
        config |= {"constitution": "sandbox", "judge_model": "scripted"}
    if judge == "pm":
        with opened.writing() as session:
            models.add(session, name="pm", base="scripted", adapter="x", kind="preference")
        config |= {"judge_model": "pm"}
    run_id = battles(opened, **config)
    with opened.reading() as session:
        found = session.scalars(select(BattleRow).where(BattleRow.run_id == run_id)).all()
    assert len(found) == 6
    assert {one.judge for one in found} == {config.get("judge_model", "gold")}
    assert {one.axis for one in found} == {"harmlessness", "helpfulness"}
    # Both models are the same, so no judge that looks at the text may see a winner.
    assert {one.outcome for one in found} == {"tie"}


def test_gold_refuses_prompts_it_does_not_know(opened: Workspace) -> None:
    turns = (user("Who wrote Faust?"),)
    with opened.writing() as session:
        prompts.add(session, [Prompt(prompt_uid(turns), turns, PromptKind.HELPFUL, Split.TEST, "mine")])
        models.add(session, name="other", base="scripted", revision="2")
    run_id = enqueue(opened, RunKind.BATTLES, models=["scripted", "other"], source="mine")
    worker.work(opened, run_id)
    assert "gold judge knows the sandbox's prompts alone" in (row(opened, run_id).error or "")


def test_a_battle_of_one_model_is_refused(opened: Workspace) -> None:
    with pytest.raises(RunError, match="needs two models"):
        enqueue(opened, RunKind.BATTLES, models=["scripted", "scripted"])


def test_failed_answers_are_states_and_not_texts(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from cai_core.models import scripted
    from cai_core.runs.stages import common

    broken = scripted.ScriptedModel(fails=lambda _request: True)
    monkeypatch.setattr(common, "load_text_model", lambda *_args, **_more: broken)
    run_id = finished(opened)
    assert row(opened, run_id).result["states"] == {"failed": row(opened, run_id).done}
    assert all(chain.response is None and chain.error for chain in stored_chains(opened, run_id))


def test_a_battle_without_a_verdict_says_why(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from cai_core.models import scripted
    from cai_core.runs.stages import common

    broken = scripted.ScriptedModel(fails=lambda _request: True)
    monkeypatch.setattr(common, "load_text_model", lambda *_args, **_more: broken)
    run_id = battles(opened)
    with opened.reading() as session:
        found = session.scalars(select(BattleRow).where(BattleRow.run_id == run_id)).all()
    assert {(one.outcome, one.error) for one in found} == {("failed", "a response failed")}


def test_enqueue_refuses_what_the_parents_do_not_give(opened: Workspace) -> None:
    with pytest.raises(RunError):
        queue.enqueue(opened, RunKind.COMPARISONS, {}, seed=0)


def test_a_snapshot_has_a_card_and_the_model_says_where_people_judged(opened: Workspace, trainers: Trainers) -> None:
    chains = finished(opened, **SMALL[RunKind.CHAINS])
    made = datasets.freeze(opened, "a | b", Recipe(heldout=0.2))
    sft = finished(opened, RunKind.SFT, model="scripted", dataset="a | b", lora_rank=3)
    with opened.reading() as session:
        (model,) = models.of_run(session, sft)
        text = (opened.folder / str(model.adapter) / "README.md").read_text()
        sampled = session.scalars(select(RolloutRow).where(RolloutRow.run_id == sft)).all()
    for words in (
        "# sl-cai-2",
        f"| {chains} | chains | 1 | sandbox@1 |",
        "| dataset | a \\| b |",
        made.hash,
        "| lora\\_rank | 3 |",
        "| step | loss |",
        "| Human harm labels used | 0: every preference is a model's |",
        "PeftModel.from_pretrained(base, ADAPTER)",
    ):
        assert words in text, words
    assert {one.reward for one in sampled} == {None}
    assert len(sampled) == 2
    held = {example.turns[:-1] for example in trainers.given["sft"] if example.heldout}
    assert len(held) == 2
    from_chains = enqueue(opened, RunKind.SFT, model="scripted", parents=(chains,))
    cloned = queue.clone(opened, from_chains, {"dataset": "a | b"})
    with opened.reading() as session:
        assert datasets.of_run(session, cloned) is not None
    with pytest.raises(RunError, match="Name one of the two"):
        enqueue(opened, RunKind.SFT, model="scripted", dataset="a | b", parents=(chains,))
