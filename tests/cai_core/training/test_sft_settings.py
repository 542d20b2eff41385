"""SL-CAI's settings: packing, held-out loss, early stop, targets, precision; each against an oracle of its own."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from cai_core.config import SftConfig
from cai_core.errors import ModelError, RunError
from cai_core.models.rendering import Renderer
from cai_core.training import evaluate
from cai_core.training.callback import Reporter
from cai_core.training.checkpoints import checkpoints_folder
from cai_core.training.examples import IGNORED, tokenised
from cai_core.training.lora import causal_policy
from cai_core.training.measure import answer_logprobs, mean_loss, reload_difference
from cai_core.training.packing import check_packing, packed
from cai_core.training.sft import train_sft
from cai_core.types import Example, ModelRef, Rollout, TrainingResult
from tests.cai_core.training.tiny import KilledError, Steps, examples, prompts, same, tiny_tokenizer, weights

CONFIG = SftConfig(
    learning_rate=0.01, batch_size=4, lora_rank=4, epochs=2, checkpoint_every=4, evaluate_every=3, max_length=32
)


def split(count: int, heldout: int) -> list[Example]:
    """Examples of which the last ones are held out."""
    made = examples(count)
    return [replace(one, heldout=place >= count - heldout) for place, one in enumerate(made)]


def run(base: ModelRef, folder: Path, on_step: Steps, config: SftConfig = CONFIG, **more: Any) -> TrainingResult:
    return train_sft(config, split(24, 6), start=base, folder=folder, seed=3, on_step=on_step, **more)


def rows_of(count: int) -> list[dict[str, list[int]]]:
    renderer = Renderer(tiny_tokenizer())
    return [tokenised(example, renderer) for example in examples(count)]


def curve(steps: Steps) -> dict[int, dict[str, float]]:
    """All that was reported, but for what a clock says."""
    return {m.step: {k: v for k, v in m.values.items() if k != "tokens_per_second"} for m in steps.seen}


def test_packed_rows_hold_every_example_once_an_epoch_and_cut_none() -> None:
    rows = rows_of(12)
    laid = packed(rows, length=24, epochs=2, seed=1)
    assert len(laid) < 24
    assert all(len(row["input_ids"]) == sum(row["seq_lengths"]) <= 24 for row in laid)
    found = Counter[Any]()
    for row in laid:
        start = 0
        for length in row["seq_lengths"]:
            part = slice(start, start + length)
            found[tuple(row["input_ids"][part]), tuple(row["labels"][part])] += 1
            start += length
    assert found == Counter({(tuple(row["input_ids"]), tuple(row["labels"])): 2 for row in rows})
    assert packed(rows, length=24, epochs=2, seed=1) == laid
    assert packed(rows, length=24, epochs=2, seed=2) != laid


def test_a_packed_step_has_the_loss_of_its_examples_alone(base: ModelRef, tmp_path: Path) -> None:
    """By hand: the first step over packed rows is the mean over all their answers' tokens, each example by itself."""
    steps = Steps(stop_at=1)
    config = replace(CONFIG, packing=True, batch_size=64, epochs=1, evaluate_every=100)
    run(base, tmp_path, steps, config)
    rows = rows_of(18)  # six of them are held out, and the step holds all the others
    model = LlamaForCausalLM.from_pretrained(base.base)
    assert steps.losses[1] == pytest.approx(mean_loss(model, rows), abs=1e-4)


def test_a_model_whose_packed_examples_see_each_other_is_refused(base: ModelRef) -> None:
    class Blind(torch.nn.Module):
        """Reads a row as one, whatever the positions say."""

        def __init__(self) -> None:
            super().__init__()
            self.model = LlamaForCausalLM.from_pretrained(base.base)

        def forward(self, input_ids: torch.Tensor, position_ids: torch.Tensor, **_: Any) -> Any:
            return self.model(input_ids)

    rows = rows_of(4)
    check_packing(LlamaForCausalLM.from_pretrained(base.base), rows)
    with pytest.raises(ModelError, match="packed examples see each other"):
        check_packing(Blind(), rows)


