from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM

from cai_core.config import SftConfig
from cai_core.errors import RunError
from cai_core.models.rendering import Renderer
from cai_core.training import pairs
from cai_core.training.checkpoints import checkpoints_folder
from cai_core.training.lora import causal_policy
from cai_core.training.sft import IGNORED, sft_trainer, tokenised, train_sft
from cai_core.types import (
    Comparison,
    Example,
    LabelledComparison,
    ModelRef,
    Prompt,
    PromptKind,
    Split,
    TrainingResult,
    assistant,
    user,
)
from tests.cai_core.training.tiny import KilledError, Steps, examples, same, tiny_tokenizer, weights

CONFIG = SftConfig(learning_rate=0.01, batch_size=4, lora_rank=4, epochs=2, checkpoint_every=4)
TWO_TURNS = Example(
    (user("say red"), assistant("red red"), user("why"), assistant("good blue")), PromptKind.HELPFUL, "x"
)


def run(
    base: ModelRef, folder: Path, on_step: Steps, config: SftConfig = CONFIG, rows: list[Example] | None = None
) -> TrainingResult:
    return train_sft(config, rows or examples(24), start=base, folder=folder, seed=3, on_step=on_step)


def test_loss_falls_on_the_last_turn_and_its_end_alone() -> None:
    tokenizer = tiny_tokenizer()
    row = tokenised(TWO_TURNS, Renderer(tokenizer))
    assert tokenizer.convert_ids_to_tokens(row["input_ids"])[:5] == [
        "<|user|>",
        "say",
        "red",
        "<|end|>",
        "<|assistant|>",
    ]
    kept = [label for label in row["labels"] if label != IGNORED]
    assert tokenizer.convert_ids_to_tokens(kept) == ["good", "blue", "<|end|>"]
    assert row["labels"][-3:] == row["input_ids"][-3:]
    messages = [{"role": turn.role.value, "content": turn.content} for turn in TWO_TURNS.turns]
    assert row["input_ids"] == tokenizer.apply_chat_template(messages, return_dict=True)["input_ids"]


def test_without_a_chat_template_too() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    kept = [label for label in tokenised(TWO_TURNS, Renderer(tokenizer))["labels"] if label != IGNORED]
    assert tokenizer.convert_ids_to_tokens(kept) == ["good", "blue", "<|end|>"]


def test_what_is_learnt_is_what_a_preference_model_reads() -> None:
    """Up to the token that ends the turn, with a template and without."""
    for template in (tiny_tokenizer().chat_template, None):
        tokenizer = tiny_tokenizer()
        tokenizer.chat_template = template
        renderer = Renderer(tokenizer)
        turns = TWO_TURNS.turns
        comparison = Comparison(Prompt("x", turns[:-1], PromptKind.HELPFUL, Split.TRAIN, "test"), "good blue", "bad")
        pair = pairs.tokenised([LabelledComparison(comparison, 0.9, "test")], renderer)[0]
        assert tokenised(TWO_TURNS, renderer)["input_ids"] == pair.a


def test_the_trainer_computes_the_loss_of_those_tokens(base: ModelRef, tmp_path: Path) -> None:
    """By hand: mean cross-entropy over the answers' tokens of the first batch, at the start weights."""
    steps = Steps(stop_at=1)
    run(base, tmp_path, steps)
    model = LlamaForCausalLM.from_pretrained(base.base)
    tokenizer = tiny_tokenizer()
    policy, _ = causal_policy(base, rank=4, seed=3)
    rows = [tokenised(example, Renderer(tokenizer)) for example in examples(24)]
    trainer, _ = sft_trainer(CONFIG, rows, policy, tokenizer, tmp_path / "again", 3, Steps())
    losses = []
    for row in list(trainer.train_dataset)[:4]:
        logits = model(input_ids=torch.tensor([row["input_ids"]])).logits[0, :-1]
        labels = torch.tensor(row["labels"][1:])
        losses.append(torch.nn.functional.cross_entropy(logits, labels, reduction="none")[labels != IGNORED])
    assert steps.losses[1] == pytest.approx(torch.cat(losses).mean().item(), abs=1e-4)


def test_it_learns_and_leaves_a_snapshot(base: ModelRef, tmp_path: Path) -> None:
    steps = Steps()
    before = {path.name: path.read_bytes() for path in Path(base.base).iterdir()}
    result = run(base, tmp_path, steps)
    assert [(m.step, m.total) for m in steps.seen] == [(i, 12) for i in range(1, 13)]
    assert steps.losses[12] < steps.losses[1]
    assert [snapshot.step for snapshot in result.snapshots] == [12]
    assert all("lora_" in name for name in weights(result.snapshots[-1].folder))
    assert result.facts["trained"] == 24
    assert result.facts["steps"] == 12
    assert before == {path.name: path.read_bytes() for path in Path(base.base).iterdir()}