def test_held_out_loss_is_cross_entropy_over_all_answers_tokens(base: ModelRef, tmp_path: Path) -> None:
    steps = Steps()
    result = run(base, tmp_path, steps)
    adapted = PeftModel.from_pretrained(LlamaForCausalLM.from_pretrained(base.base), result.snapshots[-1].folder)
    losses = []
    for row in rows_of(24)[18:]:
        logits = adapted(input_ids=torch.tensor([row["input_ids"]])).logits[0, :-1]
        labels = torch.tensor(row["labels"][1:])
        losses.append(torch.nn.functional.cross_entropy(logits, labels, reduction="none")[labels != IGNORED])
    last = curve(steps)[result.facts["steps"]]["heldout_loss"]
    assert last == pytest.approx(torch.cat(losses).mean().item(), abs=1e-4)
    assert result.facts["heldout"] == {"examples": 6, "loss": last, "step": 9}
    assert [step for step, values in curve(steps).items() if "heldout_loss" in values] == [3, 6, 9]
    assert all("tokens_per_second" in metrics.values for metrics in steps.seen)
    assert result.facts["trained"] == 18


def test_what_is_held_out_never_trains(base: ModelRef, tmp_path: Path) -> None:
    """Without them the same is learnt."""
    run(base, tmp_path / "with", Steps())
    train_sft(CONFIG, split(18, 0), start=base, folder=tmp_path / "without", seed=3, on_step=Steps())
    one, other = (weights(tmp_path / name / "snapshots" / "step-9") for name in ("with", "without"))
    assert same(one, other)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Held-out losses that the next measures find."""
    losses: list[float] = []
    monkeypatch.setattr(evaluate, "mean_loss", lambda *_: losses.pop(0))
    return losses


def test_it_stops_early_and_keeps_the_best(base: ModelRef, tmp_path: Path, told: list[float]) -> None:
    told += [3.0, 2.0, 2.5, 2.0, 1.0]
    steps = Steps()
    config = replace(CONFIG, epochs=4, evaluate_every=2, early_stop_after=2)
    result = run(base, tmp_path, steps, config)
    assert steps.seen[-1].step == 8
    assert told == [1.0]
    assert [snapshot.step for snapshot in result.snapshots] == [4]
    assert result.facts["stopped_early"] is True
    assert result.facts["heldout"] == {"examples": 6, "loss": 2.0, "step": 4}
    longer = replace(config, early_stop_after=0)
    train_sft(longer, split(18, 0), start=base, folder=tmp_path / "4", seed=3, on_step=Steps(stop_at=4))
    assert same(weights(result.snapshots[-1].folder), weights(checkpoints_folder(tmp_path / "4") / "checkpoint-4"))


def test_killed_as_it_stopped_early_it_trains_no_further(base: ModelRef, tmp_path: Path, told: list[float]) -> None:
    told += [1.0, 2.0]
    config = replace(CONFIG, evaluate_every=2, early_stop_after=1)
    first = run(base, tmp_path, Steps(), config)
    (tmp_path / "result.json").unlink()
    shutil.rmtree(tmp_path / "snapshots")
    again = Steps()
    assert run(base, tmp_path, again, config) == first
    assert again.seen == []


def test_without_anything_held_out_it_cannot_stop_early(base: ModelRef, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nothing is held out"):
        train_sft(
            replace(CONFIG, early_stop_after=1), examples(8), start=base, folder=tmp_path, seed=3, on_step=Steps()
        )


@pytest.mark.parametrize(("packing", "die_at"), [(False, 4), (False, 5), (True, 7)])
def test_killed_and_resumed_the_curve_goes_on_the_same(
    base: ModelRef, tmp_path: Path, packing: bool, die_at: int
) -> None:
    """Bitwise: train and held-out loss, what is best, and the weights."""
    small = {"batch_size": 1, "max_length": 64} if packing else {}
    config = replace(CONFIG, packing=packing, epochs=3, evaluate_every=2, early_stop_after=9, **small)
    whole, before, after = Steps(), Steps(die_at=die_at), Steps()
    expected = run(base, tmp_path / "whole", whole, config)
    with pytest.raises(KilledError):
        run(base, tmp_path / "killed", before, config)
    found = run(base, tmp_path / "killed", after, config)
    assert after.seen[0].step == 5 if die_at > 4 else 1
    assert {**curve(before), **curve(after)} == curve(whole)
    measured = [json.loads((tmp_path / name / "evaluations.json").read_text()) for name in ("whole", "killed")]
    assert measured[0] == measured[1]
    assert found.facts == expected.facts
    assert same(weights(found.snapshots[-1].folder), weights(expected.snapshots[-1].folder))


def test_the_same_prompts_are_answered_as_it_learns(base: ModelRef, tmp_path: Path) -> None:
    said: list[Rollout] = []
    asked = prompts(3)
    plain, sampled = tmp_path / "plain", tmp_path / "sampled"
    run(base, sampled, Steps(), sample_prompts=asked, on_samples=said.extend)
    assert [(one.step, one.prompt_uid, one.reward) for one in said] == [
        (step, prompt.uid, None) for step in (0, 3, 6, 9) for prompt in asked
    ]
    assert len({one.text for one in said}) > 1
    run(base, plain, Steps())
    assert same(weights(plain / "snapshots" / "step-9"), weights(sampled / "snapshots" / "step-9"))


def test_alpha_and_targets_are_as_named(base: ModelRef) -> None:
    usual, _ = causal_policy(base, rank=4, seed=0)
    assert usual.peft_config["default"].lora_alpha == 8
    policy, _ = causal_policy(base, rank=4, seed=0, alpha=3, targets="q_proj, v_proj")
    assert policy.peft_config["default"].lora_alpha == 3
    adapted = {name.split(".lora_A")[0].rpartition(".")[2] for name, _ in policy.named_parameters() if "lora_A" in name}
    assert adapted == {"q_proj", "v_proj"}
    with pytest.raises(ModelError, match=r"no linear layer is called 'c_attn'.*has down_proj, gate_proj"):
        causal_policy(base, rank=4, seed=0, targets="q_proj,c_attn")
    with pytest.raises(ModelError, match="no name is given"):
        causal_policy(base, rank=4, seed=0, targets=" , ")


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule": "cosine", "warmup": 0.5},
        {"schedule": "constant", "warmup": 0.0},
        {"precision": "bfloat16"},
        {"gradient_checkpointing": "on"},
    ],
    ids=str,
)
def test_each_setting_trains_and_what_is_saved_is_what_was_trained(
    base: ModelRef, tmp_path: Path, changes: dict[str, Any]
) -> None:
    steps = Steps()
    result = run(base, tmp_path, steps, replace(CONFIG, epochs=1, **changes))
    rates = [metrics.values["learning_rate"] for metrics in steps.seen]
    assert steps.losses[5] != steps.losses[1]
    assert result.facts["reload_difference"] < 0.05
    if changes.get("schedule") == "constant":
        assert set(rates) == {0.01}
    if changes.get("warmup") == 0.5:
        assert rates[0] == 0.0
        assert max(rates) == rates[2]


def test_recomputing_activations_changes_no_loss(base: ModelRef, tmp_path: Path) -> None:
    plain, recomputed = Steps(), Steps()
    run(base, tmp_path / "a", plain, replace(CONFIG, epochs=1))
    run(base, tmp_path / "b", recomputed, replace(CONFIG, epochs=1, gradient_checkpointing="on"))
    assert recomputed.losses == pytest.approx(plain.losses, abs=1e-6)


def test_an_adapter_that_was_not_saved_as_trained_fails_loudly(base: ModelRef, tmp_path: Path) -> None:
    result = run(base, tmp_path, Steps())
    model = AutoModelForCausalLM.from_pretrained(base.base)
    trained = PeftModel.from_pretrained(model, result.snapshots[-1].folder)
    with torch.no_grad():
        next(p for name, p in trained.named_parameters() if "lora_B" in name).add_(0.5)
    with pytest.raises(ModelError, match="apart from the model just trained"):
        reload_difference(trained, result.snapshots[-1].folder, rows_of(4))


def test_log_probabilities_do_not_depend_on_the_batch(base: ModelRef) -> None:
    model, rows = LlamaForCausalLM.from_pretrained(base.base), rows_of(6)
    alone = torch.cat([answer_logprobs(model, [row]) for row in rows])
    assert torch.allclose(answer_logprobs(model, rows), alone, atol=1e-5)


def test_tokens_a_second_leave_out_what_happens_between_steps() -> None:
    class Looks:
        over = False

        def __call__(self, *_: Any) -> dict[str, float]:
            return {}

    clock, seen = iter([0.0, 10.0, 12.0, 100.0, 105.0, 105.0]), Steps()
    reporter = Reporter(seen, evaluate=Looks(), clock=lambda: next(clock))
    state: Any = type("State", (), {"global_step": 1, "max_steps": 9})
    control: Any = type("Control", (), {"should_training_stop": False})
    reporter.on_train_begin(None, state, control)  # at 10
    reporter.on_log(None, state, control, {"loss": 1.0, "num_tokens": 50}, model=None)  # 12, told by 100
    reporter.on_log(None, state, control, {"loss": 1.0, "num_tokens": 80}, model=None)  # 105
    assert [metrics.values["tokens_per_second"] for metrics in seen.seen] == [25.0, 6.0]