def test_only_the_adapter_changes(base: ModelRef, tmp_path: Path) -> None:
    policy, tokenizer = causal_policy(base, rank=4, seed=3)
    before = {name: parameter.clone() for name, parameter in policy.named_parameters()}
    rows = [tokenised(example, Renderer(tokenizer)) for example in examples(8)]
    trainer, _ = sft_trainer(CONFIG, rows, policy, tokenizer, tmp_path, 3, Steps())
    trainer.train()
    changed = {name for name, parameter in policy.named_parameters() if not torch.equal(parameter, before[name])}
    assert changed
    assert all("lora_" in name for name in changed)


def test_too_long_ones_are_left_out_and_counted(base: ModelRef, tmp_path: Path) -> None:
    long = Example((user("say"), assistant(" ".join(["red"] * 40))), PromptKind.RED_TEAM, "long")
    config = replace(CONFIG, max_length=16, epochs=1)
    result = run(base, tmp_path, Steps(), config, [*examples(4), long])
    assert result.facts["trained"] == 4
    assert result.facts["left_out"] == {"too_long": 1}
    with pytest.raises(RunError, match="none of the 1 examples has at most 16 tokens"):
        run(base, tmp_path / "none", Steps(), config, [long])


def test_done_is_done(base: ModelRef, tmp_path: Path) -> None:
    first = run(base, tmp_path, Steps())
    again = Steps()
    assert run(base, tmp_path, again) == first
    assert again.seen == []


@pytest.fixture(scope="module")
def whole(base: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingResult, Steps]:
    """A run nobody disturbed."""
    steps = Steps()
    torch.set_num_threads(1)
    return run(base, tmp_path_factory.mktemp("whole"), steps), steps


@pytest.mark.parametrize("at", [3, 4, 6, 9])
def test_stopped_and_resumed_it_ends_the_same(
    base: ModelRef, tmp_path: Path, whole: tuple[TrainingResult, Steps], at: int
) -> None:
    result, steps = whole
    first, then = Steps(stop_at=at), Steps()
    stopped = run(base, tmp_path, first)
    assert stopped.stopped
    assert stopped.snapshots == ()
    resumed = run(base, tmp_path, then)
    assert [metrics.step for metrics in then.seen] == list(range(at + 1, 13))
    assert {**first.losses, **then.losses} == steps.losses
    assert same(weights(resumed.snapshots[-1].folder), weights(result.snapshots[-1].folder))


def test_killed_while_a_checkpoint_was_written_it_ends_the_same(
    base: ModelRef, tmp_path: Path, whole: tuple[TrainingResult, Steps]
) -> None:
    with pytest.raises(KilledError):
        run(base, tmp_path, Steps(die_at=10))
    cut_short = checkpoints_folder(tmp_path) / "checkpoint-8"
    (cut_short / "complete").unlink()
    (cut_short / "optimizer.pt").unlink()
    then = Steps()
    resumed = run(base, tmp_path, then)
    assert then.seen[0].step == 5
    assert same(weights(resumed.snapshots[-1].folder), weights(whole[0].snapshots[-1].folder))


def test_killed_after_its_last_checkpoint_nothing_is_trained_again(base: ModelRef, tmp_path: Path) -> None:
    run(base, tmp_path, Steps())
    last = weights(tmp_path / "snapshots" / "step-12")
    (tmp_path / "result.json").unlink()
    then = Steps()
    assert run(base, tmp_path, then).facts["steps"] == 12
    assert then.seen == []
    assert same(last, weights(tmp_path / "snapshots" / "step-12"))


def test_a_step_in_parts_is_the_same_step(base: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, in_parts = Steps(stop_at=3), Steps(stop_at=3)
    run(base, tmp_path / "at_once", at_once)
    monkeypatch.setattr("cai_core.training.sft.micro_batch", lambda rows, parameters: (2, rows // 2))
    run(base, tmp_path / "in_parts", in_parts)
    assert in_parts.losses == pytest.approx(at_once.losses, rel=1e-4)


def test_it_goes_on_from_an_adapter(sl_cai: ModelRef, tmp_path: Path) -> None:
    steps = Steps()
    result = run(sl_cai, tmp_path, steps, replace(CONFIG, learning_rate=1e-9))
    before, after = weights(str(sl_cai.adapter)), weights(result.snapshots[-1].folder)
    assert before.keys() == after.keys()
    assert all(torch.allclose(before[name], after[name], atol=1e-6) for name in before)
